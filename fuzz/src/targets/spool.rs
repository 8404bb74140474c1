//! Recovery of the spool: files that a crash, a bad disk or somebody has had.
//!
//! The input makes files: such as the spool writes, then damaged; or with whatever bytes.
//!
//! * The spool opens, whatever is in them, and gives every ordinal behind what was released once: read or told as lost, in
//!   order.
//! * Of one file with one damaged byte, nothing is read that was not appended; unless a record holds frames itself, which are
//!   looked for in the place of a damaged one. What is sealed holds none.
//! * It goes on: what is appended then is read, and is there when it is opened again.

use std::ops::RangeInclusive;

use activity_deliver::OutRecord;
use activity_deliver::spool::{Limits, Meta, Owner, Spool, Spooled};

use crate::damage::damage;
use crate::disk::MemoryDisk;
use crate::input::Input;

const CHECKPOINT: &str = "checkpoint";
/// What a frame begins with.
const FRAME: [u8; 4] = *b"\xf5FR1";
/// Segments of 256 KiB, which is the least.
const LIMITS: Limits = Limits { max_bytes: 4 * 1024 * 1024 };
/// Most bytes of one of the files that the input makes.
const MAX_FILE_BYTES: usize = 4096;

/// That of the committed fixtures of the format, which are in the corpus.
fn owner() -> Owner {
    Owner { instance_id: "db-7QJ5TPK".to_owned() }
}

pub(super) fn check(bytes: &[u8]) {
    files_of_anybody(&mut Input::new(bytes));
    files_of_ours(&mut Input::new(bytes));
}

/// A segment and a checkpoint of whatever bytes, and perhaps a second segment of the same.
fn files_of_anybody(input: &mut Input<'_>) {
    let disk = MemoryDisk::default();
    let slot = input.bytes(64);
    let twice = input.flag();
    let segment = input.rest();
    let mut checkpoint = slot.to_vec();
    checkpoint.resize(4096, 0);
    checkpoint.extend_from_slice(slot);
    disk.put(CHECKPOINT, checkpoint);
    disk.put("0000000000000001.segment", segment.to_vec());
    if twice {
        disk.put("0000000000000003.segment", segment.to_vec());
    }
    open_and_use(&disk, None);
}

/// What the spool wrote, damaged.
fn files_of_ours(input: &mut Input<'_>) {
    let disk = MemoryDisk::default();
    let appended = write(&disk, input);
    let names = disk.names();
    let name = names[input.below(names.len())].as_str();
    let mut content = disk.content(name);
    if input.flag() {
        // One byte: the check sums find it for certain.
        let (at, bits) = (input.below(content.len().max(1)), input.u8());
        if let Some(byte) = content.get_mut(at) {
            *byte ^= bits;
        }
        disk.put(name, content);
        let holds_frame =
            appended.iter().any(|one| one.record.data.windows(FRAME.len()).any(|at| at == FRAME));
        open_and_use(&disk, (!holds_frame).then_some(appended.as_slice()));
    } else {
        damage(&mut content, input);
        let new_name = if input.flag() { "0000000000000002.segment" } else { name };
        disk.put(new_name, content);
        open_and_use(&disk, None);
    }
}

/// A few records, some of them released.
fn write(disk: &MemoryDisk, input: &mut Input<'_>) -> Vec<Spooled> {
    let (mut spool, _) = Spool::open(disk.clone(), &owner(), LIMITS).expect("an empty spool opens");
    let mut appended = Vec::new();
    for _ in 0..=input.u8() % 4 {
        let records: Vec<_> = (0..input.u8() % 4).map(|_| record(input)).collect();
        let ordinals = spool.append(&records).expect("there is room");
        let numbered = ordinals.zip(records);
        appended.extend(numbered.map(|(ordinal, (meta, record))| Spooled { ordinal, meta, record }));
    }
    let released = input.below(appended.len() + 1) as u64;
    spool.release(released).expect("it was appended");
    spool.checkpoint().expect("nothing fails here");
    appended
}

fn record(input: &mut Input<'_>) -> (Meta, OutRecord) {
    let events = u32::from(input.u8());
    let first_sequence = u64::from(input.u16());
    let last_sequence = first_sequence + u64::from(events);
    let meta = Meta { epoch: u64::from(input.u8()), first_sequence, last_sequence, events };
    let length = usize::from(input.u8());
    let repeated = if input.u8() == 0 { 1024 } else { 1 };
    let data = input.bytes(length).repeat(repeated);
    (meta, OutRecord { partition_key: input.text(8), data })
}

fn open_and_use(disk: &MemoryDisk, appended: Option<&[Spooled]>) {
    let (mut spool, recovered) = Spool::open(disk.clone(), &owner(), LIMITS).expect("it opens");
    assert!(recovered.trouble.is_empty() && recovered.unsynced.is_none(), "the disk is well");
    let next = spool.next_ordinal();
    let found = read_all(&mut spool, recovered.released + 1..=next - 1);
    for record in appended.into_iter().flat_map(|appended| found.iter().map(move |one| (appended, one))) {
        let (appended, record) = record;
        assert!(appended.contains(record), "what is read was not appended: ordinal {}", record.ordinal);
    }
    let new = (
        Meta { epoch: 9, first_sequence: 1, last_sequence: 1, events: 1 },
        OutRecord { partition_key: "new".to_owned(), data: b"new".to_vec() },
    );
    let fits = spool.bytes() + MAX_FILE_BYTES as u64 <= LIMITS.max_bytes;
    if fits {
        let ordinals = spool.append(std::slice::from_ref(&new)).expect("there is room");
        assert_eq!(ordinals, next..=next);
    }
    drop(spool);
    let (mut spool, again) = Spool::open(disk.clone(), &owner(), LIMITS).expect("it opens again");
    assert!(again.torn_bytes == 0 && again.removed.is_empty(), "it was mended before");
    let mut expected = found;
    if fits {
        expected.push(Spooled { ordinal: next, meta: new.0, record: new.1 });
    }
    let last = spool.next_ordinal() - 1;
    assert_eq!(read_all(&mut spool, again.released + 1..=last), expected, "another answer the second time");
    spool.release(last).expect("all of it");
    assert!(spool.is_empty());
}

/// Every ordinal of the range comes, read or lost, and no other.
fn read_all(spool: &mut Spool<MemoryDisk>, ordinals: RangeInclusive<u64>) -> Vec<Spooled> {
    let mut records = Vec::new();
    let mut passed: Vec<(u64, u64)> = Vec::new();
    loop {
        let read = spool.read(3, 1024).expect("the disk is well");
        if read.is_empty() {
            break;
        }
        passed.extend(read.lost.iter().map(|range| (range.first_ordinal, range.last_ordinal)));
        passed.extend(read.records.iter().map(|record| (record.ordinal, record.ordinal)));
        records.extend(read.records);
    }
    passed.sort_unstable();
    let mut expected = *ordinals.start();
    for (first, last) in passed {
        assert!(first == expected && last >= first, "ordinal {expected} is missing or comes twice: {first}");
        expected = last + 1;
    }
    assert_eq!(expected, ordinals.end() + 1, "not all of them came");
    assert!(records.is_sorted_by(|one, two| one.ordinal < two.ordinal));
    records
}
