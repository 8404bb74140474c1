//! Memory whose user dies at a chosen store, as if killed: everything before it is there, nothing after it.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::memory::{Memory, Word};

thread_local! {
    static STORES_LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
}

/// What unwinds instead of a signal.
struct Killed;

/// Lets `act` store `stores` times and kills it at the next one; `None` where it was killed.
pub(super) fn die_after<T>(stores: u64, act: impl FnOnce() -> T) -> Option<T> {
    STORES_LEFT.set(stores);
    let ended = catch_unwind(AssertUnwindSafe(act));
    STORES_LEFT.set(u64::MAX);
    match ended {
        Ok(value) => Some(value),
        Err(payload) if payload.is::<Killed>() => None,
        Err(payload) => resume_unwind(payload),
    }
}

/// How often `act` stores.
pub(super) fn count_stores(act: impl FnOnce()) -> u64 {
    let many = u64::MAX / 2;
    STORES_LEFT.set(many);
    act();
    many - STORES_LEFT.replace(u64::MAX)
}

fn spend() {
    match STORES_LEFT.get() {
        u64::MAX => {}
        0 => resume_unwind(Box::new(Killed)),
        left => STORES_LEFT.set(left - 1),
    }
}

#[derive(Debug, Default)]
pub(super) struct MortalWord(AtomicU64);

impl Word for MortalWord {
    fn load(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    fn store(&self, value: u64, order: Ordering) {
        spend();
        self.0.store(value, order);
    }

    fn replace(&self, current: u64, new: u64, success: Ordering, failure: Ordering) -> Result<u64, u64> {
        spend();
        Word::replace(&self.0, current, new, success, failure)
    }

    fn add(&self, value: u64) {
        spend();
        Word::add(&self.0, value);
    }
}

#[derive(Debug, Clone)]
pub(super) struct MortalMemory(Arc<[MortalWord]>);

impl MortalMemory {
    pub(super) fn new(words: usize) -> Self {
        Self((0..words).map(|_| MortalWord::default()).collect())
    }
}

impl Memory for MortalMemory {
    type Word = MortalWord;

    fn words(&self, at: usize, count: usize) -> &[MortalWord] {
        // A wrong index is an error of the ring, which the memory in use would hide.
        &self.0[at..at + count]
    }
}
