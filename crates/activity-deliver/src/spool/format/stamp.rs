//! Whose a file is.

use crate::spool::limits::MAX_INSTANCE_ID_BYTES;
use crate::spool::{Owner, SpoolError};

/// The owner of a spool, and the directory that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::spool) struct Stamp {
    pub(in crate::spool) identity: u64,
    pub(in crate::spool) instance_id: String,
}

impl Stamp {
    /// Of an owner; refuses an instance id that does not fit.
    pub(in crate::spool) fn new(owner: &Owner, identity: u64) -> Result<Self, SpoolError> {
        let bytes = owner.instance_id.len() as u64;
        SpoolError::within("the instance id in bytes", bytes, MAX_INSTANCE_ID_BYTES as u64)?;
        Ok(Self { identity, instance_id: owner.instance_id.clone() })
    }

    /// What every frame of this owner carries.
    pub(in crate::spool) fn tag(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.identity.to_le_bytes());
        hasher.update(self.instance_id.as_bytes());
        hasher.finalize()
    }
}
