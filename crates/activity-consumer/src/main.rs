//! `activity-consumer`: reads an activity stream, and prints its events, checks that none is missing, or raises alarms.
//!
//! ```text
//!   args ──► tail ◄── follow ◄── shard_reader ×n ◄── source   Kinesis: ListShards, GetShardIterator, GetRecords
//!             │          └─ plan                              which shard may be read when (pure)
//!             ├──► open ◄── key_cache ◄──────────── source   KMS: Decrypt, once for each data key
//!             ├──► print ──► standard output                  a line for each event
//!             └──► exit                                       how it ended, as a code
//! ```
//!
//! `verify` and `watch` stand where `tail` does, over the same parts; their own are in [`verify`] and [`watch`].
//!
//! # What it promises
//!
//! * An event is printed as it was sent: its JSON text is passed on byte for byte, one line for each event.
//! * Within a shard, and from a shard to the shards split or merged from it, events come in the order of the stream.
//! * Each record that cannot be read is named on standard error, and the exit code tells that there was one.
//! * Standard output ends with a whole line however the program ends, unless its reader has stopped reading.
//!
//! # What it does not
//!
//! It keeps no checkpoint: each start reads from where it is told. It gives no order between shards and does not
//! remove what the producer sent twice: an event's `sequence` tells both, and `verify` looks at it.
//!
//! # What it needs
//!
//! `kinesis:ListShards`, `kinesis:GetShardIterator` and `kinesis:GetRecords` on the stream, `kms:Decrypt` on the key.
//!
//! # Exit codes
//!
//! See [`exit::Exit`].
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod args;
mod events;
mod exit;
#[cfg(test)]
mod fake;
mod follow;
mod key_cache;
mod open;
mod plan;
mod print;
mod run;
mod shard_reader;
mod source;
mod stats;
mod tail;
mod time;
mod verify;
mod watch;

fn main() {
    // The process ends here and not by a return: a task that hangs in a write must not hold it up.
    std::process::exit(run::run(args::from_command_line()).code());
}
