//! The bytes on disk, version 1. All numbers are little-endian, all check sums CRC-32 (IEEE) of what precedes them.
//!
//! A segment file, `<first ordinal, 16 hex digits>.segment`, is a header and frames without a gap:
//!
//! ```text
//!   ┌─────────┬─────────┬──────────────┬──────────┬──────────┬────────┬─────────────┬─────────┐
//!   │ magic 8 │ version │ header bytes │ first    │ identity │ id len │ instance id │ crc u32 │
//!   │         │ u32     │ u32          │ ord. u64 │ u64      │ u16    │             │         │
//!   └─────────┴─────────┴──────────────┴──────────┴──────────┴────────┴─────────────┴─────────┘
//!   ┌─────────┬───────────┬─────────┬───────────┬───────────┬───────────┬────────┐
//!   │ magic 4 │ owner tag │ ordinal │ epoch u64 │ first     │ last      │ events │
//!   │         │ u32       │ u64     │           │ seq. u64  │ seq. u64  │ u32    │
//!   ├─────────┴┬──────────┼─────────┴┬──────────┼───────────┴──┬────────┴────────┘
//!   │ key len  │ data len │ body crc │ crc      │ data         │ partition key │
//!   │ u32      │ u32      │ u32      │ u32      │              │               │
//!   └──────────┴──────────┴──────────┴──────────┴──────────────┴───────────────┘
//! ```
//!
//! * A frame's header has a check sum of its own, so a length is checked before it is believed, and a damaged body does
//!   not hide what comes behind it. It includes the body's check sum: every byte of a frame is covered.
//! * The owner tag is the CRC-32 of identity and instance id. A frame proves whose it is also where its segment's header
//!   is destroyed.
//! * The magic numbers contain the byte 0xF5, which no UTF-8 text contains. Envelopes are text, so the search for the next
//!   frame after damage finds no frame inside of one.
//! * A later version has another magic number for its frames. So a segment with frames of version 1 is one, whatever its
//!   header says.
//! * The header's length tells where the frames begin, also to readers of later versions.
//!
//! The file `checkpoint` has two slots, at 0 and 4096: in different pages of the system and sectors of the disk.
//!
//! ```text
//!   ┌─────────┬─────────────┬──────────────┬──────────────┬───────────────┬───────────────────┬─────────┐
//!   │ magic 8 │ version u32 │ released u64 │ identity u64 │ owner tag u32 │ zero, to 60 bytes │ crc u32 │
//!   └─────────┴─────────────┴──────────────┴──────────────┴───────────────┴───────────────────┴─────────┘
//! ```

mod checkpoint;
mod fields;
mod frame;
mod header;
mod stamp;

pub(super) use checkpoint::{SLOT_BYTES, SLOT_DISTANCE_BYTES, decode_slot, encode_slot};
pub(super) use frame::{FRAME_HEADER_BYTES, FRAME_MAGIC, FrameHeader, encode_frame};
pub(super) use header::{Header, MAX_HEADER_BYTES, encode_header};
pub(super) use stamp::Stamp;

/// The version that is written, and the only one that is read.
pub(super) const VERSION: u32 = 1;

const SEGMENT_SUFFIX: &str = ".segment";

/// Name of the file with what was released.
pub(super) const CHECKPOINT_NAME: &str = "checkpoint";
/// Name of the file that [`Directory`](super::Directory) locks.
pub(super) const LOCK_NAME: &str = "lock";

/// The name of a segment.
pub(super) fn segment_name(first_ordinal: u64) -> String {
    format!("{first_ordinal:016x}{SEGMENT_SUFFIX}")
}

/// The first ordinal of the segment with this name, if it is one that the spool gives.
pub(super) fn parse_segment_name(name: &str) -> Option<u64> {
    let first = u64::from_str_radix(name.strip_suffix(SEGMENT_SUFFIX)?, 16).ok()?;
    let believed = (1..=super::limits::MAX_ORDINAL).contains(&first) && segment_name(first) == name;
    believed.then_some(first)
}
