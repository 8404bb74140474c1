//! The decision: records and times in, alarms and notes out. No I/O, no clock.
//!
//! Times are durations since the watch began, but for arrivals, which are on the stream's clock.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, SystemTime};

use super::alarm::{Finding, Kind};
use super::beginning::Beginning;
use super::silence::{Sign, Silence, Silent};
use super::stream_events;
use super::suspicions::Suspicions;
use crate::verify::{Accept, Placed, Problem, Record, Verifier, judge_and_hear, parse};

/// Least time between two judgements of all that was read.
const JUDGE_INTERVAL: Duration = Duration::from_secs(1);

/// Longest `instanceId` in bytes that is kept.
const MAX_INSTANCE_BYTES: usize = 256;

/// Most losses that are known to be told; of more, one that is told twice is two alarms.
const MAX_WINDOWS: usize = 65_536;

/// A watch begins in the middle, and losses are told as they come.
const ACCEPT: Accept = Accept { trimmed_start: true, open_window: true, no_loss: false };

/// What is waited for, and how long; and what is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) max_silence: Duration,
    pub(crate) settle: Duration,
    /// Parameters that each STREAM START has to have.
    pub(crate) expected_at_start: Vec<String>,
}

/// What comes out.
#[derive(Debug)]
pub(crate) enum Output {
    Alarm(Kind, Finding),
    /// Something that people like to read beside it: it is over.
    Note(String),
}

/// A failure of reading that lasts.
#[derive(Debug)]
struct Trouble {
    error: String,
    since: Duration,
    is_told: bool,
}

/// Watches.
#[derive(Debug)]
pub(crate) struct Watcher {
    verifier: Verifier,
    beginning: Beginning,
    silence: Silence,
    suspicions: Suspicions,
    expected_at_start: Vec<String>,
    /// Losses that were told.
    windows: BTreeSet<String>,
    max_silence: Duration,
    /// Why the stream, or a part of it, cannot be read for now.
    trouble: Option<Trouble>,
    has_caught_up: bool,
    /// When what came since the last judgement is judged; `None` where nothing did.
    judge_at: Option<Duration>,
    judged_at: Duration,
    has_too_many_instances: bool,
    outputs: Vec<Output>,
}

impl Watcher {
    /// Begins now, which is 0.
    pub(crate) fn new(rules: Rules) -> Self {
        let mut suspicions = Suspicions::new(rules.settle);
        suspicions.hold(Duration::ZERO, true);
        Self {
            verifier: Verifier::default(),
            beginning: Beginning::new(rules.settle),
            silence: Silence::new(rules.max_silence),
            suspicions,
            expected_at_start: rules.expected_at_start,
            windows: BTreeSet::new(),
            max_silence: rules.max_silence,
            trouble: None,
            has_caught_up: false,
            judge_at: None,
            judged_at: Duration::ZERO,
            has_too_many_instances: false,
            outputs: Vec::new(),
        }
    }

    /// A record that was opened; its place is for people.
    pub(crate) fn record(
        &mut self,
        now: Duration,
        arrived: Option<SystemTime>,
        place: &str,
        inner_json: &[u8],
    ) {
        let record = match parse(inner_json) {
            Ok(record) => record,
            Err(error) => return self.unreadable(place, &error.to_string()),
        };
        let since_epoch = arrived.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        let arrived = since_epoch.unwrap_or(now);
        self.beginning.arrived(arrived);
        match &record {
            Record::Heartbeat(instance) => self.heard(instance, now),
            Record::Events(placed) => {
                if let (Some(first), Some(last)) = (placed.events.first(), placed.events.last()) {
                    self.beginning.events(&placed.epoch, first.sequence, last.sequence, arrived);
                }
                self.events(placed, &record, now);
            }
        }
    }

    /// A record that is no evidence.
    pub(crate) fn unreadable(&mut self, place: &str, reason: &str) {
        let finding = Finding::new(&format!("unreadable record: {place}: {reason}"));
        self.outputs.push(Output::Alarm(Kind::Unreadable, finding));
    }

    /// Why the stream, or a part of it, cannot be read for now; `None` when that is over.
    pub(crate) fn trouble(&mut self, now: Duration, error: Option<String>) {
        self.trouble = error.map(|error| Trouble { error, since: now, is_told: false });
        self.hold(now);
    }

    /// Every shard is being read.
    pub(crate) fn positioned(&mut self) {
        self.beginning.positioned();
    }

    /// Every shard was read as far as it went when the watch began.
    pub(crate) fn caught_up(&mut self, now: Duration) {
        self.has_caught_up = true;
        self.hold(now);
    }

    fn hold(&mut self, now: Duration) {
        self.suspicions.hold(now, !self.has_caught_up || self.trouble.is_some());
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Duration) {
        if self.judge_at.is_some_and(|at| at <= now) {
            self.judge(now);
        }
        for (kind, finding) in self.suspicions.due(now) {
            self.outputs.push(Output::Alarm(kind, finding));
        }
        for silent in self.silence.due(now) {
            self.silent(silent, now);
        }
        if let Some(trouble) = self.trouble.as_mut().filter(|trouble| !trouble.is_told)
            && trouble.since + self.max_silence <= now
        {
            trouble.is_told = true;
            let seconds = now.saturating_sub(trouble.since).as_secs_f64();
            let text =
                format!("the stream, or a part of it, cannot be read for {seconds:.1} s: {}", trouble.error);
            self.outputs.push(Output::Alarm(Kind::Silence, Finding::new(&text)));
        }
    }

    /// When [`Watcher::tick`] has something to do next, where nothing comes.
    pub(crate) fn next(&self) -> Option<Duration> {
        let untold = self.trouble.as_ref().filter(|trouble| !trouble.is_told);
        let trouble = untold.map(|trouble| trouble.since + self.max_silence);
        [self.judge_at, self.suspicions.next(), self.silence.next(), trouble].into_iter().flatten().min()
    }

    /// What came out since the last call.
    pub(crate) fn take(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    fn events(&mut self, placed: &Placed<'_>, record: &Record<'_>, now: Duration) {
        let mut is_alive = false;
        let (windows, outputs, expected) = (&mut self.windows, &mut self.outputs, &self.expected_at_start);
        self.verifier.take_record(record, |event| {
            is_alive = true;
            let Some(said) = stream_events::read(event, placed, expected) else { return };
            if let Some(window) = said.window {
                if windows.len() >= MAX_WINDOWS {
                    windows.clear();
                }
                if !windows.insert(window) {
                    return;
                }
            }
            outputs.push(Output::Alarm(said.kind, said.finding));
        });
        // Old records that somebody put on the stream once more are no sign of life.
        if is_alive {
            self.heard(&placed.instance, now);
        }
        self.judge_at.get_or_insert((self.judged_at + JUDGE_INTERVAL).max(now));
    }

    fn heard(&mut self, instance: &str, now: Duration) {
        let instance = instance.get(..instance.floor_char_boundary(MAX_INSTANCE_BYTES)).unwrap_or_default();
        match self.silence.heard(instance, now) {
            Sign::Alive => {}
            Sign::Back(after) => {
                let after = after.as_secs();
                self.outputs.push(Output::Note(format!("{instance} is heard again, after {after} s")));
            }
            Sign::TooMany if self.has_too_many_instances => {}
            Sign::TooMany => {
                self.has_too_many_instances = true;
                let finding = Finding::new("more instances write to the stream than are watched for silence");
                self.outputs.push(Output::Alarm(Kind::Limit, finding));
            }
        }
    }

    fn silent(&mut self, silent: Silent, now: Duration) {
        let seconds = now.saturating_sub(silent.since).as_secs_f64();
        let mut text = match &silent.instance {
            Some(instance) => format!("no record of {instance} for {seconds:.1} s"),
            None => format!("no record at all since the watch began, {seconds:.1} s ago"),
        };
        if let Some(Trouble { error, .. }) = &self.trouble {
            text = format!("{text}; the stream cannot be read: {error}");
        }
        let finding = Finding { instance: silent.instance, ..Finding::new(&text) };
        self.outputs.push(Output::Alarm(Kind::Silence, finding));
    }

    fn judge(&mut self, now: Duration) {
        (self.judge_at, self.judged_at) = (None, now);
        let (beginning, mut found) = (&self.beginning, HashSet::new());
        judge_and_hear(&self.verifier, ACCEPT, &mut |problem: &Problem| {
            let lies_before = problem
                .epoch
                .as_deref()
                .zip(problem.missing)
                .is_some_and(|(epoch, missing)| beginning.covers(epoch, missing.last));
            if !lies_before {
                found.insert(problem.clone());
            }
        });
        for problem in self.suspicions.judged(now, found) {
            let epoch = problem.epoch.as_deref().unwrap_or("-");
            self.outputs.push(Output::Note(format!("no longer so, epoch {epoch}: {}", problem.text)));
        }
    }
}
