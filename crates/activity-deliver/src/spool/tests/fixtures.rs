//! Version 1 of the format, as it was written once. These bytes are read for ever.

use super::*;

const SEGMENT_NAME: &str = "0000000000000001.segment";
const SEGMENT: &[u8] = include_bytes!("../fixtures/v1-0000000000000001.segment");
const CHECKPOINT: &[u8] = include_bytes!("../fixtures/v1-checkpoint");

fn fixture_records() -> Vec<(Meta, OutRecord)> {
    [
        (
            1,
            10,
            14,
            5,
            "0c2d7b3e-4f7a-4a53-9b1e-2d9f6a0c1b7d",
            "{\"type\":\"DatabaseActivityMonitoringRecord\"}",
        ),
        (1, 15, 15, 1, "f3a1c8de-0f6b-4d0a-8a57-6f5c2e9d4b10", ""),
        (2, 1, 1000, 1000, "schlüssel", "\u{0}\u{1}\u{ff}"),
    ]
    .map(|(epoch, first_sequence, last_sequence, events, key, data)| {
        let meta = Meta { epoch, first_sequence, last_sequence, events };
        (meta, OutRecord { partition_key: key.to_owned(), data: data.as_bytes().to_vec() })
    })
    .to_vec()
}

/// The records of the fixtures, of which the first is released.
fn written() -> SimDisk {
    let disk = SimDisk::new(1);
    let (mut spool, _) = open(&disk);
    spool.append(&fixture_records()).unwrap();
    spool.release(1).unwrap();
    spool.checkpoint().unwrap();
    disk
}

#[test]
fn the_first_version_is_read() {
    let disk = SimDisk::new(1);
    disk.put(SEGMENT_NAME, SEGMENT);
    disk.put("checkpoint", CHECKPOINT);
    let (mut spool, recovered) = open(&disk);
    assert_eq!((recovered.checkpoint, recovered.released), (CheckpointState::Whole, 1));
    assert_eq!((recovered.records, recovered.torn_bytes, recovered.bytes), (2, 0, SEGMENT.len() as u64));
    let read = spool.read(9, usize::MAX).unwrap();
    let expected: Vec<_> = (1..)
        .zip(fixture_records())
        .skip(1)
        .map(|(ordinal, (meta, record))| Spooled { ordinal, meta, record })
        .collect();
    assert_eq!((read.records, read.lost), (expected, vec![]));
    assert_eq!(spool.append(&[record(4, 10)]).unwrap(), 4..=4);
}

#[test]
fn the_first_version_is_written() {
    let disk = written();
    assert_eq!(disk.content(SEGMENT_NAME), SEGMENT);
    assert_eq!(disk.content("checkpoint"), CHECKPOINT);
}

#[test]
fn the_layout_is_the_documented_one() {
    assert_eq!((&SEGMENT[..8], &SEGMENT[8..12]), (&b"ASPOOL\xF5\n"[..], &1u32.to_le_bytes()[..]));
    let header = u32::from_le_bytes(SEGMENT[12..16].try_into().unwrap()) as usize;
    assert_eq!((&SEGMENT[16..24], &SEGMENT[34..header - 4]), (&1u64.to_le_bytes()[..], &b"db-7QJ5TPK"[..]));
    assert_eq!(SEGMENT[header - 4..header], crc32fast::hash(&SEGMENT[..header - 4]).to_le_bytes());
    let frame = &SEGMENT[header..];
    assert_eq!((&frame[..4], &frame[8..16]), (&b"\xF5FR1"[..], &1u64.to_le_bytes()[..]));
    assert_eq!(frame[56..60], crc32fast::hash(&frame[..56]).to_le_bytes());
    assert_eq!(&frame[60..67], b"{\"type\"");
    assert_eq!((CHECKPOINT.len(), &CHECKPOINT[..8]), (4096 + 64, &b"ASCHKP\xF5\n"[..]));
}
