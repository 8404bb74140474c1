//! The stream, the key, heartbeats, and what is told of them.

use super::*;

fn unavailable(message: &str) -> StateChange {
    StateChange::StreamUnavailable { message: message.to_owned(), hint: None }
}

fn no_key(message: &str) -> StateChange {
    StateChange::KeyUnavailable { message: message.to_owned(), hint: None }
}

fn usable() -> Result<StreamStatus, Failure> {
    Ok(StreamStatus::Usable { warning: None })
}

fn pending(state: &str) -> Result<StreamStatus, Failure> {
    Ok(StreamStatus::Pending(state.to_owned()))
}

fn retry(message: &str) -> Failure {
    failure(FailureKind::Retry, message)
}

#[test]
fn stream_and_key_are_asked_for_together_and_batches_wait_for_both() {
    let mut rig = Rig::cold(&reloadable());
    assert_eq!((rig.looks, rig.generates.len()), (1, 1));
    rig.submit(1, &[GOOD]);
    assert!(rig.seals.is_empty() && !rig.machine.progress(rig.now).ready);
    rig.got_key(Ok(key(1)));
    rig.seal_all();
    assert!(rig.puts.is_empty() && rig.reports().is_empty());
    rig.found(usable());
    assert_eq!(rig.sent(), [[1]]);
    assert_eq!(rig.states(), [StateChange::Streaming]);
    rig.store_all();
    assert_eq!(rig.acked(), Some(1));
}

#[test]
fn a_stream_that_is_being_made_is_looked_at_again_and_told_once() {
    let mut rig = Rig::cold(&reloadable());
    rig.got_key(Ok(key(1)));
    let mut times = Vec::new();
    for _ in 0..6 {
        times.push(rig.now);
        rig.found(pending("CREATING"));
        rig.now = rig.machine.deadline(rig.now).unwrap();
        rig.step();
    }
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps, [200 * MS, 300 * MS, 450 * MS, 675 * MS, SECOND]);
    rig.found(usable());
    let creating = StateChange::StreamPending { state: "CREATING".to_owned() };
    assert_eq!(rig.states(), [creating, StateChange::Streaming]);
}

#[test]
fn looks_that_fail_are_repeated_with_growing_pauses() {
    let mut rig = Rig::cold(&reloadable());
    rig.got_key(Ok(key(1)));
    for round in 0..30 {
        let before = rig.now;
        rig.found(Err(retry(&format!("request {round}"))));
        rig.now = rig.machine.deadline(rig.now).unwrap();
        assert!(rig.now - before <= (200 * MS * 2_u32.pow(round.min(10))).min(5 * SECOND));
        rig.step();
    }
    assert_eq!(rig.states()[0], unavailable("request 0"));
}

#[test]
fn a_stream_that_is_gone_is_looked_after_before_anything_is_sent_again() {
    let mut rig = Rig::warm(&reloadable());
    rig.submit(1, &[GOOD]);
    rig.submit(2, &[GOOD]);
    rig.answer(Err(failure(FailureKind::StreamGone, "no such stream")));
    rig.pass(10 * SECOND);
    assert_eq!(rig.puts.len(), 1, "only the other one that was under way");
    rig.found(pending("CREATING"));
    rig.answer(Err(failure(FailureKind::StreamGone, "no such stream")));
    assert_eq!(rig.looks, 0, "that is known");
    rig.pass(SECOND);
    rig.found(usable());
    assert_eq!(rig.sent(), [[1]], "one to see whether it is there again");
    let creating = StateChange::StreamPending { state: "CREATING".to_owned() };
    assert_eq!(rig.states(), [unavailable("no such stream"), creating]);
    rig.store_all();
    assert_eq!(rig.states(), [StateChange::Streaming], "by a stored record, not by a look");
}

#[test]
fn looks_and_requests_that_contradict_each_other_do_not_chase_each_other() {
    let mut rig = Rig::warm(&reloadable());
    rig.submit(1, &[GOOD]);
    let mut requests = 0;
    while rig.now < 60 * SECOND {
        if rig.looks > 0 {
            rig.found(usable());
        }
        if !rig.puts.is_empty() {
            requests += 1;
            rig.answer(Err(failure(FailureKind::StreamGone, "gone")));
        }
        rig.pass(MS);
    }
    assert!(requests < 100, "{requests}");
    assert_eq!(rig.states(), [unavailable("gone")]);
}

#[test]
fn one_failed_request_is_no_news_but_rounds_of_them_are_told_once() {
    let mut rig = Rig::warm(&reloadable());
    rig.submit(1, &[GOOD]);
    for round in 0..10 {
        rig.answer(Err(retry("out of reach")));
        assert_eq!(rig.states(), if round == 2 { vec![unavailable("out of reach")] } else { vec![] });
        rig.pass(if round < 2 { 100 * MS } else { 5 * SECOND });
    }
    rig.store_all();
    assert_eq!(rig.states(), [StateChange::Streaming]);
    rig.submit(2, &[GOOD]);
    rig.answer(Err(retry("a hiccup")));
    rig.pass(SECOND);
    rig.store_all();
    assert_eq!(rig.states(), []);
}

#[test]
fn a_request_that_takes_long_to_fail_is_told_at_once_unless_others_were_stored_meanwhile() {
    let mut rig = Rig::warm(&reloadable());
    rig.submit(1, &[GOOD]);
    rig.pass(3 * SECOND);
    rig.submit(2, &[GOOD]);
    rig.answer_nth(1, Ok(vec![Outcome::Stored]));
    rig.pass(3 * SECOND);
    rig.answer(Err(retry("timed out")));
    assert_eq!(rig.states(), []);
    rig.pass(SECOND);
    rig.pass(3 * SECOND);
    rig.answer(Err(retry("timed out")));
    assert_eq!(rig.states(), [unavailable("timed out")]);
}

#[test]
fn a_key_that_cannot_be_had_is_told_once_and_asked_for_again() {
    let mut rig = Rig::cold(&reloadable());
    rig.found(usable());
    rig.submit(1, &[GOOD]);
    for round in 0..20_u32 {
        let before = rig.now;
        rig.got_key(Err(retry("access denied")));
        while rig.generates.is_empty() {
            rig.now = rig.machine.deadline(rig.now).unwrap();
            rig.step();
        }
        assert!(rig.now - before <= (200 * MS * 2_u32.pow(round.min(10))).min(30 * SECOND));
    }
    rig.got_key(Ok(key(1)));
    rig.seal_all();
    assert_eq!(rig.sent(), [[1]]);
    assert_eq!(rig.states(), [no_key("access denied"), StateChange::KeyAvailable, StateChange::Streaming]);
}

#[test]
fn an_old_key_serves_while_the_next_one_is_asked_for() {
    let mut rig = Rig::warm(&reloadable());
    rig.pass(3600 * SECOND);
    rig.submit(1, &[GOOD]);
    assert_eq!(rig.sent(), [[1]]);
    rig.got_key(Err(retry("out of reach")));
    rig.submit(2, &[GOOD]);
    assert_eq!(rig.puts.len(), 2);
    let warning = "no new data key could be had, the one in use serves on: out of reach";
    assert_eq!(rig.states(), [StateChange::StreamWarning(warning.to_owned())]);
    rig.pass(30 * SECOND);
    rig.store_all();
    rig.submit(3, &[GOOD]);
    rig.got_key(Ok(key(2)));
    rig.machine.submit(batch(4, &[GOOD]));
    rig.step();
    assert_eq!(rig.seals[0].2, 2);
    assert_eq!(rig.states(), [StateChange::KeyAvailable]);
}

#[test]
fn beyond_its_grace_a_key_is_not_used_and_records_wait() {
    let mut rig = Rig::warm(&reloadable());
    rig.pass(25 * 3600 * SECOND);
    rig.submit(1, &[GOOD]);
    assert!(rig.puts.is_empty() && !rig.machine.progress(rig.now).ready);
    rig.got_key(Err(retry("out of reach")));
    assert_eq!(rig.states(), [no_key("out of reach")]);
}

#[test]
fn keys_from_elsewhere_replace_the_key_in_use_at_once() {
    let mut rig = Rig::warm(&reloadable());
    rig.machine.source_changed();
    rig.step();
    rig.submit(1, &[GOOD]);
    assert!(rig.puts.is_empty() && rig.seals.is_empty());
    assert_eq!(rig.machine.progress(rig.now).key_since, None);
    rig.got_key(Ok(key(2)));
    assert_eq!(rig.seals[0].2, 2);
}

#[test]
fn an_answer_of_the_former_source_of_keys_is_not_used() {
    let mut rig = Rig::cold(&reloadable());
    rig.found(usable());
    rig.submit(1, &[GOOD]);
    rig.machine.source_changed();
    rig.step();
    assert_eq!(rig.generates.len(), 2);
    rig.got_key(Ok(key(1)));
    assert!(rig.seals.is_empty());
    rig.got_key(Ok(key(2)));
    assert_eq!(rig.seals[0].2, 2);
}

fn beating() -> Reloadable {
    Reloadable { heartbeat_interval: Some(10 * SECOND), ..reloadable() }
}

#[test]
fn heartbeats_keep_their_cadence_whatever_else_is_sent() {
    let mut rig = Rig::warm(&beating());
    let mut times = Vec::new();
    for sequence in 1..=350 {
        rig.submit(sequence, &[GOOD]);
        rig.pass(100 * MS);
        if rig.heartbeats_to_seal > 0 {
            times.push(rig.now);
            rig.seal_all();
        }
        rig.store_all();
    }
    assert_eq!(times, [10 * SECOND, 20 * SECOND, 30 * SECOND]);
    let progress = rig.machine.progress(rig.now);
    assert_eq!((progress.heartbeats, progress.records), (3, 350));
    assert_eq!(rig.acked(), Some(350));
}

#[test]
fn a_heartbeat_is_a_record_of_its_own_and_goes_before_waiting_events() {
    let mut rig = Rig::warm(&Reloadable { max_in_flight: 1, ..beating() });
    (1..=3).for_each(|sequence| rig.submit(sequence, &[GOOD]));
    rig.pass(10 * SECOND);
    rig.seal_all();
    rig.answer(Ok(vec![Outcome::Stored]));
    assert_eq!(rig.puts[0].1.iter().map(|record| record.data.len()).collect::<Vec<_>>(), [9, 40, 40]);
}

#[test]
fn a_failed_heartbeat_is_not_sent_again_and_none_queue_up() {
    let mut rig = Rig::warm(&beating());
    rig.pass(10 * SECOND);
    rig.seal_all();
    rig.pass(35 * SECOND);
    assert_eq!((rig.puts.len(), rig.heartbeats_to_seal), (1, 0), "one at a time");
    rig.answer(Err(failure(FailureKind::StreamGone, "gone")));
    rig.pass(100 * SECOND);
    assert!(rig.puts.is_empty() && rig.heartbeats_to_seal == 0);
    rig.found(usable());
    assert!(rig.puts.is_empty() && rig.heartbeats_to_seal == 0, "those left out are not made up for");
    rig.pass(10 * SECOND);
    assert_eq!(rig.heartbeats_to_seal, 1);
    rig.seal_all();
    rig.store_all();
    assert_eq!(rig.states(), [unavailable("gone"), StateChange::Streaming]);
    assert_eq!(rig.machine.progress(rig.now).heartbeats, 1);
}

#[test]
fn a_reload_takes_effect_at_once() {
    let mut rig = Rig::warm(&reloadable());
    assert_eq!(rig.machine.deadline(rig.now), None, "nothing to do, nothing to wake for");
    rig.machine.reconfigure(&beating(), rig.now);
    rig.pass(10 * SECOND);
    assert_eq!(rig.heartbeats_to_seal, 1);
    rig.machine
        .reconfigure(&Reloadable { max_in_flight: 0, data_key_max_age: SECOND, ..reloadable() }, rig.now);
    rig.submit(1, &[GOOD]);
    assert_eq!((rig.puts.len(), rig.generates.len()), (1, 1), "one request, and a new key");
    rig.pass(100 * SECOND);
    assert_eq!(rig.heartbeats_to_seal, 0);
}
