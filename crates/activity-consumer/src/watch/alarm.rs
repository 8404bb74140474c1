//! Alarms: their kinds, what they say, and how they are written.

use std::fmt::Write as _;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::print::{Style, push_clean};

/// Most findings that an alarm has; more are counted.
pub(crate) const MAX_FINDINGS: usize = 16;

/// Longest text of a finding in bytes; a longer one is cut.
const MAX_TEXT_BYTES: usize = 1024;

/// Longest JSON of an event that goes with its finding, in bytes. A longer one is `null` there; it is on the stream.
const MAX_EVENT_BYTES: usize = 16 * 1024;

/// What alarms are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// No record of an instance, heartbeats included, for --max-silence; or none at all since the watch began
    Silence,
    /// Events are missing, and no loss that the stream tells accounts for them
    Missing,
    /// The chain is broken, an event came twice and not the same, or an event of the stream makes no sense
    Chain,
    /// A start of the server follows an unclean end, or does not fit what came before it
    Epoch,
    /// The stream tells a loss (STREAM GAP BEGIN)
    Gap,
    /// The stream ends (STREAM STOP)
    Stop,
    /// A setting changes, or was to be changed (STREAM CONFIG, STREAM CONFIG REFUSED)
    Config,
    /// Something that can be used against the audit is about to run (STREAM INTENT)
    Intent,
    /// Somebody sent the worker a signal (STREAM SIGNAL)
    Signal,
    /// The worker did not move (STREAM STALL)
    Stall,
    /// A session went on although its events were not durable (STREAM BREAK GLASS)
    BreakGlass,
    /// A record cannot be read, or is no record of a stream
    Unreadable,
    /// There is more than the watch keeps track of
    Limit,
    /// The stream says something that this program does not know
    Other,
    /// The stream cannot be read any more, and the watch ends
    Blind,
}

/// One thing that was found.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Finding {
    /// A sentence for people, without anything that a terminal obeys.
    pub(crate) text: String,
    pub(crate) instance: Option<String>,
    pub(crate) epoch: Option<String>,
    pub(crate) sequence: Option<u64>,
    /// The event that says it, as it was sent.
    pub(crate) event: Option<Box<RawValue>>,
}

/// Findings of one kind, within a second or while the command for earlier ones ran.
#[derive(Debug, Clone)]
pub(crate) struct Alarm {
    pub(crate) kind: Kind,
    /// How many there were.
    pub(crate) count: u64,
    /// The first of them; at least one.
    pub(crate) findings: Vec<Finding>,
}

/// The line of an alarm.
#[derive(Serialize)]
struct Line<'a> {
    alarm: Kind,
    time: &'a str,
    stream: &'a str,
    count: u64,
    findings: &'a [Finding],
}

impl Kind {
    /// As on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl Finding {
    /// One with a text and nothing else.
    pub(crate) fn new(text: &str) -> Self {
        let mut clean = String::new();
        push_clean(&mut clean, text.get(..text.floor_char_boundary(MAX_TEXT_BYTES)).unwrap_or_default());
        clean.truncate(clean.floor_char_boundary(MAX_TEXT_BYTES));
        Self { text: clean, ..Self::default() }
    }

    /// With the event that says it, unless that is too long.
    pub(crate) fn with_event(mut self, json: &str) -> Self {
        if json.len() <= MAX_EVENT_BYTES {
            // It was parsed before, so it is JSON.
            self.event = RawValue::from_string(json.replace(['\n', '\r'], " ")).ok();
        }
        self
    }
}

impl Alarm {
    pub(crate) fn new(kind: Kind, finding: Finding) -> Self {
        Self { kind, count: 1, findings: vec![finding] }
    }

    /// One more.
    pub(crate) fn add(&mut self, finding: Finding) {
        self.count += 1;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }

    /// One JSON object on one line.
    pub(crate) fn to_json(&self, time: &str, stream: &str) -> String {
        let Self { kind, count, findings } = self;
        let line = Line { alarm: *kind, time, stream, count: *count, findings };
        serde_json::to_string(&line).unwrap_or_default() + "\n"
    }

    /// A line for each finding, or one of JSON.
    pub(crate) fn written(&self, style: Style, time: &str, stream: &str) -> String {
        match style {
            Style::Json => self.to_json(time, stream),
            Style::Pretty => self.pretty(time),
        }
    }

    fn pretty(&self, time: &str) -> String {
        let (name, mut lines) = (self.kind.name(), String::new());
        for finding in &self.findings {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{time} ALARM {name:<11} {}", finding.text);
        }
        let more = self.count.saturating_sub(self.findings.len() as u64);
        if more > 0 {
            let _ = writeln!(lines, "{time} ALARM {name:<11} and {more} more");
        }
        lines
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn an_alarm_is_a_line_of_json_with_the_event_as_it_was_sent() {
        let mut finding = Finding::new("STREAM STOP").with_event("{\"sequence\":7,\n\"x\":1.50}");
        (finding.epoch, finding.sequence) = (Some("e".into()), Some(7));
        let alarm = Alarm::new(Kind::BreakGlass, finding);
        assert_eq!(
            alarm.written(Style::Json, "t", "s"),
            "{\"alarm\":\"break-glass\",\"time\":\"t\",\"stream\":\"s\",\"count\":1,\"findings\":[{\"text\":\"STREAM STOP\",\
             \"instance\":null,\"epoch\":\"e\",\"sequence\":7,\"event\":{\"sequence\":7, \"x\":1.50}}]}\n"
        );
    }

    #[test]
    fn an_alarm_for_people_has_a_line_for_each_finding_and_drives_no_terminal() {
        let mut alarm = Alarm::new(Kind::Intent, Finding::new("a\u{1b}[2J\nb"));
        for _ in 0..MAX_FINDINGS + 4 {
            alarm.add(Finding::new("more"));
        }
        let text = alarm.written(Style::Pretty, "t", "s");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "t ALARM intent      a\\u{1b}[2J b");
        assert_eq!((lines.len(), lines[MAX_FINDINGS]), (MAX_FINDINGS + 1, "t ALARM intent      and 5 more"));
    }

    #[test]
    fn what_a_client_can_make_long_is_cut() {
        let long = "\u{1}".repeat(100_000);
        assert!(Finding::new(&long).text.len() <= MAX_TEXT_BYTES);
        assert!(Finding::new("x").with_event(&format!("\"{long}\"")).event.is_none());
    }
}
