//! The spool: when records go there, in which order they come back, what is told.

use super::*;
use crate::machine::{AppendFailure, Loaded, LostOrdinals, Opened};

fn unavailable() -> Result<Vec<Outcome>, Failure> {
    Err(failure(FailureKind::Retry, "out of reach"))
}

impl Rig {
    /// With a stream, a key, and an empty spool.
    fn with_spool(reloadable: &Reloadable) -> Self {
        let mut rig = Self::with(reloadable, true);
        rig.found(Ok(StreamStatus::Usable { warning: None }));
        rig.got_key(Ok(key(1)));
        rig.opened(Opened::default());
        rig.reports();
        rig
    }

    fn opened(&mut self, opened: Opened) {
        assert_eq!(std::mem::take(&mut self.openings), 1);
        self.machine.spool_opened(Ok(opened), self.now);
        self.step();
    }

    /// Lets requests fail until the stream counts as unavailable.
    fn lose_the_stream(&mut self) {
        while !self.machine.need.unavailable {
            while !self.puts.is_empty() {
                self.answer(unavailable());
            }
            self.pass(SECOND);
        }
    }

    /// The numbers of the events on their way to disk.
    fn on_the_way_to_disk(&self) -> Vec<u64> {
        self.appends
            .iter()
            .flat_map(|records| records.iter())
            .flat_map(|(_, record)| numbers(record))
            .collect()
    }

    /// The oldest append ends.
    fn appended(&mut self, result: Result<u64, AppendFailure>) {
        drop(self.appends.remove(0));
        self.machine.appended(result, self.now);
        self.step();
    }

    /// The spool gives these records, one event each, with that ordinal for the first.
    fn loaded(&mut self, first_ordinal: u64, sequences: &[u64]) {
        assert_eq!(std::mem::take(&mut self.loads), 1, "a reading was asked for");
        let record = |sequence: u64| {
            let meta = Meta { epoch: 1, first_sequence: sequence, last_sequence: sequence, events: 1 };
            let data = [&[0; 32][..], &sequence.to_be_bytes()].concat();
            (meta, OutRecord { partition_key: "p".repeat(36), data })
        };
        let records = (first_ordinal..).zip(sequences).map(|(ordinal, sequence)| {
            let (meta, record) = record(*sequence);
            (ordinal, meta, record)
        });
        let loaded = Loaded { records: records.collect(), lost: Vec::new() };
        self.machine.loaded(Ok(loaded), self.now);
        self.step();
    }

    fn durable(&mut self) -> Option<u64> {
        let durable = std::mem::take(&mut self.reports).into_iter().filter_map(|report| match report {
            Report::Durable { through } => Some(through),
            _ => None,
        });
        durable.max()
    }
}

#[test]
fn nothing_goes_to_disk_while_the_stream_takes_it() {
    let mut rig = Rig::with_spool(&reloadable());
    rig.submit(1, &[GOOD; 3]);
    rig.answer(unavailable());
    assert!(rig.appends.is_empty(), "one failed call is no outage");
    rig.pass(SECOND);
    rig.store_all();
    assert_eq!(rig.durable(), Some(30));
    assert!(rig.appends.is_empty() && rig.loads == 0);
}

#[test]
fn what_an_unavailable_stream_does_not_take_is_acknowledged_on_disk_and_durable_on_the_stream() {
    let mut rig = Rig::with_spool(&reloadable());
    rig.submit(1, &[GOOD]);
    rig.lose_the_stream();
    assert_eq!(rig.on_the_way_to_disk(), [1]);
    rig.submit(2, &[GOOD]);
    rig.submit(3, &[GOOD]);
    assert_eq!(rig.appends.len(), 1, "one append at a time");
    rig.appended(Ok(1));
    assert_eq!(rig.on_the_way_to_disk(), [2, 3], "what came meanwhile goes together");
    assert_eq!((rig.acked(), rig.loads), (Some(1), 1));
    rig.appended(Ok(3));
    assert_eq!(rig.acked(), Some(3));

    rig.loaded(1, &[1, 2, 3]);
    rig.pass(5 * SECOND);
    assert_eq!(rig.sent(), [[1]], "one to see whether it is there again");
    rig.answer(Ok(vec![Outcome::Stored]));
    assert_eq!((rig.durable(), rig.releases.clone()), (Some(10), vec![1]));
    rig.machine.released(Ok(()), rig.now);
    assert_eq!(rig.sent(), [[2], [3]]);
    rig.answer(Ok(vec![Outcome::Throttled("slow".to_owned()), Outcome::Stored]));
    assert_eq!(rig.durable(), None);
    rig.pass(5 * SECOND);
    assert_eq!(rig.sent(), [[2]]);
    rig.store_all();
    assert_eq!((rig.durable(), rig.releases.clone()), (Some(30), vec![1, 3]));
    rig.submit(4, &[GOOD]);
    assert_eq!(rig.sent(), [[4]], "the spool is empty: straight to the stream");
}

#[test]
fn new_records_go_behind_those_in_the_spool_and_wait_where_all_of_it_is_under_way() {
    let mut rig = Rig::with_spool(&reloadable());
    rig.submit(1, &[GOOD]);
    rig.lose_the_stream();
    rig.appended(Ok(1));
    rig.loaded(1, &[1]);
    rig.pass(5 * SECOND);
    assert_eq!(rig.sent(), [[1]]);
    // The stream takes something: it is there again, and nothing more has to go to disk.
    rig.submit(2, &[GOOD]);
    rig.appended(Ok(2));
    rig.store_all();
    rig.loaded(2, &[2]);
    assert_eq!(rig.sent(), [[2]]);
    rig.submit(3, &[GOOD]);
    assert!(rig.appends.is_empty() && rig.puts.len() == 1, "it waits for those before it");
    rig.store_all();
    assert_eq!(rig.durable(), Some(30));
    assert!(rig.appends.is_empty());
}

#[test]
fn nothing_is_sent_before_it_is_known_what_the_spool_holds() {
    let mut rig = Rig::with(&reloadable(), true);
    rig.found(Ok(StreamStatus::Usable { warning: None }));
    rig.got_key(Ok(key(1)));
    rig.submit(9, &[GOOD]);
    assert!(rig.puts.is_empty());
    rig.opened(Opened { before_first: 4, last: 6, records: 2, bytes: 100, notes: Vec::new() });
    assert_eq!(rig.on_the_way_to_disk(), [9], "behind what was not read yet");
    rig.loaded(5, &[7, 8]);
    assert_eq!(rig.sent(), [[7], [8]]);
    rig.appended(Ok(7));
    rig.store_all();
    assert_eq!(rig.durable(), Some(0));
    rig.loaded(7, &[9]);
    rig.store_all();
    assert_eq!(rig.durable(), Some(90));
}

#[test]
fn a_spool_that_hangs_while_it_is_opened_holds_up_the_stream_for_ten_seconds_only() {
    let mut rig = Rig::with(&reloadable(), true);
    rig.found(Ok(StreamStatus::Usable { warning: None }));
    rig.got_key(Ok(key(1)));
    rig.submit(1, &[GOOD]);
    rig.pass(9 * SECOND);
    assert!(rig.puts.is_empty());
    rig.pass(SECOND);
    assert_eq!(rig.sent(), [[1]]);
}

#[test]
fn a_disk_that_fails_is_told_once_and_tried_again_until_it_takes_the_same_records() {
    let mut rig = Rig::with_spool(&reloadable());
    rig.submit(1, &[GOOD]);
    rig.lose_the_stream();
    rig.reports();
    for _ in 0..20 {
        assert_eq!(rig.on_the_way_to_disk(), [1]);
        rig.appended(Err(AppendFailure::Disk("no space".to_owned())));
        assert!(rig.appends.is_empty(), "not at once");
        // The stream is tried meanwhile, and does not take it.
        while rig.appends.is_empty() {
            while !rig.puts.is_empty() {
                rig.answer(unavailable());
            }
            rig.pass(SECOND);
        }
    }
    let warning = StateChange::StreamWarning("the spool cannot be used: no space".to_owned());
    let unwritable = StateChange::SpoolUnwritable { message: "no space".to_owned() };
    assert_eq!(rig.states(), [warning, unwritable]);
    rig.appended(Ok(1));
    assert_eq!(rig.states(), [StateChange::SpoolWritable]);
}

#[test]
fn a_disk_that_fails_is_no_danger_once_the_stream_takes_everything() {
    let mut rig = Rig::with_spool(&reloadable());
    rig.submit(1, &[GOOD]);
    rig.lose_the_stream();
    rig.appended(Err(AppendFailure::Disk("no space".to_owned())));
    assert!(rig.states().iter().any(|state| matches!(state, StateChange::SpoolUnwritable { .. })));
    let over = Report::State(StateChange::SpoolWritable);
    for _ in 0..600 {
        rig.pass(100 * MS);
        if rig.appends.is_empty() {
            rig.store_all();
        } else {
            rig.appended(Err(AppendFailure::Disk("no space".to_owned())));
        }
        if rig.reports.contains(&over) {
            return;
        }
    }
    unreachable!("it is never told that this is over");
}

#[test]
fn in_an_outage_the_disk_is_synced_twice_a_second_unless_much_has_gathered_or_the_end_is_near() {
    let mut rig = Rig::with_spool(&reloadable());
    rig.submit(1, &[GOOD]);
    rig.lose_the_stream();
    rig.appended(Ok(1));
    let mut appends = 0;
    for sequence in 2..=100 {
        rig.submit(sequence, &[GOOD]);
        rig.pass(50 * MS);
        if !rig.appends.is_empty() {
            appends += 1;
            rig.appended(Ok(sequence));
        }
        while !rig.puts.is_empty() {
            rig.answer(unavailable());
        }
    }
    assert!((5..=12).contains(&appends), "{appends} in five seconds");
    rig.submit(101, &[GOOD]);
    if rig.appends.is_empty() {
        rig.machine.hurry(rig.now);
        rig.step();
        assert_eq!(rig.on_the_way_to_disk().last(), Some(&101), "at once");
    }
}

#[test]
fn a_disk_that_hangs_holds_up_nobody_and_what_it_wrote_after_all_is_delivered_once_more() {
    let mut rig = Rig::with_spool(&reloadable());
    rig.submit(1, &[GOOD]);
    rig.lose_the_stream();
    assert_eq!(rig.on_the_way_to_disk(), [1]);
    rig.pass(11 * SECOND);
    while rig.machine.need.unavailable {
        rig.store_all();
        rig.pass(SECOND);
    }
    assert_eq!(rig.acked(), Some(1), "by the stream");
    rig.submit(2, &[GOOD]);
    rig.store_all();
    assert_eq!(rig.durable(), Some(20));
    rig.appended(Ok(1));
    rig.loaded(1, &[1]);
    assert_eq!(rig.sent(), [[1]]);
    rig.store_all();
    assert_eq!(rig.releases, [1]);
    assert!(rig.machine.progress(rig.now).spool_is_drained);
}

#[test]
fn a_full_spool_is_told_once_and_used_again_when_some_of_it_is_delivered() {
    let mut rig = Rig::with_spool(&reloadable());
    rig.submit(1, &[GOOD]);
    rig.lose_the_stream();
    rig.appended(Ok(1));
    rig.loaded(1, &[1]);
    rig.reports();
    rig.submit(2, &[GOOD]);
    rig.appended(Err(AppendFailure::Full));
    assert_eq!(rig.states(), [StateChange::SpoolFull]);
    rig.pass(5 * SECOND);
    if !rig.appends.is_empty() {
        rig.appended(Err(AppendFailure::Full));
    }
    rig.store_all();
    rig.machine.released(Ok(()), rig.now);
    rig.step();
    rig.store_all();
    assert_eq!(rig.states().iter().filter(|state| **state == StateChange::SpoolFull).count(), 0);
    rig.pass(5 * SECOND);
    while !rig.appends.is_empty() {
        rig.appended(Ok(2));
        rig.loaded(2, &[2]);
        rig.store_all();
    }
    assert_eq!(rig.machine.progress(rig.now).finished_batches, 2);
}

#[test]
fn a_stream_that_takes_less_than_comes_has_the_rest_in_the_spool() {
    let mut rig = Rig::with_spool(&reloadable());
    rig.machine.set_backlog(true);
    rig.submit(1, &[GOOD]);
    assert_eq!((rig.on_the_way_to_disk(), rig.puts.len()), (vec![1], 0));
    rig.machine.set_backlog(false);
    rig.submit(2, &[GOOD]);
    rig.appended(Ok(1));
    assert_eq!(rig.on_the_way_to_disk(), [2], "behind the first one");
}

#[test]
fn without_a_quota_nothing_goes_to_disk() {
    let mut rig = Rig::with_spool(&Reloadable { spool_max_bytes: 0, ..reloadable() });
    rig.submit(1, &[GOOD]);
    rig.lose_the_stream();
    assert!(rig.appends.is_empty());
    rig.machine.hurry(rig.now);
    rig.step();
    assert!(rig.appends.is_empty());
    rig.pass(5 * SECOND);
    rig.store_all();
    assert_eq!(rig.durable(), Some(10));
}

#[test]
fn at_the_end_what_is_under_way_goes_to_disk_and_an_answer_that_comes_late_changes_nothing() {
    let mut rig = Rig::with_spool(&reloadable());
    rig.submit(1, &[GOOD]);
    rig.submit(2, &[GOOD]);
    assert_eq!(rig.puts.len(), 2);
    rig.machine.hurry(rig.now);
    rig.step();
    assert_eq!(rig.on_the_way_to_disk(), [1, 2]);
    rig.appended(Ok(2));
    assert_eq!((rig.acked(), rig.loads), (Some(2), 0), "nothing more is read");
    rig.answer(Ok(vec![Outcome::Stored]));
    rig.answer(unavailable());
    assert_eq!(
        (rig.acked(), rig.appends.len(), rig.machine.progress(rig.now).finished_batches),
        (None, 0, 2)
    );
}

#[test]
fn what_the_spool_lost_is_told_and_does_not_hold_up_what_follows() {
    let mut rig = Rig::with(&reloadable(), true);
    rig.found(Ok(StreamStatus::Usable { warning: None }));
    rig.got_key(Ok(key(1)));
    rig.opened(Opened { before_first: 0, last: 5, records: 5, bytes: 100, notes: Vec::new() });
    rig.reports();
    rig.loads = 0;
    let lost = LostOrdinals {
        first: 1,
        last: 4,
        events: Some(40),
        epoch: Some(7),
        sequences: Some((1, 40)),
        detail: "damaged".to_owned(),
    };
    rig.machine.loaded(Ok(Loaded { records: Vec::new(), lost: vec![lost] }), rig.now);
    rig.step();
    let told = Lost {
        cause: Cause::SpoolDamaged,
        detail: "damaged".to_owned(),
        events: Some(40),
        epoch: Some(7),
        sequences: Some((1, 40)),
    };
    assert_eq!(rig.reports(), [Report::Lost(told)]);
    rig.loaded(5, &[41]);
    rig.store_all();
    assert_eq!(rig.releases.last(), Some(&4));
    rig.machine.released(Ok(()), rig.now);
    rig.step();
    assert_eq!(rig.releases.last(), Some(&5));
}

#[test]
fn a_reading_that_gives_nothing_of_what_must_be_there_is_a_loss_and_no_loop() {
    let mut rig = Rig::with(&reloadable(), true);
    rig.opened(Opened { before_first: 2, last: 5, records: 3, bytes: 100, notes: Vec::new() });
    rig.found(Ok(StreamStatus::Usable { warning: None }));
    rig.reports();
    assert_eq!(std::mem::take(&mut rig.loads), 1);
    rig.machine.loaded(Ok(Loaded::default()), rig.now);
    rig.step();
    assert!(matches!(&rig.reports()[..], [Report::Lost(Lost { events: None, .. }), ..]));
    assert_eq!((rig.loads, rig.releases.clone()), (0, vec![5]));
}

#[test]
fn a_disk_that_does_not_give_back_what_it_has_is_asked_fifty_times_before_that_is_given_up() {
    let mut rig = Rig::with(&reloadable(), true);
    rig.found(Ok(StreamStatus::Usable { warning: None }));
    rig.opened(Opened { before_first: 0, last: 1, records: 1, bytes: 100, notes: Vec::new() });
    rig.reports();
    for failed in 0..50 {
        assert_eq!(std::mem::take(&mut rig.loads), 1, "after {failed}");
        rig.machine.loaded(Err("broken".to_owned()), rig.now);
        rig.step();
        rig.pass(5 * SECOND);
    }
    let warning = StateChange::StreamWarning("the spool cannot be read: broken".to_owned());
    assert_eq!(rig.states(), [warning]);
    assert!(rig.machine.spooling.gives_up_reading());
}
