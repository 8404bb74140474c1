//! What recovery tells.

use super::limits::MAX_TOLD;
use super::{CheckpointState, LostRange, Meta, SpoolError};

/// Segments that are not this owner's, renamed so that they are never delivered.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SetAside {
    /// How many.
    pub segments: u64,
    /// Epochs of their records.
    pub epochs: Vec<u64>,
}

/// What [`Spool::open`](super::Spool::open) found. Of each list the first 64 entries are told.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Records to be read, by their frames' headers. Bodies are checked when they are read, but for the last segment's.
    pub records: u64,
    /// Bytes of all segments that were kept.
    pub bytes: u64,
    /// Ordinal and meta of the first record to be read.
    pub first: Option<(u64, Meta)>,
    /// Ordinal and meta of the last record to be read.
    pub last: Option<(u64, Meta)>,
    /// All up to here was released before.
    pub released: u64,
    /// How that is known.
    pub checkpoint: CheckpointState,
    /// Bytes behind the last whole frame that were cut off: of an append that did not return, as a rule.
    pub torn_bytes: u64,
    /// Lost ordinals that are known already. [`Spool::read`](super::Spool::read) tells them again when it comes to them: that
    /// is where to count them.
    pub damaged: Vec<LostRange>,
    /// Segments whose header is destroyed. Their frames are delivered.
    pub damaged_headers: Vec<String>,
    /// Files without one frame of ours, although their names and sizes say otherwise: new names.
    pub set_aside_damaged: Vec<String>,
    /// Files that are no longer than a header and hold no frame: removed.
    pub removed: Vec<String>,
    /// Segments of other owners: set aside.
    pub foreign_owners: SetAside,
    /// Segments of versions that are not known here: left alone.
    pub unknown_versions: Vec<String>,
    /// Other files: left alone. Those that were set aside before are among them.
    pub foreign_files: Vec<String>,
    /// What failed and is no reason not to start: the spool goes on without.
    pub trouble: Vec<SpoolError>,
    /// Why the last segment could not be made durable, if so. What is in it can be read, but is not to be acknowledged
    /// because it is in the spool.
    pub unsynced: Option<SpoolError>,
}

/// Adds to a list that is told, which is bounded.
pub(super) fn tell<T>(list: &mut Vec<T>, entry: T) {
    if list.len() < MAX_TOLD {
        list.push(entry);
    }
}
