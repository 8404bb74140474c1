//! Records and batches: retries, splits, losses, order.

use super::*;

fn throttled() -> Outcome {
    Outcome::Throttled("slow down".to_owned())
}

fn rejected() -> Outcome {
    Outcome::Rejected("not valid".to_owned())
}

fn lost(first_sequence: u64, last_sequence: u64, events: u64, reason: &str) -> Report {
    Report::Lost(Lost {
        cause: Cause::Refused,
        detail: reason.to_owned(),
        events: Some(events),
        epoch: None,
        sequences: Some((first_sequence, last_sequence)),
    })
}

/// An acknowledgement: its last event, and the events, records and bytes that were stored.
type Ack = (u64, u64, u64, u64);

fn acked(last_sequence: u64, events: u64, records: u64) -> Ack {
    (last_sequence, events, records, events * 8 + records * (32 + 36))
}

impl Rig {
    /// The acknowledgements, and the losses, that were reported.
    fn acks(&mut self) -> (Vec<Ack>, Vec<Report>) {
        let (mut acks, mut losses) = (Vec::new(), Vec::new());
        for report in self.reports() {
            match report {
                Report::Acked(Acked { through, last_sequence, stored, spooled, .. }) => {
                    assert_eq!((through, spooled), (last_sequence * 10, Counts::default()));
                    acks.push((last_sequence, stored.events, stored.records, stored.bytes));
                }
                Report::Lost(_) => losses.push(report),
                _ => {}
            }
        }
        (acks, losses)
    }
}

#[test]
fn a_batch_is_sealed_and_sent_in_the_step_it_came_in() {
    let mut rig = Rig::warm(&reloadable());
    assert!(rig.machine.progress(rig.now).ready);
    rig.submit(1, &[GOOD; 3]);
    assert_eq!(rig.sent(), [[1, 2, 3]]);
    assert_eq!(rig.reports(), []);
    rig.store_all();
    assert_eq!(rig.acks(), (vec![acked(3, 3, 1)], vec![]));
    assert!(rig.machine.progress(rig.now).ready);
}

#[test]
fn while_all_slots_are_taken_records_gather_for_the_next_request() {
    let mut rig = Rig::warm(&reloadable());
    (1..=5).for_each(|sequence| rig.submit(sequence, &[GOOD]));
    assert_eq!(rig.puts.len(), 2, "as many as may be in flight");
    let progress = rig.machine.progress(rig.now);
    assert!(!progress.ready && progress.in_flight == 2);
    rig.answer(Ok(vec![Outcome::Stored]));
    assert_eq!(rig.acked(), Some(1));
    rig.puts.remove(0);
    assert_eq!(rig.sent(), [[3], [4], [5]]);
}

#[test]
fn nothing_is_acknowledged_over_a_request_that_is_still_under_way() {
    let mut rig = Rig::warm(&reloadable());
    rig.submit(1, &[GOOD; 2]);
    rig.submit(3, &[GOOD; 2]);
    rig.answer_nth(1, Ok(vec![Outcome::Stored]));
    assert_eq!(rig.reports(), []);
    let progress = rig.machine.progress(rig.now);
    assert_eq!((progress.complete_batches, progress.finished_batches), (1, 0));
    rig.answer(Ok(vec![Outcome::Stored]));
    assert_eq!(rig.acks(), (vec![acked(2, 2, 1), acked(4, 2, 1)], vec![]));
}

#[test]
fn records_that_are_sealed_one_after_the_other_share_a_request_where_nobody_waits() {
    for (gather, requests) in [(true, vec![3]), (false, vec![1, 1, 1])] {
        let mut rig = Rig::warm(&Reloadable { max_in_flight: 3, gather, ..reloadable() });
        (1..=3).for_each(|sequence| rig.machine.submit(batch(sequence, &[GOOD])));
        rig.step();
        rig.seal_all();
        let sizes: Vec<_> = rig.puts.iter().map(|(_, records)| records.len()).collect();
        assert_eq!(sizes, requests, "gather: {gather}");
        rig.store_all();
        assert_eq!(rig.acked(), Some(3));
    }
}

#[test]
fn of_a_partial_failure_only_the_failed_positions_are_sent_again_before_what_came_later() {
    let mut rig = Rig::warm(&Reloadable { max_in_flight: 1, ..reloadable() });
    rig.submit(1, &[GOOD]);
    (2..=5).for_each(|sequence| rig.submit(sequence, &[GOOD]));
    rig.store_all_but_first_round();
    assert_eq!(rig.sent(), [[2], [3], [4], [5]]);
    rig.submit(6, &[GOOD]);
    rig.answer(Ok(vec![Outcome::Stored, throttled(), Outcome::Stored, Outcome::Failed("oops".to_owned())]));
    assert_eq!(rig.acked(), Some(2));
    assert!(rig.puts.is_empty(), "not at once");
    rig.pass(50 * MS);
    assert_eq!(rig.sent(), [[3], [5], [6]]);
    rig.store_all();
    assert_eq!(rig.acked(), Some(6));
    assert_eq!(rig.machine.progress(rig.now).retries, 2);
}

impl Rig {
    /// Answers only the request that is under way now.
    fn store_all_but_first_round(&mut self) {
        let count = self.puts[0].1.len();
        self.answer(Ok(vec![Outcome::Stored; count]));
        self.reports();
    }
}

#[test]
fn an_answer_with_another_number_of_outcomes_says_nothing_about_any_record() {
    let mut rig = Rig::warm(&reloadable());
    rig.submit(1, &[GOOD]);
    for outcomes in [vec![], vec![Outcome::Stored; 2]] {
        rig.answer(Ok(outcomes));
        assert!(rig.puts.is_empty());
        rig.pass(SECOND);
        assert_eq!(rig.sent(), [[1]]);
    }
    assert_eq!(rig.acked(), None);
    rig.store_all();
    assert_eq!(rig.acked(), Some(1));
}

/// The pauses that requests which all end that way take.
fn pauses(rounds: usize, answer: &Result<Vec<Outcome>, Failure>) -> Vec<Duration> {
    let mut rig = Rig::warm(&reloadable());
    rig.submit(1, &[GOOD]);
    let mut pauses = Vec::new();
    for _ in 0..rounds {
        rig.answer(answer.clone());
        let before = rig.now;
        while rig.puts.is_empty() {
            rig.now = rig.machine.deadline(rig.now).unwrap();
            rig.step();
        }
        pauses.push(rig.now - before);
    }
    pauses
}

#[test]
fn rounds_without_a_stored_record_pause_ever_longer_up_to_five_seconds() {
    for answer in [Ok(vec![throttled()]), Err(failure(FailureKind::Retry, "out of reach"))] {
        let pauses = pauses(40, &answer);
        for (round, pause) in (0..).zip(&pauses) {
            let ceiling = (50 * MS * 2_u32.pow(round.min(10))).min(5 * SECOND);
            assert!(*pause <= ceiling, "{round}: {pause:?}");
        }
        assert!(pauses.iter().any(|pause| *pause > 4 * SECOND), "{pauses:?}");
    }
}

#[test]
fn one_stored_record_shortens_the_pauses_again() {
    let mut rig = Rig::warm(&reloadable());
    rig.submit(1, &[GOOD]);
    // Not so often that it counts as unavailable.
    for _ in 0..2 {
        rig.answer(Ok(vec![throttled()]));
        rig.pass(500 * MS);
    }
    rig.submit(2, &[GOOD]);
    rig.answer_nth(1, Ok(vec![Outcome::Stored]));
    rig.answer(Ok(vec![throttled()]));
    rig.pass(50 * MS);
    assert_eq!(rig.sent(), [[1]]);
}

#[test]
fn requests_that_fail_together_lengthen_the_pause_once() {
    let mut rig = Rig::warm(&Reloadable { max_in_flight: 20, ..reloadable() });
    (1..=20).for_each(|sequence| rig.submit(sequence, &[GOOD]));
    assert_eq!(rig.puts.len(), 20);
    (0..20).for_each(|_| rig.answer(Ok(vec![throttled()])));
    rig.pass(50 * MS);
    assert_eq!(rig.sent().len(), 20);
}

#[test]
fn a_batch_too_large_for_a_record_is_split_until_its_parts_fit() {
    let mut rig = Rig::warm(&Reloadable { max_in_flight: 1, ..reloadable() });
    rig.submit(1, &[GOOD]);
    rig.fits = 2;
    rig.submit(2, &[GOOD; 7]);
    rig.store_all();
    assert_eq!(rig.acks(), (vec![acked(1, 1, 1), acked(8, 7, 4)], vec![]));
}

#[test]
fn an_event_too_large_for_a_record_is_lost_alone() {
    let mut rig = Rig::warm(&reloadable());
    rig.fits = 0;
    rig.submit(5, &[GOOD]);
    assert_eq!(rig.acks(), (vec![acked(5, 0, 0)], vec![lost(5, 5, 1, "too large: too many")]));
}

impl Rig {
    /// Answers requests, heartbeats among them, until none comes for a minute: records with a doomed event are refused.
    fn answer_until_quiet(&mut self, doomed: &[u64]) {
        for _ in 0..60 {
            self.pass(SECOND);
            self.seal_all();
            while let Some((_, records)) = self.puts.first() {
                let is_doomed = |record| numbers(record).iter().any(|sequence| doomed.contains(sequence));
                let outcomes =
                    records.iter().map(|r| if is_doomed(r) { rejected() } else { Outcome::Stored });
                let outcomes = outcomes.collect();
                self.answer(Ok(outcomes));
            }
        }
    }
}

#[test]
fn of_a_rejected_record_only_the_event_that_is_at_fault_is_lost() {
    let mut rig = Rig::warm(&reloadable());
    rig.submit(1, &[GOOD; 4]);
    rig.submit(5, &[GOOD]);
    rig.answer_until_quiet(&[3]);
    let lost = lost(3, 3, 1, "rejected by the stream: not valid");
    assert_eq!(rig.acks(), (vec![acked(4, 3, 2), acked(5, 1, 1)], vec![lost]));
}

#[test]
fn a_record_that_is_refused_beside_others_that_are_stored_is_given_up_at_once() {
    let mut rig = Rig::warm(&Reloadable { max_in_flight: 1, ..reloadable() });
    rig.submit(1, &[GOOD]);
    (2..=4).for_each(|sequence| rig.submit(sequence, &[GOOD]));
    rig.store_all_but_first_round();
    rig.answer(Ok(vec![Outcome::Stored, rejected(), Outcome::Stored]));
    let lost = lost(3, 3, 1, "rejected by the stream: not valid");
    assert_eq!(rig.acks(), (vec![acked(2, 1, 1), acked(3, 0, 0), acked(4, 1, 1)], vec![lost]));
}

#[test]
fn a_refused_request_is_narrowed_down_to_the_record_that_is_at_fault() {
    let mut rig = Rig::warm(&Reloadable { max_in_flight: 1, ..reloadable() });
    rig.submit(1, &[GOOD]);
    (2..=4).for_each(|sequence| rig.submit(sequence, &[GOOD]));
    rig.store_all_but_first_round();
    assert_eq!(rig.sent(), [[2], [3], [4]]);
    rig.answer(Err(failure(FailureKind::Rejected, "validation")));
    assert_eq!(rig.sent(), [[2]], "each for itself");
    rig.answer_until_quiet(&[3]);
    let lost = lost(3, 3, 1, "rejected by the stream: not valid");
    assert_eq!(rig.acks(), (vec![acked(2, 1, 1), acked(3, 0, 0), acked(4, 1, 1)], vec![lost]));
}

#[test]
fn where_everything_is_refused_nothing_is_given_up_and_it_is_told_once() {
    for answer in [Err(failure(FailureKind::Rejected, "no")), Ok(vec![rejected()])] {
        let mut rig = Rig::warm(&reloadable());
        (1..=3).for_each(|sequence| rig.submit(sequence, &[GOOD]));
        let mut requests = 0;
        for _ in 0..600 {
            rig.pass(SECOND);
            rig.seal_all();
            while let Some((_, records)) = rig.puts.first() {
                requests += 1;
                assert_eq!(records.len(), 1);
                rig.answer(answer.clone());
            }
        }
        assert!((10..1000).contains(&requests), "{requests} requests in ten minutes");
        let told = rig.reports();
        assert!(matches!(&told[..], [Report::State(StateChange::StreamUnavailable { .. })]), "{told:?}");
        rig.answer_until_quiet(&[]);
        assert_eq!(rig.acks(), ([1, 2, 3].map(|sequence| acked(sequence, 1, 1)).to_vec(), vec![]));
    }
}

#[test]
fn unreadable_events_are_counted_lost_and_the_others_are_stored() {
    let mut rig = Rig::warm(&reloadable());
    rig.submit(1, &[BAD, GOOD, BAD, GOOD]);
    rig.submit(5, &[BAD, BAD]);
    assert_eq!(rig.sent(), [[2, 4]]);
    assert_eq!(rig.reports(), [], "nothing before the record is stored");
    rig.store_all();
    let lost = |first, last| lost(first, last, 2, "unreadable");
    assert_eq!(rig.acks(), (vec![acked(4, 2, 1), acked(6, 0, 0)], vec![lost(1, 3), lost(5, 6)]));
}

#[test]
fn unreadable_events_of_a_record_that_is_split_later_are_counted_once() {
    let mut rig = Rig::warm(&Reloadable { max_in_flight: 1, ..reloadable() });
    rig.submit(1, &[GOOD]);
    rig.submit(2, &[BAD, GOOD, GOOD, BAD]);
    rig.submit(6, &[GOOD]);
    rig.store_all_but_first_round();
    assert_eq!(rig.sent(), [vec![3, 4], vec![6]]);
    rig.answer(Ok(vec![rejected(), Outcome::Stored]));
    rig.store_all();
    assert_eq!(rig.acks(), (vec![acked(5, 2, 2), acked(6, 1, 1)], vec![lost(2, 5, 2, "unreadable")]));
}

#[test]
fn sealing_that_can_work_later_is_repeated_after_a_pause() {
    let mut rig = Rig::warm(&reloadable());
    rig.machine.submit(batch(1, &[GOOD]));
    rig.step();
    for _ in 0..100 {
        let (place, ..) = rig.seals.pop().unwrap();
        rig.machine.sealed(place, Err(SealFailure::Later("no randomness".to_owned())), rig.now);
        rig.step();
        assert!(rig.seals.is_empty());
        rig.pass(5 * SECOND);
    }
    let warning = StateChange::StreamWarning("records cannot be sealed: no randomness".to_owned());
    assert_eq!(rig.reports(), [Report::State(warning)]);
    rig.seal_all();
    rig.store_all();
    assert_eq!(rig.acked(), Some(1));
}

#[test]
fn an_event_whose_sealing_panics_again_and_again_does_not_hold_up_the_others() {
    let mut rig = Rig::warm(&reloadable());
    rig.poison = Some(2);
    rig.submit(1, &[GOOD; 4]);
    for _ in 0..10 {
        rig.pass(5 * SECOND);
        rig.seal_all();
    }
    rig.store_all();
    let lost = lost(2, 2, 1, "sealing it failed again and again");
    assert_eq!(rig.acks(), (vec![acked(4, 3, 2)], vec![lost]));
}

#[test]
fn several_pieces_are_sealed_at_once_but_not_all() {
    let mut rig = Rig::warm(&reloadable());
    (1..=100).for_each(|sequence| rig.machine.submit(batch(sequence, &[GOOD])));
    rig.step();
    let first: Vec<_> = rig.seals.iter().map(|(place, ..)| place.first_sequence).collect();
    assert_eq!(first, [1, 2, 3, 4]);
    rig.seal_all();
    rig.store_all();
    assert_eq!(rig.acked(), Some(100));
}
