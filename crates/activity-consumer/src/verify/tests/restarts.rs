//! Several epochs: what follows what, and how each ended.

use activity_seal::Chain;

use super::producer::Epoch;
use super::*;
use crate::verify::report::{Account, End};

fn first() -> Epoch {
    let mut epoch = Epoch::new(1);
    epoch.start(None, "").events(9);
    epoch
}

fn after(previous: &Epoch, number: u64, end: &str) -> Epoch {
    let mut epoch = Epoch::new(number);
    epoch.start(Some(previous), end).events(4);
    if end == "unclean" {
        epoch.end_gap(1, "unclean stop", "unknown", None);
    }
    epoch
}

fn all(epochs: &[&Epoch]) -> Vec<Vec<u8>> {
    epochs.iter().flat_map(|epoch| epoch.records(3)).collect()
}

fn ends(report: &Report) -> Vec<End> {
    report.epochs.iter().map(|epoch| epoch.end).collect()
}

#[test]
fn an_epoch_ends_by_its_stop_or_by_the_word_of_the_next_one() {
    let mut one = first();
    one.stop();
    let two = after(&one, 2, "clean");
    let three = after(&two, 3, "clean");
    let four = after(&three, 4, "unclean");
    let mut records = all(&[&one, &two, &three, &four]);
    for _ in 0..2 {
        let report = verify(&records);
        assert_eq!(kinds(&report), []);
        assert_eq!(ends(&report), [End::Stop, End::Clean, End::Unclean, End::Open]);
        assert_eq!(report.epochs[3].previous.as_deref(), Some("0000000000000003"));
        records.reverse();
    }
}

#[test]
fn the_last_records_of_an_epoch_that_was_followed_are_missed() {
    let one = first();
    let two = after(&one, 2, "clean");
    for lost in 1..3 {
        let mut records = one.records(3);
        records.truncate(records.len() - lost);
        records.extend(two.records(3));
        assert_eq!(kinds(&verify(&records)), [Kind::Gap], "{lost}");
    }
}

#[test]
fn an_end_that_differs_from_what_the_next_epoch_says_is_told() {
    let mut one = first();
    let two = after(&one, 2, "clean");
    one.events(1);
    assert_eq!(kinds(&verify(&all(&[&one, &two]))), [Kind::EndDiffers]);
    let one = first();
    for (last, chain) in [(one.last(), Chain::begin("x")), (4, one.chain()), (0, one.chain())] {
        let mut two = Epoch::new(2);
        two.start_after(&one.name, last, chain, "unclean").end_gap(1, "unclean stop", "unknown", None);
        assert_eq!(kinds(&verify(&all(&[&one, &two]))), [Kind::EndDiffers], "{last}");
    }
}

#[test]
fn what_was_under_way_at_an_unclean_end_is_accounted_for_by_it_and_nothing_below() {
    let one = first();
    let known = &one.events[4];
    let with = |is_told: bool| {
        let mut two = Epoch::new(2);
        two.start_after(&one.name, known.sequence, known.after, "unclean");
        if is_told {
            two.end_gap(1, "unclean stop", "unknown", None);
        }
        two
    };
    let rest = [one.record(0..5).json(), one.record(7..10).json()];
    let report = verify(&[&rest[..], &with(true).records(9)].concat());
    assert_eq!(kinds(&report), []);
    assert_eq!(report.epochs[0].gaps.list[0].accounted_by, Some(Account::UncleanEnd));
    assert_eq!(kinds(&verify(&[&rest[..], &with(false).records(9)].concat())), [Kind::UncleanEndNotTold]);
    let below = [one.record(0..3).json(), one.record(7..10).json()];
    assert_eq!(kinds(&verify(&[&below[..], &with(true).records(9)].concat())), [Kind::Gap]);
    // The word of the next epoch may be read before what it is about, and the other way round.
    let early = [with(true).records(9), one.records(1)].concat();
    assert_eq!(kinds(&report_of_small_memory(&early)), []);
}

/// With room for the last few events only.
fn report_of_small_memory(records: &[Vec<u8>]) -> Report {
    report(Verifier::with_recent_bytes(1_000), records, Accept::default())
}

#[test]
fn a_beginning_that_is_not_there_needs_to_be_accepted() {
    let one = first();
    let two = after(&one, 2, "clean");
    let accept = Accept { trimmed_start: true, ..Accept::default() };
    let without_epoch = all(&[&two]);
    let without_records = one.records(3).split_off(1);
    for records in [without_epoch, without_records] {
        let report = verify(&records);
        assert_eq!(kinds(&report), [Kind::TrimmedStart]);
        assert!(report.problems.list[0].text.contains("--allow-trimmed-start"));
        assert_eq!(kinds(&verify_with(&records, accept)), []);
    }
    // A hole behind the beginning is none of it.
    let mut holed = one.records(2);
    holed.remove(2);
    holed.remove(0);
    assert_eq!(kinds(&verify_with(&holed, accept)), [Kind::Gap]);
}

#[test]
fn an_epoch_that_was_taken_out_is_missed_whatever_is_accepted() {
    let one = first();
    let two = after(&one, 2, "clean");
    let three = after(&two, 3, "clean");
    let accept = Accept { trimmed_start: true, open_window: true, no_loss: false };
    assert_eq!(kinds(&verify_with(&all(&[&one, &three]), accept)), [Kind::PreviousMissing]);
    let mut new_life = Epoch::new(4);
    new_life.start(None, "");
    assert_eq!(kinds(&verify_with(&all(&[&one, &new_life]), accept)), [Kind::PreviousMissing]);
    let mut speechless = Epoch::new(5);
    speechless.events(3);
    assert_eq!(kinds(&verify_with(&all(&[&one, &speechless]), accept)), [Kind::PreviousMissing]);
}

#[test]
fn an_epoch_that_two_follow_or_that_begins_twice_contradicts_itself() {
    let one = first();
    let (two, three) = (after(&one, 2, "clean"), after(&one, 3, "clean"));
    assert_eq!(kinds(&verify(&all(&[&one, &two, &three]))), [Kind::TwoSuccessors]);
    let mut twice = after(&one, 2, "clean");
    twice.start(Some(&one), "clean");
    assert_eq!(kinds(&verify(&all(&[&one, &twice]))), []);
    twice.start(None, "");
    assert_eq!(kinds(&verify(&all(&[&one, &twice]))), [Kind::StartContradiction]);
}

#[test]
fn epochs_in_a_circle_follow_nothing() {
    let (mut one, mut two) = (Epoch::new(1), Epoch::new(2));
    one.start_after(&Epoch::new(2).name, 0, Chain::begin(&two.name), "clean");
    two.start(Some(&one), "clean");
    let found = kinds(&verify(&all(&[&one, &two])));
    assert!(found.contains(&Kind::Circle), "{found:?}");
}

#[test]
fn a_window_that_its_epoch_left_open_is_ended_by_the_next_one() {
    let mut one = first();
    one.begin_gap(1, "ring full");
    let mut two = after(&one, 2, "clean");
    let accept = Accept { open_window: true, ..Accept::default() };
    assert_eq!(kinds(&verify_with(&all(&[&one, &two]), accept)), [Kind::OpenWindow]);
    let params = [
        format!("window={}-1", one.name),
        "reason=ring full".into(),
        "from=a".into(),
        "to=b".into(),
        "count=3".into(),
    ];
    two.told("STREAM GAP END", &params);
    assert_eq!(kinds(&verify(&all(&[&one, &two]))), []);
}
