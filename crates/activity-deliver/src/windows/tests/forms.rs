//! The texts, the form on disk, and what a start makes of it.

use super::*;

/// Written by the first version that had it. Never changed.
const FIXTURE: &str = include_str!("../fixtures/state-v1.json");

fn window(reason: Reason, lost: Count) -> Window {
    let mut windows = first_start();
    windows.instant(reason, "Why.", lost, (START, START + SECOND), Some((5, 9)), START + 2 * SECOND);
    windows.finish_instants();
    only(&windows).clone()
}

#[test]
fn log_lines_say_what_is_known() {
    let known = window(Reason::RingFull, Count::Known(1234));
    let begin = known.log_line(Part::Begin);
    assert_eq!(begin.message, "activity_stream: events are being lost");
    let id = format!("{EPOCH}-1");
    let expected = format!("Why. Loss window {id}: ring full, from 2026-05-24 00:36:54.403455+00 on.");
    assert_eq!(begin.detail, expected);
    let end = known.log_line(Part::End);
    assert_eq!(end.message, "activity_stream: 1234 events were lost; no more are");
    let expected = format!(
        "Why. Loss window {id}: ring full, from 2026-05-24 00:36:54.403455+00 to 2026-05-24 00:36:55.403455+00. \
         Sequence numbers 5 to 9 in epoch {EPOCH}."
    );
    assert_eq!(end.detail, expected);
    let messages = |lost| {
        let window = window(Reason::SpoolUnwritable, lost);
        [Part::Begin, Part::End].map(|part| window.log_line(part).message)
    };
    let begin = "activity_stream: events might be lost";
    let none = "activity_stream: no more events can be lost; none is known to be";
    let unknown = "activity_stream: no more events can be lost; how many were is not known";
    assert_eq!(messages(Count::Known(0)), [begin, none]);
    assert_eq!(messages(Count::Unknown), [begin, unknown]);
}

#[test]
fn events_of_the_stream_have_a_sentence_and_parameters() {
    let known = window(Reason::GivenUp, Count::Known(5));
    let event = known.gap_event(Part::End);
    assert_eq!(event.command, "STREAM GAP END");
    let span = "from 2026-05-24 00:36:54.403455+00 to 2026-05-24 00:36:55.403455+00";
    assert_eq!(event.text, format!("5 events were lost {span}: records given up."));
    let params = [
        &format!("window={EPOCH}-1"),
        "reason=records given up",
        "from=2026-05-24 00:36:54.403455+00",
        "to=2026-05-24 00:36:55.403455+00",
        "count=5",
        "firstSequence=5",
        "lastSequence=9",
        &format!("epoch={EPOCH}"),
    ];
    assert_eq!(event.params, params);
    assert_eq!(
        window(Reason::GivenUp, Count::Known(1)).gap_event(Part::End).text.find("1 event was"),
        Some(0)
    );
}

#[test]
fn a_window_that_is_open_tells_no_count_and_one_of_unknown_loss_reaches_to_its_end() {
    let mut windows = first_start();
    windows.affected(Reason::RingFull, Count::Known(1), START, START);
    let event = only(&windows).gap_event(Part::Begin);
    assert_eq!(event.text, "Events are being lost from 2026-05-24 00:36:54.403455+00 on: ring full.");
    assert!(event.params.contains(&"count=unknown".to_owned()), "{:?}", event.params);
    assert!(!event.params.iter().any(|param| param.starts_with("to=")), "{:?}", event.params);
    let unknown = window(Reason::UncleanStop, Count::Unknown).gap_event(Part::End);
    let span = "from 2026-05-24 00:36:54.403455+00 to 2026-05-24 00:36:56.403455+00";
    let text = format!("Events might have been lost {span}, how many is not known: unclean stop.");
    assert_eq!(unknown.text, text);
}

#[test]
fn notices_name_their_window_within_the_limit_of_ids() {
    let mut window = window(Reason::UncleanStop, Count::Unknown);
    window.epoch = "e".repeat(limits::MAX_EPOCH_BYTES);
    (window.number, window.revision) = (9_999_999_999, 9_999_999);
    for (part, kind) in [(Part::Begin, NoticeKind::LossBegan), (Part::End, NoticeKind::LossEnded)] {
        let notice = window.notice(part, "cluster-test");
        assert_eq!((notice.kind, notice.cluster_id.as_str()), (kind, "cluster-test"));
        assert!(notice.id.len() <= limits::MAX_NOTICE_ID_BYTES, "{}", notice.id);
        assert!(notice.message.contains(&window.id()), "{}", notice.message);
    }
}

/// One of everything.
fn full_state() -> State {
    let mut windows = first_start();
    windows.instant(Reason::GivenUp, "Refused.", Count::Known(2), (START, START), Some((3, 4)), START);
    windows.finish_instants();
    tell_all(&mut windows);
    windows.affected(Reason::SpoolDamaged, Count::Unknown, START, START + 1);
    windows.instant(Reason::Torn, "", Count::Known(1), (START, START), None, START);
    windows.notice(notice("started-1")).unwrap();
    let previous =
        Previous { epoch: "beef".to_owned(), last_sequence: 9, chain: Some("00ff".to_owned()), clean: true };
    windows.state(Marker {
        owner: Owner { instance_id: "db-TEST".to_owned(), directory: 4711 },
        previous: Some(previous),
        last_ack_at: Some(START + 2),
        acked_sequence: 77,
        chain: Some("abcd".to_owned()),
        clean: true,
        counted: RingCounters { dropped: 5, torn: 1 },
        ..marker()
    })
}

#[test]
fn the_form_on_disk_is_the_one_of_the_first_version() {
    let state = full_state();
    assert_eq!(String::from_utf8(state.to_bytes().unwrap()).unwrap(), FIXTURE);
    let read = State::from_bytes(FIXTURE.as_bytes()).unwrap();
    assert_eq!(read.to_bytes().unwrap(), FIXTURE.as_bytes());
    assert_eq!(read.marker, state.marker);
}

#[test]
fn the_largest_state_fits_into_its_file() {
    let mut windows = first_start();
    // Six bytes each in JSON.
    let texts = "\u{1}".repeat(limits::MAX_DETAIL_BYTES);
    for number in 0..2 * MAX_WINDOWS {
        let reason = Reason::ALL[number % Reason::ALL.len()];
        windows.affected(reason, Count::Known(u64::MAX), i64::MIN, i64::MIN);
        windows.close(reason, i64::MIN);
        let times = (i64::MIN, i64::MIN);
        windows.instant(reason, &texts, Count::Known(1), times, Some((u64::MAX - 1, u64::MAX)), i64::MIN);
        windows.finish_instants();
    }
    for number in 0..MAX_DUE_NOTICES {
        let message = texts[..texts.len() - "cluster-test".len()].to_owned();
        windows.notice(Notice { message, ..notice(&format!("{number:064}")) }).unwrap();
    }
    let bytes = windows.state(marker()).to_bytes().unwrap();
    assert!(bytes.len() <= MAX_STATE_BYTES, "{}", bytes.len());
    assert!(State::from_bytes(&bytes).is_ok());
}

#[test]
fn damaged_and_unknown_states_are_told_apart_and_never_read() {
    let damaged = |text: &str| State::from_bytes(text.as_bytes()).unwrap_err();
    assert_eq!(damaged(r#"{"version": 2, "anything": []}"#), Damaged::UnknownVersion(2));
    assert_eq!(State::from_bytes(&vec![b' '; MAX_STATE_BYTES + 1]).unwrap_err(), Damaged::TooLarge);
    for length in 0..FIXTURE.len() - 2 {
        assert!(matches!(damaged(&FIXTURE[..length]), Damaged::Invalid(_)), "{length}");
    }
    let replaced = |from: &str, to: &str| damaged(&FIXTURE.replace(from, to));
    for (from, to) in [
        ("\"number\": 2", "\"number\": 1"),
        ("\"next_number\": 4", "\"next_number\": 3"),
        ("00c0ffee00c0ffee", "../../etc"),
        ("00c0ffee00c0ffee", ""),
        ("\"torn\"", "\"worn\""),
    ] {
        assert!(FIXTURE.contains(from), "{from}");
        assert!(matches!(replaced(from, to), Damaged::Invalid(_)), "{from}");
    }
}

#[test]
fn a_start_tells_how_the_last_one_ended() {
    let stored = full_state();
    let previous = |clean| Previous {
        epoch: EPOCH.to_owned(),
        last_sequence: 77,
        chain: Some("abcd".to_owned()),
        clean,
    };
    let (state, resumed) = resume(Some(stored.clone()), "cafe", START + 9);
    assert_eq!(resumed, Resumed::CleanStart { previous: previous(true) });
    assert_eq!(state.marker.previous, Some(previous(true)));
    let fresh = (state.marker.acked_sequence, state.marker.last_ack_at, state.marker.clean);
    assert_eq!(fresh, (0, None, false));
    assert_eq!((state.marker.epoch.as_str(), state.marker.epoch_started_at), ("cafe", START + 9));

    let mut unclean = stored.clone();
    unclean.marker.clean = false;
    let (_, resumed) = resume(Some(unclean.clone()), "cafe", START + 9);
    assert_eq!(resumed, Resumed::UncleanStop { previous: previous(false), last_ack_at: START + 2 });
    unclean.marker.last_ack_at = None;
    let (_, resumed) = resume(Some(unclean), "cafe", START + 9);
    let since_start = Resumed::UncleanStop { previous: previous(false), last_ack_at: START };
    assert_eq!(resumed, since_start, "nothing was ever acknowledged");

    let (state, resumed) = resume(Some(stored.clone()), EPOCH, START + 9);
    assert_eq!(resumed, Resumed::SameEpoch);
    assert_eq!(state.marker, Marker { clean: false, ..stored.marker });
}
