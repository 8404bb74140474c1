//! The body: frames, their numbering, and what their tags cover beside the ciphertext.

use super::error::EsdkError;
use super::reader::Reader;
use super::{IV_BYTES, TAG_BYTES};

/// Stands where the sequence number stands in other frames.
pub(super) const LAST_FRAME_MARK: u32 = u32::MAX;
/// Bytes of a frame that is not the last, beside its ciphertext.
pub(super) const FRAME_OVERHEAD_BYTES: usize = 4 + IV_BYTES + TAG_BYTES;
/// Bytes of the last frame beside its ciphertext.
pub(super) const LAST_FRAME_OVERHEAD_BYTES: usize = FRAME_OVERHEAD_BYTES + 8;

const ASSOCIATED_FRAME: &[u8] = b"AWSKMSEncryptionClient Frame";
const ASSOCIATED_LAST_FRAME: &[u8] = b"AWSKMSEncryptionClient Final Frame";

/// A frame found in a body, not authenticated yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) sequence: u32,
    pub(super) last: bool,
    pub(super) ciphertext: &'a [u8],
    pub(super) tag: &'a [u8; TAG_BYTES],
}

/// Walks through the frames of an untrusted body, and insists on its exact end.
///
/// The walk ends after the last frame or the first error.
#[derive(Debug, Clone)]
pub(super) struct Frames<'a> {
    reader: Reader<'a>,
    frame_bytes: u32,
    next_sequence: u32,
    ended: bool,
}

impl<'a> Frames<'a> {
    pub(super) fn new(body: &'a [u8], frame_bytes: u32) -> Self {
        Self { reader: Reader::new(body), frame_bytes, next_sequence: 1, ended: false }
    }

    fn read(&mut self) -> Result<Frame<'a>, EsdkError> {
        let mark = self.reader.u32()?;
        let last = mark == LAST_FRAME_MARK;
        let sequence = if last { self.reader.u32()? } else { mark };
        if sequence != self.next_sequence {
            return Err(EsdkError::Malformed("frame sequence"));
        }
        if self.reader.array()? != &iv(sequence) {
            return Err(EsdkError::Malformed("frame IV"));
        }
        let length = if last { self.reader.u32()? } else { self.frame_bytes };
        if length > self.frame_bytes {
            return Err(EsdkError::Malformed("last frame length"));
        }
        let length = usize::try_from(length).map_err(|_| EsdkError::Truncated)?;
        let ciphertext = self.reader.take(length)?;
        let tag = self.reader.array()?;
        if last && !self.reader.rest().is_empty() {
            return Err(EsdkError::Malformed("bytes after the last frame"));
        }
        // Can only fail for the number that marks the last frame, which is no sequence number.
        self.next_sequence = sequence.checked_add(1).ok_or(EsdkError::Malformed("frame sequence"))?;
        Ok(Frame { sequence, last, ciphertext, tag })
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, EsdkError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read();
        self.ended = !matches!(&read, Ok(frame) if !frame.last);
        Some(read)
    }
}

/// A frame's IV: its sequence number. 0 is the header's.
pub(super) fn iv(sequence: u32) -> [u8; IV_BYTES] {
    (u128::from(sequence) << 32).to_be_bytes().first_chunk().copied().unwrap_or_default()
}

/// Writes into `out` what a frame's tag covers beside its ciphertext.
pub(super) fn associated_data(out: &mut Vec<u8>, message_id: &[u8], sequence: u32, last: bool, content: u64) {
    out.clear();
    out.extend_from_slice(message_id);
    out.extend_from_slice(if last { ASSOCIATED_LAST_FRAME } else { ASSOCIATED_FRAME });
    out.extend_from_slice(&sequence.to_be_bytes());
    out.extend_from_slice(&content.to_be_bytes());
}
