//! The memory of a ring: words that several processes read and write.
//!
//! The one place of this crate with `unsafe` code. [`Memory`] and [`Word`] are traits so that tests can put a memory under
//! the same algorithm that kills the process at a chosen store, or that explores every order of events.
#![expect(unsafe_code, reason = "memory that several processes share is reached through a pointer")]

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// A 64-bit word that several processes may use at once.
pub trait Word {
    /// Reads.
    fn load(&self, order: Ordering) -> u64;
    /// Writes.
    fn store(&self, value: u64, order: Ordering);
    /// Replaces `current` by `new`; what was there instead as an error.
    fn replace(&self, current: u64, new: u64, success: Ordering, failure: Ordering) -> Result<u64, u64>;
    /// Adds without any ordering.
    fn add(&self, value: u64);
}

impl Word for AtomicU64 {
    #[inline]
    fn load(&self, order: Ordering) -> u64 {
        Self::load(self, order)
    }

    #[inline]
    fn store(&self, value: u64, order: Ordering) {
        Self::store(self, value, order);
    }

    #[inline]
    fn replace(&self, current: u64, new: u64, success: Ordering, failure: Ordering) -> Result<u64, u64> {
        self.compare_exchange(current, new, success, failure)
    }

    #[inline]
    fn add(&self, value: u64) {
        self.fetch_add(value, Ordering::Relaxed);
    }
}

/// An array of words.
pub trait Memory {
    /// What it is made of.
    type Word: Word;

    /// `count` words from index `at` on, or none where they are not all inside.
    fn words(&self, at: usize, count: usize) -> &[Self::Word];

    /// Reads one word; zero outside.
    #[inline]
    fn load(&self, at: usize, order: Ordering) -> u64 {
        self.words(at, 1).first().map_or(0, |word| word.load(order))
    }

    /// Writes one word; nothing outside.
    #[inline]
    fn store(&self, at: usize, value: u64, order: Ordering) {
        if let Some(word) = self.words(at, 1).first() {
            word.store(value, order);
        }
    }

    /// Adds to one word; nothing outside.
    #[inline]
    fn add(&self, at: usize, value: u64) {
        if let Some(word) = self.words(at, 1).first() {
            word.add(value);
        }
    }

    /// Told before the word and those behind it are written to. Changes nothing.
    ///
    /// A process that writes to a page of shared memory for the first time takes a fault for that page alone; where it
    /// reads first, the kernel maps the sixteen pages around it with one fault (memory.c, do_fault_around).
    #[inline]
    fn touch(&self, _at: usize) {}
}

/// Words at an address.
#[derive(Debug, Clone, Copy)]
pub struct RawMemory {
    base: NonNull<AtomicU64>,
    words: usize,
}

// SAFETY: whoever made it promised that the memory lives for ever; all that is done to it are atomic operations.
unsafe impl Send for RawMemory {}
// SAFETY: as above.
unsafe impl Sync for RawMemory {}

impl RawMemory {
    /// Memory from `base` on; bytes after the last whole word are not used. `None` where `base` is not aligned to a word.
    ///
    /// # Safety
    ///
    /// `len` bytes from `base` on are readable and writable, stay so for ever, and no Rust reference to them exists.
    #[must_use]
    pub unsafe fn new(base: NonNull<u8>, len: usize) -> Option<Self> {
        let base = base.cast::<AtomicU64>();
        base.is_aligned().then_some(Self { base, words: len / size_of::<AtomicU64>() })
    }
}

impl Memory for RawMemory {
    type Word = AtomicU64;

    #[inline]
    fn words(&self, at: usize, count: usize) -> &[AtomicU64] {
        if at > self.words || count > self.words - at {
            return &[];
        }
        // SAFETY: the words are inside, aligned and live for ever (promised to `new`); every bit pattern is a number.
        unsafe { std::slice::from_raw_parts(self.base.add(at).as_ptr(), count) }
    }

    #[inline]
    fn touch(&self, at: usize) {
        std::hint::black_box(self.load(at, Ordering::Relaxed));
    }
}
