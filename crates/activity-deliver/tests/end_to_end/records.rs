//! What arrives on the stream.

use activity_deliver::{Acked, Cause, Counts, Lost, Report, StateChange};
use activity_seal::random::{Random, SystemRandom};
use activity_seal::{Chain, MAX_RECORD_BYTES};

use crate::fakes::{Memory, Named, Rig, batch, event, reloadable};

#[tokio::test]
async fn what_is_submitted_can_be_opened_and_read_at_the_other_end() {
    let mut rig = Rig::start(reloadable(), Memory::new(), Named(1));
    rig.ready().await;
    let events = [event("select 'a'"), b"no event".to_vec(), event("select \"b\"")];
    rig.handle.try_submit(batch(7, &events)).unwrap();
    rig.acked(9).await;

    let opened = rig.stream.opened();
    assert_eq!(opened.len(), 1);
    let record = &opened[0];
    let members = ["clusterId", "instanceId", "epoch"].map(|member| record[member].as_str().unwrap());
    assert_eq!(members, ["cluster-A", "db-B", "000000000000000c"]);
    assert_eq!(record["firstSequence"], 7);
    let list = record["databaseActivityEventList"].as_array().unwrap();
    let read: Vec<_> =
        list.iter().map(|e| (e["sequence"].as_u64().unwrap(), e["commandText"].as_str().unwrap())).collect();
    assert_eq!(read, [(7, "select 'a'"), (9, "select \"b\"")]);
    assert_eq!(list[0]["serverVersion"], "18.1");

    let bytes: usize =
        rig.stream.0.records.lock().unwrap().iter().map(|r| r.data.len() + r.partition_key.len()).sum();
    let lost = Report::Lost(Lost {
        cause: Cause::Refused,
        detail: "unreadable".to_owned(),
        events: Some(1),
        epoch: None,
        sequences: Some((8, 8)),
    });
    let begin = Chain::begin("000000000000000c");
    assert_eq!(record["chain"], begin.to_string());
    let raw = rig.stream.raw();
    let chain = raw[0].iter().fold(begin, |chain, event| chain.then(event.get().as_bytes()));
    let stored = Counts { events: 2, records: 1, bytes: u64::try_from(bytes).unwrap() };
    let spooled = Counts::default();
    let acked = Report::Acked(Acked { through: 9000, last_sequence: 9, chain, stored, spooled });
    let durable = [Report::Durable { through: 0 }, Report::Durable { through: 9000 }];
    rig.reports.retain(|report| !durable.contains(report));
    assert_eq!(rig.reports, [Report::State(StateChange::Streaming), acked, lost]);
    let snapshot = rig.handle.snapshot();
    assert_eq!((snapshot.records, snapshot.queued, snapshot.in_flight, snapshot.retries), (1, 0, 0, 0));
    assert!(snapshot.key_age.is_some() && rig.handle.is_idle());
}

/// Text that gzip can hardly shorten.
fn noise(length: usize) -> String {
    let mut bytes = vec![0; length];
    SystemRandom.fill(&mut bytes).unwrap();
    bytes.iter().map(|byte| char::from(b' ' + byte % 64)).collect()
}

#[tokio::test]
async fn a_batch_too_large_for_one_record_arrives_in_several() {
    let mut rig = Rig::start(reloadable(), Memory::new(), Named(1));
    let events: Vec<_> = (0..4).map(|_| event(&noise(300_000))).collect();
    rig.handle.try_submit(batch(1, &events)).unwrap();
    rig.acked(4).await;
    let sequences = rig.stream.sequences();
    assert!(sequences.len() > 1, "{sequences:?}");
    let mut all = sequences.concat();
    all.sort_unstable();
    assert_eq!(all, (1..=4).collect::<Vec<_>>());
    let records = rig.stream.0.records.lock().unwrap();
    assert!(records.iter().all(|r| r.data.len() + r.partition_key.len() <= MAX_RECORD_BYTES));
}

#[tokio::test]
async fn an_event_that_no_record_can_hold_is_lost_and_its_neighbours_are_not() {
    let mut rig = Rig::start(reloadable(), Memory::new(), Named(1));
    let events = [event("select 1"), event(&noise(1_200_000)), event("select 3")];
    rig.handle.try_submit(batch(1, &events)).unwrap();
    rig.acked(3).await;
    let mut all = rig.stream.sequences().concat();
    all.sort_unstable();
    assert_eq!(all, [1, 3]);
    let lost = rig.reports.iter().find_map(|report| match report {
        Report::Lost(lost) => Some(lost.clone()),
        _ => None,
    });
    let Lost { sequences, events, detail: reason, .. } = lost.unwrap();
    assert_eq!((sequences, events), (Some((2, 2)), Some(1)));
    assert!(reason.starts_with("too large: "), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn heartbeats_arrive_as_aurora_s_and_are_counted_apart() {
    let interval = std::time::Duration::from_secs(10);
    let beating = activity_deliver::Reloadable { heartbeat_interval: Some(interval), ..reloadable() };
    let mut rig = Rig::start(beating, Memory::new(), Named(1));
    rig.ready().await;
    let started = tokio::time::Instant::now();
    while rig.handle.snapshot().heartbeats < 3 {
        tokio::time::sleep(interval / 10).await;
        assert!(started.elapsed() < interval * 4);
    }
    assert!(started.elapsed() >= interval * 29 / 10);
    let heartbeat = &rig.stream.opened()[0];
    assert_eq!(heartbeat["databaseActivityEventList"], serde_json::json!([{"type": "heartbeat"}]));
    assert_eq!((rig.handle.snapshot().records, rig.last_acked()), (0, 0));
}
