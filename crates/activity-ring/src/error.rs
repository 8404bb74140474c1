//! Why the ring refuses.

use thiserror::Error;

/// The memory is not fit for a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FormatError {
    /// The memory does not start at a page.
    #[error("the memory for the ring is not aligned to a page")]
    Misaligned,
    /// What is left after the header is no usable capacity.
    #[error("{bytes} bytes leave no capacity that is a power of two and at least {least}")]
    Capacity {
        /// Bytes of the memory.
        bytes: usize,
        /// The smallest capacity.
        least: usize,
    },
    /// The header holds something already.
    #[error("the memory for the ring is not zeroed")]
    NotZeroed,
}

/// An event was not taken. Each is counted in the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PublishError {
    /// No room until the consumer frees some.
    #[error("the ring is full")]
    Full,
    /// Larger than [`crate::Ring::max_event_bytes`]; it will never fit.
    #[error("the event is larger than the ring takes")]
    TooLarge,
    /// The positions in the header contradict each other.
    #[error("the ring is damaged")]
    Corrupt,
}

/// The mapping holds what no correct process can have written, or a caller acknowledged what was not drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Corrupt {
    /// Positions contradict each other.
    #[error(
        "reserved {reserved} and free {free} are impossible with capacity {capacity} and drained {drained}"
    )]
    Positions {
        /// The end of what producers claimed.
        reserved: u64,
        /// The end of what was freed.
        free: u64,
        /// Where the consumer is.
        drained: u64,
        /// Of this ring.
        capacity: u64,
    },
    /// The position up to which holes are passed over is impossible.
    #[error("holes may be skipped up to {recover_through}, but only {reserved} is reserved")]
    Recovery {
        /// What the header says.
        recover_through: u64,
        /// The end of what producers claimed.
        reserved: u64,
    },
    /// Neither slot of the checkpoint is whole, or it contradicts what was acknowledged.
    #[error("the checkpoint of the consumer is destroyed")]
    Checkpoint,
    /// A record that is there, but wrong.
    #[error("the record at {position}: {what}")]
    Record {
        /// Where it starts.
        position: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// An acknowledgement of something that was not drained; nothing was freed.
    #[error(
        "cannot acknowledge position {position} with sequence {sequence}: drained are {drained} and {drained_sequence}"
    )]
    Acknowledgement {
        /// The position acknowledged.
        position: u64,
        /// The sequence number with it.
        sequence: u64,
        /// The end of the last record drained.
        drained: u64,
        /// Its sequence number.
        drained_sequence: u64,
    },
}
