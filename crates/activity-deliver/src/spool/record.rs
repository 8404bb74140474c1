//! What goes in and what comes out.

use super::limits::{MAX_DATA_BYTES, MAX_PARTITION_KEY_BYTES};
use super::{SpoolError, format};
use crate::ports::OutRecord;

/// What the spool knows of a record without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// Which count of sequence numbers these belong to.
    pub epoch: u64,
    /// Sequence number of its first event.
    pub first_sequence: u64,
    /// Sequence number of its last event.
    pub last_sequence: u64,
    /// How many events it holds.
    pub events: u32,
}

/// A record that was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spooled {
    /// Its number: from 1, consecutive in the order of appends.
    pub ordinal: u64,
    /// As it was appended.
    pub meta: Meta,
    /// As it was appended.
    pub record: OutRecord,
}

/// Why records cannot be had any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossReason {
    /// The bytes are there and wrong, or the file that held them is gone.
    Damaged,
    /// The disk does not give them, and [`skip_unreadable`](super::Spool::skip_unreadable) was called.
    Unreadable,
}

/// Consecutive records that were appended and cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostRange {
    /// Ordinal of the first.
    pub first_ordinal: u64,
    /// Ordinal of the last.
    pub last_ordinal: u64,
    /// How many events they held, where that is known: exactly for a single record whose frame header is whole, and
    /// otherwise the sequence numbers between those of its neighbours, if these are of one epoch. The latter is too high
    /// if events in between were delivered without the spool.
    pub events: Option<u64>,
    /// Why.
    pub reason: LossReason,
}

impl LostRange {
    /// One record, of which the frame header is whole.
    pub(super) fn one(ordinal: u64, meta: Meta, reason: LossReason) -> Self {
        Self { first_ordinal: ordinal, last_ordinal: ordinal, events: Some(u64::from(meta.events)), reason }
    }

    /// All from `first` up to but not including the record `next`; `previous` is the last record that is known before.
    pub(super) fn between(previous: Option<(u64, Meta)>, first: u64, next: (u64, Option<Meta>)) -> Self {
        let events = match (previous, next) {
            (Some((ordinal, before)), (_, Some(behind)))
                if ordinal + 1 == first && before.epoch == behind.epoch =>
            {
                behind.first_sequence.checked_sub(before.last_sequence).and_then(|gap| gap.checked_sub(1))
            }
            _ => None,
        };
        let last_ordinal = next.0.saturating_sub(1);
        Self { first_ordinal: first, last_ordinal, events, reason: LossReason::Damaged }
    }
}

/// What [`Spool::read`](super::Spool::read) found behind the cursor.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Whole records in order.
    pub records: Vec<Spooled>,
    /// What is lost of the ordinals that were passed. Each is told once as long as the spool is open.
    pub lost: Vec<LostRange>,
}

impl Read {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.lost.is_empty()
    }

    /// The last ordinal that was passed, read or lost: what is to be released when all of this is delivered.
    pub fn last_ordinal(&self) -> Option<u64> {
        let record = self.records.last().map(|spooled| spooled.ordinal);
        record.max(self.lost.last().map(|range| range.last_ordinal))
    }
}

/// Bytes that a record counts against the limit of a read, and against that of a request.
pub(super) fn payload_bytes(record: &OutRecord) -> usize {
    record.partition_key.len() + record.data.len()
}

/// Refuses a record that the format cannot hold; the bytes of its frame otherwise.
pub(super) fn frame_bytes(record: &OutRecord) -> Result<u64, SpoolError> {
    let (key, data) = (record.partition_key.len() as u64, record.data.len() as u64);
    SpoolError::within("the partition key in bytes", key, MAX_PARTITION_KEY_BYTES as u64)?;
    SpoolError::within("the data of a record in bytes", data, MAX_DATA_BYTES as u64)?;
    Ok(format::FRAME_HEADER_BYTES as u64 + key + data)
}
