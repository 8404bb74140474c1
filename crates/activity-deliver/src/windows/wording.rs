//! What the log, the stream and operators read of a window.

use activity_event::{Micros, write_timestamp};

use super::window::{Count, Part, Window};
use crate::ports::{Notice, NoticeKind};

/// A line of the server log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The message.
    pub message: String,
    /// Its DETAIL.
    pub detail: String,
}

/// An event of the stream about a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapEvent {
    /// `command`: `STREAM GAP BEGIN` or `STREAM GAP END`.
    pub command: &'static str,
    /// `commandText`: one sentence.
    pub text: String,
    /// `paramList`: `name=value` each.
    pub params: Vec<String>,
}

/// A time as events have it: `2026-05-24 00:36:54.403455+00`.
fn time(at: Micros) -> String {
    let mut out = Vec::new();
    write_timestamp(at, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

impl Window {
    /// The line of the server log.
    #[must_use]
    pub(super) fn log_line(&self, part: Part) -> LogLine {
        let message = match part {
            Part::Begin if self.reason.is_certain() => "events are being lost".to_owned(),
            Part::Begin => "events might be lost".to_owned(),
            // Always the plural: those who watch logs look for these words.
            Part::End => match self.lost {
                Count::Known(0) => "no more events can be lost; none is known to be".to_owned(),
                Count::Known(lost) => format!("{lost} events were lost; no more are"),
                Count::Unknown => "no more events can be lost; how many were is not known".to_owned(),
            },
        };
        let mut detail = format!("Loss window {}: {}, {}.", self.id(), self.reason.as_str(), self.span(part));
        if let Some((first, last)) = self.sequences.filter(|_| part == Part::End) {
            detail.push_str(&format!(" Sequence numbers {first} to {last} in epoch {}.", self.epoch));
        }
        if !self.detail.is_empty() {
            detail = format!("{} {detail}", self.detail);
        }
        LogLine { message: format!("activity_stream: {message}"), detail }
    }

    /// The event of the stream.
    #[must_use]
    pub(super) fn gap_event(&self, part: Part) -> GapEvent {
        let command = match part {
            Part::Begin => "STREAM GAP BEGIN",
            Part::End => "STREAM GAP END",
        };
        GapEvent { command, text: self.sentence(part), params: self.params(part) }
    }

    /// What the sinks get.
    #[must_use]
    pub(super) fn notice(&self, part: Part, cluster_id: &str) -> Notice {
        let (kind, at) = match part {
            Part::Begin => (NoticeKind::LossBegan, self.begin),
            Part::End => (NoticeKind::LossEnded, self.end.unwrap_or(self.last_affected)),
        };
        Notice {
            id: self.notice_id(part),
            kind,
            at,
            cluster_id: cluster_id.to_owned(),
            message: format!("{} Loss window {}.", self.sentence(part), self.id()),
        }
    }

    fn span(&self, part: Part) -> String {
        match part {
            Part::Begin => format!("from {} on", time(self.first_affected)),
            Part::End => format!("from {} to {}", time(self.first_affected), time(self.affected_until())),
        }
    }

    fn sentence(&self, part: Part) -> String {
        let (reason, span) = (self.reason.as_str(), self.span(part));
        match (part, self.lost) {
            (Part::Begin, _) if self.reason.is_certain() => {
                format!("Events are being lost {span}: {reason}.")
            }
            (Part::Begin, _) => format!("Events might be lost {span}: {reason}."),
            (Part::End, Count::Known(0)) => {
                format!("No more events can be lost, and none is known to be {span}: {reason}.")
            }
            (Part::End, Count::Known(1)) => format!("1 event was lost {span}: {reason}."),
            (Part::End, Count::Known(lost)) => format!("{lost} events were lost {span}: {reason}."),
            (Part::End, Count::Unknown) => {
                format!("Events might have been lost {span}, how many is not known: {reason}.")
            }
        }
    }

    fn params(&self, part: Part) -> Vec<String> {
        let mut params = vec![
            format!("window={}", self.id()),
            format!("reason={}", self.reason.as_str()),
            format!("from={}", time(self.first_affected)),
        ];
        // What a window that goes on has so far is no count that anybody could use.
        let (mut lost, mut sequences) = (Count::Unknown, None);
        if self.is_due(Part::End) {
            (lost, sequences) = (self.lost, self.sequences);
        }
        if part == Part::End {
            params.push(format!("to={}", time(self.affected_until())));
        }
        params.push(match lost {
            Count::Known(lost) => format!("count={lost}"),
            Count::Unknown => "count=unknown".to_owned(),
        });
        if let Some((first, last)) = sequences {
            params.extend([format!("firstSequence={first}"), format!("lastSequence={last}")]);
        }
        params.push(format!("epoch={}", self.epoch));
        params
    }
}
