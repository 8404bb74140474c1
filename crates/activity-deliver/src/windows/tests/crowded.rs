//! More windows than there is room for.

use super::*;

/// Loses one event and ends the window.
fn lose_one(windows: &mut Windows, reason: Reason) {
    windows.affected(reason, Count::Known(1), START, START);
    windows.close(reason, START + 1);
}

fn lost(windows: &Windows) -> u64 {
    let known = |window: &Window| if let Count::Known(lost) = window.lost { lost } else { 0 };
    windows.iter().map(known).sum()
}

#[test]
fn the_oldest_that_are_told_go_first() {
    let mut windows = first_start();
    windows.open(Reason::Torn, "", START, START);
    for _ in 0..2 * MAX_WINDOWS {
        lose_one(&mut windows, Reason::RingFull);
        tell_all(&mut windows);
    }
    let numbers: Vec<_> = windows.iter().map(|window| window.number).collect();
    assert_eq!(numbers.len(), CROWDED_WINDOWS);
    assert_eq!((numbers[0], numbers[CROWDED_WINDOWS - 1]), (1, 257), "the open one stays");
    assert_eq!(numbers[1], 257 - 118);
}

#[test]
fn losses_that_find_no_room_go_to_the_latest_window_of_their_reason() {
    let mut windows = first_start();
    for _ in 0..1000 {
        lose_one(&mut windows, Reason::RingFull);
    }
    assert_eq!((windows.iter().count(), lost(&windows)), (CROWDED_WINDOWS, 1000));
    assert_eq!(windows.iter().last().unwrap().lost, Count::Known(1001 - CROWDED_WINDOWS as u64));
    for reason in Reason::ALL {
        lose_one(&mut windows, reason);
        lose_one(&mut windows, reason);
    }
    assert_eq!((windows.iter().count(), lost(&windows)), (MAX_WINDOWS - 1, 1000 + 2 * 8));
}

#[test]
fn an_end_that_was_told_before_its_window_went_on_is_told_anew_with_the_whole() {
    let mut windows = first_start();
    for _ in 0..CROWDED_WINDOWS {
        lose_one(&mut windows, Reason::RingFull);
    }
    // Log and stream have everything, the sinks have not said that they have the ends.
    while let Some(action) = windows.next_action() {
        match action {
            Action::Persist { generation } => windows.persisted(generation, true),
            Action::Publish { number, part, .. } => windows.published(number, part, true),
            Action::Notify(notice) if notice.kind == NoticeKind::LossBegan => windows.notified(&notice.id),
            Action::Notify(_) | Action::Log { .. } => {}
        }
    }
    lose_one(&mut windows, Reason::RingFull);
    let latest = CROWDED_WINDOWS as u64;
    let told = tell(&mut windows);
    let lines = ["events are being lost", "2 events were lost; no more are"];
    assert_eq!(told.log, lines.map(|line| format!("activity_stream: {line}")));
    assert_eq!(told.stream, [(latest, Part::End)], "its beginning is in the stream already");
    assert_eq!(told.notices, [format!("{EPOCH}-{latest}-end-2")]);
}

#[test]
fn sequence_numbers_of_two_epochs_are_not_mixed() {
    let mut windows = first_start();
    for _ in 0..CROWDED_WINDOWS {
        lose_one(&mut windows, Reason::RingFull);
    }
    windows.instant(Reason::RingFull, "", Count::Known(1), (START, START), Some((7, 8)), START);
    assert_eq!(windows.iter().last().unwrap().sequences, Some((7, 8)));
    let (mut windows, _) = restarted(&windows, marker(), "beef", START);
    windows.instant(Reason::RingFull, "", Count::Known(1), (START, START), Some((1, 2)), START);
    let last = windows.iter().last().unwrap();
    assert_eq!((last.epoch.as_str(), last.lost, last.sequences), (EPOCH, Count::Known(3), None));
}
