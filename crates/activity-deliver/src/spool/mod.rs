//! The spool: sealed records on disk, in order, for as long as the stream does not take them.
//!
//! ```text
//!    append ──► ┌─────────┬─────────┬─────────┬─────────┐ ──► read ──► the stream
//!               │ segment │ segment │ segment │  tail   │
//!    release ─► └─────────┴─────────┴─────────┴─────────┘     rewind: from the first one that is not released
//!    checkpoint: the last ordinal that is released
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `disk` | [`Disk`]: what is needed of a file system |
//! | `directory` | [`Directory`]: the real one |
//! | `format` | every byte on disk |
//! | `frames` | from frame to frame, over damage |
//! | `checkpoint` | what was released |
//! | `recovery`, `survey`, `audit` | [`Spool::open`]: what is there, whose it is, what is whole |
//! | `append`, `read`, `release` | the three directions |
//! | `limits` | every limit with its reason |
//!
//! It is synchronous and has no clock and no randomness: the caller gives it a thread, and decides when to try again.
//!
//! # Files
//!
//! Segments are only appended to; each append is one write and one sync. A new one is started where the current one would
//! exceed its size (an eighth of the quota, 256 KiB to 16 MiB, but an append is never split), after recovery found
//! something to distrust, and after **every append that failed**. After a failed write or sync the system may have dropped
//! the pages, and a later sync that succeeds proves nothing; so what was written is abandoned. It is cut off where that
//! works, and where it does not the next segment's first ordinal rules: frames of an earlier segment with an ordinal from
//! there on do not count.
//!
//! A segment's header and its name in the directory are durable before its first frame is written. The checkpoint is durable
//! before a segment that it covers is removed.
//!
//! # Ordinals
//!
//! Every record has an ordinal, from 1, consecutive in the order of appends. One that an append returned is not given again,
//! also after all segments are gone: the checkpoint remembers. Those of an append that failed are.
//!
//! # Invariants
//!
//! 1. A record whose append returned is read until it is released, in order and byte for byte, or told once as lost in
//!    [`Read::lost`]. None is passed over silently; nothing is returned whose check sum is wrong.
//! 2. No append makes the segments, headers included, exceed the quota. They do if it is lowered, and until recovery has
//!    removed again what a crash brought back.
//! 3. An error of [`Spool::append`] leaves the spool as it was, and usable.
//! 4. An error of [`Spool::release`] loses nothing: what was released is not read again by this process, and what could not
//!    be written or removed is tried again by the next call.
//! 5. Only what this owner wrote into this very directory is delivered.
//!
//! # Recovery
//!
//! Of all segments but the last only the headers of frames are read; bodies are checked when they are read. The last one is
//! checked in full and cut behind its last whole frame; where something in it is damaged, nothing is appended to it any more.
//!
//! | found | done |
//! |---|---|
//! | a torn tail | cut, told in bytes: no append returned for it |
//! | damage before a whole frame | the next whole frame is searched, also in the place of a damaged body; the ordinals between are lost |
//! | a damaged header of a segment | told; its frames prove whose they are, and are delivered |
//! | a file no longer than a header, without a frame | removed: a crash while it was made |
//! | a longer one without a frame of ours | renamed to `….damaged` |
//! | a segment that is missing | its ordinals are lost |
//! | a segment of another owner or directory (`pg_basebackup`, a copied data directory) | renamed to `….foreign` |
//! | a segment of another version, any other file | left alone, told |
//! | no checkpoint, or a damaged one | everything that is there is delivered (again) |
//!
//! # What is not guaranteed
//!
//! * Once only: what was released behind the last checkpoint is read again after a crash.
//! * That an append which failed has left nothing: after a crash some of its records may be read (at least once).
//! * A last record that is damaged later cannot be told from one that was torn: it is told in bytes, and its ordinal is given
//!   again.
//! * Ordinals are not remembered if the checkpoint is destroyed when no segment is left.
//! * Moving the directory to another file system makes it another directory: its segments are set aside as foreign.
//! * Secrecy: records are encrypted before, and [`Meta`] is not secret. Check sums find accidents, not forgers.

mod append;
mod audit;
mod checkpoint;
mod directory;
mod disk;
mod error;
mod format;
mod frames;
mod limits;
mod read;
mod record;
mod recovered;
mod recovery;
mod release;
mod survey;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

pub use checkpoint::CheckpointState;
pub use directory::Directory;
pub use disk::{Disk, DiskFile};
pub use error::{Operation, SpoolError};
pub use record::{LossReason, LostRange, Meta, Read, Spooled};
pub use recovered::{Recovered, SetAside};

use checkpoint::Checkpoint;
use format::Stamp;
use read::Cursor;

/// Whose records the spool keeps. The directory's [`Disk::identity`] belongs to it too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Names the server, at most 128 bytes.
    pub instance_id: String,
}

/// What the spool may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all segments together. With 0 nothing is appended, and what is there is delivered.
    pub max_bytes: u64,
}

/// One file with records, as far as it is known.
#[derive(Debug)]
struct Segment {
    /// Its first ordinal.
    first: u64,
    /// Where the first frame is; 0 where the header does not tell.
    start: u64,
    /// End of what is trusted; where the next frame goes.
    end: u64,
    /// Bytes of the file, with what was left by a failed append.
    size: u64,
}

/// Records on a disk, first in, first out.
pub struct Spool<D: Disk> {
    disk: D,
    stamp: Stamp,
    limits: Limits,
    /// By ordinal, without overlap. The ordinals of one end where those of the next begin.
    segments: VecDeque<Segment>,
    /// The last segment, where it may be appended to.
    tail: Option<D::File>,
    /// The ordinal of the next append.
    next: u64,
    /// All up to here is delivered.
    released: u64,
    checkpoint: Checkpoint<D::File>,
    cursor: Cursor<D::File>,
}

impl<D: Disk> Spool<D> {
    /// Changes the quota. What exceeds it stays and is delivered.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Whether all records are released.
    pub fn is_empty(&self) -> bool {
        self.records() == 0
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size).sum()
    }

    /// Records that are not released, lost ones included.
    pub fn records(&self) -> u64 {
        self.next - 1 - self.released
    }

    /// The ordinal that the next record gets.
    pub fn next_ordinal(&self) -> u64 {
        self.next
    }

    /// The ordinal of the first record that is not released, if there is one.
    pub fn first_ordinal(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.released + 1)
    }

    /// The ordinal that the next [`Spool::read`] begins with, if there is a record with it.
    pub fn read_ordinal(&self) -> Option<u64> {
        (self.cursor.next < self.next).then_some(self.cursor.next)
    }

    /// The first ordinal that is not of this segment.
    fn segment_limit(&self, index: usize) -> u64 {
        self.segments.get(index + 1).map_or(self.next, |later| later.first)
    }
}
