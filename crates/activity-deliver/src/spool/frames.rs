//! From frame to frame through a segment, over what is damaged in between.

use std::io;

use super::disk::{DiskFile, read_full};
use super::format::{FRAME_HEADER_BYTES, FRAME_MAGIC, FrameHeader};
use super::limits::SEARCH_BYTES;

/// A frame and where it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) at: u64,
    pub(super) header: FrameHeader,
}

impl Frame {
    /// Where the next one begins.
    pub(super) fn end(&self) -> u64 {
        self.at + self.header.frame_bytes()
    }

    /// Where to go on looking if the body is damaged: what lies in its place can be the frames behind it, if some of the
    /// file is missing.
    pub(super) fn inside(&self) -> u64 {
        self.at + FRAME_HEADER_BYTES as u64
    }
}

/// A walk along the headers of frames. Bodies are passed over by their lengths.
pub(super) struct Frames<'a, F> {
    pub(super) file: &'a F,
    /// Whose frames.
    pub(super) tag: u32,
    /// Where to look next.
    pub(super) at: u64,
    /// Where to stop: nothing behind it is trusted.
    pub(super) end: u64,
    /// The least ordinal that is wanted; smaller ones are passed over.
    pub(super) least: u64,
    /// Ordinals from here on belong to a later segment: what this one holds of them was left by a failed append.
    pub(super) limit: u64,
}

impl<F: DiskFile> Frames<'_, F> {
    /// The next frame with a whole header. Ordinals grow; where one is left out, its frame is damaged.
    pub(super) fn next(&mut self) -> io::Result<Option<Frame>> {
        while self.at < self.end {
            match self.header_at(self.at)? {
                Some(header) if header.ordinal >= self.limit => return Ok(None),
                Some(header) => {
                    let frame = Frame { at: self.at, header };
                    self.at = frame.end();
                    if header.ordinal >= self.least {
                        self.least = header.ordinal + 1;
                        return Ok(Some(frame));
                    }
                }
                None => self.at = self.search(self.at + 1)?.unwrap_or(self.end),
            }
        }
        Ok(None)
    }

    /// The header at this place, if it is whole and so is, by its length, the frame.
    fn header_at(&self, at: u64) -> io::Result<Option<FrameHeader>> {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        if read_full(self.file, at, &mut bytes)? < bytes.len() {
            return Ok(None);
        }
        Ok(FrameHeader::decode(&bytes, self.tag).filter(|header| at + header.frame_bytes() <= self.end))
    }

    /// Where the next whole header is, from `from` on.
    fn search(&self, mut from: u64) -> io::Result<Option<u64>> {
        let mut window = vec![0; SEARCH_BYTES];
        while from + FRAME_HEADER_BYTES as u64 <= self.end {
            let read = read_full(self.file, from, &mut window)?;
            let found = window.get(..read).unwrap_or_default();
            for (offset, start) in found.windows(FRAME_MAGIC.len()).enumerate() {
                let at = from + offset as u64;
                if start == FRAME_MAGIC && self.header_at(at)?.is_some() {
                    return Ok(Some(at));
                }
            }
            if read < window.len() {
                break;
            }
            // A magic number can lie across two windows.
            from += (read - FRAME_MAGIC.len() + 1) as u64;
        }
        Ok(None)
    }
}

/// The bytes behind a frame's header; fewer, where the file ends before.
pub(super) fn read_body(file: &impl DiskFile, frame: &Frame) -> io::Result<Vec<u8>> {
    let mut body = vec![0; frame.header.body_bytes()];
    let read = read_full(file, frame.at + FRAME_HEADER_BYTES as u64, &mut body)?;
    body.truncate(read);
    Ok(body)
}
