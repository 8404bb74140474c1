//! `watch` at work: what is read goes to the watcher, and its alarms to standard output and to the command.
//!
//! Without a command the first alarm ends the program, with exit code 3. With one it goes on until the stream cannot be read any more;
//! that is an alarm, too (`blind`), and its command is waited for.

use std::fmt::Display;
use std::io::Write;
use std::time::{Duration, SystemTime};

use clap::ValueEnum as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::alarm::{Alarm, Finding, Kind};
use super::outbox::Outbox;
use super::read::{Heard, MAX_AHEAD, read};
use super::watcher::{Output, Rules, Watcher};
use crate::args::WatchOptions;
use crate::exit::{End, Exit};
use crate::follow::Follow;
use crate::source::{Source, Unwrap};
use crate::time;

/// Watches a stream.
pub(crate) struct Watch {
    options: WatchOptions,
    watcher: Watcher,
    outbox: Outbox,
    commands: JoinSet<(Kind, Result<(), String>)>,
    out: Box<dyn Write + Send>,
    complaints: Box<dyn Write + Send>,
    begun: Instant,
    has_raised: bool,
    cannot_print: bool,
}

impl Watch {
    pub(crate) fn new(
        options: WatchOptions,
        out: Box<dyn Write + Send>,
        complaints: Box<dyn Write + Send>,
    ) -> Self {
        let rules = Rules {
            max_silence: options.max_silence,
            settle: options.settle,
            expected_at_start: options.expected_at_start.clone(),
        };
        Self {
            options,
            watcher: Watcher::new(rules),
            outbox: Outbox::default(),
            commands: JoinSet::new(),
            out,
            complaints,
            begun: Instant::now(),
            has_raised: false,
            cannot_print: false,
        }
    }

    /// Watches until there is a reason to end.
    pub(crate) async fn run<S: Source, K: Unwrap>(&mut self, source: S, kms: K) -> End {
        if let Some(command) = &self.options.on_alarm
            && !command.can_run(std::env::var_os("PATH").as_deref())
        {
            return End::Fatal(format!("the command of --on-alarm is not there: {}", command.program));
        }
        let started = Follow::start(source, &self.options.from, self.options.poll_interval).await;
        let follow = match started {
            Ok(follow) => follow,
            Err(error) => return End::Fatal(self.unreadable(error)),
        };
        // A stream that is being created was waited for.
        self.begun = Instant::now();
        let (sender, heard) = mpsc::channel(MAX_AHEAD);
        let mut reading = JoinSet::new();
        reading.spawn(read(follow, kms, sender));
        self.watch(heard).await
    }

    /// Says why it ended, where it had to, and decides on the exit code. No command is left running.
    pub(crate) async fn finish(&mut self, end: &End) -> Exit {
        // Dropped they would be killed as well, but later than this process ends.
        self.commands.shutdown().await;
        if let End::Fatal(reason) = end {
            self.complain(reason);
        }
        Exit::of(end, 0)
    }

    async fn watch(&mut self, mut heard: mpsc::Receiver<Heard>) -> End {
        loop {
            self.raise();
            if self.has_raised && self.options.on_alarm.is_none() {
                return End::Alarm;
            }
            let wake = [self.watcher.next(), self.outbox.next()].into_iter().flatten().min();
            let wake = self.begun + wake.unwrap_or(Duration::from_secs(60));
            tokio::select! {
                Some(ended) = self.commands.join_next(), if !self.commands.is_empty() => {
                    self.command_ended(ended.ok());
                }
                news = heard.recv() => match news {
                    Some(Heard::Ended(reason)) => return self.blind(&reason).await,
                    Some(news) => self.heard(news),
                    // A defect of this program.
                    None => return self.blind(&"the reading broke off").await,
                },
                () = sleep_until(wake) => {}
            }
        }
    }

    fn heard(&mut self, news: Heard) {
        match news {
            Heard::Record { arrived, place, inner_json } => {
                self.watcher.record(self.begun.elapsed(), arrived, &place, &inner_json);
            }
            Heard::Unreadable { place, reason } => self.watcher.unreadable(&place, &reason),
            Heard::Trouble(error) => {
                self.complain(format_args!("{error}; trying again"));
                self.watcher.trouble(self.begun.elapsed(), Some(error));
            }
            Heard::Recovered => {
                self.complain("reading again");
                self.watcher.trouble(self.begun.elapsed(), None);
            }
            Heard::Positioned(shards) => {
                self.watcher.positioned();
                if self.options.verbose {
                    let stream = self.options.stream.clone();
                    self.complain(format_args!("watching {stream}, shards: {shards}"));
                }
            }
            Heard::CaughtUp => self.watcher.caught_up(self.begun.elapsed()),
            Heard::Ended(_) => {}
        }
    }

    /// Lets time pass, and sends what is due.
    fn raise(&mut self) {
        let now = self.begun.elapsed();
        self.watcher.tick(now);
        for output in self.watcher.take() {
            match output {
                Output::Alarm(kind, finding) if self.options.alarms.contains(&kind) => {
                    self.outbox.put(kind, finding);
                }
                Output::Alarm(..) => {}
                Output::Note(note) => self.complain(note),
            }
        }
        for alarm in self.outbox.take(now) {
            self.send(alarm);
        }
    }

    fn send(&mut self, alarm: Alarm) {
        let (time, stream) = (time::format(SystemTime::now()), self.options.stream.clone());
        self.has_raised = true;
        let lines = alarm.written(self.options.style, &time, &stream);
        let written = self.out.write_all(lines.as_bytes()).and_then(|()| self.out.flush());
        if let Err(error) = written
            && !std::mem::replace(&mut self.cannot_print, true)
        {
            // The command and the exit code still tell.
            self.complain(format_args!("cannot write to standard output: {error}"));
        }
        if let Some(command) = self.options.on_alarm.clone() {
            self.commands.spawn(async move { (alarm.kind, command.run(&alarm, &time, &stream).await) });
        }
    }

    fn command_ended(&mut self, ended: Option<(Kind, Result<(), String>)>) {
        match ended {
            Some((kind, result)) => {
                self.outbox.done(kind);
                if let Err(reason) = result {
                    self.complain(format_args!("the command for the alarm {}: {reason}", kind.name()));
                }
            }
            None => {
                // Whichever it was: none must wait for it for ever.
                Kind::value_variants().iter().for_each(|kind| self.outbox.done(*kind));
                self.complain("the command for an alarm was lost sight of");
            }
        }
    }

    /// The stream cannot be read any more. What waits is sent; each command has its time.
    async fn blind(&mut self, reason: &(impl Display + ?Sized)) -> End {
        let reason = self.unreadable(reason);
        if self.options.on_alarm.is_some() {
            self.raise();
            if self.options.alarms.contains(&Kind::Blind) {
                self.outbox.put(Kind::Blind, Finding::new(&reason));
            }
            for alarm in self.outbox.take_all() {
                self.send(alarm);
            }
            while let Some(ended) = self.commands.join_next().await {
                self.command_ended(ended.ok());
            }
        }
        End::Fatal(reason)
    }

    fn unreadable(&self, error: impl Display) -> String {
        format!("cannot read stream {}: {error}", self.options.stream)
    }

    fn complain(&mut self, line: impl Display) {
        // Where standard error is closed, the exit code must do.
        let _ = writeln!(self.complaints, "activity-consumer: {line}");
    }
}
