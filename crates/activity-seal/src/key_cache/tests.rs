use proptest::prelude::*;

use super::*;

const POLICY: Policy = Policy {
    max_age: Duration::from_secs(3600),
    max_bytes: 1_000_000,
    hard_max_age: Duration::from_secs(24 * 3600),
};
const PAUSE: Duration = Duration::from_secs(5);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A key that is told from others by its ciphertext.
fn key(name: u8) -> DataKey {
    DataKey::new(&[9; 32], vec![name]).unwrap()
}

fn name(key: &DataKey) -> u8 {
    key.ciphertext_blob()[0]
}

/// A decision as a text: `use 1`, `refresh 1`, `need`, `wait`, `wait 5s`.
fn said(decision: &Decision) -> String {
    match decision {
        Decision::Use(key) => format!("use {}", name(key)),
        Decision::UseAndRefresh(key) => format!("refresh {}", name(key)),
        Decision::Need => "need".to_owned(),
        Decision::Wait { until: None } => "wait".to_owned(),
        Decision::Wait { until: Some(until) } => format!("wait {until:?}"),
    }
}

fn poll(cache: &mut KeyCache, now: u64) -> String {
    said(&cache.poll(seconds(now)))
}

/// A cache that got key 1 at second 0.
fn with_key() -> KeyCache {
    let mut cache = KeyCache::new(POLICY);
    assert_eq!(poll(&mut cache, 0), "need");
    cache.generated(key(1), seconds(0));
    cache
}

#[test]
fn the_first_key_is_asked_for_once_and_then_used() {
    let mut cache = KeyCache::new(POLICY);
    assert_eq!(poll(&mut cache, 0), "need");
    assert_eq!(poll(&mut cache, 0), "wait");
    assert_eq!(poll(&mut cache, 100), "wait");
    assert_eq!(cache.age(seconds(100)), None);
    cache.generated(key(1), seconds(101));
    assert_eq!(poll(&mut cache, 101), "use 1");
    assert_eq!(cache.age(seconds(104)), Some(seconds(3)));
}

#[test]
fn a_failed_first_attempt_is_repeated_after_its_pause() {
    let mut cache = KeyCache::new(POLICY);
    assert_eq!(poll(&mut cache, 0), "need");
    cache.failed(seconds(10), PAUSE);
    assert_eq!(poll(&mut cache, 10), "wait 15s");
    assert_eq!(poll(&mut cache, 14), "wait 15s");
    assert_eq!(poll(&mut cache, 15), "need");
    assert_eq!(poll(&mut cache, 15), "wait");
}

#[test]
fn a_key_is_rotated_by_age_while_it_serves_on() {
    let mut cache = with_key();
    assert_eq!(poll(&mut cache, 3599), "use 1");
    assert_eq!(poll(&mut cache, 3600), "refresh 1");
    assert_eq!(poll(&mut cache, 3600), "use 1", "one attempt at a time");
    cache.generated(key(2), seconds(3602));
    assert_eq!(poll(&mut cache, 3602), "use 2");
    assert_eq!(poll(&mut cache, 3602 + 3599), "use 2");
    assert_eq!(poll(&mut cache, 3602 + 3600), "refresh 2");
}

#[test]
fn a_key_is_rotated_by_bytes_and_the_next_one_starts_from_nothing() {
    let mut cache = with_key();
    cache.sealed(999_999);
    assert_eq!(poll(&mut cache, 1), "use 1");
    cache.sealed(1);
    assert_eq!(poll(&mut cache, 1), "refresh 1");
    cache.sealed(usize::MAX);
    assert_eq!(poll(&mut cache, 2), "use 1");
    cache.generated(key(2), seconds(2));
    assert_eq!(poll(&mut cache, 2), "use 2");
    cache.sealed(1_000_000);
    assert_eq!(poll(&mut cache, 3), "refresh 2");
}

#[test]
fn while_kms_is_out_of_reach_the_old_key_serves_on_to_the_hard_limit() {
    let mut cache = with_key();
    let mut attempts = 0;
    for now in 0..24 * 3600 {
        match cache.poll(seconds(now)) {
            Decision::Use(key) => assert_eq!(name(&key), 1),
            Decision::UseAndRefresh(key) => {
                assert_eq!(name(&key), 1);
                attempts += 1;
                cache.failed(seconds(now), PAUSE);
            }
            other => panic!("no key at second {now}: {other:?}"),
        }
    }
    assert_eq!(attempts, 23 * 3600 / 5);
    assert_eq!(poll(&mut cache, 24 * 3600), "need", "given up at the hard limit");
    cache.failed(seconds(24 * 3600), PAUSE);
    assert_eq!(poll(&mut cache, 24 * 3600 + 1), "wait 86405s");
    assert_eq!(poll(&mut cache, 24 * 3600 + 5), "need");
    cache.generated(key(2), seconds(90_000));
    assert_eq!(poll(&mut cache, 90_000), "use 2");
}

#[test]
fn a_key_given_up_during_an_attempt_leaves_only_the_wait_for_it() {
    let mut cache = with_key();
    assert_eq!(poll(&mut cache, 86_399), "refresh 1");
    assert_eq!(poll(&mut cache, 86_400), "wait");
    cache.generated(key(2), seconds(86_401));
    assert_eq!(poll(&mut cache, 86_401), "use 2");
}

#[test]
fn a_key_given_up_is_dropped_with_its_last_user() {
    let mut cache = with_key();
    let Decision::Use(used) = cache.poll(seconds(1)) else { panic!("there is a key") };
    assert_eq!(Arc::strong_count(&used), 2);
    assert_eq!(poll(&mut cache, 86_400), "need");
    assert_eq!(Arc::strong_count(&used), 1);
}

#[test]
fn another_source_replaces_the_key_at_once_and_ends_a_pause() {
    let mut cache = with_key();
    cache.source_changed();
    assert_eq!(poll(&mut cache, 1), "refresh 1");
    cache.failed(seconds(1), PAUSE);
    assert_eq!(poll(&mut cache, 2), "use 1");
    cache.source_changed();
    assert_eq!(poll(&mut cache, 2), "refresh 1");
    cache.generated(key(2), seconds(2));
    assert_eq!(poll(&mut cache, 3), "use 2");
}

#[test]
fn a_key_that_the_former_source_gives_late_is_replaced_at_once() {
    let mut cache = KeyCache::new(POLICY);
    assert_eq!(poll(&mut cache, 0), "need");
    cache.source_changed();
    assert_eq!(poll(&mut cache, 0), "wait");
    cache.generated(key(1), seconds(1));
    assert_eq!(poll(&mut cache, 1), "refresh 1");
    cache.generated(key(2), seconds(2));
    assert_eq!(poll(&mut cache, 2), "use 2");
}

#[test]
fn a_new_policy_holds_for_the_key_in_use() {
    let mut cache = with_key();
    cache.set_policy(Policy { max_age: seconds(10), ..POLICY });
    assert_eq!(poll(&mut cache, 9), "use 1");
    assert_eq!(poll(&mut cache, 10), "refresh 1");
}

#[test]
fn a_hard_limit_below_the_soft_one_is_raised_to_it() {
    let mut cache = KeyCache::new(Policy { hard_max_age: seconds(1), ..POLICY });
    assert_eq!(poll(&mut cache, 0), "need");
    cache.generated(key(1), seconds(0));
    assert_eq!(poll(&mut cache, 3599), "use 1");
    assert_eq!(poll(&mut cache, 3600), "need");
}

#[test]
fn messages_are_limited_whatever_the_bytes() {
    let mut cache = with_key();
    let held = cache.held.as_mut().unwrap();
    held.messages = MAX_MESSAGES_PER_KEY / 2;
    assert_eq!(poll(&mut cache, 1), "refresh 1");
    cache.failed(seconds(1), PAUSE);
    cache.held.as_mut().unwrap().messages = MAX_MESSAGES_PER_KEY - 1;
    assert_eq!(poll(&mut cache, 2), "use 1");
    cache.sealed(0);
    assert_eq!(poll(&mut cache, 2), "wait 6s");
}

#[test]
fn a_clock_that_steps_back_does_no_harm() {
    let mut cache = KeyCache::new(POLICY);
    assert_eq!(poll(&mut cache, 1000), "need");
    cache.generated(key(1), seconds(1000));
    assert_eq!(poll(&mut cache, 5), "use 1");
    assert_eq!(cache.age(seconds(5)), Some(Duration::ZERO));
}

/// What can happen to a cache.
#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Sealed(usize),
    Succeed,
    Fail(u64),
    SourceChanged,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..5000_u64).prop_map(Step::Pass),
        (0..400_000_usize).prop_map(Step::Sealed),
        Just(Step::Succeed),
        (0..100_u64).prop_map(Step::Fail),
        Just(Step::SourceChanged),
    ]
}

proptest! {
    /// Whatever happens: one attempt at a time, never a key beyond its hard limit, never a wait without an end.
    #[test]
    fn invariants_hold_in_any_order_of_events(steps in proptest::collection::vec(step(), 1..200)) {
        let mut cache = KeyCache::new(POLICY);
        let (mut now, mut running, mut made, mut made_at) = (0, false, 0_u8, 0);
        for step in steps {
            match step {
                Step::Pass(passed) => now += passed,
                Step::Sealed(bytes) => cache.sealed(bytes),
                Step::SourceChanged => cache.source_changed(),
                Step::Succeed if running => {
                    made = made.wrapping_add(1);
                    made_at = now;
                    running = false;
                    cache.generated(key(made), seconds(now));
                }
                Step::Fail(pause) if running => {
                    running = false;
                    cache.failed(seconds(now), seconds(pause));
                }
                Step::Succeed | Step::Fail(_) => {}
            }
            let decision = cache.poll(seconds(now));
            if let Decision::Use(key) | Decision::UseAndRefresh(key) = &decision {
                prop_assert_eq!(name(key), made);
                prop_assert!(now - made_at < 24 * 3600);
            }
            match decision {
                Decision::Need | Decision::UseAndRefresh(_) => {
                    prop_assert!(!running);
                    running = true;
                }
                Decision::Wait { until: None } => prop_assert!(running),
                Decision::Wait { until: Some(until) } => prop_assert!(!running && until > seconds(now)),
                Decision::Use(_) => {}
            }
        }
    }
}
