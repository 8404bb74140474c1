//! The consumer's side: drain, acknowledge, continue after a death.
//!
//! The consumer trusts its own copies of the positions that only it moves, and writes them over whatever the header says.
//! From the mapping it takes `reserved`, within bounds, and the records, checked.
//!
//! An acknowledgement takes four steps, each of which can be the last: checkpoint, `acked_through`, zeroes,
//! `free_through`. [`Consumer::resume`] does the last three again.

use std::sync::atomic::{Ordering, compiler_fence};

use crate::checkpoint::{self, Checkpoint, Slot};
use crate::error::Corrupt;
use crate::layout::{
    ACKED_THROUGH, FREE_THROUGH, NOTE_WORDS, RECORD_HEADER_BYTES, RECOVER_THROUGH, RESERVED, SKIPPED,
    SKIPPED_THROUGH, WORD_BYTES,
};
use crate::memory::Memory;
use crate::record::{self, Kind};
use crate::ring::{Position, Ring};

/// An event that was drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Its number: one more than that of the event before it.
    pub sequence: u64,
    /// Where it ends.
    pub end: Position,
}

/// What a consumer keeps with its checkpoint; the ring does not look at it. Zeroes in a new ring.
pub type Note = [u64; NOTE_WORDS];

/// The one process that drains a ring.
#[derive(Debug)]
pub struct Consumer<M> {
    ring: Ring<M>,
    /// Where the next record starts.
    drained: u64,
    /// End of the last event drained; pads and holes may lie between it and `drained`.
    event_end: u64,
    /// Its sequence number.
    sequence: u64,
    acked: Checkpoint,
    slot: Slot,
    free_through: u64,
    /// Fixed for the life of a consumer: a crash ends it.
    recover_through: u64,
}

/// What is at a position.
enum Found {
    /// No stamp.
    Nothing,
    Event {
        end: u64,
    },
    Pad {
        end: u64,
    },
    Damaged(&'static str),
}

impl<M: Memory> Consumer<M> {
    /// Begins where the consumer before left off, or at the start of a new ring.
    ///
    /// # Errors
    ///
    /// The header holds impossible positions.
    pub fn resume(ring: Ring<M>) -> Result<Self, Corrupt> {
        let (slot, acked) = checkpoint::read(&ring).ok_or(Corrupt::Checkpoint)?;
        let free_through = ring.memory.load(FREE_THROUGH, Ordering::Acquire);
        let reserved = ring.memory.load(RESERVED, Ordering::Acquire);
        let recover_through = ring.memory.load(RECOVER_THROUGH, Ordering::Acquire);
        let position = acked.position;
        if !ring.plausible(reserved, free_through)
            || !(free_through..=reserved).contains(&position)
            || !position.is_multiple_of(WORD_BYTES)
        {
            let capacity = ring.capacity;
            return Err(Corrupt::Positions { reserved, free: free_through, drained: position, capacity });
        }
        if recover_through > reserved || !recover_through.is_multiple_of(WORD_BYTES) {
            return Err(Corrupt::Recovery { recover_through, reserved });
        }
        if ring.acked_through().0 > position {
            return Err(Corrupt::Checkpoint);
        }
        let sequence = acked.sequence;
        let mut consumer = Self {
            ring,
            drained: position,
            event_end: position,
            sequence,
            acked,
            slot,
            free_through,
            recover_through,
        };
        consumer.publish_acked();
        Ok(consumer)
    }

    /// Copies the next committed event to `out`. `None`: it is not committed yet.
    ///
    /// # Errors
    ///
    /// The ring is damaged; every further call says so too.
    pub fn next(&mut self, out: &mut Vec<u8>) -> Result<Option<Record>, Corrupt> {
        out.clear();
        loop {
            let reserved = self.reserved()?;
            if self.drained == reserved {
                return Ok(None);
            }
            match self.look(self.drained, reserved, out) {
                Found::Event { end } => {
                    self.sequence = self.sequence.saturating_add(1);
                    self.drained = end;
                    self.event_end = end;
                    return Ok(Some(Record { sequence: self.sequence, end: Position(end) }));
                }
                Found::Pad { end } => self.drained = end,
                Found::Nothing | Found::Damaged(_) if self.drained < self.recover_through => {
                    self.skip_hole(out);
                }
                Found::Nothing => return Ok(None),
                Found::Damaged(what) => {
                    out.clear();
                    return Err(Corrupt::Record { position: self.drained, what });
                }
            }
        }
    }

    /// End of what was drained.
    #[must_use]
    pub const fn drained(&self) -> Position {
        Position(self.drained)
    }

    /// Sequence number of the last event that was acknowledged; the next one drained after [`Self::resume`] is one more.
    #[must_use]
    pub const fn acked_sequence(&self) -> u64 {
        self.acked.sequence
    }

    /// The note of the last acknowledgement, by this consumer or the one before it.
    #[must_use]
    pub const fn note(&self) -> Note {
        self.acked.note
    }

    /// [`Self::ack_with`] that leaves the note as it is.
    ///
    /// # Errors
    ///
    /// As [`Self::ack_with`].
    pub fn ack_through(&mut self, position: Position, sequence: u64) -> Result<(), Corrupt> {
        self.ack_with(position, sequence, self.acked.note)
    }

    /// Frees the space up to the end of a record that was drained, `sequence` being its number, and keeps a note with that:
    /// whoever continues there finds position, number and note of one acknowledgement. What was acknowledged before is no
    /// error and changes nothing. Pads and holes after the last event go with it, so that an empty ring is seen to be empty.
    ///
    /// # Errors
    ///
    /// Position and number are not of a record that was drained; nothing is freed.
    pub fn ack_with(&mut self, position: Position, sequence: u64, note: Note) -> Result<(), Corrupt> {
        let Position(position) = position;
        if position <= self.acked.position {
            return Ok(());
        }
        let is_last = position >= self.event_end;
        let fits = if is_last {
            sequence == self.sequence
        } else {
            self.acked.sequence < sequence && sequence < self.sequence
        };
        if position > self.drained || !position.is_multiple_of(WORD_BYTES) || !fits {
            return Err(Corrupt::Acknowledgement {
                position,
                sequence,
                drained: self.drained,
                drained_sequence: self.sequence,
            });
        }
        let position = if is_last { self.drained } else { position };
        self.advance(Checkpoint { position, sequence, note });
        Ok(())
    }

    fn advance(&mut self, acked: Checkpoint) {
        self.slot = self.slot.other();
        checkpoint::write(&self.ring, self.slot, acked);
        self.acked = acked;
        self.publish_acked();
    }

    /// Tells the waiting sessions, zeroes, and then lets producers have the space.
    fn publish_acked(&mut self) {
        let through = self.acked.position;
        let memory = &self.ring.memory;
        memory.store(ACKED_THROUGH, through, Ordering::SeqCst);
        // A Release store keeps what is before it before it, not what is after it after it. Were a zero to come ahead of
        // the checkpoint, a death between them would lose a record that is not acknowledged.
        compiler_fence(Ordering::SeqCst);
        let to_zero = through.saturating_sub(self.free_through).min(self.ring.capacity);
        let first = to_zero.min(self.ring.to_end(self.free_through));
        record::zero(memory, self.ring.word_at(self.free_through), first);
        record::zero(memory, self.ring.word_at(0), to_zero - first);
        memory.store(FREE_THROUGH, through, Ordering::Release);
        self.free_through = through;
    }

    /// `reserved`, if it is possible.
    fn reserved(&self) -> Result<u64, Corrupt> {
        let reserved = self.ring.memory.load(RESERVED, Ordering::Acquire);
        if reserved >= self.drained && self.ring.plausible(reserved, self.free_through) {
            return Ok(reserved);
        }
        Err(Corrupt::Positions {
            reserved,
            free: self.free_through,
            drained: self.drained,
            capacity: self.ring.capacity,
        })
    }

    /// Judges what is at `position`. An event is copied to `out`; nothing at or above `limit` belongs to it.
    fn look(&self, position: u64, limit: u64, out: &mut Vec<u8>) -> Found {
        let to_end = self.ring.to_end(position);
        if to_end < RECORD_HEADER_BYTES {
            let end = position.saturating_add(to_end);
            return if end <= limit {
                Found::Pad { end }
            } else {
                Found::Damaged("it has no room for its header")
            };
        }
        let at = self.ring.word_at(position);
        match self.ring.memory.load(at, Ordering::Acquire) {
            0 => return Found::Nothing,
            stamp if stamp != self.ring.stamp_at(position) => return Found::Damaged("its stamp is wrong"),
            _ => {}
        }
        let head = record::read_head(&self.ring.memory, at);
        let size = record::record_bytes(head.len);
        if size > self.ring.max_record_bytes() || size > to_end || size > limit.saturating_sub(position) {
            return Found::Damaged("its length is impossible");
        }
        if !record::read_payload(&self.ring.memory, at, &head, out) {
            return Found::Damaged("its check sum is wrong");
        }
        let end = position + size;
        match head.kind {
            Some(Kind::Event) => Found::Event { end },
            Some(Kind::Pad) if size == to_end => Found::Pad { end },
            Some(Kind::Pad) => Found::Damaged("it is a pad, and not at the end"),
            None => Found::Damaged("its kind is unknown"),
        }
    }

    /// Moves to the next whole record, at most to where the crash was.
    fn skip_hole(&mut self, out: &mut Vec<u8>) {
        let start = self.drained;
        let mut at = start + WORD_BYTES;
        while at < self.recover_through {
            let to_end = self.ring.to_end(at);
            if to_end < RECORD_HEADER_BYTES {
                at += to_end;
            } else if matches!(
                self.look(at, self.recover_through, out),
                Found::Event { .. } | Found::Pad { .. }
            ) {
                break;
            } else {
                at += WORD_BYTES;
            }
        }
        // What was looked at is drained by its turn, if it still is what it was.
        out.clear();
        self.drained = at.min(self.recover_through);
        self.count_hole(start);
        if self.acked.position >= self.event_end {
            // No event to come carries the hole with its acknowledgement, if this was the last of the ring.
            self.advance(Checkpoint { position: self.drained, ..self.acked });
        }
    }

    /// Counts a hole once, however many consumers come across it.
    fn count_hole(&self, start: u64) {
        let memory = &self.ring.memory;
        if start >= memory.load(SKIPPED_THROUGH, Ordering::Relaxed) {
            memory.add(SKIPPED, 1);
            memory.store(SKIPPED_THROUGH, self.drained, Ordering::Release);
        }
    }
}
