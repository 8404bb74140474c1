//! Records go in.

use std::io;
use std::ops::RangeInclusive;

use super::disk::{Disk, DiskFile};
use super::error::{Operation, SpoolError};
use super::format::{encode_frame, encode_header, segment_name};
use super::limits::{
    MAX_APPEND_BYTES, MAX_SEGMENT_BYTES, MAX_SEGMENTS, MIN_SEGMENT_BYTES, SEGMENTS_PER_QUOTA,
};
use super::record::frame_bytes;
use super::{Meta, Segment, Spool};
use crate::ports::OutRecord;

impl<D: Disk> Spool<D> {
    /// Keeps records, all or none of them: they are durable when this returns their ordinals. An append of nothing writes
    /// nothing and returns an empty range.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Full`] where the quota does not allow it, [`SpoolError::TooLarge`] for what the format cannot hold,
    /// [`SpoolError::Disk`] where the disk failed. The spool is as before.
    pub fn append(&mut self, records: &[(Meta, OutRecord)]) -> Result<RangeInclusive<u64>, SpoolError> {
        let first = self.next;
        let mut needed = 0;
        for (_, record) in records {
            needed += frame_bytes(record)?;
        }
        SpoolError::within("an append in bytes", needed, MAX_APPEND_BYTES)?;
        if !records.is_empty() {
            self.make_room(needed)?;
            let mut frames = Vec::with_capacity(usize::try_from(needed).unwrap_or(0));
            for (ordinal, (meta, record)) in (first..).zip(records) {
                encode_frame(&mut frames, self.stamp.tag(), ordinal, *meta, record);
            }
            self.write(&frames)?;
            self.next += records.len() as u64;
        }
        Ok(RangeInclusive::new(first, self.next - 1))
    }

    /// Sees to it that there is a tail with room for as many bytes.
    fn make_room(&mut self, needed: u64) -> Result<(), SpoolError> {
        // What an earlier release could not remove.
        self.remove_released()?;
        let fits = self.tail.is_some()
            && self.segments.back().is_some_and(|tail| {
                tail.first == self.next || tail.end + needed <= segment_bytes(self.limits.max_bytes)
            });
        if fits {
            return self.within_quota(needed);
        }
        self.tail = None;
        self.remove_leftover()?;
        let header = encode_header(&self.stamp, self.next);
        self.within_quota(needed + header.len() as u64)?;
        if self.segments.len() >= MAX_SEGMENTS {
            return Err(self.full(needed));
        }
        self.checkpoint.ensure(&self.disk, &self.stamp)?;
        self.start_segment(&header)
    }

    fn full(&self, needed_bytes: u64) -> SpoolError {
        SpoolError::Full { needed_bytes, used_bytes: self.bytes(), max_bytes: self.limits.max_bytes }
    }

    fn within_quota(&self, needed: u64) -> Result<(), SpoolError> {
        if self.bytes() + needed <= self.limits.max_bytes { Ok(()) } else { Err(self.full(needed)) }
    }

    /// Removes the segment that a failed append made: the next one gets its name.
    fn remove_leftover(&mut self) -> Result<(), SpoolError> {
        let Some(leftover) = self.segments.pop_back_if(|last| last.first == self.next) else { return Ok(()) };
        self.cursor.leave(leftover.first);
        let name = segment_name(leftover.first);
        match self.disk.remove(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                self.segments.push_back(leftover);
                Err(SpoolError::disk(Operation::Remove, &name)(error))
            }
            _ => Ok(()),
        }
    }

    /// Makes the segment that begins with the next ordinal, durably.
    fn start_segment(&mut self, header: &[u8]) -> Result<(), SpoolError> {
        let name = segment_name(self.next);
        let failed = |operation| SpoolError::disk(operation, &name);
        let mut file = self.disk.create(&name).map_err(failed(Operation::Create))?;
        let size = header.len() as u64;
        // Whatever fails from here on, there is a file.
        self.segments.push_back(Segment { first: self.next, start: size, end: size, size });
        file.write_at(0, header).map_err(failed(Operation::Write))?;
        file.sync().map_err(failed(Operation::Sync))?;
        self.disk.sync_directory().map_err(SpoolError::disk(Operation::Sync, "."))?;
        self.tail = Some(file);
        Ok(())
    }

    /// Writes frames behind the tail and makes them durable. Where that fails, the tail is no longer one.
    fn write(&mut self, frames: &[u8]) -> Result<(), SpoolError> {
        // Both are there: make_room has just returned.
        let (Some(mut file), Some(segment)) = (self.tail.take(), self.segments.back_mut()) else {
            return Ok(());
        };
        let bytes = frames.len() as u64;
        let (operation, written) = match file.write_at(segment.end, frames) {
            Ok(()) => (Operation::Sync, file.sync()),
            failed => (Operation::Write, failed),
        };
        match written {
            Ok(()) => {
                segment.end += bytes;
                segment.size = segment.end;
                self.tail = Some(file);
                Ok(())
            }
            Err(error) => {
                // Where cutting fails too, the first error is the one to tell; the next segment's ordinal rules.
                let cut = file.truncate(segment.end).is_ok();
                segment.size = if cut { segment.end } else { segment.end + bytes };
                Err(SpoolError::disk(operation, &segment_name(segment.first))(error))
            }
        }
    }
}

/// The size at which a new segment is started.
fn segment_bytes(quota: u64) -> u64 {
    (quota / SEGMENTS_PER_QUOTA).clamp(MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES)
}
