//! Tests under one thread or real threads; those that explore every order of events are in `tests_loom`.

mod damage;
mod flood;
mod hostile;
mod killed;
mod life;
mod model;
mod mortal;
mod stress;

use std::sync::atomic::Ordering;

use crate::layout::{FREE_THROUGH, HEADER_BYTES, HEADER_WORDS, MIN_TEST_CAPACITY_BYTES};
use crate::memory::Memory;
use crate::{Consumer, Corrupt, Record, Ring};
use mortal::MortalMemory;

const SECRET: u64 = 0x5EED_0123_4567_89AB;

/// A ring of `capacity` bytes in memory of its own.
fn ring(capacity: usize) -> Ring<MortalMemory> {
    let bytes = HEADER_BYTES + capacity;
    Ring::format_in(MortalMemory::new(bytes / 8), bytes, SECRET, MIN_TEST_CAPACITY_BYTES).unwrap()
}

fn resume<M: Memory + Clone>(ring: &Ring<M>) -> Consumer<M> {
    Consumer::resume(ring.clone()).unwrap()
}

/// Everything that can be drained now.
fn drain<M: Memory>(consumer: &mut Consumer<M>) -> Result<Vec<(Record, Vec<u8>)>, Corrupt> {
    let mut events = Vec::new();
    let mut event = Vec::new();
    while let Some(record) = consumer.next(&mut event)? {
        events.push((record, event.clone()));
    }
    Ok(events)
}

/// The payloads of everything that can be drained now.
fn payloads<M: Memory>(consumer: &mut Consumer<M>) -> Vec<Vec<u8>> {
    drain(consumer).unwrap().into_iter().map(|(_, event)| event).collect()
}

/// Invariant 1: what is not in use is zero.
fn assert_free_space_is_zero<M: Memory>(ring: &Ring<M>) {
    let free = ring.memory.load(FREE_THROUGH, Ordering::Acquire);
    let (mut at, end) = (ring.reserved().0, free + ring.capacity);
    while at < end {
        assert_eq!(ring.memory.load(ring.word_at(at), Ordering::Relaxed), 0, "at {at}, {free} is free");
        at += 8;
    }
}

/// An empty ring: nothing in use, nothing to acknowledge, every byte zero.
fn assert_empty<M: Memory>(ring: &Ring<M>) {
    assert_eq!(ring.fill(), 0);
    assert_eq!(ring.acked_through(), ring.reserved());
    let data = ring.memory.words(HEADER_WORDS, ring.capacity() / 8);
    assert_eq!(data.len(), ring.capacity() / 8);
    assert_free_space_is_zero(ring);
}
