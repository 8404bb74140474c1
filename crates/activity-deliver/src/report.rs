//! What delivery has to say, kept small while nobody reads it.
//!
//! Progress and changes of state wait in two queues; changes are read first. Of progress there is at most one
//! [`Report::Acked`], always the last: later ones are added to it. Losses are added to the last one where they continue it
//! with the same reason, and to the last one in any case once `MAX_PENDING_LOSSES` wait. So reports come in the order of
//! their `through`, and what waits is bounded.

use std::collections::VecDeque;

use crate::limits::{MAX_PENDING_LOSSES, MAX_PENDING_STATES};

/// Something the caller has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// Everything up to `through` is finished: the counted events are stored, the others were reported as lost.
    Acked {
        /// Position in the ring.
        through: u64,
        /// Sequence number of the last event before it.
        last_sequence: u64,
        /// Events stored since the last such report.
        events: u64,
        /// Records that hold them.
        records: u64,
        /// Bytes of these records, partition keys included.
        bytes: u64,
    },
    /// Events were given up for good; everything up to `through` is finished.
    Lost {
        /// Position in the ring.
        through: u64,
        /// Sequence number of the first event that was lost.
        first_sequence: u64,
        /// Sequence number of the last one. Not all between need be lost.
        last_sequence: u64,
        /// How many were lost.
        events: u64,
        /// Why.
        reason: String,
    },
    /// The way to the stream is another than before.
    State(StateChange),
}

/// How the way to the stream changed. Each is told once per change, not once per attempt; the same state with another
/// message is told again after a minute at the earliest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateChange {
    /// There is no data key, and none could be had: events wait.
    KeyUnavailable {
        /// What failed.
        message: String,
        /// What usually helps.
        hint: Option<String>,
    },
    /// There is a data key again.
    KeyAvailable,
    /// Nothing can be stored: events wait.
    StreamUnavailable {
        /// What failed.
        message: String,
        /// What usually helps.
        hint: Option<String>,
    },
    /// The stream is being made, or otherwise not ready yet: events wait.
    StreamPending {
        /// The state that the service names.
        state: String,
    },
    /// Something that was asked for could not be had, although events are delivered.
    StreamWarning(String),
    /// Stream and key are there: the first time since the start, or again after one of them was not. After requests failed
    /// it takes a stored record.
    Streaming,
}

/// Reports that wait to be read.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    progress: VecDeque<Report>,
    states: VecDeque<StateChange>,
}

impl Pending {
    pub(crate) fn push(&mut self, report: Report) {
        match report {
            Report::State(change) => {
                if self.states.len() >= MAX_PENDING_STATES {
                    self.states.pop_front();
                }
                self.states.push_back(change);
            }
            Report::Acked { .. } => {
                let report = match self.take_acked() {
                    Some(earlier) => add(earlier, report),
                    None => report,
                };
                self.progress.push_back(report);
            }
            Report::Lost { .. } => self.push_loss(report),
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Report> {
        self.states.pop_front().map(Report::State).or_else(|| self.progress.pop_front())
    }

    fn take_acked(&mut self) -> Option<Report> {
        let at = self.progress.iter().position(|report| matches!(report, Report::Acked { .. }))?;
        self.progress.remove(at)
    }

    /// Added to the last loss it takes that one's `through` up, so both go behind an acknowledgement that waits.
    fn push_loss(&mut self, report: Report) {
        let full = self.progress.len() >= MAX_PENDING_LOSSES;
        let last = self.progress.back();
        if last.is_some_and(|last| full || continues(last, &report)) {
            let acked = self.progress.pop_back_if(|last| matches!(last, Report::Acked { .. }));
            let loss = match self.progress.pop_back() {
                Some(earlier) => add(earlier, report),
                None => report,
            };
            self.progress.extend(acked);
            self.progress.push_back(loss);
        } else {
            self.progress.push_back(report);
        }
    }
}

fn continues(earlier: &Report, later: &Report) -> bool {
    match (earlier, later) {
        (Report::Lost { last_sequence, reason, .. }, Report::Lost { first_sequence, reason: later, .. }) => {
            reason == later && last_sequence.saturating_add(1) == *first_sequence
        }
        _ => false,
    }
}

/// Both in one; `later` alone where they are of different kinds.
fn add(earlier: Report, later: Report) -> Report {
    match (earlier, later) {
        (
            Report::Acked { events: e, records: r, bytes: b, .. },
            Report::Acked { through, last_sequence, events, records, bytes },
        ) => Report::Acked {
            through,
            last_sequence,
            events: events.saturating_add(e),
            records: records.saturating_add(r),
            bytes: bytes.saturating_add(b),
        },
        (
            Report::Lost { first_sequence: first, last_sequence: last, events: e, reason: r, .. },
            Report::Lost { through, first_sequence, last_sequence, events, reason },
        ) => Report::Lost {
            through,
            first_sequence: first.min(first_sequence),
            last_sequence: last.max(last_sequence),
            events: events.saturating_add(e),
            reason: if r == reason { r } else { format!("{reason}; before that for other reasons") },
        },
        (_, later) => later,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acked(through: u64, events: u64) -> Report {
        Report::Acked { through, last_sequence: through, events, records: 1, bytes: 10 }
    }

    fn lost(through: u64, first_sequence: u64, last_sequence: u64, events: u64, reason: &str) -> Report {
        Report::Lost { through, first_sequence, last_sequence, events, reason: reason.to_owned() }
    }

    fn after(reports: impl IntoIterator<Item = Report>) -> Vec<Report> {
        let mut pending = Pending::default();
        reports.into_iter().for_each(|report| pending.push(report));
        std::iter::from_fn(|| pending.pop()).collect()
    }

    #[test]
    fn acknowledgements_that_nobody_reads_become_one() {
        let reports = after((1..=1000).map(|n| acked(n, 2)));
        let all =
            Report::Acked { through: 1000, last_sequence: 1000, events: 2000, records: 1000, bytes: 10_000 };
        assert_eq!(reports, [all]);
    }

    #[test]
    fn losses_keep_their_place_before_the_acknowledgement() {
        let reports = after([acked(1, 1), lost(2, 2, 2, 1, "a"), acked(2, 1), lost(3, 3, 3, 1, "a")]);
        let both = Report::Acked { through: 2, last_sequence: 2, events: 2, records: 2, bytes: 20 };
        assert_eq!(reports, [lost(2, 2, 2, 1, "a"), both, lost(3, 3, 3, 1, "a")]);
    }

    #[test]
    fn losses_that_continue_each_other_for_the_same_reason_become_one() {
        let reports = after([
            lost(5, 1, 5, 2, "a"),
            lost(9, 6, 9, 4, "a"),
            lost(10, 10, 10, 1, "b"),
            lost(12, 12, 12, 1, "b"),
        ]);
        assert_eq!(reports, [lost(9, 1, 9, 6, "a"), lost(10, 10, 10, 1, "b"), lost(12, 12, 12, 1, "b")]);
    }

    #[test]
    fn whatever_nobody_reads_stays_bounded_in_order_and_all_counted() {
        let reports = after((1..=10_000).flat_map(|n| {
            let state = Report::State(StateChange::StreamWarning(n.to_string()));
            [lost(n, n, n, 1, &n.to_string()), acked(n, 1), state]
        }));
        assert!(reports.len() <= MAX_PENDING_LOSSES + MAX_PENDING_STATES + 2, "{}", reports.len());
        let (mut ends, mut stored, mut gone) = (Vec::new(), 0, 0);
        for report in &reports {
            match report {
                Report::Acked { through, events, .. } => {
                    ends.push(*through);
                    stored += events;
                }
                Report::Lost { through, events, .. } => {
                    ends.push(*through);
                    gone += events;
                }
                Report::State(_) => assert!(ends.is_empty(), "states come first"),
            }
        }
        assert!(ends.is_sorted() && ends.last() == Some(&10_000), "{ends:?}");
        assert_eq!((stored, gone), (10_000, 10_000));
    }
}
