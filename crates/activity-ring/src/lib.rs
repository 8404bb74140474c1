//! A lock-free byte ring with many producers and one consumer, in memory it does not own.
//!
//! ```text
//!   session ─┐                        ┌──────────────────────── one mapping ───────────────────────┐
//!   session ─┼─ Producer::publish ──► │ header page │ data: capacity bytes, a power of two         │
//!   session ─┘                        └────────────────────────────────────────────────────────────┘
//!   worker ──── Consumer::next ◄──────────────────────┘  Consumer::ack_through frees space
//! ```
//!
//! The memory is an anonymous shared mapping that every process of a server inherits. Any of them can be killed at any
//! instruction, and any of them can go wild and write here: what is read from the mapping is untrusted input.
//!
//! # Positions
//!
//! A [`Position`] counts bytes since the ring was made. It never wraps; the byte lies at `position % capacity`.
//!
//! ```text
//!      free_through ≤ acked_through ≤ drained ≤ reserved ≤ free_through + capacity
//!   ────────┬───────────────┬──────────────┬────────┬─────────────────────────┬────────►
//!     zero  │ being zeroed  │  delivered,  │ to be  │  zero                   │
//!    (free) │ by the ack    │  not acked   │ drained│  (free)                 │ = free_through, a lap later
//! ```
//!
//! `reserved` is moved by producers, `free_through` and `acked_through` by the consumer, `drained` lives in the consumer.
//!
//! # Records
//!
//! ```text
//!   ┌────────────┬──────────┬────────────┬──────────┬──────────────────────┬───────────────┐
//!   │ stamp  u64 │ len  u32 │ check  u32 │ kind u64 │ payload, len bytes   │ 0 to 7 zeroes │
//!   └────────────┴──────────┴────────────┴──────────┴──────────────────────┴───────────────┘
//! ```
//!
//! * A record starts at a multiple of 8 and is never split over the end of the data. What is left there is a pad, claimed
//!   together with the record after it: a pad record, or nothing at all where no header fits.
//! * The stamp is a function of the position and of a secret, and odd. It is written last: a record without its stamp is not
//!   committed. No text that a user can send to the server contains a stamp, since users cannot learn the secret.
//! * The check sum covers length, kind and payload; it is begun with the first two. A pad has no payload, only a length.
//!
//! # When it fills
//!
//! Sessions publish through a [`Producer`], which keeps part of the ring for what must not be drowned, and keeps those who
//! publish most from taking it all ([`Priority`]).
//!
//! # Invariants
//!
//! 1. Bytes outside `free_through..reserved` are zero, so the stamp of a record that is not committed reads zero. The
//!    consumer zeroes what it frees before it moves `free_through`.
//! 2. Every access is inside the memory: bounds come from this process's own copy of the capacity, never from the mapping.
//! 3. All of the mapping is read and written as atomic 64-bit words; a payload is judged in a private copy. There is nothing
//!    that a writer gone wild could change between check and use.
//! 4. Between claim and commit a producer only stores. It does not allocate, lock, call out or fail.
//! 5. A consumer killed anywhere leaves one whole checkpoint. The next one continues there, and gives a record that it drains
//!    again the sequence number that it had.
//! 6. Nothing here panics.
//!
//! # After a crash
//!
//! A producer killed between claim and commit leaves a hole. A server answers that by killing all its processes and starting
//! anew; its postmaster then calls [`Ring::note_crash`]. Below the position noted there a record that is not committed or
//! not whole is passed over: the consumer looks for the next position whose stamp, length and check sum are right, and
//! counts one [`Ring::skipped`] for the hole, however many records were in it. Above it, a missing stamp means "not yet",
//! and anything else that is wrong is [`Corrupt`].
//!
//! # What is not guaranteed
//!
//! * Fairness among producers: it is lock-free, not wait-free.
//! * That a wild process does no harm: it can destroy events, and can stop the ring. It is found out, mostly, as [`Corrupt`].
//! * Exact counters: a process killed between its deed and the count of it leaves them off by one, and an event that was torn
//!   is counted as published.
//! * A second consumer at the same time: whoever starts the worker sees to it that there is one.
//! * Anything across a machine or a version: the layout is never stored.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod check_sum;
mod checkpoint;
mod consumer;
mod error;
mod layout;
mod memory;
mod priority;
mod producer;
mod record;
mod ring;
mod share;
#[cfg(all(test, not(loom)))]
mod tests;
#[cfg(all(test, loom))]
mod tests_loom;

pub use consumer::{Consumer, Note, Record};
pub use error::{Corrupt, FormatError, PublishError};
pub use memory::{Memory, RawMemory, Word};
pub use priority::{Priority, SHORT_EVENT_BYTES};
pub use producer::Producer;
pub use ring::{Position, Ring};
