//! Delivery: from events that left the ring to records that the stream keeps, and back to what may be forgotten.
//!
//! ```text
//!   main thread                 driver: one task             tasks, one per step
//!   ┌──────────┐  try_submit   ┌────────────────┐  actions  ┌──────────────────────────┐
//!   │ Batcher ─┼──────────────►│ machine (pure) ├──────────►│ seal · put · ensure · key │
//!   │          │◄──────────────┼ reports        │◄──────────┼ how each of them ended    │
//!   └──────────┘  next_report  └────────────────┘  inputs   └──────────────────────────┘
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`ports`] | what delivery needs of the outside, as traits |
//! | `batch` | [`Batcher`]: events to batches, on the caller's thread |
//! | `handle` | [`start`] and [`Handle`]: the caller's side |
//! | `shared` | the counters that both sides see |
//! | `report` | what comes back, merged while nobody reads it |
//! | `driver` | the task that runs the machine and starts the others |
//! | `machine` | every decision: order, retries, keys, splits, what is told. No clock, no I/O, no randomness of its own |
//! | `sealing` | one piece of a batch to one record |
//! | `limits` | every limit with its reason |
//!
//! # What it promises
//!
//! * Every submitted event is stored at least once or reported as lost, as long as the process lives and the stream comes
//!   back; nothing is given up for a reason that can pass.
//! * [`Report::Acked`] covers the submitted batches from the first one on without a gap: all up to its `through` is stored or
//!   lost, and the [`Report::Lost`] of what is lost follow it.
//! * The caller is never blocked, and memory is bounded: by bytes and by number of what was submitted and is not
//!   finished ([`Handle::has_room`]), and by merging reports nobody reads.
//! * A hanging or panicking call holds up only the records it carries.
//!
//! # What it does not
//!
//! Records can be stored twice (an answer that was lost) and out of order (several requests at once, a retry): consumers
//! use the sequence numbers inside. Calls have no timeout here: that is the [`Stream`]'s and the [`Keys`]' own. Nothing
//! survives the process: what was not acknowledged is submitted again from the ring.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod batch;
mod driver;
mod handle;
mod limits;
mod machine;
pub mod ports;
mod report;
mod sealing;
mod settings;
mod shared;

pub use batch::{Batch, Batcher};
pub use handle::{Handle, start};
pub use ports::{Failure, FailureKind, Keys, OutRecord, Outcome, Stream, StreamStatus};
pub use report::{Report, StateChange};
pub use settings::{Identity, Reloadable, Settings, Waker};
pub use shared::Snapshot;
