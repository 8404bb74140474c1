//! The header of a segment.

use super::fields::{Fields, checked, put_sum};
use super::{Stamp, VERSION};
use crate::spool::limits::MAX_INSTANCE_ID_BYTES;

const MAGIC: [u8; 8] = *b"ASPOOL\xF5\n";

const BYTES_BESIDE_ID: usize = 8 + 4 + 4 + 8 + 8 + 2 + 4;

/// Longest header.
pub(in crate::spool) const MAX_HEADER_BYTES: usize = BYTES_BESIDE_ID + MAX_INSTANCE_ID_BYTES;

const _: () = assert!(MAX_INSTANCE_ID_BYTES <= u16::MAX as usize);

/// What the beginning of a segment file says.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::spool) enum Header {
    /// A whole header.
    Whole { first_ordinal: u64, stamp: Stamp, bytes: usize },
    /// A segment of a version that is not known here.
    Version(u32),
    /// No header, or a damaged one.
    Damaged,
}

/// A header as it is written.
pub(in crate::spool) fn encode_header(stamp: &Stamp, first_ordinal: u64) -> Vec<u8> {
    let id = stamp.instance_id.as_bytes();
    let bytes = BYTES_BESIDE_ID + id.len();
    let mut out = Vec::with_capacity(bytes);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&first_ordinal.to_le_bytes());
    out.extend_from_slice(&stamp.identity.to_le_bytes());
    out.extend_from_slice(&u16::try_from(id.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(id);
    put_sum(&mut out, 0);
    out
}

impl Header {
    /// Reads the beginning of a file, of which at least [`MAX_HEADER_BYTES`] are wanted where it is that long.
    pub(in crate::spool) fn decode(start: &[u8]) -> Self {
        let mut fields = Fields(start);
        if fields.bytes(MAGIC.len()) != Some(&MAGIC) {
            return Self::Damaged;
        }
        match fields.u32() {
            Some(VERSION) => Self::decode_first_version(start, fields).unwrap_or(Self::Damaged),
            // None is version 0: that is a header of which only the magic was written.
            None | Some(0) => Self::Damaged,
            Some(version) => Self::Version(version),
        }
    }

    fn decode_first_version(start: &[u8], mut fields: Fields<'_>) -> Option<Self> {
        let bytes = usize::try_from(fields.u32()?).ok().filter(|bytes| *bytes <= MAX_HEADER_BYTES)?;
        checked(start.get(..bytes)?)?;
        let (first_ordinal, identity) = (fields.u64()?, fields.u64()?);
        let id_bytes = usize::from(fields.u16()?);
        let instance_id = str::from_utf8(fields.bytes(id_bytes)?).ok()?.to_owned();
        let whole = bytes == BYTES_BESIDE_ID + id_bytes;
        whole.then_some(Self::Whole { first_ordinal, stamp: Stamp { identity, instance_id }, bytes })
    }
}
