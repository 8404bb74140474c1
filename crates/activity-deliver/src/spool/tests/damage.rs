//! Bytes that are wrong, files that are gone, sectors that cannot be read.

use super::*;

const BYTES: usize = 40;

/// Three segments of three records each, of which the first record is released.
fn three_segments() -> SimDisk {
    let disk = three_full_segments();
    let (mut spool, _) = open(&disk);
    spool.release(1).unwrap();
    spool.checkpoint().unwrap();
    disk
}

/// The same with nothing released: an append that fails ends a segment.
fn three_full_segments() -> SimDisk {
    let disk = SimDisk::new(1);
    let (mut spool, _) = open(&disk);
    for first in [1, 4, 7] {
        spool.append(&records(first..=first + 2, BYTES)).unwrap();
        disk.fail(Fault::NoSpace, 0, 1);
        assert!(spool.append(&[record(99, BYTES)]).is_err());
        disk.heal();
    }
    assert_eq!(segments(&disk).len(), 3);
    disk
}

fn frame_bytes() -> usize {
    format::FRAME_HEADER_BYTES + "key-1".len() + BYTES
}

/// The place of a byte in a segment of three records, counted from the start of one of them.
fn place(content: &[u8], frame: usize, byte: usize) -> usize {
    content.len() - (3 - frame) * frame_bytes() + byte
}

fn flip(disk: &SimDisk, name: &str, at: usize, bits: u8) {
    let mut content = disk.content(name);
    content[at] ^= bits;
    disk.put(name, &content);
}

fn flip_in(disk: &SimDisk, segment: usize, frame: usize, byte: usize) {
    let name = &segments(disk)[segment];
    flip(disk, name, place(&disk.content(name), frame, byte), 0x10);
}

fn clone(disk: &SimDisk) -> SimDisk {
    let clone = SimDisk::new(1);
    disk.names().iter().for_each(|name| clone.put(name, &disk.content(name)));
    clone
}

/// Whether recovery or reading says that something is wrong. What is returned is right in any case, and what is not is told.
fn is_found(disk: &SimDisk) -> bool {
    let (mut spool, recovered) = open(disk);
    let read = read_all(&mut spool, BYTES);
    let mut passed = ordinals(&read);
    passed.extend(read.lost.iter().flat_map(|range| range.first_ordinal..=range.last_ordinal));
    passed.sort_unstable();
    let first = recovered.released + 1;
    assert_eq!(passed, Vec::from_iter(first..spool.next_ordinal()));
    let torn = recovered.torn_bytes > 0 || !recovered.set_aside_damaged.is_empty();
    assert!(spool.next_ordinal() == 10 || torn);
    torn || !read.lost.is_empty()
        || recovered.checkpoint != CheckpointState::Whole
        || !recovered.damaged_headers.is_empty()
}

#[test]
fn every_flipped_bit_of_a_segment_or_checkpoint_is_found() {
    let whole = three_full_segments();
    assert!(!is_found(&clone(&whole)));
    for name in whole.names() {
        for at in 0..whole.content(&name).len() {
            // The checkpoint's two slots are the first bytes of their pages.
            if name == "checkpoint" && at % format::SLOT_DISTANCE_BYTES as usize >= format::SLOT_BYTES {
                continue;
            }
            for bit in 0..8 {
                let disk = clone(&whole);
                flip(&disk, &name, at, 1 << bit);
                assert!(is_found(&disk), "bit {bit} of byte {at} of {name}");
            }
        }
    }
}

#[test]
fn a_damaged_body_costs_one_record_and_its_events_are_known() {
    let disk = three_segments();
    flip_in(&disk, 1, 1, format::FRAME_HEADER_BYTES + 3);
    let (mut spool, recovered) = open(&disk);
    assert_eq!((recovered.records, recovered.damaged), (8, vec![]));
    let read = read_all(&mut spool, BYTES);
    assert_eq!((ordinals(&read), read.lost), (vec![2, 3, 4, 6, 7, 8, 9], vec![lost(5, 5, Some(10))]));
}

#[test]
fn a_damaged_frame_header_costs_one_record_and_its_neighbours_tell_its_events() {
    let disk = three_segments();
    flip_in(&disk, 1, 1, 50);
    let (mut spool, recovered) = open(&disk);
    assert_eq!((recovered.records, recovered.damaged), (7, vec![lost(5, 5, Some(10))]));
    let read = read_all(&mut spool, BYTES);
    assert_eq!((ordinals(&read), read.lost), (vec![2, 3, 4, 6, 7, 8, 9], vec![lost(5, 5, Some(10))]));
}

#[test]
fn the_segments_in_the_middle_and_at_the_start_can_be_gone() {
    let disk = three_segments();
    disk.take_away(&segments(&disk)[1]);
    let (mut spool, recovered) = open(&disk);
    assert_eq!(recovered.damaged, [lost(4, 6, Some(30))]);
    let read = read_all(&mut spool, BYTES);
    assert_eq!((ordinals(&read), read.lost), (vec![2, 3, 7, 8, 9], vec![lost(4, 6, Some(30))]));
    drop(spool);
    disk.take_away(&segments(&disk)[0]);
    let (mut spool, recovered) = open(&disk);
    assert_eq!(recovered.damaged, [lost(2, 6, None)]);
    assert_eq!(read_all(&mut spool, BYTES).lost, [lost(2, 6, None)]);
}

#[test]
fn a_segment_that_disappears_under_an_open_spool_is_lost() {
    let disk = three_segments();
    let (mut spool, _) = open(&disk);
    disk.take_away(&segments(&disk)[1]);
    let read = read_all(&mut spool, BYTES);
    assert_eq!((ordinals(&read), read.lost), (vec![2, 3, 7, 8, 9], vec![lost(4, 6, Some(30))]));
    spool.release(9).unwrap();
    assert_eq!(segments(&disk), Vec::<String>::new());
}

#[test]
fn events_between_two_epochs_are_not_counted() {
    let disk = SimDisk::new(1);
    let (mut spool, _) = open(&disk);
    let mut all = records(1..=3, BYTES);
    all[2].0.epoch += 1;
    spool.append(&all).unwrap();
    flip_in(&disk, 0, 1, 0);
    assert_eq!(spool.read(9, usize::MAX).unwrap().lost, [lost(2, 2, None)]);
}

#[test]
fn a_segment_whose_header_is_destroyed_is_delivered() {
    let disk = three_segments();
    let name = &segments(&disk)[1];
    let mut content = disk.content(name);
    let header = place(&content, 0, 0);
    content[..header].fill(0xAA);
    disk.put(name, &content);
    let (mut spool, recovered) = open(&disk);
    assert_eq!(recovered.damaged_headers, [name.as_str()]);
    let read = read_all(&mut spool, BYTES);
    assert_eq!((ordinals(&read), read.lost), (Vec::from_iter(2..=9), vec![]));
}

#[test]
fn without_a_checkpoint_everything_is_delivered_again_and_nothing_counts_as_lost() {
    let disk = three_segments();
    let (mut spool, _) = open(&disk);
    spool.release(4).unwrap();
    drop(spool);
    disk.take_away("checkpoint");
    let (mut spool, recovered) = open(&disk);
    assert_eq!((recovered.checkpoint, recovered.released), (CheckpointState::Missing, 3));
    let read = read_all(&mut spool, BYTES);
    assert_eq!((ordinals(&read), read.lost), (Vec::from_iter(4..=9), vec![]));
}

#[test]
fn a_loss_is_told_once_however_often_it_is_passed_and_can_be_released() {
    let disk = three_segments();
    let (mut spool, _) = open(&disk);
    flip_in(&disk, 2, 2, 0);
    let read = spool.read(99, usize::MAX).unwrap();
    assert_eq!((read.last_ordinal(), read.lost), (Some(9), vec![lost(9, 9, None)]));
    spool.rewind();
    let read = spool.read(99, usize::MAX).unwrap();
    assert_eq!((ordinals(&read), read.lost), (Vec::from_iter(2..=8), vec![]));
    spool.release(8).unwrap();
    assert!(!spool.is_empty());
    spool.release(9).unwrap();
    assert!(spool.is_empty());
}

#[test]
fn what_the_disk_does_not_give_is_skipped_on_request_alone() {
    let unreadable = |first_ordinal, last_ordinal, events| LostRange {
        reason: LossReason::Unreadable,
        ..lost(first_ordinal, last_ordinal, events)
    };
    let disk = three_segments();
    let (mut spool, _) = open(&disk);
    assert_eq!(ordinals(&spool.read(1, 0).unwrap()), [2]);
    for _ in 0..3 {
        disk.fail(Fault::Io, 1, 1);
        assert!(matches!(spool.read(9, 0), Err(SpoolError::Disk { operation: Operation::Read, .. })));
    }
    // Its header can be read.
    assert_eq!(spool.skip_unreadable(), Some(unreadable(3, 3, Some(10))));
    assert_eq!(ordinals(&spool.read(1, 0).unwrap()), [4]);
    disk.fail(Fault::Io, 0, u64::MAX);
    assert_eq!(spool.skip_unreadable(), Some(unreadable(5, 6, None)));
    disk.heal();
    let read = read_all(&mut spool, BYTES);
    assert_eq!((ordinals(&read), read.lost), (vec![7, 8, 9], vec![]));
    assert_eq!(spool.skip_unreadable(), None);
}

#[test]
fn a_disk_that_cannot_be_written_to_is_read() {
    let disk = three_segments();
    let name = &segments(&disk)[2];
    let content = disk.content(name);
    disk.put(name, &content[..content.len() - 1]);
    let reads = {
        let probe = clone(&disk);
        open(&probe);
        probe.operations()
    };
    // The last operations are the cut and two syncs.
    disk.fail(Fault::Io, reads - 3, 1);
    let (mut spool, recovered) = open(&disk);
    assert!(matches!(recovered.unsynced, Some(SpoolError::Disk { operation: Operation::Truncate, .. })));
    assert_eq!(ordinals(&read_all(&mut spool, BYTES)), Vec::from_iter(2..=8));
    disk.heal();
    assert_eq!(spool.append(&[record(9, BYTES)]).unwrap(), 9..=9);
    assert_eq!(ordinals(&read_all(&mut open(&disk).0, BYTES)), Vec::from_iter(2..=9));
}

#[test]
fn the_next_frame_is_found_wherever_it_lies_in_the_search() {
    let key = "key-1".len();
    for distance in limits::SEARCH_BYTES - 6..limits::SEARCH_BYTES + 6 {
        let disk = filled(1..=3, distance - format::FRAME_HEADER_BYTES - key);
        let name = &segments(&disk)[0];
        let first = disk.content(name).len() - 3 * distance;
        flip(&disk, name, first + 20, 1);
        let (mut spool, recovered) = open(&disk);
        assert_eq!((recovered.records, recovered.damaged), (2, vec![lost(1, 1, None)]), "{distance}");
        assert_eq!(ordinals(&spool.read(9, usize::MAX).unwrap()), [2, 3]);
    }
}

#[test]
fn one_read_tells_a_bounded_number_of_losses_and_the_next_goes_on() {
    let disk = filled(1..=100, BYTES);
    let (mut spool, _) = open(&disk);
    let name = &segments(&disk)[0];
    let mut content = disk.content(name);
    for at in 0..content.len() {
        if content[at..].starts_with(&format::FRAME_MAGIC) {
            content[at + format::FRAME_HEADER_BYTES] ^= 1;
        }
    }
    disk.put(name, &content);
    let mut told = Vec::new();
    for expected in [limits::MAX_LOST_PER_READ, 100 - limits::MAX_LOST_PER_READ, 0] {
        let read = spool.read(9, usize::MAX).unwrap();
        assert_eq!((read.records.len(), read.lost.len()), (0, expected));
        told.extend(read.lost.iter().map(|range| range.first_ordinal));
    }
    assert_eq!(told, Vec::from_iter(1..=100));
}

#[test]
fn a_segment_under_the_name_of_a_later_one_hides_nothing_that_is_appended() {
    let disk = filled(1..=1, BYTES);
    let name = &segments(&disk)[0];
    let mut content = disk.content(name);
    content[0] ^= 1;
    disk.put(name, &content);
    disk.put(&format::segment_name(3), &content);
    let (mut spool, recovered) = open(&disk);
    assert_eq!(recovered.damaged, [lost(2, 3, None)]);
    assert_eq!(spool.append(&[record(4, BYTES)]).unwrap(), 4..=4);
    drop(spool);
    let (mut spool, _) = open(&disk);
    let read = read_all(&mut spool, BYTES);
    assert_eq!((ordinals(&read), read.lost.len()), (vec![1, 4], 1));
}
