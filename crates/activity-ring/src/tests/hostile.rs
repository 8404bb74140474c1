//! A process gone wild writes anything anywhere in the mapping: nothing panics, nothing loops for ever, nothing outside of
//! the memory is written.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::{SECRET, stress};
use crate::layout::{
    FREE_THROUGH, HEADER_BYTES, HEADER_WORDS, MIN_TEST_CAPACITY_BYTES, RECOVER_THROUGH, RESERVED, SLOTS,
    stamp,
};
use crate::memory::{Memory, RawMemory};
use crate::{Consumer, Ring};

pub(super) const CAPACITY: usize = 1024;
const GUARD_WORDS: usize = HEADER_WORDS;
const GUARD: u64 = 0xA5A5_5A5A_C3C3_3C3C;

/// A ring with guards before and after it. It is reused, since its pages are never given back.
pub(super) struct Guarded {
    all: RawMemory,
    pub(super) inner: RawMemory,
    pub(super) words: usize,
}

impl Guarded {
    #[expect(unsafe_code, reason = "memory of the test")]
    pub(super) fn new() -> Self {
        let words = HEADER_WORDS + CAPACITY / 8;
        let all_bytes = (words + 2 * GUARD_WORDS) * 8;
        let base: NonNull<u8> = stress::pages(all_bytes);
        // SAFETY: fresh pages that are never given back; the ring lies inside of them.
        let (all, inner) = unsafe {
            (RawMemory::new(base, all_bytes), RawMemory::new(base.add(GUARD_WORDS * 8), words * 8))
        };
        Self { all: all.unwrap(), inner: inner.unwrap(), words }
    }

    /// A ring in its second lap, with a pad, events that are drained and not acknowledged, and events to be drained; and
    /// the consumer of it.
    pub(super) fn lived_in(&self) -> (Ring<RawMemory>, Consumer<RawMemory>) {
        for i in 0..self.words + 2 * GUARD_WORDS {
            let is_guard = !(GUARD_WORDS..GUARD_WORDS + self.words).contains(&i);
            self.all.store(i, if is_guard { GUARD } else { 0 }, Ordering::Relaxed);
        }
        let bytes = HEADER_BYTES + CAPACITY;
        let ring = Ring::format_in(self.inner, bytes, SECRET, MIN_TEST_CAPACITY_BYTES).unwrap();
        let mut consumer = Consumer::resume(ring).unwrap();
        let mut event = Vec::new();
        for sequence in 1..=5 {
            ring.publish(&[0xEE; 150]).unwrap();
            let record = consumer.next(&mut event).unwrap().unwrap();
            if sequence < 5 {
                consumer.ack_through(record.end, record.sequence).unwrap();
            }
        }
        for i in 0..6u8 {
            ring.publish(&vec![i; usize::from(i) * 20]).unwrap();
        }
        consumer.next(&mut event).unwrap().unwrap();
        assert!(ring.reserved().0 > CAPACITY as u64);
        (ring, consumer)
    }

    fn assert_guards(&self) {
        for i in (0..GUARD_WORDS).chain(GUARD_WORDS + self.words..2 * GUARD_WORDS + self.words) {
            assert_eq!(self.all.load(i, Ordering::Relaxed), GUARD, "word {i} outside of the ring");
        }
    }
}

/// Does everything that can be done with a ring, in a worker that lives, and in one that comes after a crash.
fn use_it(ring: &Ring<RawMemory>, consumer: Consumer<RawMemory>) {
    let mut living = Some(consumer);
    for _ in 0..3 {
        if let Some(consumer) = &mut living {
            consume(consumer);
        }
        ask(ring);
        for len in [0, 8, 100, ring.max_event_bytes(), ring.max_event_bytes() + 1] {
            let _taken_or_not = ring.publish(&vec![9; len]);
        }
        if let Some(consumer) = &mut living {
            consume(consumer);
        }
        ring.note_crash();
        living = Consumer::resume(*ring).ok();
    }
}

fn consume(consumer: &mut Consumer<RawMemory>) {
    let mut event = Vec::new();
    // Each record has a header, so no state of the memory holds more of them.
    let most = CAPACITY / 24;
    for _ in 0..=most {
        match consumer.next(&mut event) {
            Ok(Some(record)) => {
                assert!(event.len() <= CAPACITY / 4);
                let _may_be_refused = consumer.ack_through(record.end, record.sequence);
            }
            Ok(None) => return,
            Err(e) => {
                assert!(!e.to_string().is_empty() && event.is_empty());
                return;
            }
        }
    }
    panic!("more than {most} records in {CAPACITY} bytes");
}

fn ask(ring: &Ring<RawMemory>) {
    assert!(ring.fill() <= CAPACITY);
    assert_eq!(ring.capacity(), CAPACITY);
    let _any = (ring.reserved(), ring.acked_through(), ring.published(), ring.dropped(), ring.skipped());
    let _any = (ring.dropped_too_large(), ring.dropped_corrupt());
}

/// Numbers that break arithmetic, and such that are almost right.
fn hostile_values(present: u64) -> Vec<u64> {
    let capacity = CAPACITY as u64;
    let mut values =
        vec![0, 1, 7, 8, 24, u64::MAX, u64::MAX - 7, u64::MAX - capacity, 1 << 63, (1 << 63) - 8];
    values.extend([
        capacity,
        capacity - 8,
        capacity + 8,
        4096,
        u64::from(u32::MAX),
        u64::from(u32::MAX) << 32,
    ]);
    for distance in [1, 8, 24, 64, capacity, capacity * 2] {
        values.extend([present.wrapping_add(distance), present.wrapping_sub(distance)]);
    }
    values.extend([!present, present.rotate_left(32), present ^ (1 << 31)]);
    values
}

#[test]
fn every_word_of_the_mapping_may_hold_anything() {
    let guarded = Guarded::new();
    for at in 0..guarded.words {
        let present = guarded.lived_in().0.memory.load(at, Ordering::Relaxed);
        for value in hostile_values(present) {
            let (ring, consumer) = guarded.lived_in();
            ring.memory.store(at, value, Ordering::SeqCst);
            use_it(&ring, consumer);
        }
        guarded.assert_guards();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Aims at the words in use, several at once.
    #[test]
    fn many_words_of_the_mapping_may_hold_anything(
        hits in prop::collection::vec((0..HEADER_WORDS + CAPACITY / 8, any::<usize>(), any::<u64>()), 1..12),
    ) {
        thread_local!(static GUARDED: Guarded = Guarded::new());
        GUARDED.with(|guarded| {
            let (ring, consumer) = guarded.lived_in();
            let header = [RESERVED, FREE_THROUGH, RECOVER_THROUGH, SLOTS[0], SLOTS[1], SLOTS[0] + 1];
            for (at, choice, random) in hits {
                let at = if choice % 3 == 0 { header[at % header.len()] } else { at };
                let values = hostile_values(ring.memory.load(at, Ordering::Relaxed));
                let value = if choice % 2 == 0 { random } else { values[choice % values.len()] };
                ring.memory.store(at, value, Ordering::SeqCst);
            }
            use_it(&ring, consumer);
            guarded.assert_guards();
        });
    }
}

/// What only somebody who knows the secret can write: a stamp that is right, in front of anything.
#[test]
fn a_forged_record_of_any_length_and_kind_stays_inside() {
    let guarded = Guarded::new();
    for position in (0..CAPACITY as u64 - 24).step_by(8) {
        for len in [0, 1, 8, 232, 233, 1024, u32::MAX, u32::MAX - 7, u32::MAX - 31] {
            for kind in [0, 1, 2, 3, u64::MAX] {
                let (ring, consumer) = guarded.lived_in();
                let position = position
                    + if position < ring.reserved().0 - CAPACITY as u64 { CAPACITY as u64 } else { 0 };
                let at = ring.word_at(position);
                ring.memory.store(at + 1, u64::from(len), Ordering::Relaxed);
                ring.memory.store(at + 2, kind, Ordering::Relaxed);
                ring.memory.store(at, stamp(position, SECRET), Ordering::Release);
                use_it(&ring, consumer);
            }
        }
        guarded.assert_guards();
    }
}

#[test]
fn no_word_outside_of_the_memory_is_given_out() {
    let guarded = Guarded::new();
    guarded.lived_in();
    let memory = guarded.inner;
    assert_eq!(memory.words(0, guarded.words).len(), guarded.words);
    assert_eq!(memory.words(guarded.words - 1, 1).len(), 1);
    assert!(memory.words(guarded.words, 0).is_empty());
    for (at, count) in
        [(guarded.words, 1), (guarded.words - 1, 2), (usize::MAX, 1), (1, usize::MAX), (usize::MAX, 0)]
    {
        assert!(memory.words(at, count).is_empty(), "{at} {count}");
    }
    assert_eq!(Memory::load(&memory, guarded.words, Ordering::Relaxed), 0);
    Memory::store(&memory, guarded.words, 1, Ordering::Relaxed);
    Memory::add(&memory, guarded.words, 1);
    guarded.assert_guards();
    assert_eq!(size_of_val(&memory.words(0, 3)[0]), size_of::<AtomicU64>());
}
