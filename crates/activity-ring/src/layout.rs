//! Where what lies in the mapping, in 8-byte words.
//!
//! ```text
//!   byte 0     identity    magic, version, capacity, secret: written once, for whoever reads a core file
//!        128   producers   reserved and the count of events: moved by every producer, together
//!        256   free        moved by the consumer, read by every producer
//!        384   acked       moved by the consumer: acked_through and the two slots of its checkpoint
//!        512   recovery    recover_through (postmaster); skipped, skipped_through (consumer)
//!        640   refused     added to by producers whose event is not taken
//!        4096  data
//! ```
//!
//! Words that different processes write lie on different lines of 128 bytes: processors fetch lines of 64 in pairs. What one
//! process writes at the same moment lies on one line, which producers have to take from each other.

use std::mem::offset_of;

/// Bytes of a word.
pub(crate) const WORD_BYTES: u64 = 8;
/// Bytes of a record's header.
pub(crate) const RECORD_HEADER_BYTES: u64 = 24;
/// Words that the consumer keeps with its checkpoint.
pub(crate) const NOTE_WORDS: usize = 4;
/// Bytes of the page in front of the data.
pub(crate) const HEADER_BYTES: usize = 4096;
/// The same in words.
pub(crate) const HEADER_WORDS: usize = HEADER_BYTES / 8;
/// Smallest ring that is offered.
pub(crate) const MIN_CAPACITY_BYTES: usize = 64 * 1024;
/// Smallest ring whose largest record (a quarter of it) holds a word of payload; for tests.
pub(crate) const MIN_TEST_CAPACITY_BYTES: usize = 128;
/// Largest record of a large ring.
pub(crate) const MAX_RECORD_BYTES: u64 = 16 * 1024 * 1024;

/// First word of the mapping: "ASRING" and two zero bytes, on a little-endian machine.
pub(crate) const MAGIC_VALUE: u64 = 0x474E_4952_5341;
/// Version of the layout.
pub(crate) const VERSION_VALUE: u64 = 4;

#[repr(C, align(128))]
struct Identity {
    magic: u64,
    version: u64,
    capacity: u64,
    secret: u64,
}

#[repr(C, align(128))]
struct Producers {
    reserved: u64,
    published: u64,
}

#[repr(C, align(128))]
struct Line {
    position: u64,
}

#[repr(C)]
struct Slot {
    position: u64,
    sequence: u64,
    note: [u64; NOTE_WORDS],
    check: u64,
}

#[repr(C, align(128))]
struct Acked {
    through: u64,
    slots: [Slot; 2],
}

#[repr(C, align(128))]
struct Recovery {
    through: u64,
    skipped: u64,
    skipped_through: u64,
}

#[repr(C, align(128))]
struct Refused {
    dropped: u64,
    too_large: u64,
    corrupt: u64,
}

/// The page. It exists to compute offsets; the memory is reached by words only.
#[repr(C)]
struct Header {
    identity: Identity,
    producers: Producers,
    free: Line,
    acked: Acked,
    recovery: Recovery,
    refused: Refused,
}

/// The index of a field of the header, in words.
macro_rules! word {
    ($($field:tt)+) => { offset_of!(Header, $($field)+) / 8 };
}

pub(crate) const MAGIC: usize = word!(identity.magic);
pub(crate) const VERSION: usize = word!(identity.version);
pub(crate) const CAPACITY: usize = word!(identity.capacity);
pub(crate) const SECRET: usize = word!(identity.secret);
/// End of what producers have claimed.
pub(crate) const RESERVED: usize = word!(producers.reserved);
/// End of what was zeroed and may be claimed again, a lap later.
pub(crate) const FREE_THROUGH: usize = word!(free.position);
/// End of what was acknowledged.
pub(crate) const ACKED_THROUGH: usize = word!(acked.through);
/// The two slots of the checkpoint, [`SLOT_WORDS`] each.
pub(crate) const SLOTS: [usize; 2] = [word!(acked.slots), word!(acked.slots) + SLOT_WORDS];
pub(crate) const SLOT_WORDS: usize = size_of::<Slot>() / 8;
/// Holes below are passed over.
pub(crate) const RECOVER_THROUGH: usize = word!(recovery.through);
pub(crate) const SKIPPED: usize = word!(recovery.skipped);
/// Holes below have been counted.
pub(crate) const SKIPPED_THROUGH: usize = word!(recovery.skipped_through);
pub(crate) const PUBLISHED: usize = word!(producers.published);
pub(crate) const DROPPED: usize = word!(refused.dropped);
pub(crate) const DROPPED_TOO_LARGE: usize = word!(refused.too_large);
pub(crate) const DROPPED_CORRUPT: usize = word!(refused.corrupt);

const _: () = {
    // Positions are u64, indices usize: a cast between them loses nothing.
    assert!(size_of::<usize>() == 8);
    assert!(size_of::<Header>() <= HEADER_BYTES);
    assert!(RESERVED == 16 && FREE_THROUGH == 32 && ACKED_THROUGH == 48);
    assert!(SLOTS[0] == 49 && SLOTS[1] == 56 && SLOT_WORDS == 7);
    assert!(
        offset_of!(Slot, position) == 0
            && offset_of!(Slot, sequence) == 8
            && offset_of!(Slot, note) == 16
            && offset_of!(Slot, check) == 48
    );
    assert!(RECOVER_THROUGH == 64 && PUBLISHED == 17);
    assert!(MAGIC == 0 && VERSION == 1 && CAPACITY == 2 && SECRET == 3);
    assert!(MIN_CAPACITY_BYTES.is_power_of_two() && MIN_TEST_CAPACITY_BYTES.is_power_of_two());
};

/// Scatters a number over all 64 bits (the finalizer of splitmix64); a bijection.
pub(crate) const fn mix64(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// The mark of a committed record; never zero.
pub(crate) const fn stamp(position: u64, secret: u64) -> u64 {
    mix64(position ^ secret) | 1
}
