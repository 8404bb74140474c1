//! Reading, rewinding, releasing, and what is remembered.

use super::*;

#[test]
fn a_read_ends_at_either_limit_and_gives_one_record_at_least() {
    let disk = filled(1..=9, 1000);
    let (mut spool, _) = open(&disk);
    assert_eq!(ordinals(&spool.read(2, usize::MAX).unwrap()), [1, 2]);
    assert_eq!(ordinals(&spool.read(9, 2 * 1005).unwrap()), [3, 4]);
    assert_eq!(ordinals(&spool.read(9, 2 * 1005 - 1).unwrap()), [5]);
    assert_eq!(ordinals(&spool.read(0, 0).unwrap()), [6]);
    assert_eq!(spool.read_ordinal(), Some(7));
    let rest = spool.read(9, usize::MAX).unwrap();
    assert_eq!((ordinals(&rest), rest.last_ordinal()), (vec![7, 8, 9], Some(9)));
    let nothing = spool.read(9, 9).unwrap();
    assert_eq!((nothing.is_empty(), nothing.last_ordinal(), spool.read_ordinal()), (true, None, None));
    spool.append(&[record(10, 1000)]).unwrap();
    assert_eq!(ordinals(&spool.read(9, 9).unwrap()), [10]);
}

#[test]
fn a_rewind_goes_back_to_what_is_not_released() {
    let disk = filled(1..=6, 100);
    let (mut spool, _) = open(&disk);
    spool.read(5, usize::MAX).unwrap();
    spool.release(2).unwrap();
    assert_eq!((spool.records(), spool.first_ordinal()), (4, Some(3)));
    spool.rewind();
    assert_eq!(ordinals(&spool.read(2, usize::MAX).unwrap()), [3, 4]);
    // What is released before it was read is skipped.
    spool.release(5).unwrap();
    assert_eq!(ordinals(&read_all(&mut spool, 100)), [6]);
}

#[test]
fn an_ordinal_that_was_not_given_cannot_be_released() {
    let (mut spool, _) = open(&filled(1..=2, 10));
    assert!(matches!(spool.release(3), Err(SpoolError::NotSpooled { through: 3, last: 2 })));
    assert_eq!(spool.records(), 2);
    spool.release(2).unwrap();
    spool.release(1).unwrap();
    assert_eq!((spool.records(), spool.first_ordinal()), (0, None));
}

#[test]
fn ordinals_go_on_after_everything_was_delivered_and_removed() {
    let disk = filled(1..=5, 100);
    let (mut spool, _) = open(&disk);
    spool.release(5).unwrap();
    assert_eq!(segments(&disk), Vec::<String>::new());
    drop(spool);
    disk.crash(&mut Random::new(1));
    let (mut spool, recovered) = open(&disk);
    assert_eq!((recovered.released, recovered.checkpoint), (5, CheckpointState::Whole));
    assert_eq!((recovered.records, recovered.last, recovered.damaged), (0, None, vec![]));
    assert_eq!(spool.append(&[record(6, 100)]).unwrap(), 6..=6);
}

#[test]
fn what_was_released_since_the_checkpoint_is_read_again_unless_it_is_written_at_the_end() {
    let disk = filled(1..=100, 10);
    let (mut spool, _) = open(&disk);
    for ordinal in 1..=70 {
        spool.release(ordinal).unwrap();
    }
    drop(spool);
    let (mut spool, recovered) = open(&disk);
    assert_eq!((recovered.released, spool.first_ordinal()), (limits::CHECKPOINT_EVERY_RECORDS, Some(65)));
    spool.release(71).unwrap();
    spool.checkpoint().unwrap();
    drop(spool);
    let (mut spool, recovered) = open(&disk);
    assert_eq!((recovered.released, recovered.records), (71, 29));
    assert_eq!(recovered.first, Some((72, meta(72))));
    assert_eq!(ordinals(&read_all(&mut spool, 10))[0], 72);
}

#[test]
fn a_release_that_fails_loses_nothing_and_is_completed_by_the_next_call() {
    let failures = 4;
    for after in 0..failures {
        let disk = filled(1..=3, 100);
        let (mut spool, _) = open(&disk);
        disk.fail(Fault::Io, after, 1);
        let failed = spool.release(3);
        assert_eq!(failed.is_err(), after < 3, "{after}: {failed:?}");
        assert!(spool.is_empty());
        disk.heal();
        // Either the removal comes with the append, or the release with its repetition.
        spool.release(3).unwrap();
        assert_eq!(segments(&disk), Vec::<String>::new());
        assert_eq!(spool.append(&[record(4, 100)]).unwrap(), 4..=4);
        drop(spool);
        let (mut spool, recovered) = open(&disk);
        assert_eq!(recovered.damaged, []);
        assert_eq!(ordinals(&read_all(&mut spool, 100)), [4]);
    }
}

#[test]
fn a_segment_that_could_not_be_removed_is_removed_by_the_next_append() {
    let disk = filled(1..=3, 100);
    let (mut spool, _) = open(&disk);
    disk.fail(Fault::Io, 2, 1);
    assert!(matches!(spool.release(3), Err(SpoolError::Disk { operation: Operation::Remove, .. })));
    spool.append(&[record(4, 100)]).unwrap();
    assert_eq!(segments(&disk), ["0000000000000004.segment"]);
    assert_eq!(ordinals(&read_all(&mut spool, 100)), [4]);
}

#[test]
fn a_read_that_fails_is_repeated_and_gives_the_same() {
    let disk = filled(1..=4, 100);
    let (mut spool, _) = open(&disk);
    let mut all = Vec::new();
    for after in 0..8 {
        disk.fail(Fault::Io, after, 1);
        if let Ok(read) = spool.read(9, usize::MAX) {
            assert_eq!(read.lost, []);
            all.extend(ordinals(&read));
        }
    }
    disk.heal();
    all.extend(ordinals(&read_all(&mut spool, 100)));
    assert_eq!(all, [1, 2, 3, 4]);
}
