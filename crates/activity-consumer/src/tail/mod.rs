//! `tail`: records in, lines out.
//!
//! It may be dropped at any await: what was printed by then are whole events, and [`Tail::finish`] writes them.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use activity_aws::ReceivedRecord;
use tokio::time::{Instant, sleep, timeout_at};

use crate::args::Options;
use crate::events;
use crate::exit::{End, Exit};
use crate::follow::{Follow, Step};
use crate::open::{OpenFailure, Opener};
use crate::print::Printer;
use crate::shard_reader::backoff;
use crate::source::{Source, Unwrap};
use crate::stats::Stats;

/// First pause after a failure of KMS, doubled each time.
const KMS_PAUSE: Duration = Duration::from_millis(250);

/// What the lines on standard error begin with.
const NAME: &str = "activity-consumer";

/// Prints a stream.
pub(crate) struct Tail<K> {
    options: Options,
    opener: Opener<K>,
    printer: Printer,
    complaints: Box<dyn Write + Send>,
    stats: Stats,
    idle_at: Option<Instant>,
    trouble: Option<String>,
}

impl<K: Unwrap> Tail<K> {
    pub(crate) fn new(
        options: Options,
        kms: K,
        out: Box<dyn Write + Send>,
        complaints: Box<dyn Write + Send>,
    ) -> Self {
        let printer = Printer::new(options.style, out);
        let (opener, stats) = (Opener::new(kms), Stats::default());
        Self { options, opener, printer, complaints, stats, idle_at: None, trouble: None }
    }

    /// Prints until there is a reason to end.
    pub(crate) async fn run<S: Source>(&mut self, source: S) -> End {
        match self.follow(source).await {
            Ok(end) | Err(end) => end,
        }
    }

    /// Writes what is left to write, and decides on the exit code.
    pub(crate) fn finish(&mut self, end: End) -> Exit {
        let end = match self.printer.flush() {
            Err(error) if matches!(end, End::Idle | End::Enough) => not_written(&error),
            _ => end,
        };
        if let End::Fatal(reason) = &end {
            self.complain(reason);
        }
        if self.options.stats {
            let line = self.stats.to_json(self.opener.kms_calls());
            // Where standard error cannot be written to, nobody wants to know.
            let _ = writeln!(self.complaints, "{line}");
        }
        Exit::of(&end, self.stats.unreadable_records)
    }

    /// Ends by `Err` where `?` is of use.
    async fn follow<S: Source>(&mut self, source: S) -> Result<End, End> {
        let Options { stream, from, poll_interval, .. } = self.options.clone();
        let mut follow =
            Follow::start(source, &from, poll_interval).await.map_err(|error| unreadable(&stream, error))?;
        self.active();
        loop {
            let step = match self.idle_at {
                Some(at) if at <= Instant::now() => return Ok(self.idle()),
                Some(at) => match timeout_at(at, follow.next()).await {
                    Err(_) => return Ok(self.idle()),
                    Ok(step) => step,
                },
                None => follow.next().await,
            };
            match step.map_err(|error| unreadable(&stream, error))? {
                Step::Positioned(shards) if self.options.verbose => {
                    self.complain(&format!("reading {stream}, shards: {shards}"));
                }
                Step::Positioned(_) | Step::CaughtUp => {}
                Step::Records { shard, records, moved } => {
                    if moved {
                        self.active();
                    }
                    self.records(&shard, &records).await?;
                }
                Step::Trouble(error) => self.begin_trouble(&error.to_string()),
                Step::Recovered => self.end_trouble(),
            }
        }
    }

    async fn records(&mut self, shard: &str, records: &[ReceivedRecord]) -> Result<(), End> {
        for record in records {
            self.stats.records += 1;
            self.stats.bytes += record.data.len() as u64;
            if let Err(reason) = self.record(record).await? {
                self.stats.unreadable_records += 1;
                self.active();
                let number = &record.sequence_number;
                self.complain(&format!(
                    "unreadable record: shard {shard}, sequence number {number}: {reason}"
                ));
            }
        }
        self.printer.flush().map_err(|error| not_written(&error))
    }

    /// Prints a record's events; inside, why they cannot be read.
    async fn record(&mut self, record: &ReceivedRecord) -> Result<Result<(), String>, End> {
        let json = match self.open(record).await? {
            Ok(json) => json,
            Err(reason) => return Ok(Err(reason)),
        };
        let events = match events::parse(&json) {
            Ok(events) => events,
            Err(malformed) => return Ok(Err(malformed.to_string())),
        };
        for event in &events {
            if event.is_heartbeat {
                self.stats.heartbeats += 1;
                if !self.options.heartbeats {
                    continue;
                }
            }
            self.printer.event(event, record.arrived).map_err(|error| not_written(&error))?;
            if event.is_heartbeat {
                continue;
            }
            self.active();
            self.stats.printed(event.logged);
            if self.options.until_events.is_some_and(|events| self.stats.events >= events) {
                return Err(End::Enough);
            }
        }
        Ok(Ok(()))
    }

    /// Opens a record, however long KMS takes to come back.
    async fn open(&mut self, record: &ReceivedRecord) -> Result<Result<Vec<u8>, String>, End> {
        let mut failures = 0;
        loop {
            match self.opener.open(&record.data).await {
                Ok(json) => {
                    if failures > 0 {
                        self.end_trouble();
                    }
                    return Ok(Ok(json));
                }
                Err(OpenFailure::Unreadable(reason)) => return Ok(Err(reason)),
                Err(OpenFailure::Fatal(error)) => return Err(End::Fatal(error.to_string())),
                Err(OpenFailure::Later(error)) => {
                    failures += 1;
                    if failures == 1 {
                        // What came before must not wait, too.
                        self.printer.flush().map_err(|error| not_written(&error))?;
                        self.begin_trouble(&error.to_string());
                    }
                    if self.idle_at.is_some_and(|at| at <= Instant::now()) {
                        return Err(self.idle());
                    }
                    sleep(backoff(KMS_PAUSE, failures)).await;
                }
            }
        }
    }

    /// The time of `--idle-timeout` begins anew.
    fn active(&mut self) {
        self.idle_at = self.options.idle_timeout.map(|timeout| Instant::now() + timeout);
    }

    /// Nothing came; and if that was because nothing could, it is no success.
    fn idle(&self) -> End {
        self.trouble.as_ref().map_or(End::Idle, |trouble| End::Fatal(format!("gave up: {trouble}")))
    }

    fn begin_trouble(&mut self, error: &str) {
        self.complain(&format!("{error}; trying again"));
        self.trouble = Some(error.to_owned());
    }

    fn end_trouble(&mut self) {
        if self.trouble.take().is_some() {
            self.complain("reading again");
        }
    }

    fn complain(&mut self, line: &str) {
        let _ = writeln!(self.complaints, "{NAME}: {line}");
    }
}

fn unreadable(stream: &str, error: impl Display) -> End {
    End::Fatal(format!("cannot read stream {stream}: {error}"))
}

fn not_written(error: &io::Error) -> End {
    match error.kind() {
        io::ErrorKind::BrokenPipe => End::ReaderGone,
        _ => End::Fatal(format!("cannot write to standard output: {error}")),
    }
}

#[cfg(test)]
mod tests;
