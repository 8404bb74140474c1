//! One record in a segment.

use super::fields::{Fields, checked, put_sum};
use crate::ports::OutRecord;
use crate::spool::Meta;
use crate::spool::limits::{MAX_DATA_BYTES, MAX_ORDINAL, MAX_PARTITION_KEY_BYTES};

/// How a frame begins.
pub(in crate::spool) const FRAME_MAGIC: [u8; 4] = *b"\xF5FR1";

/// Bytes before the data.
pub(in crate::spool) const FRAME_HEADER_BYTES: usize = 4 + 4 + 8 + 3 * 8 + 4 + 4 + 4 + 4 + 4;

const _: () = assert!(MAX_PARTITION_KEY_BYTES <= MAX_DATA_BYTES && MAX_DATA_BYTES <= u32::MAX as usize);

/// The header of a frame, whose check sum is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::spool) struct FrameHeader {
    pub(in crate::spool) ordinal: u64,
    pub(in crate::spool) meta: Meta,
    key_bytes: usize,
    data_bytes: usize,
    body_sum: u32,
}

/// Writes a frame. The record is within the limits.
pub(in crate::spool) fn encode_frame(
    out: &mut Vec<u8>,
    tag: u32,
    ordinal: u64,
    meta: Meta,
    record: &OutRecord,
) {
    let key = record.partition_key.as_bytes();
    let mut body_sum = crc32fast::Hasher::new();
    body_sum.update(&record.data);
    body_sum.update(key);
    let start = out.len();
    out.extend_from_slice(&FRAME_MAGIC);
    out.extend_from_slice(&tag.to_le_bytes());
    for number in [ordinal, meta.epoch, meta.first_sequence, meta.last_sequence] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    for number in [meta.events, length(key), length(&record.data), body_sum.finalize()] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    put_sum(out, start);
    out.extend_from_slice(&record.data);
    out.extend_from_slice(key);
}

impl FrameHeader {
    /// The header in these bytes, if they are one of this owner and whole.
    pub(in crate::spool) fn decode(bytes: &[u8; FRAME_HEADER_BYTES], tag: u32) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.bytes(FRAME_MAGIC.len())? != FRAME_MAGIC || fields.u32()? != tag {
            return None;
        }
        checked(bytes)?;
        let ordinal = fields.u64()?;
        let meta = Meta {
            epoch: fields.u64()?,
            first_sequence: fields.u64()?,
            last_sequence: fields.u64()?,
            events: fields.u32()?,
        };
        let (key_bytes, data_bytes) = (fields.u32()? as usize, fields.u32()? as usize);
        let fits = (1..=MAX_ORDINAL).contains(&ordinal)
            && key_bytes <= MAX_PARTITION_KEY_BYTES
            && data_bytes <= MAX_DATA_BYTES;
        let body_sum = fields.u32()?;
        fits.then_some(Self { ordinal, meta, key_bytes, data_bytes, body_sum })
    }

    /// Bytes of data and partition key.
    pub(in crate::spool) fn body_bytes(&self) -> usize {
        self.data_bytes + self.key_bytes
    }

    /// Bytes of the whole frame.
    pub(in crate::spool) fn frame_bytes(&self) -> u64 {
        (FRAME_HEADER_BYTES + self.body_bytes()) as u64
    }

    /// The record, if its body is whole.
    pub(in crate::spool) fn decode_body(&self, mut body: Vec<u8>) -> Option<OutRecord> {
        if body.len() != self.body_bytes() || crc32fast::hash(&body) != self.body_sum {
            return None;
        }
        let key = body.split_off(self.data_bytes);
        Some(OutRecord { partition_key: String::from_utf8(key).ok()?, data: body })
    }
}
