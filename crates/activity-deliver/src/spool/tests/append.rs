//! What is taken, what is refused, and what a refusal leaves.

use std::io::ErrorKind;

use super::*;

fn disk_error<T: std::fmt::Debug>(result: Result<T, SpoolError>) -> (Operation, String, ErrorKind) {
    match result {
        Err(SpoolError::Disk { operation, name, source }) => (operation, name, source.kind()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_full_spool_takes_records_again_when_a_segment_is_released() {
    let disk = SimDisk::new(1);
    let quota = Limits { max_bytes: 2 * MIB };
    let (mut spool, _) = Spool::open(disk.clone(), &owner(), quota).unwrap();
    let mut last = 0;
    let full = loop {
        match spool.append(&[record(last + 1, 100_000)]) {
            Ok(ordinals) => last = *ordinals.end(),
            Err(error) => break error,
        }
    };
    let SpoolError::Full { needed_bytes, used_bytes, max_bytes } = full else { panic!("{full}") };
    assert_eq!((used_bytes, max_bytes), (spool.bytes(), 2 * MIB));
    assert!(used_bytes + needed_bytes > max_bytes && used_bytes == segment_bytes(&disk));
    // Two records are a segment.
    assert_eq!((last, segments(&disk).len()), (20, 10));
    spool.release(1).unwrap();
    assert!(matches!(spool.append(&[record(21, 100_000)]), Err(SpoolError::Full { .. })));
    spool.release(2).unwrap();
    assert_eq!(spool.append(&[record(21, 100_000)]).unwrap(), 21..=21);
    assert_eq!(ordinals(&read_all(&mut spool, 100_000)), Vec::from_iter(3..=21));
}

#[test]
fn without_a_quota_nothing_is_taken_and_what_is_there_is_delivered() {
    let disk = filled(1..=3, 100);
    let (mut spool, _) = Spool::open(disk.clone(), &owner(), Limits { max_bytes: 0 }).unwrap();
    assert!(matches!(spool.append(&[record(4, 0)]), Err(SpoolError::Full { max_bytes: 0, .. })));
    assert_eq!(ordinals(&read_all(&mut spool, 100)), [1, 2, 3]);
    spool.release(3).unwrap();
    assert_eq!((segments(&disk).len(), spool.bytes()), (0, 0));
    spool.set_limits(PLENTY);
    assert_eq!(spool.append(&[record(4, 0)]).unwrap(), 4..=4);
}

#[test]
fn frames_of_an_append_that_failed_do_not_count_even_if_they_cannot_be_cut_off() {
    let disk = filled(1..=2, 100);
    let (mut spool, _) = open(&disk);
    // The write works; the sync and the cut behind it do not.
    disk.fail(Fault::Io, 1, 2);
    let failed = disk_error(spool.append(&[record(99, 300), record(98, 300)]));
    assert_eq!((failed.0, failed.1.as_str()), (Operation::Sync, "0000000000000001.segment"));
    assert_eq!((spool.next_ordinal(), spool.bytes()), (3, segment_bytes(&disk)));
    assert_eq!(spool.append(&records(3..=4, 100)).unwrap(), 3..=4);
    assert_eq!(segments(&disk), ["0000000000000001.segment", "0000000000000003.segment"]);
    assert_eq!(ordinals(&read_all(&mut spool, 100)), [1, 2, 3, 4]);
    drop(spool);
    let (mut spool, recovered) = open(&disk);
    assert_eq!((recovered.records, recovered.torn_bytes, recovered.damaged), (4, 0, vec![]));
    let read = read_all(&mut spool, 100);
    assert_eq!((ordinals(&read), read.lost), (vec![1, 2, 3, 4], vec![]));
}

#[test]
fn a_segment_that_could_not_be_made_is_made_anew() {
    let disk = SimDisk::new(1);
    let (mut spool, _) = open(&disk);
    for after in 0..4 {
        disk.fail(Fault::Io, after, 1);
        assert!(matches!(spool.append(&[record(1, 100)]), Err(SpoolError::Disk { .. })), "{after}");
        assert!(spool.is_empty() && spool.bytes() >= segment_bytes(&disk));
    }
    disk.heal();
    assert_eq!(spool.append(&[record(1, 100)]).unwrap(), 1..=1);
    disk.crash(&mut Random::new(1));
    assert_eq!(ordinals(&read_all(&mut open(&disk).0, 100)), [1]);
}

#[test]
fn on_a_full_disk_records_are_delivered_and_their_room_is_used_again() {
    let disk = SimDisk::new(1);
    disk.set_capacity(MIB);
    let (mut spool, _) = open(&disk);
    let mut last = 0;
    while spool.append(&[record(last + 1, 100_000)]).is_ok() {
        last += 1;
    }
    let failed = disk_error(spool.append(&[record(last + 1, 100_000)]));
    assert_eq!((failed.0, failed.2), (Operation::Write, ErrorKind::StorageFull));
    // Nothing at all fits any more.
    disk.set_capacity(0);
    assert_eq!(ordinals(&read_all(&mut spool, 100_000)), Vec::from_iter(1..=last));
    spool.release(last).unwrap();
    assert!(spool.is_empty());
    disk.set_capacity(MIB);
    assert_eq!(spool.append(&[record(last + 1, 100_000)]).unwrap(), last + 1..=last + 1);
}

#[test]
fn what_the_format_cannot_hold_is_refused_before_anything_is_written() {
    let disk = SimDisk::new(1);
    let (mut spool, _) = open(&disk);
    let operations = disk.operations();
    let mut long_key = record(1, 10);
    long_key.1.partition_key = "k".repeat(limits::MAX_PARTITION_KEY_BYTES + 1);
    for refused in [
        vec![record(1, 10), long_key],
        vec![record(1, limits::MAX_DATA_BYTES + 1)],
        records(1..=7, limits::MAX_DATA_BYTES),
    ] {
        assert!(matches!(spool.append(&refused), Err(SpoolError::TooLarge { .. })));
    }
    assert_eq!((disk.operations(), spool.records()), (operations, 0));
    let mut largest = record(1, limits::MAX_DATA_BYTES);
    largest.1.partition_key = "ü".repeat(limits::MAX_PARTITION_KEY_BYTES / 2);
    spool.append(std::slice::from_ref(&largest)).unwrap();
    assert_eq!(spool.read(1, 0).unwrap().records[0].record, largest.1);
}

#[test]
fn an_append_of_nothing_writes_nothing() {
    let disk = filled(1..=2, 10);
    let (mut spool, _) = open(&disk);
    let operations = disk.operations();
    assert!(spool.append(&[]).unwrap().is_empty());
    assert_eq!((disk.operations(), spool.next_ordinal()), (operations, 3));
}

#[test]
fn segments_end_at_their_size_and_an_append_is_never_split() {
    let disk = SimDisk::new(1);
    let (mut spool, _) = Spool::open(disk.clone(), &owner(), Limits { max_bytes: 8 * MIB }).unwrap();
    for first in [1, 5, 9] {
        spool.append(&records(first..=first + 3, 200_000)).unwrap();
    }
    spool.append(&records(13..=24, 200_000)).unwrap();
    let lengths: Vec<_> = segments(&disk).iter().map(|name| disk.content(name).len() / 200_000).collect();
    assert_eq!(lengths, [4, 4, 4, 12]);
}

#[test]
fn an_error_says_what_was_done_to_which_file_and_what_the_system_said() {
    let disk = filled(1..=1, 100);
    let (mut spool, _) = open(&disk);
    disk.fail(Fault::NoSpace, 0, 1);
    let error = spool.append(&[record(2, 100)]).unwrap_err();
    let expected = "could not write \"0000000000000001.segment\" of the spool: No space left on device";
    assert!(error.to_string().starts_with(expected), "{error}");
    spool.set_limits(Limits { max_bytes: 10 });
    let error = spool.append(&[record(2, 100)]).unwrap_err();
    let expected = format!("the spool is full: {} of 10 bytes are used, 213 more are needed", spool.bytes());
    assert_eq!(error.to_string(), expected);
}
