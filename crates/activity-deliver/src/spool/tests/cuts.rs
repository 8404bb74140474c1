//! The machine stops at any moment; a file ends at any byte.

use super::*;

#[test]
fn a_spool_that_is_cut_at_any_byte_keeps_its_whole_records_and_goes_on() {
    let whole = filled(1..=4, 50);
    let name = &segments(&whole)[0];
    let content = whole.content(name);
    let header = content.len() - 4 * (format::FRAME_HEADER_BYTES + "key-1".len() + 50);
    let frame = (content.len() - header) / 4;
    for len in 0..content.len() {
        let disk = SimDisk::new(1);
        disk.put("checkpoint", &whole.content("checkpoint"));
        disk.put(name, &content[..len]);
        let (mut spool, recovered) = open(&disk);
        let kept = len.saturating_sub(header) / frame;
        let torn = if len < header { 0 } else { (len - header) % frame };
        assert_eq!((recovered.records, recovered.torn_bytes), (kept as u64, torn as u64), "at {len}");
        assert_eq!(recovered.removed.len(), usize::from(len < header));
        assert_eq!(recovered.last, kept.checked_sub(1).map(|_| (kept as u64, meta(kept as u64))));
        let next = kept as u64 + 1;
        assert_eq!(spool.append(&[record(next, 50)]).unwrap(), next..=next);
        let read = read_all(&mut spool, 50);
        assert_eq!((ordinals(&read), read.lost), (Vec::from_iter(1..=next), vec![]), "at {len}");
    }
}

/// Appends and releases until the disk fails; the ordinals that are safe and those that are released.
fn work(disk: &SimDisk) -> Option<(u64, u64)> {
    let (mut spool, _) = Spool::open(disk.clone(), &owner(), Limits { max_bytes: 2 * MIB }).ok()?;
    let (mut safe, mut released) = (0, 0);
    for ordinal in 1..=8 {
        if spool.append(&[record(ordinal, 100_000)]).is_err() {
            break;
        }
        safe = ordinal;
        if ordinal % 3 == 0 {
            released = ordinal - 1;
            if spool.release(released).is_err() {
                break;
            }
        }
    }
    Some((safe, released))
}

#[test]
fn a_power_failure_before_any_operation_of_the_disk_loses_nothing() {
    let whole = SimDisk::new(1);
    assert_eq!(work(&whole), Some((8, 5)));
    let operations = whole.operations();
    assert!(operations > 30);
    for last in 0..=operations {
        for seed in 0..20 {
            let disk = SimDisk::new(seed);
            disk.fail(Fault::Io, last, u64::MAX);
            let (safe, released) = work(&disk).unwrap_or((0, 0));
            disk.crash(&mut Random::new(seed));
            let (mut spool, recovered) = open(&disk);
            assert!(recovered.released <= released, "stopped before {last}, seed {seed}");
            let read = read_all(&mut spool, 100_000);
            let kept = ordinals(&read);
            assert_eq!(read.lost, [], "stopped before {last}, seed {seed}");
            assert_eq!(kept, Vec::from_iter(recovered.released + 1..spool.next_ordinal()));
            assert!(spool.next_ordinal() > safe, "stopped before {last}, seed {seed}");
        }
    }
}

#[test]
fn a_hole_in_an_append_that_was_cut_off_costs_only_what_lies_in_it() {
    let disk = SimDisk::new(1);
    let (mut spool, _) = open(&disk);
    spool.append(&records(1..=3, 50)).unwrap();
    let name = &segments(&disk)[0];
    let mut content = disk.content(name);
    let frame = format::FRAME_HEADER_BYTES + "key-1".len() + 50;
    let second = content.len() - 2 * frame;
    content[second..second + frame].fill(0);
    disk.put(name, &content);
    let (mut spool, recovered) = open(&disk);
    assert_eq!((recovered.records, recovered.damaged), (2, vec![lost(2, 2, Some(10))]));
    let read = read_all(&mut spool, 50);
    assert_eq!((ordinals(&read), read.lost), (vec![1, 3], vec![lost(2, 2, Some(10))]));
}
