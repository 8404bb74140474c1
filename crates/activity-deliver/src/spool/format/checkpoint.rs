//! One slot of the checkpoint.

use super::fields::{Fields, checked, put_sum};
use super::{Stamp, VERSION};
use crate::spool::limits::MAX_ORDINAL;

const MAGIC: [u8; 8] = *b"ASCHKP\xF5\n";

/// Bytes of a slot.
pub(in crate::spool) const SLOT_BYTES: usize = 64;

/// From the start of one slot to that of the next.
pub(in crate::spool) const SLOT_DISTANCE_BYTES: u64 = 4096;

/// A slot as it is written.
pub(in crate::spool) fn encode_slot(stamp: &Stamp, released: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(SLOT_BYTES);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&released.to_le_bytes());
    out.extend_from_slice(&stamp.identity.to_le_bytes());
    out.extend_from_slice(&stamp.tag().to_le_bytes());
    out.resize(SLOT_BYTES - 4, 0);
    put_sum(&mut out, 0);
    out
}

/// What was released according to a slot, if it is whole and of this owner.
pub(in crate::spool) fn decode_slot(bytes: &[u8], stamp: &Stamp) -> Option<u64> {
    let mut fields = Fields(checked(bytes.get(..SLOT_BYTES)?)?);
    if fields.bytes(MAGIC.len())? != MAGIC || fields.u32()? != VERSION {
        return None;
    }
    let released = fields.u64().filter(|released| *released <= MAX_ORDINAL)?;
    (fields.u64()? == stamp.identity && fields.u32()? == stamp.tag()).then_some(released)
}
