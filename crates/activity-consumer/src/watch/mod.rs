//! `watch`: follows a stream and raises an alarm when it falls silent, does not add up, or says something that is to be looked at.
//!
//! ```text
//!   follow ──► read ──► watcher ─────────────────────────► outbox ──► job ──► standard output, exit code 3
//!            (a task)     ├─ silence      who was heard when    (one a second      └─► command, for each kind one
//!                         ├─ verifier     of `verify`            of each kind)          at a time
//!                         ├─ beginning    what lies before the watch
//!                         ├─ suspicions   what may yet settle
//!                         └─ stream_events  STREAM STOP, CONFIG, INTENT, …
//! ```
//!
//! The watcher and the outbox are pure: records and times in, alarms out. Their times are durations since the watch began.
//!
//! # What is an alarm
//!
//! See [`alarm::Kind`]. What `verify` would report is an alarm, told once: at once where nothing that is yet to come can
//! change it (a broken chain), and after `--settle` where it can (a number that is missing: records of different shards overtake one
//! another, and requests are sent again). It does not settle while a part of the stream is behind: until every shard was read as far as it
//! went at the beginning, and while one cannot be read, which is an alarm itself when it lasts (`silence`). Judged is once a second at most, and only when something came.
//!
//! # What it does not see
//!
//! * What came before it began, and gaps among the records that arrived while it did, of an epoch that was under way: until all shards are
//!   being read, and for `--settle` ([`beginning`]).
//! * That heartbeats are old ones, put on the stream again by somebody who may write to it: they have no place in the chain. Events that
//!   come again do not count as a sign of life.
//! * Whatever happens while it does not run. It keeps no checkpoint; `verify` looks at all that the stream keeps.
//!
//! # Memory
//!
//! That of `verify`, for as long as it runs; for each instance and window a few hundred bytes, both limited; and of each kind one
//! alarm that waits, of [`alarm::MAX_FINDINGS`] findings. What does not fit is an alarm of its own (`limit`).

mod alarm;
mod beginning;
mod command;
mod job;
mod outbox;
mod read;
mod silence;
mod stream_events;
mod suspicions;
mod watcher;

pub(crate) use alarm::Kind;
pub(crate) use command::OnAlarm;
pub(crate) use job::Watch;

#[cfg(test)]
mod tests;
