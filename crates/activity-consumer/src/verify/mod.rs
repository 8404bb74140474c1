//! `verify`: whether a stream is complete and unchanged, by its sequence numbers and its chain.
//!
//! ```text
//!   follow or files ──► open ──► verifier ─────────────────────────────► judge ──► report ──► text or JSON
//!                                  ├─ record    one record, parsed           ├─ lineage  which epoch follows which
//!                                  ├─ told      what the stream says of      └─ gaps     what accounts for a hole
//!                                  │            itself: START, STOP, GAP
//!                                  ├─ windows   the losses that it tells
//!                                  └─ epoch ──► runs     events proven to follow each other
//!                                           └─► recent   to compare what comes twice
//! ```
//!
//! Everything behind `open` is pure: records in, a report out. Records may come in any order, any number of times, and cut in
//! any way.
//!
//! # What it proves
//!
//! Where it says that all is accounted for, every event of every epoch from the first one's beginning is there once, unchanged and in
//! its order, but for what the stream itself tells as lost; up to the last record of an epoch that nothing
//! follows. What the chain is and what it cannot prove: `docs/format.md`, "Sequence and chain".
//!
//! # Memory
//!
//! Events are not kept. At most [`recent::MAX_RECENT_BYTES`] (128 MiB) of fingerprints, [`verifier::MAX_RUNS`] runs of
//! 150 bytes, [`verifier::MAX_EPOCHS`] epochs of at most 8 kB and [`windows::MAX_WINDOWS`] losses of at most 1 kB are: below 400 MiB whatever
//! the stream holds, beside the pages being read. What does not fit is a finding, and never passed over.
//!
//! # The end of a stream that is written to
//!
//! Reading stops where every shard was when it began. There, records of one shard may be ahead of those of another: what other records were
//! ahead of is waited for, at most for the time of `--settle`, and what is newer than all of them does not count.

mod epoch;
mod files;
mod findings;
mod gaps;
mod job;
mod judge;
mod lineage;
mod recent;
mod record;
mod report;
mod runs;
mod text;
mod told;
mod verifier;
mod windows;

pub(crate) use job::Verify;
pub(crate) use judge::{Accept, judge_and_hear};
pub(crate) use record::{Placed, PlacedEvent, Record, parse};
pub(crate) use report::{Kind, Problem};
pub(crate) use told::Told;
pub(crate) use verifier::Verifier;

#[cfg(test)]
pub(crate) mod tests;
