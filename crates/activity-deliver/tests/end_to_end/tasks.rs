//! The driver: panics, hanging calls, bounds, reloads, the end.

use std::sync::Arc;
use std::time::Duration;

use activity_deliver::{Reloadable, Report, StateChange};

use crate::fakes::{LIMIT, Memory, Mood, Named, Rig, batch, event, reloadable};

#[tokio::test(start_paused = true)]
async fn a_call_that_panics_or_loses_its_answer_is_repeated() {
    let moods = [Mood::LoseAnswer, Mood::Panic, Mood::Panic];
    let mut rig = Rig::start(reloadable(), Memory::with_moods(&moods), Named(1));
    rig.handle.try_submit(batch(1, &[event("select 1")])).unwrap();
    rig.acked(1).await;
    assert_eq!(rig.stream.sequences(), [[1], [1]], "twice, as an answer was lost");
    assert_eq!(rig.handle.snapshot().retries, 3);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_holds_up_nobody_but_the_acknowledgement() {
    let mut rig = Rig::start(reloadable(), Memory::with_moods(&[Mood::Hang]), Named(1));
    rig.ready().await;
    rig.handle.try_submit(batch(1, &[event("select 1")])).unwrap();
    rig.counted("first request", |now| now.in_flight == 1).await;
    for sequence in 2..=20 {
        rig.ready().await;
        rig.handle.try_submit(batch(sequence, &[event("select 2")])).unwrap();
    }
    rig.counted("others", |now| now.records == 19).await;
    assert_eq!((rig.last_acked(), rig.handle.snapshot().queued), (0, 1));
    assert!(!rig.handle.is_idle());
}

#[tokio::test(start_paused = true)]
async fn what_is_submitted_while_the_stream_is_not_ready_is_bounded_and_sent_later() {
    let stream = Memory::new();
    stream.0.usable.send_replace(false);
    let mut rig = Rig::start(reloadable(), stream, Named(1));
    let (text, mut sequence) = ("x".repeat(100_000), 0);
    while rig.handle.has_room() {
        sequence += 1;
        rig.handle.try_submit(batch(sequence, &[event(&text)])).unwrap();
        assert!(sequence < 1000, "no bound");
    }
    let refused = batch(sequence + 1, &[event("select 1")]);
    assert_eq!(rig.handle.try_submit(refused.clone()), Err(Box::new(refused.clone())));
    rig.until("the stream's state", |rig| !rig.reports.is_empty()).await;
    assert!(!rig.handle.has_room() && !rig.handle.can_send_now() && !rig.handle.is_idle());
    rig.stream.0.usable.send_replace(true);
    rig.until("room", |rig| rig.handle.has_room()).await;
    rig.handle.try_submit(refused).unwrap();
    rig.acked(sequence + 1).await;
    assert!(rig.handle.is_idle());
    let states: Vec<_> = rig.reports.iter().filter(|r| matches!(r, Report::State(_))).cloned().collect();
    let creating = StateChange::StreamPending { state: "CREATING".to_owned() };
    assert_eq!(states, [Report::State(creating), Report::State(StateChange::Streaming)]);
}

#[tokio::test(start_paused = true)]
async fn room_that_comes_without_an_acknowledgement_wakes_too() {
    let moods = [Mood::Hang, Mood::Store, Mood::Hang];
    let mut rig = Rig::start(reloadable(), Memory::with_moods(&moods), Named(1));
    rig.ready().await;
    let text = "x".repeat(100_000);
    rig.handle.try_submit(batch(1, &[event(&text)])).unwrap();
    rig.counted("first request", |now| now.in_flight == 1).await;
    let mut sequence = 1;
    while rig.handle.has_room() {
        sequence += 1;
        rig.handle.try_submit(batch(sequence, &[event(&text)])).unwrap();
    }
    rig.until("room", |rig| rig.handle.has_room()).await;
    assert!(rig.last_acked() == 0 && !rig.handle.can_send_now());
}

#[tokio::test(start_paused = true)]
async fn the_caller_is_woken_once_for_a_batch_and_for_a_slot_only_if_it_looked_for_one() {
    let moods = [Mood::Hang, Mood::Store, Mood::Store, Mood::Store];
    let mut rig = Rig::start(reloadable(), Memory::with_moods(&moods), Named(1));
    rig.ready().await;
    for sequence in 1..=3 {
        let before = rig.wakes();
        rig.handle.try_submit(batch(sequence, &[event("select 1")])).unwrap();
        rig.acked(sequence).await;
        assert_eq!(rig.wakes() - before, 1, "for the acknowledgement, and not when it was sent");
    }
    rig.handle.try_submit(batch(4, &[event("select 1")])).unwrap();
    let before = rig.wakes();
    rig.ready().await;
    assert_eq!((rig.wakes() - before, rig.last_acked()), (1, 3), "for the slot alone");
}

#[tokio::test(start_paused = true)]
async fn other_keys_are_waited_for_and_used() {
    let mut rig = Rig::start(reloadable(), Memory::new(), Named(1));
    rig.ready().await;
    rig.handle.set_keys(Arc::new(Named(0)));
    rig.counted("loss of the key", |now| now.key_age.is_none()).await;
    rig.handle.try_submit(batch(1, &[event("select 1")])).unwrap();
    tokio::time::sleep(LIMIT).await;
    assert_eq!(rig.stream.sequences().len(), 0);
    rig.handle.set_keys(Arc::new(Named(2)));
    rig.acked(1).await;
    assert_eq!(rig.stream.sequences(), [[1]]);
}

#[tokio::test(start_paused = true)]
async fn more_requests_may_be_made_after_a_reload() {
    let moods = [Mood::Hang; 2];
    let mut rig = Rig::start(reloadable(), Memory::with_moods(&moods), Named(1));
    for sequence in 1..=3 {
        rig.ready().await;
        rig.handle.try_submit(batch(sequence, &[event("select 1")])).unwrap();
        if sequence == 2 {
            rig.counted("both requests", |now| now.in_flight == 2).await;
            assert!(!rig.handle.can_send_now());
            rig.handle.reconfigure(Reloadable { max_in_flight: 3, ..reloadable() });
        }
    }
    rig.counted("third", |now| now.records == 1).await;
}

#[tokio::test(start_paused = true)]
async fn dropping_the_handle_ends_everything_that_was_started() {
    let mut rig = Rig::start(reloadable(), Memory::with_moods(&[Mood::Hang]), Named(1));
    rig.ready().await;
    rig.handle.try_submit(batch(1, &[event("select 1")])).unwrap();
    rig.counted("request", |now| now.in_flight == 1).await;
    let state = Arc::downgrade(&rig.stream.0);
    drop(rig);
    let deadline = tokio::time::Instant::now() + LIMIT;
    while state.strong_count() > 0 {
        assert!(tokio::time::Instant::now() < deadline, "a task lives on");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn a_runtime_that_ends_under_the_handle_gives_batches_back() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let rig = runtime.block_on(async { Rig::start(reloadable(), Memory::new(), Named(1)) });
    drop(runtime);
    let refused = batch(1, &[event("select 1")]);
    assert!(!rig.handle.is_running() && !rig.handle.has_room());
    assert_eq!(rig.handle.try_submit(refused.clone()), Err(Box::new(refused)));
}

/// As the worker does it: another thread, no waiting in between.
#[test]
fn a_thread_that_submits_as_fast_as_it_can_gets_everything_acknowledged() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let mut rig = runtime.block_on(async { Rig::start(reloadable(), Memory::new(), Named(1)) });
    let (started, payload, mut sequence, mut acked) = (std::time::Instant::now(), event("select 1"), 0, 0);
    while acked < 1000 {
        assert!(started.elapsed() < LIMIT, "{:?}", rig.handle.snapshot());
        while sequence < 1000 && rig.handle.has_room() {
            sequence += 1;
            rig.handle.try_submit(batch(sequence, std::slice::from_ref(&payload))).unwrap();
        }
        match rig.handle.next_report() {
            Some(Report::Acked(report)) => acked = report.last_sequence,
            Some(Report::Durable { .. } | Report::State(StateChange::Streaming)) => {}
            Some(other) => panic!("{other:?}"),
            None => std::thread::yield_now(),
        }
    }
    // Reports are published before the counters: who reads the last one at once may see it as not finished yet.
    while !rig.handle.is_idle() {
        assert!(started.elapsed() < LIMIT, "{:?}", rig.handle.snapshot());
        std::thread::yield_now();
    }
    let mut all = rig.stream.sequences().concat();
    all.sort_unstable();
    assert_eq!(all, (1..=1000).collect::<Vec<_>>());
}
