//! What was released, on disk.
//!
//! Two slots in one file, of which the one further on counts. The other one is written and synced, and then counts. A torn
//! write leaves the one that counted before.
//!
//! The file is made before the first segment and then never grows: on a disk that is full, what was delivered can still be
//! noted, and so its segments be removed. A file that is written anew and renamed could not do that.

use std::io;

use super::disk::{Disk, DiskFile, read_full};
use super::error::{Operation, SpoolError};
use super::format::{CHECKPOINT_NAME, SLOT_BYTES, SLOT_DISTANCE_BYTES, Stamp, decode_slot, encode_slot};

/// What recovery found of the checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CheckpointState {
    /// There is none: a new directory, or somebody removed it.
    #[default]
    Missing,
    /// One slot or both are destroyed or of another owner.
    Damaged,
    /// Whole.
    Whole,
}

/// The file and what it says.
pub(super) struct Checkpoint<F> {
    file: Option<F>,
    /// The slot that is written next, 0 or 1.
    slot: u64,
    /// What was read or written last.
    known: u64,
    /// What is durable. Nothing is at first: what was read may be in the system's memory alone, if a sync failed before.
    durable: Option<u64>,
}

fn failed(operation: Operation) -> impl FnOnce(io::Error) -> SpoolError {
    SpoolError::disk(operation, CHECKPOINT_NAME)
}

impl<F: DiskFile> Checkpoint<F> {
    /// Reads it, where there is one.
    pub(super) fn load<D: Disk<File = F>>(
        disk: &D,
        stamp: &Stamp,
    ) -> Result<(Self, CheckpointState), SpoolError> {
        let file = match disk.open(CHECKPOINT_NAME) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let none = Self { file: None, slot: 0, known: 0, durable: None };
                return Ok((none, CheckpointState::Missing));
            }
            Err(error) => return Err(failed(Operation::Open)(error)),
        };
        let mut slots = [None; 2];
        for (slot, at) in slots.iter_mut().zip([0, SLOT_DISTANCE_BYTES]) {
            let mut bytes = [0; SLOT_BYTES];
            let read = read_full(&file, at, &mut bytes).map_err(failed(Operation::Read))?;
            *slot = bytes.get(..read).and_then(|bytes| decode_slot(bytes, stamp));
        }
        let [first, second] = slots;
        let whole = first.is_some() && second.is_some();
        let slot = u64::from(first > second);
        let known = first.max(second).unwrap_or(0);
        let state = if whole { CheckpointState::Whole } else { CheckpointState::Damaged };
        Ok((Self { file: Some(file), slot, known, durable: None }, state))
    }

    /// What is released according to the file.
    pub(super) fn known(&self) -> u64 {
        self.known
    }

    /// What is durably released: segments up to there can be removed.
    pub(super) fn durable(&self) -> u64 {
        self.durable.unwrap_or(0)
    }

    /// Sees to it that the file is there and that both slots are durable.
    pub(super) fn ensure<D: Disk<File = F>>(&mut self, disk: &D, stamp: &Stamp) -> Result<(), SpoolError> {
        if self.durable.is_some() {
            return Ok(());
        }
        // One behind the other, the one that does not count first: whatever cuts this off leaves what was known.
        self.write_slot(disk, stamp, self.known)?;
        self.write_slot(disk, stamp, self.known)?;
        disk.sync_directory().map_err(SpoolError::disk(Operation::Sync, "."))?;
        self.durable = Some(self.known);
        Ok(())
    }

    /// Makes it durable that all up to `released` is delivered.
    pub(super) fn store<D: Disk<File = F>>(
        &mut self,
        disk: &D,
        stamp: &Stamp,
        released: u64,
    ) -> Result<(), SpoolError> {
        self.ensure(disk, stamp)?;
        self.write_slot(disk, stamp, released)?;
        self.durable = Some(released);
        Ok(())
    }

    fn write_slot<D: Disk<File = F>>(
        &mut self,
        disk: &D,
        stamp: &Stamp,
        released: u64,
    ) -> Result<(), SpoolError> {
        // A file whose sync failed is opened anew.
        let mut file = match self.file.take() {
            Some(file) => file,
            None => open_or_create(disk)?,
        };
        let at = self.slot * SLOT_DISTANCE_BYTES;
        file.write_at(at, &encode_slot(stamp, released)).map_err(failed(Operation::Write))?;
        file.sync().map_err(failed(Operation::Sync))?;
        self.file = Some(file);
        self.slot = 1 - self.slot;
        self.known = released;
        Ok(())
    }
}

fn open_or_create<D: Disk>(disk: &D) -> Result<D::File, SpoolError> {
    match disk.open(CHECKPOINT_NAME) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            disk.create(CHECKPOINT_NAME).map_err(failed(Operation::Create))
        }
        opened => opened.map_err(failed(Operation::Open)),
    }
}
