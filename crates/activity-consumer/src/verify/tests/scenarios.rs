//! One epoch: complete, cut, sent again, with something missing or changed.

use activity_seal::{Chain, inner};

use super::producer::{Epoch, Event, Record};
use super::*;
use crate::verify::findings::Range;
use crate::verify::report::End;

/// An epoch of twenty events, the first of all.
fn twenty() -> Epoch {
    let mut epoch = Epoch::new(1);
    epoch.start(None, "").events(18).stop();
    epoch
}

#[test]
fn a_complete_stream_is_accounted_for_however_it_is_cut() {
    let epoch = twenty();
    for size in 1..=20 {
        let mut records = epoch.records(size);
        records.push(inner::heartbeat("cluster-A", "db-B"));
        let report = verify(&records);
        assert_eq!(kinds(&report), [], "{size}");
        let found = &report.epochs[0];
        assert_eq!((found.events, found.first_sequence, found.last_sequence), (20, 1, 20));
        assert_eq!((found.end, report.heartbeats, report.duplicates), (End::Stop, 1, 0));
    }
}

#[test]
fn what_is_sent_again_in_other_records_is_counted_once_in_any_order() {
    let epoch = twenty();
    let mut records = vec![epoch.record(0..10).json(), epoch.record(5..20).json(), epoch.record(3..8).json()];
    for _ in 0..3 {
        records.rotate_left(1);
        let report = verify(&records);
        assert_eq!(kinds(&report), []);
        assert_eq!((report.events, report.duplicates), (20, 10));
    }
    records.reverse();
    assert_eq!(kinds(&verify(&records)), []);
}

#[test]
fn a_stream_without_events_proves_nothing() {
    assert_eq!(kinds(&verify(&[])), [Kind::Nothing]);
    assert_eq!(kinds(&verify(&[inner::heartbeat("c", "i")])), [Kind::Nothing]);
}

#[test]
fn a_missing_record_is_a_gap_and_no_broken_chain() {
    let mut records = twenty().records(5);
    records.remove(1);
    let report = verify(&records);
    assert_eq!(kinds(&report), [Kind::Gap]);
    let gap = &report.epochs[0].gaps.list[0];
    assert_eq!((gap.range, gap.accounted_by), (Range { first: 6, last: 10 }, None));
    assert_eq!(report.epochs[0].events, 15);
}

#[test]
fn the_end_of_an_epoch_that_is_still_running_cannot_be_missed() {
    let mut records = twenty().records(5);
    records.pop();
    let report = verify(&records);
    assert_eq!(kinds(&report), []);
    assert_eq!(report.epochs[0].end, End::Open);
}

#[test]
fn an_event_that_was_changed_breaks_the_chain_at_the_next_record() {
    let epoch = twenty();
    let mut changed = epoch.record(5..10);
    changed.events[2].json = changed.events[2].json.replace("SELECT '", "SELECT /**/ '");
    let records = [epoch.record(0..5).json(), changed.json(), epoch.record(10..20).json()];
    let report = verify(&records);
    assert_eq!(kinds(&report), [Kind::BrokenLink]);
    assert_eq!(report.epochs[0].broken_links.list, [11]);
}

#[test]
fn an_event_that_comes_again_with_other_bytes_is_a_conflict_wherever_it_stands() {
    let epoch = twenty();
    for at in 0..4 {
        let mut changed = epoch.record(8..12);
        changed.events[at].json = changed.events[at].json.replace("alice", "mallory").replace("STOP", "GO");
        let whole = [epoch.record(0..7).json(), epoch.record(7..14).json(), epoch.record(14..20).json()];
        let report = verify(&[&whole[..], &[changed.json()]].concat());
        assert_eq!(kinds(&report), [Kind::Conflict], "{at}");
        assert_eq!(report.epochs[0].conflicts.list, [Range::one(9 + at as u64)]);
        // Whichever was first, something is wrong.
        assert!(!verify(&[&[changed.json()], &whole[..]].concat()).accounted, "{at}");
    }
}

#[test]
fn a_late_copy_that_can_be_compared_no_more_is_not_passed_over() {
    let epoch = twenty();
    let records = [epoch.records(4), vec![epoch.record(4..12).json()]].concat();
    let report = report(Verifier::with_recent_bytes(0), &records, Accept::default());
    assert_eq!(kinds(&report), [Kind::NotCompared]);
    assert_eq!(report.epochs[0].not_compared.list, [Range { first: 5, last: 12 }]);
    // Up to an end of what is known all is compared by the one chain.
    let records = [vec![epoch.record(0..10).json(), epoch.record(3..20).json()]].concat();
    let report = super::report(Verifier::with_recent_bytes(0), &records, Accept::default());
    assert_eq!(kinds(&report), []);
}

#[test]
fn a_forged_place_is_found() {
    let epoch = twenty();
    let middle = epoch.record(5..10);
    let with = |forged: Vec<u8>| verify(&[epoch.record(0..5).json(), forged, epoch.record(10..20).json()]);
    assert_eq!(kinds(&with(middle.json_at(7, middle.events[0].before))), [Kind::Unreadable, Kind::Gap]);
    let forged_chain = with(middle.json_at(6, Chain::begin("x")));
    assert_eq!(kinds(&forged_chain), [Kind::BrokenLink, Kind::BrokenLink]);
    let mut first = epoch.records(20);
    first[0] = epoch.record(0..20).json_at(1, Chain::begin("x"));
    assert_eq!(kinds(&verify(&first)), [Kind::BrokenLink]);
    let other = Record { epoch: "00000000000000ff".into(), ..middle };
    assert_eq!(kinds(&with(other.json())), [Kind::Gap, Kind::PreviousMissing, Kind::Gap]);
}

#[test]
fn an_event_that_was_put_in_is_found() {
    let epoch = twenty();
    let mut record = epoch.record(5..10);
    let extra = Event {
        json: record.events[4].json.replace(":10}", ":11}"),
        sequence: 11,
        ..record.events[4].clone()
    };
    record.events.push(extra);
    let records = [epoch.record(0..5).json(), record.json(), epoch.record(10..20).json()];
    let report = verify(&records);
    assert_eq!(kinds(&report), [Kind::BrokenLink, Kind::Conflict]);
    assert_eq!(report.epochs[0].conflicts.list, [Range::one(11)]);
    assert_eq!(report.epochs[0].broken_links.list, [12]);
}

#[test]
fn what_is_newer_than_the_freezing_counts_only_as_far_as_it_fills_holes() {
    let mut epoch = twenty();
    epoch.events(10);
    let mut verifier = Verifier::default();
    for record in [epoch.record(0..5), epoch.record(15..20)] {
        verifier.take(&record.json()).expect("a record");
    }
    verifier.freeze();
    assert!(verifier.has_holes());
    for record in [epoch.record(18..25), epoch.record(27..30), epoch.record(5..15)] {
        verifier.take(&record.json()).expect("a record");
    }
    let mut newer = Epoch::new(2);
    newer.start(Some(&epoch), "clean");
    verifier.take(&newer.record(0..1).json()).expect("a record");
    assert!(!verifier.has_holes());
    let report = judge(&verifier, Accept::default());
    assert_eq!(kinds(&report), []);
    assert_eq!((report.epochs.len(), report.events), (1, 20));
}
