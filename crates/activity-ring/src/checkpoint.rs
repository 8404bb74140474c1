//! Where the consumer was: position and sequence number, and a note of its own, in two slots.
//!
//! A slot is whole if its check word is right, and a check word is never zero. The slot that does not count is
//! invalidated, written and validated again, in this order, so at any instruction the other one or both are whole. Of two
//! whole slots the one further on counts.
//!
//! All stores are Release, which keeps them in this order. Who reads them is a later process, or the same one.

use std::sync::atomic::Ordering;

use crate::layout::{NOTE_WORDS, SLOT_WORDS, SLOTS, mix64};
use crate::memory::{Memory, Word};
use crate::ring::Ring;

/// What is known to be acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Checkpoint {
    /// End of what was acknowledged.
    pub(crate) position: u64,
    /// Sequence number of the last event below it.
    pub(crate) sequence: u64,
    /// What the consumer wants to know when it continues there.
    pub(crate) note: [u64; NOTE_WORDS],
}

/// A slot of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    First,
    Second,
}

impl Slot {
    /// The one to be written next.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    const fn at(self) -> usize {
        let [first, second] = SLOTS;
        match self {
            Self::First => first,
            Self::Second => second,
        }
    }
}

impl Checkpoint {
    fn check(self, secret: u64) -> u64 {
        let place = mix64(mix64(self.position ^ secret) ^ self.sequence);
        self.note.iter().fold(place, |check, word| mix64(check ^ word)) | 1
    }
}

/// Writes the start of a new ring.
pub(crate) fn initialize<M: Memory>(ring: &Ring<M>) {
    write(ring, Slot::First, Checkpoint { position: 0, sequence: 0, note: [0; NOTE_WORDS] });
}

/// Writes one slot.
pub(crate) fn write<M: Memory>(ring: &Ring<M>, slot: Slot, checkpoint: Checkpoint) {
    if let [position, sequence, note @ .., check] = ring.memory.words(slot.at(), SLOT_WORDS) {
        check.store(0, Ordering::Release);
        position.store(checkpoint.position, Ordering::Release);
        sequence.store(checkpoint.sequence, Ordering::Release);
        for (word, value) in note.iter().zip(checkpoint.note) {
            word.store(value, Ordering::Release);
        }
        check.store(checkpoint.check(ring.secret), Ordering::Release);
    }
}

fn read_slot<M: Memory>(ring: &Ring<M>, slot: Slot) -> Option<Checkpoint> {
    let [position, sequence, words @ .., check] = ring.memory.words(slot.at(), SLOT_WORDS) else {
        return None;
    };
    let check = check.load(Ordering::Acquire);
    let mut note = [0; NOTE_WORDS];
    for (value, word) in note.iter_mut().zip(words) {
        *value = word.load(Ordering::Acquire);
    }
    let found = Checkpoint {
        position: position.load(Ordering::Acquire),
        sequence: sequence.load(Ordering::Acquire),
        note,
    };
    (found.check(ring.secret) == check).then_some(found)
}

/// The checkpoint and the slot that holds it; `None` where neither is whole.
pub(crate) fn read<M: Memory>(ring: &Ring<M>) -> Option<(Slot, Checkpoint)> {
    let [first, second] =
        [Slot::First, Slot::Second].map(|slot| read_slot(ring, slot).map(|found| (slot, found)));
    match (first, second) {
        (Some(a), Some(b)) => Some(if b.1 > a.1 { b } else { a }),
        (a, b) => a.or(b),
    }
}
