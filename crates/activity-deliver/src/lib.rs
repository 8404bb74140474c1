//! Delivery: from events that left the ring to records that the stream keeps, and back to what may be forgotten.
//!
//! ```text
//!   main thread                 driver: one task             tasks, one per step
//!   ┌──────────┐  try_submit   ┌────────────────┐  actions  ┌──────────────────────────────────┐
//!   │ Batcher ─┼──────────────►│ machine (pure) ├──────────►│ seal · put · ensure · key · spool │
//!   │          │◄──────────────┼ reports        │◄──────────┼ how each of them ended            │
//!   └──────────┘  next_report  └────────────────┘  inputs   └──────────────────────────────────┘
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`ports`] | what delivery needs of the outside, as traits |
//! | `batch` | [`Batcher`]: events to batches of JSON in a chain, on the caller's thread |
//! | `handle` | [`start`] and [`Handle`]: the caller's side |
//! | `shared` | the counters that both sides see |
//! | `report` | what comes back, merged while nobody reads it |
//! | `driver` | the task that runs the machine and starts the others |
//! | `machine` | every decision: order, retries, keys, splits, the spool, what is told. No clock, no I/O, no randomness of its own |
//! | `sealing` | one piece of a batch to one record |
//! | `keeping` | the spool as the machine knows it |
//! | [`spool`] | sealed records on disk |
//! | [`windows`] | loss windows, and the file that remembers them |
//! | `recovery` | [`Recovery`]: when a stream that was too slow for its sessions is well again |
//! | [`notices`] | what operators are notified of, until it has arrived |
//! | `limits` | every limit with its reason |
//!
//! # What it promises
//!
//! * Every submitted event is stored at least once, or in the spool, or reported as lost, as long as the process lives and the
//!   stream comes back; nothing is given up for a reason that can pass.
//! * [`Report::Acked`] covers the submitted batches from the first one on without a gap: all up to its `through` is stored, in the
//!   spool, or lost, and the [`Report::Lost`] of what is lost follow it. [`Report::Durable`] likewise for what is durable.
//! * What is in the spool is delivered by this process or a later one, in order, and before what comes behind it.
//! * The caller is never blocked, and memory is bounded: by bytes and by number of what was submitted and is not
//!   finished ([`Handle::has_room`]), and by merging reports nobody reads.
//! * A hanging or panicking call holds up only the records it carries; a hanging disk only the spool.
//!
//! # What it does not
//!
//! Records can be stored twice (an answer that was lost) and out of order (several requests at once, a retry): consumers
//! use the sequence numbers inside. Calls have no timeout here: that is the [`Stream`]'s and the [`Keys`]' own. Of what is
//! neither stored nor in the spool nothing survives the process: it is submitted again from the ring.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod batch;
mod driver;
mod handle;
mod keeping;
mod limits;
mod machine;
pub mod notices;
pub mod ports;
mod recovery;
mod report;
mod sealing;
mod settings;
mod shared;
pub mod spool;
pub mod windows;

pub use activity_seal::{Chain, locking_failure};
pub use batch::{Batch, Batcher};
pub use handle::{Handle, start};
pub use ports::{
    Failure, FailureKind, Keys, Notice, NoticeKind, Notify, OutRecord, Outcome, Sink, Stream, StreamStatus,
};
pub use recovery::Recovery;
pub use report::{Acked, Cause, Counts, Lost, Report, StateChange};
pub use settings::{Durability, Identity, Reloadable, Settings, SpoolSettings, Waker, epoch_text};
pub use shared::Snapshot;
