//! `verify` at work: records from a stream or from files, opened and given to the core; then the report.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::files::{Item, Items};
use super::judge::judge;
use super::report::Report;
use super::text::text;
use super::verifier::Verifier;
use crate::args::{Input, VerifyOptions};
use crate::exit::{End, Exit};
use crate::follow::{Follow, Step};
use crate::open::{OpenFailure, Opener};
use crate::shard_reader::backoff;
use crate::source::{Source, Unwrap};

/// First pause after a failure of KMS, doubled each time.
const KMS_PAUSE: Duration = Duration::from_millis(250);

/// Most unreadable records that are named on standard error; the report counts all.
const MAX_NAMED: u64 = super::findings::MAX_LISTED as u64;

/// Verifies a stream or files.
pub(crate) struct Verify<K> {
    options: VerifyOptions,
    opener: Opener<K>,
    verifier: Verifier,
    out: Box<dyn Write + Send>,
    complaints: Box<dyn Write + Send>,
}

impl<K: Unwrap> Verify<K> {
    pub(crate) fn new(
        options: VerifyOptions,
        kms: K,
        out: Box<dyn Write + Send>,
        complaints: Box<dyn Write + Send>,
    ) -> Self {
        Self { options, opener: Opener::new(kms), verifier: Verifier::default(), out, complaints }
    }

    /// Reads the input to its end. `source` gives a stream's reader.
    pub(crate) async fn run<S: Source>(&mut self, source: impl FnOnce(&str) -> S) -> End {
        let read = match self.options.input.clone() {
            Input::Stream(stream) => self.stream(&stream, source(&stream)).await,
            Input::Files(files) => self.files(&files).await,
        };
        read.err().unwrap_or(End::Enough)
    }

    /// Writes the report, and decides on the exit code. There is no report of an input that was not read to its end.
    pub(crate) fn finish(&mut self, end: &End) -> Exit {
        if *end != End::Enough {
            if let End::Fatal(reason) = end {
                self.complain(reason);
            }
            return Exit::of(end, 0);
        }
        let report = judge(&self.verifier, self.options.accept);
        match self.write(&report) {
            Ok(()) if report.accounted => Exit::Success,
            Ok(()) => Exit::NotAccounted,
            // Who pipes the report into something that goes early still learns the verdict.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe && !report.accounted => {
                Exit::NotAccounted
            }
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Success,
            Err(error) => {
                self.complain(format_args!("cannot write to standard output: {error}"));
                Exit::Fatal
            }
        }
    }

    fn write(&mut self, report: &Report) -> io::Result<()> {
        let mut lines = if self.options.json { serde_json::to_string(report)? } else { text(report) };
        if self.options.json {
            lines.push('\n');
        }
        self.out.write_all(lines.as_bytes())?;
        self.out.flush()
    }

    async fn stream<S: Source>(&mut self, stream: &str, source: S) -> Result<(), End> {
        let unreadable = |error: &dyn Display| End::Fatal(format!("cannot read stream {stream}: {error}"));
        let (from, poll_interval) = (self.options.from.clone(), self.options.poll_interval);
        let mut follow =
            Follow::start(source, &from, poll_interval).await.map_err(|error| unreadable(&error))?;
        let mut settled_at = None;
        loop {
            let step = match settled_at {
                Some(_) if !self.verifier.has_holes() => return Ok(()),
                Some(at) => match timeout_at(at, follow.next()).await {
                    Err(_) => return Ok(()),
                    Ok(step) => step,
                },
                None => follow.next().await,
            };
            match step.map_err(|error| unreadable(&error))? {
                Step::Records { shard, records, .. } => {
                    for record in records {
                        let place = || format!("shard {shard}, sequence number {}", record.sequence_number);
                        self.record(&record.data, place).await?;
                    }
                }
                Step::CaughtUp => {
                    self.verifier.freeze();
                    settled_at = Some(Instant::now() + self.options.settle);
                }
                Step::Trouble(error) => self.complain(format_args!("{error}; trying again")),
                Step::Recovered => self.complain("reading again"),
                Step::Positioned(_) => {}
            }
        }
    }

    async fn files(&mut self, files: &[std::path::PathBuf]) -> Result<(), End> {
        for path in files {
            let unreadable =
                |error: io::Error| End::Fatal(format!("cannot read {}: {error}", path.display()));
            let file = File::open(path).map_err(unreadable)?;
            self.file(path, file, unreadable).await?;
        }
        Ok(())
    }

    async fn file(&mut self, path: &Path, file: File, failed: impl Fn(io::Error) -> End) -> Result<(), End> {
        for (number, item) in (1_u64..).zip(Items::new(BufReader::new(file))) {
            let place = || format!("{}, record {number}", path.display());
            match item.map_err(&failed)? {
                Item::Data(data) => self.record(&data, place).await?,
                Item::Unreadable(reason) => self.unreadable(place(), reason),
            }
        }
        Ok(())
    }

    async fn record(&mut self, data: &[u8], place: impl Fn() -> String) -> Result<(), End> {
        match self.open(data).await? {
            Ok(json) => {
                if let Err(error) = self.verifier.take(&json) {
                    self.unreadable(place(), error.to_string());
                }
            }
            Err(reason) => self.unreadable(place(), reason),
        }
        Ok(())
    }

    fn unreadable(&mut self, place: String, reason: String) {
        self.name_unreadable(&place, &reason);
        self.verifier.unreadable(place, reason);
    }

    fn name_unreadable(&mut self, place: &str, reason: &str) {
        if self.verifier.unreadable.count < MAX_NAMED {
            self.complain(format_args!("unreadable record: {place}: {reason}"));
        }
    }

    /// Opens a record, however long KMS takes to come back; inside, why it cannot be opened.
    async fn open(&mut self, data: &[u8]) -> Result<Result<Vec<u8>, String>, End> {
        let mut failures = 0;
        loop {
            match self.opener.open(data).await {
                Ok(json) => return Ok(Ok(json)),
                Err(OpenFailure::Unreadable(reason)) => return Ok(Err(reason)),
                Err(OpenFailure::Fatal(error)) => return Err(End::Fatal(error.to_string())),
                Err(OpenFailure::Later(error)) => {
                    failures += 1;
                    if failures == 1 {
                        self.complain(format_args!("{error}; trying again"));
                    }
                    sleep(backoff(KMS_PAUSE, failures)).await;
                }
            }
        }
    }

    fn complain(&mut self, line: impl Display) {
        // Where standard error is closed, the exit code must do.
        let _ = writeln!(self.complaints, "activity-consumer: {line}");
    }
}
