//! Records come out.

use std::io;

use super::disk::Disk;
use super::error::{Operation, SpoolError};
use super::format::segment_name;
use super::frames::{Frame, Frames, read_body};
use super::limits::MAX_LOST_PER_READ;
use super::record::payload_bytes;
use super::{LossReason, LostRange, Meta, Read, Spool, Spooled};
use crate::ports::OutRecord;

/// Where reading is.
pub(super) struct Cursor<F> {
    /// The ordinal that is read next.
    pub(super) next: u64,
    place: Option<Place<F>>,
    /// The last frame that was passed.
    previous: Option<(u64, Meta)>,
    /// Losses up to here were told.
    told_through: u64,
}

/// A place in an open segment.
struct Place<F> {
    /// First ordinal of the segment.
    segment: u64,
    at: u64,
    file: F,
}

impl<F> Cursor<F> {
    /// Before the first record that is not released.
    pub(super) fn new(released: u64) -> Self {
        Self { next: released + 1, place: None, previous: None, told_through: released }
    }

    /// Closes the segment with this first ordinal, if it is that one.
    pub(super) fn leave(&mut self, segment: u64) {
        self.place.take_if(|place| place.segment == segment);
    }

    /// Past all up to this ordinal.
    pub(super) fn skip_through(&mut self, ordinal: u64) {
        self.next = self.next.max(ordinal + 1);
    }

    /// Past this frame, to look for the next one at `at`.
    fn pass(&mut self, frame: &Frame, at: u64) {
        self.previous = Some((frame.header.ordinal, frame.header.meta));
        self.next = frame.header.ordinal + 1;
        if let Some(place) = &mut self.place {
            place.at = at;
        }
    }

    /// Tells what is lost, unless it was told before a rewind.
    fn tell(&mut self, lost: &mut Vec<LostRange>, range: LostRange) {
        if range.last_ordinal > self.told_through {
            self.told_through = range.last_ordinal;
            lost.push(range);
        }
    }
}

impl<D: Disk> Spool<D> {
    /// The next records behind the cursor, in order: at most `max_records`, and `max_bytes` of data and partition keys, but
    /// at least one if there is one. What is lost is passed over and told. The cursor moves behind all of it.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Disk`] where the disk does not give what it has; the cursor does not move, and reading can be tried
    /// again or [`Spool::skip_unreadable`] be called. What came before the failure is returned first.
    pub fn read(&mut self, max_records: usize, max_bytes: usize) -> Result<Read, SpoolError> {
        let mut read = Read::default();
        let mut bytes = 0;
        while read.records.len() < max_records.max(1) && read.lost.len() < MAX_LOST_PER_READ {
            let room = (!read.records.is_empty()).then(|| max_bytes.saturating_sub(bytes));
            match self.read_one(room, &mut read.lost) {
                Ok(Some(spooled)) => {
                    bytes = bytes.saturating_add(payload_bytes(&spooled.record));
                    read.records.push(spooled);
                }
                Ok(None) => break,
                Err(error) if read.is_empty() => return Err(error),
                // The next call meets it again and has nothing to return before it.
                Err(_) => break,
            }
        }
        Ok(read)
    }

    /// Back to the first record that is not released.
    pub fn rewind(&mut self) {
        self.cursor.next = self.released + 1;
        self.cursor.place = None;
    }

    /// Gives up the record at the cursor, that the disk does not give: it is passed over and told as lost, and with it the
    /// rest of its segment where not even its length can be read. `None` if there is no record.
    ///
    /// The spool never does that by itself: it has no clock, and a disk that fails for minutes may come back.
    pub fn skip_unreadable(&mut self) -> Option<LostRange> {
        let first = self.read_ordinal()?;
        // Where not even this can be read, the rest of the segment is passed over.
        let range = if let Ok(Some(frame)) = self.next_frame() {
            self.cursor.pass(&frame, frame.end());
            let one = LostRange::one(frame.header.ordinal, frame.header.meta, LossReason::Unreadable);
            if frame.header.ordinal == first {
                one
            } else {
                LostRange { first_ordinal: first, events: None, ..one }
            }
        } else {
            let index = self.segments.partition_point(|segment| segment.first <= first).saturating_sub(1);
            let limit = self.segment_limit(index).max(first + 1);
            self.cursor.place = None;
            self.cursor.next = limit;
            LostRange {
                first_ordinal: first,
                last_ordinal: limit - 1,
                events: None,
                reason: LossReason::Unreadable,
            }
        };
        self.cursor.told_through = self.cursor.told_through.max(range.last_ordinal);
        Some(range)
    }

    /// The next whole record, if it fits into `room`.
    fn read_one(
        &mut self,
        room: Option<usize>,
        lost: &mut Vec<LostRange>,
    ) -> Result<Option<Spooled>, SpoolError> {
        while self.cursor.next < self.next && lost.len() < MAX_LOST_PER_READ {
            let Some(frame) = self.next_frame()? else {
                let range = LostRange::between(self.cursor.previous, self.cursor.next, (self.next, None));
                self.cursor.tell(lost, range);
                self.cursor.next = self.next;
                break;
            };
            let (ordinal, meta) = (frame.header.ordinal, frame.header.meta);
            if ordinal > self.cursor.next {
                let next = (ordinal, Some(meta));
                self.cursor.tell(lost, LostRange::between(self.cursor.previous, self.cursor.next, next));
                self.cursor.next = ordinal;
            }
            if room.is_some_and(|room| frame.header.body_bytes() > room) {
                break;
            }
            if let Some(record) = self.read_record(&frame)? {
                self.cursor.pass(&frame, frame.end());
                return Ok(Some(Spooled { ordinal, meta, record }));
            }
            self.cursor.pass(&frame, frame.inside());
            self.cursor.tell(lost, LostRange::one(ordinal, meta, LossReason::Damaged));
        }
        Ok(None)
    }

    /// The record of a frame in the segment that is open; `None` where it is damaged.
    fn read_record(&self, frame: &Frame) -> Result<Option<OutRecord>, SpoolError> {
        let Some(place) = &self.cursor.place else { return Ok(None) };
        let name = segment_name(place.segment);
        let body = read_body(&place.file, frame).map_err(SpoolError::disk(Operation::Read, &name))?;
        Ok(frame.header.decode_body(body))
    }

    /// The next frame from the cursor on, in whichever segment it is. The cursor stays before it.
    fn next_frame(&mut self) -> Result<Option<Frame>, SpoolError> {
        let mut index = self.current_segment();
        while let Some(segment) = self.segments.get(index) {
            let (first, start, end) = (segment.first, segment.start, segment.end);
            let limit = self.segment_limit(index);
            let name = segment_name(first);
            if self.cursor.place.as_ref().is_none_or(|place| place.segment != first) {
                self.cursor.place = match self.disk.open(&name) {
                    Ok(file) => Some(Place { segment: first, at: start, file }),
                    // Somebody removed it: its records are lost.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                    Err(error) => return Err(SpoolError::disk(Operation::Open, &name)(error)),
                };
            }
            if let Some(place) = &mut self.cursor.place {
                let (tag, at, least) = (self.stamp.tag(), place.at, self.cursor.next);
                let mut frames = Frames { file: &place.file, tag, at, end, least, limit };
                let found = frames.next().map_err(SpoolError::disk(Operation::Read, &name))?;
                place.at = found.map_or(frames.at, |frame| frame.at);
                if found.is_some() {
                    return Ok(found);
                }
            }
            index += 1;
        }
        Ok(None)
    }

    /// The segment that holds the cursor's ordinal, or the first one behind it.
    fn current_segment(&self) -> usize {
        (0..self.segments.len())
            .find(|index| self.segment_limit(*index) > self.cursor.next)
            .unwrap_or(self.segments.len())
    }
}
