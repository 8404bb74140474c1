//! How windows open, grow and end.

use super::*;

#[test]
fn a_full_ring_gives_one_window_with_all_that_was_lost() {
    let mut windows = first_start();
    windows.open(Reason::RingFull, "The ring is full.", START, START + 1);
    windows.open(Reason::RingFull, "again", START + 2, START + 3);
    windows.affected(Reason::RingFull, Count::Known(7), START + SECOND, START + SECOND);
    windows.affected(Reason::RingFull, Count::Known(5), START + 2 * SECOND, START + 2 * SECOND);
    assert!(windows.is_open(Reason::RingFull));
    windows.close(Reason::RingFull, START + 7 * SECOND);
    windows.close(Reason::RingFull, START + 8 * SECOND);
    assert!(!windows.is_open(Reason::RingFull));
    let window = only(&windows);
    assert_eq!((window.begin, window.end), (START + 1, Some(START + 7 * SECOND)));
    assert_eq!((window.first_affected, window.last_affected), (START, START + 2 * SECOND));
    assert_eq!((window.lost, window.detail.as_str()), (Count::Known(12), "The ring is full."));
    assert_eq!(window.id(), format!("{EPOCH}-1"));
}

#[test]
fn an_open_window_reaches_back_to_the_earliest_loss_that_is_found() {
    let mut windows = first_start();
    for first_affected in [START, START - 5, START - 3] {
        windows.open(Reason::SpoolUnwritable, "", first_affected, START);
    }
    assert_eq!((only(&windows).first_affected, only(&windows).begin), (START - 5, START));
}

#[test]
fn losses_after_the_end_are_another_window() {
    let mut windows = first_start();
    for round in 0..3 {
        windows.affected(Reason::RingFull, Count::Known(1), START + round, START + round);
        windows.close(Reason::RingFull, START + round);
    }
    let numbers: Vec<_> = windows.iter().map(|window| (window.number, window.lost)).collect();
    assert_eq!(numbers, [1, 2, 3].map(|number| (number, Count::Known(1))));
}

#[test]
fn reasons_have_windows_of_their_own() {
    let mut windows = first_start();
    for reason in Reason::ALL {
        windows.open(reason, reason.as_str(), START, START);
    }
    windows.close(Reason::Torn, START);
    let open: Vec<_> = Reason::ALL.into_iter().filter(|reason| windows.is_open(*reason)).collect();
    assert_eq!((windows.iter().count(), open.len()), (Reason::ALL.len(), Reason::ALL.len() - 1));
    assert!(!open.contains(&Reason::Torn));
}

#[test]
fn one_unknown_count_makes_the_whole_unknown() {
    let mut windows = first_start();
    windows.affected(Reason::SpoolDamaged, Count::Known(7), START, START);
    windows.affected(Reason::SpoolDamaged, Count::Unknown, START, START);
    windows.affected(Reason::SpoolDamaged, Count::Known(7), START, START);
    assert_eq!(only(&windows).lost, Count::Unknown);
    assert_eq!(Count::Known(u64::MAX).plus(Count::Known(1)), Count::Known(u64::MAX));
}

#[test]
fn instant_losses_in_a_row_share_a_window_whose_end_is_told_when_no_more_come() {
    let mut windows = first_start();
    let at = |second: i64| START + second * SECOND;
    for second in [0_i64, 4, 8] {
        let sequences = (100 - second.cast_unsigned(), 200);
        let times = (at(second - 1), at(second));
        windows.instant(Reason::GivenUp, "refused", Count::Known(2), times, Some(sequences), at(second));
        windows.tick(at(second) + INSTANT_LINGER_MICROS - 1);
    }
    let told = tell_all(&mut windows);
    assert_eq!(told.stream, [(1, Part::Begin)]);
    assert!(!only(&windows).is_over() && !windows.is_open(Reason::GivenUp));
    windows.tick(at(8) + INSTANT_LINGER_MICROS);
    let told = tell_all(&mut windows);
    assert_eq!((told.stream, told.log.len()), (vec![(1, Part::End)], 1));
    let window = only(&windows);
    assert_eq!((window.lost, window.sequences), (Count::Known(6), Some((92, 200))));
    assert_eq!((window.first_affected, window.end), (at(-1), Some(at(8))));
    windows.instant(Reason::GivenUp, "refused", Count::Known(1), (at(14), at(14)), None, at(14));
    assert_eq!(windows.iter().count(), 2, "what was told to be over does not go on");
}

#[test]
fn an_instant_loss_while_a_window_is_open_belongs_to_it() {
    let mut windows = first_start();
    windows.open(Reason::GivenUp, "", START, START);
    windows.instant(Reason::GivenUp, "", Count::Known(3), (START, START + 1), Some((4, 6)), START + 1);
    assert!(windows.is_open(Reason::GivenUp));
    assert_eq!((only(&windows).lost, only(&windows).sequences), (Count::Known(3), Some((4, 6))));
}

#[test]
fn a_lasting_loss_after_an_instant_one_goes_on_in_its_window() {
    let mut windows = first_start();
    windows.instant(Reason::Torn, "", Count::Known(1), (START, START), None, START);
    windows.affected(Reason::Torn, Count::Known(2), START + 1, START + 1);
    windows.tick(START + 2 * INSTANT_LINGER_MICROS);
    assert!(windows.is_open(Reason::Torn));
    assert_eq!(only(&windows).lost, Count::Known(3));
}

#[test]
fn a_clock_that_is_set_back_neither_turns_a_window_round_nor_holds_its_end_back() {
    let mut windows = first_start();
    windows.open(Reason::RingFull, "", START, START);
    windows.close(Reason::RingFull, START - SECOND);
    windows.instant(Reason::GivenUp, "", Count::Known(1), (START, START), None, START);
    windows.tick(START - 1);
    assert_eq!(windows.iter().map(|window| window.end).collect::<Vec<_>>(), [Some(START); 2]);
    assert!(windows.iter().all(Window::is_over));
}

#[test]
fn a_worker_that_stops_tells_instant_losses_without_waiting() {
    let mut windows = first_start();
    windows.instant(Reason::ShutdownLeft, "", Count::Known(9), (START, START), None, START);
    windows.finish_instants();
    assert_eq!(tell_all(&mut windows).stream, [(1, Part::Begin), (1, Part::End)]);
}

#[test]
fn what_is_said_about_a_window_is_cut_to_what_the_state_file_has_room_for() {
    let mut windows = first_start();
    windows.open(Reason::RingFull, &"é".repeat(1000), START, START);
    assert_eq!(only(&windows).detail, "é".repeat(256));
}
