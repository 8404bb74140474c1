//! The producers' side, and what anybody may ask.
//!
//! # Memory orders
//!
//! * A producer loads `free_through` with Acquire: the consumer zeroed the space and then stored it with Release, so the
//!   producer's stores come after the zeroes.
//! * It loads `free_through` **before** `reserved`. Who sees the consumer free a position sees that it was claimed, so
//!   `reserved` is never below; read the other way round, a fast consumer would make a sound ring look damaged.
//! * `reserved` is replaced with AcqRel and loaded with Acquire: who sees a claim also sees the `free_through` that its
//!   producer based it on. A `free_through` that reads the same before and after `reserved` therefore bounds it, which is
//!   what tells a full ring from a damaged one.
//! * The stamp is stored with Release and loaded with Acquire; it carries the payload, which is Relaxed.
//! * `acked_through` is SeqCst on both sides: a waiting session writes its own word and then reads this one, the worker
//!   writes this one and then reads theirs, and one of them must see the other.
//! * Counters are Relaxed: nothing follows from them.

use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use crate::checkpoint;
use crate::error::{FormatError, PublishError};
use crate::layout::{
    self, ACKED_THROUGH, DROPPED, DROPPED_CORRUPT, DROPPED_TOO_LARGE, FREE_THROUGH, HEADER_BYTES,
    HEADER_WORDS, MAX_RECORD_BYTES, MIN_CAPACITY_BYTES, PUBLISHED, RECORD_HEADER_BYTES, RECOVER_THROUGH,
    RESERVED, SKIPPED, WORD_BYTES,
};
use crate::memory::{Memory, RawMemory, Word};
use crate::record::{self, Head};

/// A place in the stream of bytes that went through a ring since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

/// A ring. A copy of it is as good as the original, in every process that inherits the memory.
#[derive(Debug, Clone, Copy)]
pub struct Ring<M> {
    pub(crate) memory: M,
    /// This process's own, never read from the memory again: a power of two.
    pub(crate) capacity: u64,
    pub(crate) secret: u64,
}

/// Space that belongs to one producer until it commits.
#[derive(Debug, Clone, Copy)]
struct Claim {
    start: u64,
    /// Bytes up to the end of the data, where the record does not fit there; otherwise none.
    pad: u64,
    end: u64,
}

impl Ring<RawMemory> {
    /// Bytes of memory that a ring of `capacity` bytes needs. The capacity is a power of two and at least 64 KiB.
    #[must_use]
    pub const fn required_bytes(capacity: usize) -> usize {
        HEADER_BYTES.saturating_add(capacity)
    }

    /// Makes a ring in fresh memory of [`Ring::required_bytes`]. The secret is random and not shown to users.
    ///
    /// # Errors
    ///
    /// The memory is misaligned, not zeroed, or not of such a size.
    ///
    /// # Safety
    ///
    /// `len` bytes from `base` on are zeroed, readable and writable, stay so for ever, and are used by rings only.
    #[expect(unsafe_code, reason = "the caller vouches for the memory")]
    pub unsafe fn format(base: NonNull<u8>, len: usize, secret: u64) -> Result<Self, FormatError> {
        if !base.addr().get().is_multiple_of(HEADER_BYTES) {
            return Err(FormatError::Misaligned);
        }
        // SAFETY: the caller promises it.
        let memory = unsafe { RawMemory::new(base, len) }.ok_or(FormatError::Misaligned)?;
        Self::format_in(memory, len, secret, MIN_CAPACITY_BYTES)
    }
}

impl<M: Memory> Ring<M> {
    /// Makes a ring in `memory` of `bytes`, with a capacity of at least `least`.
    pub(crate) fn format_in(memory: M, bytes: usize, secret: u64, least: usize) -> Result<Self, FormatError> {
        let capacity = bytes.saturating_sub(HEADER_BYTES);
        if capacity < least || !capacity.is_power_of_two() {
            return Err(FormatError::Capacity { bytes, least });
        }
        if memory.words(0, HEADER_WORDS).iter().any(|word| word.load(Ordering::Relaxed) != 0) {
            return Err(FormatError::NotZeroed);
        }
        let ring = Self { memory, capacity: capacity as u64, secret };
        ring.memory.store(layout::VERSION, layout::VERSION_VALUE, Ordering::Relaxed);
        ring.memory.store(layout::CAPACITY, ring.capacity, Ordering::Relaxed);
        ring.memory.store(layout::SECRET, secret, Ordering::Relaxed);
        checkpoint::initialize(&ring);
        ring.memory.store(layout::MAGIC, layout::MAGIC_VALUE, Ordering::Release);
        Ok(ring)
    }

    /// Publishes an event, however full the ring is; the position to wait for. When this returns, the event is in the ring,
    /// whatever becomes of this process. Sessions share the ring by [`crate::Producer::publish`].
    ///
    /// # Errors
    ///
    /// The event was not taken, and was counted.
    #[inline]
    pub fn publish(&self, event: &[u8]) -> Result<Position, PublishError> {
        let published = self.try_publish(event);
        if let Err(refused) = &published {
            self.count_refused(refused);
        }
        published
    }

    /// The same for who tries again until it is taken: a refusal is no loss, and not counted.
    ///
    /// # Errors
    ///
    /// The event was not taken.
    pub fn try_publish(&self, event: &[u8]) -> Result<Position, PublishError> {
        self.put(self.head_of(event)?, event, self.capacity)
    }

    #[cold]
    pub(crate) fn count_refused(&self, refused: &PublishError) {
        let counter = match refused {
            PublishError::Full => DROPPED,
            PublishError::TooLarge => DROPPED_TOO_LARGE,
            PublishError::Corrupt => DROPPED_CORRUPT,
        };
        self.memory.add(counter, 1);
    }

    /// The check sum comes before the claim: the time in which a killed process leaves a hole is kept short.
    #[inline]
    pub(crate) fn head_of(&self, event: &[u8]) -> Result<Head, PublishError> {
        if event.len() > self.max_event_bytes() {
            return Err(PublishError::TooLarge);
        }
        Head::of_event(event).ok_or(PublishError::TooLarge)
    }

    /// Puts an event in where no more than `room` bytes are in use with it; `room` is not more than the capacity.
    #[inline]
    pub(crate) fn put(&self, head: Head, event: &[u8], room: u64) -> Result<Position, PublishError> {
        let claim = self.reserve(record::record_bytes(head.len), room)?;
        // Now, while the line that `reserved` is on belongs to this processor.
        self.memory.add(PUBLISHED, 1);
        if let Some(pad) = Head::of_pad(claim.pad) {
            self.commit(claim.start, pad, &[]);
        }
        self.commit(claim.start + claim.pad, head, event);
        Ok(Position(claim.end))
    }

    #[inline]
    fn commit(&self, position: u64, head: Head, payload: &[u8]) {
        record::write(&self.memory, self.word_at(position), self.stamp_at(position), head, payload);
    }

    /// Claims `size` bytes in one piece, and the pad before them, where no more than `room` are in use then.
    #[inline]
    fn reserve(&self, size: u64, room: u64) -> Result<Claim, PublishError> {
        let mut free = self.memory.load(FREE_THROUGH, Ordering::Acquire);
        let mut reserved = self.memory.load(RESERVED, Ordering::Acquire);
        loop {
            if let Some(claim) = self.claim(reserved, free, size, room) {
                self.memory.touch(self.word_at(claim.start + claim.pad));
                let word = self.memory.words(RESERVED, 1).first().ok_or(PublishError::Corrupt)?;
                match word.replace(reserved, claim.end, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => return Ok(claim),
                    Err(now) => reserved = now,
                }
                continue;
            }
            // An old `free` explains both too little room and positions that do not fit; the same one twice does not.
            let again = self.memory.load(FREE_THROUGH, Ordering::Acquire);
            if again == free {
                return Err(if self.plausible(reserved, free) {
                    PublishError::Full
                } else {
                    PublishError::Corrupt
                });
            }
            free = again;
            reserved = self.memory.load(RESERVED, Ordering::Acquire);
        }
    }

    /// The claim of `size` bytes at `reserved`, if there is room and nothing is odd.
    #[inline]
    fn claim(&self, reserved: u64, free: u64, size: u64, room: u64) -> Option<Claim> {
        if !self.plausible(reserved, free) {
            return None;
        }
        let to_end = self.to_end(reserved);
        let pad = if to_end < size { to_end } else { 0 };
        let end = reserved.checked_add(pad + size)?;
        (end - free <= room).then_some(Claim { start: reserved, pad, end })
    }

    /// Whether `free..reserved` can be what is in use.
    #[inline]
    pub(crate) fn plausible(&self, reserved: u64, free: u64) -> bool {
        (reserved | free).is_multiple_of(WORD_BYTES)
            && reserved.checked_sub(free).is_some_and(|used| used <= self.capacity)
            && reserved.checked_add(self.capacity).is_some()
    }

    /// Bytes from `position` to the end of the data.
    #[inline]
    pub(crate) const fn to_end(&self, position: u64) -> u64 {
        self.capacity - (position & (self.capacity - 1))
    }

    /// The index of the word at `position`.
    #[inline]
    pub(crate) const fn word_at(&self, position: u64) -> usize {
        HEADER_WORDS + ((position & (self.capacity - 1)) / WORD_BYTES) as usize
    }

    /// The stamp of a record at `position`.
    #[inline]
    pub(crate) const fn stamp_at(&self, position: u64) -> u64 {
        layout::stamp(position, self.secret)
    }

    /// Largest record, header included.
    #[inline]
    pub(crate) const fn max_record_bytes(&self) -> u64 {
        let quarter = self.capacity / 4;
        if quarter < MAX_RECORD_BYTES { quarter } else { MAX_RECORD_BYTES }
    }

    /// Largest event: a quarter of the ring, at most 16 MiB, less the 24 bytes of a record's header.
    #[inline]
    #[must_use]
    pub const fn max_event_bytes(&self) -> usize {
        (self.max_record_bytes() - RECORD_HEADER_BYTES) as usize
    }

    /// Bytes in use, pads and headers included: claimed and not yet freed.
    #[must_use]
    pub fn fill(&self) -> usize {
        let free = self.memory.load(FREE_THROUGH, Ordering::Acquire);
        let reserved = self.memory.load(RESERVED, Ordering::Acquire);
        reserved.saturating_sub(free).min(self.capacity) as usize
    }

    /// Bytes in use below `end`, for a producer that has published up to there: it need not ask for what all have claimed.
    #[inline]
    #[must_use]
    pub fn fill_below(&self, end: Position) -> usize {
        let free = self.memory.load(FREE_THROUGH, Ordering::Relaxed);
        end.0.saturating_sub(free).min(self.capacity) as usize
    }

    /// Bytes of the data.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// End of what was freed.
    pub(crate) fn free_through(&self) -> Position {
        Position(self.memory.load(FREE_THROUGH, Ordering::Relaxed))
    }

    /// End of what producers have claimed.
    #[must_use]
    pub fn reserved(&self) -> Position {
        Position(self.memory.load(RESERVED, Ordering::Acquire))
    }

    /// End of what was acknowledged. A session that published up to here need not wait.
    #[must_use]
    pub fn acked_through(&self) -> Position {
        Position(self.memory.load(ACKED_THROUGH, Ordering::SeqCst))
    }

    /// Events taken, those that are still being written among them.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.memory.load(PUBLISHED, Ordering::Relaxed)
    }

    /// Events refused because the ring was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.memory.load(DROPPED, Ordering::Relaxed)
    }

    /// Events refused because they were too large.
    #[must_use]
    pub fn dropped_too_large(&self) -> u64 {
        self.memory.load(DROPPED_TOO_LARGE, Ordering::Relaxed)
    }

    /// Events refused because the ring is damaged.
    #[must_use]
    pub fn dropped_corrupt(&self) -> u64 {
        self.memory.load(DROPPED_CORRUPT, Ordering::Relaxed)
    }

    /// Holes passed over after a crash, each of one or more events.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.memory.load(SKIPPED, Ordering::Relaxed)
    }

    /// Says that every process that used the ring is dead: what is claimed and not committed now never will be.
    pub fn note_crash(&self) {
        self.memory.store(RECOVER_THROUGH, self.memory.load(RESERVED, Ordering::Acquire), Ordering::Release);
    }
}
