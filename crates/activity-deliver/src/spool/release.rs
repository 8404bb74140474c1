//! Records are forgotten.

use std::io;

use super::Spool;
use super::disk::Disk;
use super::error::{Operation, SpoolError};
use super::format::segment_name;
use super::limits::CHECKPOINT_EVERY_RECORDS;

impl<D: Disk> Spool<D> {
    /// Every record up to this ordinal is delivered or known to be lost: none is read again. Removes segments of which all
    /// is released. What was not read yet is skipped.
    ///
    /// The checkpoint is written before a segment is removed, and otherwise every 64 records.
    ///
    /// # Errors
    ///
    /// [`SpoolError::NotSpooled`] for an ordinal that was not given. [`SpoolError::Disk`] where the checkpoint could not be
    /// written or a segment not be removed: the records are released all the same, and the next call tries the rest again.
    pub fn release(&mut self, through: u64) -> Result<(), SpoolError> {
        if through >= self.next {
            return Err(SpoolError::NotSpooled { through, last: self.next - 1 });
        }
        self.released = self.released.max(through);
        self.cursor.skip_through(self.released);
        let first_is_done = !self.segments.is_empty() && self.segment_limit(0) <= self.released + 1;
        let behind = self.released.saturating_sub(self.checkpoint.durable());
        if behind >= CHECKPOINT_EVERY_RECORDS || (first_is_done && behind > 0) {
            self.checkpoint()?;
        }
        self.remove_released()
    }

    /// Writes down what is released: called at shutdown, so that it is not sent again.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Disk`]; what is on disk is the checkpoint from before.
    pub fn checkpoint(&mut self) -> Result<(), SpoolError> {
        if self.checkpoint.durable() < self.released {
            self.checkpoint.store(&self.disk, &self.stamp, self.released)?;
        }
        Ok(())
    }

    /// Removes the segments that the checkpoint covers. If that is undone by a crash, recovery does it again.
    pub(super) fn remove_released(&mut self) -> Result<(), SpoolError> {
        while let Some(first) = self.segments.front().map(|segment| segment.first) {
            // An empty one is the tail, and stays.
            let limit = self.segment_limit(0);
            if limit > self.checkpoint.durable() + 1 || limit == first {
                break;
            }
            self.cursor.leave(first);
            if self.segments.len() == 1 {
                self.tail = None;
            }
            let name = segment_name(first);
            match self.disk.remove(&name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(SpoolError::disk(Operation::Remove, &name)(error));
                }
                _ => self.segments.pop_front(),
            };
        }
        Ok(())
    }
}
