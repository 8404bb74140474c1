//! Memory for the ring, with guards before and behind it.
#![expect(unsafe_code, reason = "a ring lies in memory that it does not own, which others write to as well")]

use std::alloc::{Layout, alloc_zeroed};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use activity_ring::{RawMemory, Ring};

use super::ring::CAPACITY;

const PAGE_BYTES: usize = 4096;
const RING_BYTES: usize = Ring::required_bytes(CAPACITY);
const RING_WORDS: usize = RING_BYTES / 8;
const GUARD_WORDS: usize = PAGE_BYTES / 8;
const ALL_WORDS: usize = RING_WORDS + 2 * GUARD_WORDS;
const GUARD: u64 = 0xA5A5_5A5A_C3C3_3C3C;

/// Words that one thread uses again and again; they are never given back, as a ring wants it.
pub(super) struct RingMemory(&'static [AtomicU64]);

impl RingMemory {
    pub(super) fn with(run: impl FnOnce(&Self)) {
        thread_local!(static MEMORY: RingMemory = RingMemory::new());
        MEMORY.with(run);
    }

    fn new() -> Self {
        let layout = Layout::from_size_align(ALL_WORDS * 8, PAGE_BYTES).expect("a layout");
        // SAFETY: the layout is not empty.
        let base = NonNull::new(unsafe { alloc_zeroed(layout) }).expect("memory").cast::<AtomicU64>();
        // SAFETY: these words are zeroed, aligned to a page, and never given back.
        Self(unsafe { std::slice::from_raw_parts(base.as_ptr(), ALL_WORDS) })
    }

    /// A new ring in it.
    pub(super) fn format(&self, secret: u64) -> Ring<RawMemory> {
        for (i, word) in self.0.iter().enumerate() {
            let is_ring = (GUARD_WORDS..GUARD_WORDS + RING_WORDS).contains(&i);
            word.store(if is_ring { 0 } else { GUARD }, Ordering::Relaxed);
        }
        let base = NonNull::from(&self.0[GUARD_WORDS]).cast::<u8>();
        // SAFETY: zeroed above, never given back, and reached through atomic words alone, here and in the ring.
        unsafe { Ring::format(base, RING_BYTES, secret) }.expect("a ring")
    }

    /// Words of the ring, its header included.
    pub(super) fn words(&self) -> usize {
        RING_WORDS
    }

    /// Writes to a word of the ring.
    pub(super) fn write(&self, at: usize, change: impl FnOnce(u64) -> u64) {
        let word = &self.0[GUARD_WORDS + at];
        word.store(change(word.load(Ordering::Relaxed)), Ordering::Release);
    }

    pub(super) fn assert_guards(&self) {
        let (before, rest) = self.0.split_at(GUARD_WORDS);
        let behind = &rest[RING_WORDS..];
        let is_whole = |word: &AtomicU64| word.load(Ordering::Relaxed) == GUARD;
        assert!(before.iter().chain(behind).all(is_whole), "something was written outside of the ring");
    }
}
