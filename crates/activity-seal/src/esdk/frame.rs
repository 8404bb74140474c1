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

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as it stands in a body, with a tag of zeros.
    fn frame(sequence: u32, last: bool, content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        if last {
            out.extend_from_slice(&LAST_FRAME_MARK.to_be_bytes());
        }
        out.extend_from_slice(&sequence.to_be_bytes());
        out.extend_from_slice(&iv(sequence));
        if last {
            out.extend_from_slice(&u32::try_from(content.len()).unwrap().to_be_bytes());
        }
        out.extend_from_slice(content);
        out.extend_from_slice(&[0; TAG_BYTES]);
        out
    }

    /// Contents in order, or the error the walk ended with.
    fn walk(body: &[u8], frame_bytes: u32) -> Result<Vec<usize>, EsdkError> {
        Frames::new(body, frame_bytes).map(|frame| frame.map(|frame| frame.ciphertext.len())).collect()
    }

    #[test]
    fn an_iv_is_the_sequence_number_in_its_last_four_bytes() {
        assert_eq!(iv(0), [0; 12]);
        assert_eq!(iv(0x0102_0304), [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
        assert_eq!(iv(u32::MAX), [0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]);
    }

    #[test]
    fn full_empty_and_part_filled_last_frames_are_found() {
        for last in [0, 1, 7, 8] {
            let body = [frame(1, false, &[0; 8]), frame(2, true, &vec![0; last])].concat();
            assert_eq!(walk(&body, 8), Ok(vec![8, last]));
        }
        assert_eq!(walk(&frame(1, true, &[]), u32::MAX), Ok(vec![0]));
    }

    #[test]
    fn sequences_that_do_not_count_up_from_one_are_refused() {
        let wrong = Err(EsdkError::Malformed("frame sequence"));
        for body in [
            frame(0, true, &[]),
            frame(2, true, &[]),
            frame(u32::MAX, true, &[]),
            [frame(1, false, &[0; 8]), frame(1, true, &[])].concat(),
            [frame(1, false, &[0; 8]), frame(3, true, &[])].concat(),
        ] {
            assert_eq!(walk(&body, 8), wrong);
        }
    }

    #[test]
    fn a_last_frame_longer_than_a_frame_is_refused_before_it_is_read() {
        assert_eq!(walk(&frame(1, true, &[0; 9]), 8), Err(EsdkError::Malformed("last frame length")));
        let mut huge = frame(1, true, &[]);
        huge[20..24].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(walk(&huge, 8), Err(EsdkError::Malformed("last frame length")));
        assert_eq!(walk(&huge, u32::MAX), Err(EsdkError::Truncated));
    }

    #[test]
    fn another_iv_than_the_sequence_number_is_refused() {
        let mut body = frame(1, true, &[]);
        body[8] = 1;
        assert_eq!(walk(&body, 8), Err(EsdkError::Malformed("frame IV")));
    }

    #[test]
    fn a_body_without_its_last_frame_is_cut_short_and_the_walk_ends() {
        let body = [frame(1, false, &[0; 8]), frame(2, false, &[0; 8])].concat();
        let results: Vec<_> = Frames::new(&body, 8).map(|frame| frame.map(|_| ())).collect();
        assert_eq!(results, [Ok(()), Ok(()), Err(EsdkError::Truncated)]);
        assert_eq!(walk(&[], 8), Err(EsdkError::Truncated));
    }
}
