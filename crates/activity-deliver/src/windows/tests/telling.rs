//! What is told where, and when it is told again.

use super::*;

#[test]
fn beginning_and_end_go_to_log_stream_and_sinks_once() {
    let mut windows = first_start();
    windows.open(Reason::RingFull, "", START, START);
    let told = tell_all(&mut windows);
    assert_eq!(told.log, ["activity_stream: events are being lost"]);
    assert_eq!(told.stream, [(1, Part::Begin)]);
    assert_eq!(told.notices, [format!("{EPOCH}-1-begin")]);
    assert_eq!(told.writes, 2, "before it is told, and that it was");
    windows.affected(Reason::RingFull, Count::Known(1234), START, START);
    assert_eq!(tell_all(&mut windows), Told::default(), "a count alone tells nothing");
    assert!(windows.has_changes());
    windows.close(Reason::RingFull, START);
    let told = tell_all(&mut windows);
    assert_eq!(told.log, ["activity_stream: 1234 events were lost; no more are"]);
    assert_eq!(told.stream, [(1, Part::End)]);
    assert_eq!(told.notices, [format!("{EPOCH}-1-end")]);
    assert_eq!(tell_all(&mut windows), Told::default());
    assert!(only(&windows).is_told() && !windows.has_changes());
}

#[test]
fn nothing_is_told_before_it_was_written() {
    let mut windows = first_start();
    windows.open(Reason::RingFull, "", START, START);
    let Some(Action::Persist { generation }) = windows.next_action() else { panic!("a write is due") };
    assert_eq!(windows.next_action(), None, "the write is under way");
    windows.persisted(generation, true);
    assert!(matches!(windows.next_action(), Some(Action::Log { reason: Reason::RingFull, .. })));
}

#[test]
fn what_cannot_be_written_is_told_nevertheless_and_the_write_is_tried_again() {
    let mut windows = first_start();
    windows.open(Reason::SpoolUnwritable, "", START, START);
    let Some(Action::Persist { generation }) = windows.next_action() else { panic!("a write is due") };
    windows.persisted(generation, false);
    assert!(matches!(windows.next_action(), Some(Action::Log { .. })));
    assert!(matches!(windows.next_action(), Some(Action::Publish { .. })));
    windows.published(1, Part::Begin, true);
    assert!(matches!(windows.next_action(), Some(Action::Notify(_))));
    windows.notified(&format!("{EPOCH}-1-begin"));
    assert_eq!(windows.next_action(), None, "not at the pace of the caller's rounds");
    assert!(windows.has_due());
    windows.retry_refused();
    assert_eq!(tell_all(&mut windows), Told { writes: 1, ..Told::default() });
}

#[test]
fn what_happens_during_a_write_is_written_by_the_next_one_and_told_then() {
    let mut windows = first_start();
    let Some(Action::Persist { generation }) = windows.next_action() else { panic!("a write is due") };
    windows.open(Reason::RingFull, "", START, START);
    windows.persisted(generation, true);
    let Some(Action::Persist { generation: next }) = windows.next_action() else { panic!("another is due") };
    assert!(next > generation);
    assert_eq!(windows.next_action(), None, "nothing is told before it");
    windows.persisted(next, true);
    assert_eq!(tell_all(&mut windows).log.len(), 1);
}

#[test]
fn a_write_that_succeeds_after_it_was_given_up_counts() {
    let mut windows = first_start();
    windows.open(Reason::RingFull, "", START, START);
    let generation = windows.begin_write().unwrap();
    assert_eq!(windows.begin_write(), None, "two could overtake each other");
    windows.persisted(generation, false);
    windows.persisted(generation, true);
    assert!(!windows.has_changes());
}

#[test]
fn a_full_ring_holds_back_its_events_alone() {
    let mut windows = first_start();
    windows.open(Reason::RingFull, "", START, START);
    assert!(matches!(write(&mut windows), Some(Action::Log { .. })));
    let Some(Action::Publish { number, part: Part::Begin, event }) = windows.next_action() else {
        panic!("the beginning is due");
    };
    assert_eq!(event.command, "STREAM GAP BEGIN");
    windows.published(number, Part::Begin, false);
    assert!(matches!(windows.next_action(), Some(Action::Notify(_))));
    windows.close(Reason::RingFull, START);
    windows.retry_refused();
    windows.notified(&format!("{EPOCH}-1-begin"));
    let told = tell_all(&mut windows);
    assert_eq!(told.stream, [(1, Part::Begin), (1, Part::End)], "the beginning first");
}

#[test]
fn a_notice_that_is_not_taken_over_is_given_again_and_holds_back_its_end() {
    let mut windows = first_start();
    windows.open(Reason::RingFull, "", START, START);
    windows.close(Reason::RingFull, START);
    let mut refused = Vec::new();
    for _ in 0..2 {
        while let Some(action) = windows.next_action() {
            match action {
                Action::Persist { generation } => windows.persisted(generation, true),
                Action::Publish { number, part, .. } => windows.published(number, part, true),
                Action::Notify(notice) => {
                    windows.notice_refused(&notice.id);
                    refused.push(notice.id);
                }
                Action::Log { .. } => {}
            }
        }
        windows.retry_refused();
    }
    assert_eq!(refused, [(); 2].map(|()| format!("{EPOCH}-1-begin")));
    let told = tell_all(&mut windows);
    assert_eq!(told.notices, ["begin", "end"].map(|part| format!("{EPOCH}-1-{part}")));
}

#[test]
fn what_is_due_survives_a_restart_and_what_was_told_is_not_told_again() {
    let mut windows = first_start();
    windows.open(Reason::RingFull, "", START, START);
    windows.notice(notice("started-1")).unwrap();
    let mut given = Vec::new();
    while let Some(action) = windows.next_action() {
        match action {
            Action::Persist { generation } => windows.persisted(generation, true),
            Action::Publish { number, part, .. } => windows.published(number, part, false),
            Action::Notify(notice) => given.push(notice.id),
            Action::Log { .. } => {}
        }
    }
    assert_eq!(given, ["started-1".to_owned(), format!("{EPOCH}-1-begin")]);
    let (mut windows, resumed) = restarted(&windows, marker(), EPOCH, START + 1);
    assert_eq!(resumed, Resumed::SameEpoch);
    assert!(windows.is_open(Reason::RingFull), "it goes on");
    windows.close(Reason::RingFull, START + 2);
    let told = tell_all(&mut windows);
    assert_eq!(told.log, ["activity_stream: no more events can be lost; none is known to be"]);
    assert_eq!(told.stream, [(1, Part::Begin), (1, Part::End)]);
    let ids = ["started-1".to_owned(), format!("{EPOCH}-1-begin"), format!("{EPOCH}-1-end")];
    assert_eq!(told.notices, ids);
}

#[test]
fn what_a_start_found_is_written_before_it_is_told() {
    let mut windows = first_start();
    windows.open(Reason::RingFull, "", START, START);
    tell_all(&mut windows);
    let (mut windows, _) = restarted(&windows, marker(), "beef", START);
    let first: Vec<_> = (0..2).map(|_| windows.next_action()).collect();
    assert!(matches!(first[..], [Some(Action::Persist { .. }), None]), "{first:?}");
}

#[test]
fn windows_that_a_former_epoch_left_open_end_with_the_next() {
    let mut windows = first_start();
    windows.affected(Reason::RingFull, Count::Known(3), START, START);
    windows.instant(Reason::GivenUp, "", Count::Known(1), (START, START), None, START);
    tell_all(&mut windows);
    let later = START + 3600 * SECOND;
    let (mut windows, resumed) = restarted(&windows, marker(), "beef", later);
    assert!(matches!(resumed, Resumed::UncleanStop { last_ack_at: START, .. }));
    let ends: Vec<_> = windows.iter().map(|window| window.end).collect();
    assert_eq!(ends, [Some(later), Some(START)], "an instant one has its end");
    assert_eq!(tell_all(&mut windows).stream, [(1, Part::End), (2, Part::End)]);
    windows.affected(Reason::RingFull, Count::Known(1), later, later);
    assert_eq!(windows.iter().last().map(Window::id), Some("beef-3".to_owned()), "numbers go on");
}

#[test]
fn other_notices_are_kept_until_done_and_refused_when_there_are_too_many() {
    let mut windows = first_start();
    for number in 0..MAX_DUE_NOTICES {
        windows.notice(notice(&format!("n-{number}"))).unwrap();
        windows.notice(notice(&format!("n-{number}"))).unwrap();
    }
    assert_eq!(windows.notice(notice("n-too-many")).unwrap_err().0.id, "n-too-many");
    assert_eq!(tell_all(&mut windows).notices.len(), MAX_DUE_NOTICES);
    let long = Notice { message: "m".repeat(1000), ..notice("long") };
    assert!(windows.notice(long).is_err());
    windows.notified("nobody-knows-it");
    assert!(!windows.has_due());
}
