//! What delivery has to say, kept small while nobody reads it.
//!
//! Three kinds wait apart. Changes of state are read first. Then the one [`Report::Acked`] that there is at most: later ones
//! are added to it. Then losses, each behind the acknowledgement of its batch, so that who frees space by an
//! acknowledgement always has its position together with its sequence number. A loss is added to the last one where it
//! continues it with the same reason, and in any case once `MAX_PENDING_LOSSES` wait. So what waits is bounded.

use std::collections::VecDeque;

use crate::limits::{MAX_PENDING_LOSSES, MAX_PENDING_STATES};

/// Something the caller has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// Everything up to `through` is finished: the counted events are stored, the others are reported as lost next.
    Acked {
        /// Position in the ring: the end of a batch.
        through: u64,
        /// Sequence number of the last event before it.
        last_sequence: u64,
        /// Events stored since the last such report; none if all were lost.
        events: u64,
        /// Records that hold them.
        records: u64,
        /// Bytes of these records, partition keys included.
        bytes: u64,
    },
    /// Events were given up for good. An acknowledgement that covers them was read before: nothing is left to be freed.
    Lost {
        /// Position in the ring: the end of their batch, not of the last one of them.
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
    states: VecDeque<StateChange>,
    acked: Option<Report>,
    losses: VecDeque<Report>,
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
            Report::Acked { .. } => self.acked = Some(after(self.acked.take(), report)),
            Report::Lost { .. } => {
                let full = self.losses.len() >= MAX_PENDING_LOSSES;
                let earlier = self.losses.pop_back_if(|earlier| full || continues(earlier, &report));
                self.losses.push_back(after(earlier, report));
            }
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Report> {
        let state = self.states.pop_front().map(Report::State);
        state.or_else(|| self.acked.take()).or_else(|| self.losses.pop_front())
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

/// `later` with what `earlier` counts of the same kind.
fn after(earlier: Option<Report>, later: Report) -> Report {
    match (earlier, later) {
        (
            Some(Report::Acked { events: e, records: r, bytes: b, .. }),
            Report::Acked { through, last_sequence, events, records, bytes },
        ) => Report::Acked {
            through,
            last_sequence,
            events: events.saturating_add(e),
            records: records.saturating_add(r),
            bytes: bytes.saturating_add(b),
        },
        (
            Some(Report::Lost { first_sequence: first, last_sequence: last, events: e, reason: r, .. }),
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

    fn read(reports: impl IntoIterator<Item = Report>) -> Vec<Report> {
        let mut pending = Pending::default();
        reports.into_iter().for_each(|report| pending.push(report));
        std::iter::from_fn(|| pending.pop()).collect()
    }

    #[test]
    fn acknowledgements_that_nobody_reads_become_one() {
        let reports = read((1..=1000).map(|n| acked(n, 2)));
        let all =
            Report::Acked { through: 1000, last_sequence: 1000, events: 2000, records: 1000, bytes: 10_000 };
        assert_eq!(reports, [all]);
    }

    #[test]
    fn losses_come_behind_the_acknowledgement_of_their_batch_however_late_it_is_read() {
        let reports =
            read([acked(1, 1), acked(2, 1), lost(2, 2, 2, 1, "a"), acked(9, 1), lost(9, 8, 8, 1, "a")]);
        let all = Report::Acked { through: 9, last_sequence: 9, events: 3, records: 3, bytes: 30 };
        assert_eq!(reports, [all, lost(2, 2, 2, 1, "a"), lost(9, 8, 8, 1, "a")]);
        let mut pending = Pending::default();
        pending.push(acked(1, 1));
        pending.push(lost(1, 1, 1, 1, "a"));
        assert_eq!(pending.pop(), Some(acked(1, 1)));
        pending.push(acked(2, 1));
        assert_eq!(pending.pop(), Some(acked(2, 1)), "and before losses that were not read yet");
        assert_eq!(pending.pop(), Some(lost(1, 1, 1, 1, "a")));
    }

    #[test]
    fn losses_that_continue_each_other_for_the_same_reason_become_one() {
        let reports = read([
            lost(5, 1, 5, 2, "a"),
            lost(9, 6, 9, 4, "a"),
            lost(10, 10, 10, 1, "b"),
            lost(12, 12, 12, 1, "b"),
        ]);
        assert_eq!(reports, [lost(9, 1, 9, 6, "a"), lost(10, 10, 10, 1, "b"), lost(12, 12, 12, 1, "b")]);
    }

    #[test]
    fn whatever_nobody_reads_stays_bounded_and_is_counted() {
        let reports = read((1..=10_000).flat_map(|n| {
            let state = Report::State(StateChange::StreamWarning(n.to_string()));
            [acked(n, 1), lost(n, n, n, 1, &n.to_string()), state]
        }));
        assert_eq!(reports.len(), MAX_PENDING_STATES + 1 + MAX_PENDING_LOSSES);
        let lost =
            reports.iter().map(|report| if let Report::Lost { events, .. } = report { *events } else { 0 });
        assert_eq!(lost.sum::<u64>(), 10_000);
        let all = Report::Acked {
            through: 10_000,
            last_sequence: 10_000,
            events: 10_000,
            records: 10_000,
            bytes: 100_000,
        };
        assert!(reports.contains(&all));
    }
}
