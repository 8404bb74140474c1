//! Losses that the stream tells, and holes that they account for or do not.

use super::producer::Epoch;
use super::*;
use crate::verify::report::Account;
use crate::verify::text::text;

fn begun() -> Epoch {
    let mut epoch = Epoch::new(1);
    epoch.start(None, "").events(5);
    epoch
}

#[test]
fn a_torn_event_leaves_a_hole_that_its_window_accounts_for() {
    for is_told in [true, false] {
        let mut epoch = begun();
        let name = epoch.name.clone();
        epoch.torn().events(3);
        if is_told {
            epoch.begin_gap(1, "torn").end_gap(1, "torn", "1", Some((&name, 7, 7)));
        }
        epoch.stop();
        for size in [1, 4, 6, 100] {
            let report = verify(&epoch.records(size));
            assert_eq!(kinds(&report), if is_told { &[][..] } else { &[Kind::Gap] }, "{size}");
            assert_eq!(report.epochs[0].gaps.list[0].range.first, 7);
        }
    }
}

#[test]
fn numbers_that_were_given_up_are_accounted_for_as_far_as_they_are_told() {
    for (told_last, expected) in [(0, &[][..]), (1, &[Kind::Gap])] {
        let mut epoch = begun();
        let name = epoch.name.clone();
        let (first, last) = epoch.lose(4);
        let before = epoch.events.len();
        epoch.events(3).end_gap(1, "given up", "4", Some((&name, first, last - told_last))).stop();
        let end = epoch.events.len();
        let report = verify(&[epoch.record(before..end).json(), epoch.record(0..before).json()]);
        assert_eq!(kinds(&report), expected);
        assert_eq!(report.epochs[0].gaps.list[0].accounted_by, Some(Account::Window));
        assert_eq!((report.losses.windows, report.losses.events, report.losses.unknown), (1, 4, 0));
    }
}

#[test]
fn a_loss_of_several_gaps_hides_no_event_that_was_between_them() {
    let mut epoch = begun();
    let name = epoch.name.clone();
    let (first, _) = epoch.lose(2);
    let one = epoch.events.len();
    let (_, last) = epoch.events(3).lose(2);
    let two = epoch.events.len();
    epoch.end_gap(1, "records given up", "4", Some((&name, first, last))).stop();
    let mut records = [0..one, one..two, two..two + 2].map(|events| epoch.record(events).json()).to_vec();
    assert_eq!(kinds(&verify(&records)), []);
    records.remove(1);
    assert_eq!(kinds(&verify(&records)), [Kind::LossExceeded]);
}

#[test]
fn events_that_never_had_a_number_are_only_counted_and_a_window_told_twice_is_one() {
    let mut epoch = begun();
    epoch.begin_gap(1, "ring full").events(2).end_gap(1, "ring full", "17", None).begin_gap(1, "ring full");
    epoch.end_gap(1, "ring full", "17", None).begin_gap(2, "x").end_gap(2, "x", "unknown", None).stop();
    let report = verify(&epoch.records(3));
    assert_eq!(kinds(&report), []);
    assert_eq!((report.losses.windows, report.losses.events, report.losses.unknown), (2, 17, 1));
    let lines = text(&report);
    assert!(lines.contains("LOSSES TOLD BY THE STREAM: 2, events lost: 17, and of 1 unknown"), "{lines}");
    assert!(lines.ends_with("\nALL ACCOUNTED FOR\n"), "{lines}");
    let strict = verify_with(&epoch.records(3), Accept { no_loss: true, ..Accept::default() });
    assert_eq!(kinds(&strict), [Kind::Loss]);
    let mut harmless = begun();
    harmless.end_gap(1, "spool unwritable", "0", None);
    assert_eq!(kinds(&verify_with(&harmless.records(3), Accept { no_loss: true, ..Accept::default() })), []);
}

#[test]
fn a_window_without_an_end_is_accepted_only_in_a_running_epoch_and_when_asked_for() {
    let mut epoch = begun();
    epoch.begin_gap(1, "ring full").events(2);
    let accept = Accept { open_window: true, ..Accept::default() };
    let running = verify(&epoch.records(3));
    assert_eq!(kinds(&running), [Kind::OpenWindow]);
    assert!(text(&running).contains("--allow-open-window"));
    assert_eq!(kinds(&verify_with(&epoch.records(3), accept)), []);
    epoch.stop();
    let stopped = verify_with(&epoch.records(3), accept);
    assert_eq!(kinds(&stopped), [Kind::OpenWindow]);
    assert!(!text(&stopped).contains("--allow-open-window"));
}

#[test]
fn an_event_of_the_stream_that_makes_no_sense_is_told() {
    let mut epoch = begun();
    epoch.told("STREAM GAP END", &["window=1".into()]).told("STREAM CONFIG", &["anything".into()]);
    let mut other = begun();
    other.told("STREAM STOP", &["epoch=00000000000000ff".into()]);
    for epoch in [epoch, other] {
        let report = verify(&epoch.records(4));
        assert_eq!(kinds(&report), [Kind::MalformedEvent]);
        assert!(report.problems.list[0].text.ends_with(": 7"));
    }
}

#[test]
fn the_report_for_people_says_what_is_wrong_without_driving_the_terminal() {
    let mut epoch = begun();
    epoch.end_gap(1, "\u{1b}[2J", "unknown", None);
    let mut records = epoch.records(2);
    records.remove(1);
    records.push(b"no JSON".to_vec());
    let lines = text(&verify(&records));
    for part in [
        "  gap 3 to 4: NOT ACCOUNTED FOR\n",
        "unreadable record: somewhere: ",
        r"loss 0000000000000001-1: \u{1b}[2J, ",
    ] {
        assert!(lines.contains(part), "{part} in {lines}");
    }
    assert!(
        lines.contains("!! epoch 0000000000000001: missing, and nothing accounts for it: 3 to 4\n"),
        "{lines}"
    );
    assert!(lines.ends_with("\nNOT ALL ACCOUNTED FOR\n") && !lines.contains('\u{1b}'), "{lines}");
}
