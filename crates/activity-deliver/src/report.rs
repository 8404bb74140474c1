//! What delivery has to say, kept small while nobody reads it.
//!
//! The kinds wait apart. Changes of state are read first. Then the one [`Report::Acked`] that there is at most: later ones
//! are added to it; so too with [`Report::Durable`] and [`Report::Drained`]. Then losses, each behind the acknowledgement of its
//! batch, so that who frees space by an acknowledgement always has its position together with its sequence number. A loss is added
//! to the last one where it continues it with the same cause, and in any case once `MAX_PENDING_LOSSES` wait. So what waits is
//! bounded.

use std::collections::VecDeque;

use activity_seal::Chain;

use crate::limits::{MAX_PENDING_LOSSES, MAX_PENDING_STATES};

/// Events in records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Events.
    pub events: u64,
    /// Records that hold them.
    pub records: u64,
    /// Bytes of these records, partition keys included.
    pub bytes: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.events = self.events.saturating_add(other.events);
        self.records = self.records.saturating_add(other.records);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }

    fn plus(mut self, other: Self) -> Self {
        self.add(other);
        self
    }
}

/// Everything up to `through` is in safety: on the stream, or in the spool, or lost; the losses are told next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acked {
    /// Position in the ring: the end of a batch.
    pub through: u64,
    /// Sequence number of the last event before it.
    pub last_sequence: u64,
    /// The chain after that event.
    pub chain: Chain,
    /// What of it the stream has, since the last such report.
    pub stored: Counts,
    /// What of it the spool has, likewise.
    pub spooled: Counts,
}

/// Why events were given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// They could not be read, could not be sealed, or the stream refuses them for good.
    Refused,
    /// The spool had them, and they cannot be read from it any more.
    SpoolDamaged,
}

/// Events that were given up for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Why.
    pub cause: Cause,
    /// The same for people.
    pub detail: String,
    /// How many; `None` where that is not known.
    pub events: Option<u64>,
    /// The start of the server that they belong to; `None` for this one.
    pub epoch: Option<u64>,
    /// Sequence numbers of the first and the last of them, where they are known. Not all between need be lost.
    pub sequences: Option<(u64, u64)>,
}

/// Something the caller has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The ring need not keep it any longer.
    Acked(Acked),
    /// Everything up to that position in the ring is durable, as [`crate::Durability`] means it, or lost.
    Durable {
        /// The position.
        through: u64,
    },
    /// What the stream has taken from the spool since the last such report.
    Drained(Counts),
    /// Given up. Where events of this process's batches were lost, an acknowledgement that covers them was read before.
    Lost(Lost),
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
    /// Nothing can be stored: events wait, or go to the spool.
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
    /// The spool is open, and holds so many records of former processes.
    SpoolOpened {
        /// Records that were not delivered.
        records: u64,
        /// Bytes of the files that hold them.
        bytes: u64,
        /// What else was found that an operator should know, one line each.
        notes: Vec<String>,
    },
    /// The spool cannot be opened or written to, and records have to go there: what the stream does not take waits in the ring, and
    /// is lost when that is full.
    SpoolUnwritable {
        /// What failed.
        message: String,
    },
    /// The spool can be written to again, or need not be.
    SpoolWritable,
    /// The spool has as much as it may: as above.
    SpoolFull,
    /// New records go to the spool.
    Spooling,
    /// The stream has all that was in the spool.
    SpoolDrained,
}

/// Reports that wait to be read.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    states: VecDeque<StateChange>,
    acked: Option<Acked>,
    durable: Option<u64>,
    drained: Option<Counts>,
    losses: VecDeque<Lost>,
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
            Report::Acked(later) => {
                let earlier = self.acked.take();
                let add = |counts: fn(&Acked) -> Counts| {
                    counts(&later).plus(earlier.as_ref().map(counts).unwrap_or_default())
                };
                let (stored, spooled) = (add(|acked| acked.stored), add(|acked| acked.spooled));
                self.acked = Some(Acked { stored, spooled, ..later });
            }
            Report::Durable { through } => self.durable = self.durable.max(Some(through)),
            Report::Drained(counts) => self.drained.get_or_insert_default().add(counts),
            Report::Lost(lost) => {
                let full = self.losses.len() >= MAX_PENDING_LOSSES;
                let earlier = self.losses.pop_back_if(|earlier| full || continues(earlier, &lost));
                self.losses.push_back(match earlier {
                    Some(earlier) => together(&earlier, lost),
                    None => lost,
                });
            }
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Report> {
        let state = self.states.pop_front().map(Report::State);
        let acked = |pending: &mut Self| pending.acked.take().map(Report::Acked);
        state
            .or_else(|| acked(self))
            .or_else(|| self.durable.take().map(|through| Report::Durable { through }))
            .or_else(|| self.drained.take().map(Report::Drained))
            .or_else(|| self.losses.pop_front().map(Report::Lost))
    }
}

fn continues(earlier: &Lost, later: &Lost) -> bool {
    let (Some((_, last)), Some((first, _))) = (earlier.sequences, later.sequences) else { return false };
    let same = earlier.cause == later.cause && earlier.detail == later.detail && earlier.epoch == later.epoch;
    same && last.checked_add(1) == Some(first)
}

/// One loss of two.
fn together(earlier: &Lost, later: Lost) -> Lost {
    let sequences = match (earlier.sequences, later.sequences) {
        (Some((a, b)), Some((c, d))) if earlier.epoch == later.epoch => Some((a.min(c), b.max(d))),
        _ => None,
    };
    let detail = if earlier.detail == later.detail {
        later.detail
    } else {
        // Not longer with each: what was said of the earlier ones is left out.
        let last = later.detail.strip_suffix(OTHERS).unwrap_or(&later.detail);
        format!("{last}{OTHERS}")
    };
    let events = earlier.events.zip(later.events).map(|(a, b)| a.saturating_add(b));
    Lost { detail, events, sequences, ..later }
}

const OTHERS: &str = "; before that for other reasons";

#[cfg(test)]
mod tests {
    use super::*;

    fn acked(through: u64, events: u64) -> Report {
        let stored = Counts { events, records: 1, bytes: 10 };
        let spooled = Counts { events: 1, records: 1, bytes: 7 };
        let chain = Chain::begin(&through.to_string());
        Report::Acked(Acked { through, last_sequence: through, chain, stored, spooled })
    }

    fn all(through: u64, events: u64, times: u64) -> Report {
        let Report::Acked(one) = acked(through, 0) else { unreachable!() };
        let stored = Counts { events, records: times, bytes: 10 * times };
        let spooled = Counts { events: times, records: times, bytes: 7 * times };
        Report::Acked(Acked { stored, spooled, ..one })
    }

    fn lost(first: u64, last: u64, events: u64, detail: &str) -> Report {
        Report::Lost(Lost {
            cause: Cause::Refused,
            detail: detail.to_owned(),
            events: Some(events),
            epoch: None,
            sequences: Some((first, last)),
        })
    }

    fn read(reports: impl IntoIterator<Item = Report>) -> Vec<Report> {
        let mut pending = Pending::default();
        reports.into_iter().for_each(|report| pending.push(report));
        std::iter::from_fn(|| pending.pop()).collect()
    }

    #[test]
    fn acknowledgements_that_nobody_reads_become_one_and_so_do_the_other_counts() {
        assert_eq!(read((1..=1000).map(|n| acked(n, 2))), [all(1000, 2000, 1000)]);
        assert_eq!(
            read([3, 9, 5].map(|through| Report::Durable { through })),
            [Report::Durable { through: 9 }]
        );
        let one = Counts { events: 1, records: 2, bytes: 3 };
        let three = Counts { events: 3, records: 6, bytes: 9 };
        assert_eq!(read(std::iter::repeat_n(Report::Drained(one), 3)), [Report::Drained(three)]);
    }

    #[test]
    fn losses_come_behind_the_acknowledgement_of_their_batch_however_late_it_is_read() {
        let reports = read([acked(1, 1), acked(2, 1), lost(2, 2, 1, "a"), acked(9, 1), lost(8, 8, 1, "a")]);
        assert_eq!(reports, [all(9, 3, 3), lost(2, 2, 1, "a"), lost(8, 8, 1, "a")]);
        let mut pending = Pending::default();
        pending.push(acked(1, 1));
        pending.push(lost(1, 1, 1, "a"));
        assert_eq!(pending.pop(), Some(acked(1, 1)));
        pending.push(acked(2, 1));
        assert_eq!(pending.pop(), Some(acked(2, 1)), "and before losses that were not read yet");
        assert_eq!(pending.pop(), Some(lost(1, 1, 1, "a")));
    }

    #[test]
    fn losses_that_continue_each_other_for_the_same_reason_become_one() {
        let reports =
            read([lost(1, 5, 2, "a"), lost(6, 9, 4, "a"), lost(10, 10, 1, "b"), lost(12, 12, 1, "b")]);
        assert_eq!(reports, [lost(1, 9, 6, "a"), lost(10, 10, 1, "b"), lost(12, 12, 1, "b")]);
    }

    #[test]
    fn whatever_nobody_reads_stays_bounded_and_is_counted() {
        let reports = read((1..=10_000).flat_map(|n| {
            let state = Report::State(StateChange::StreamWarning(n.to_string()));
            [acked(n, 1), lost(n, n, 1, &n.to_string()), state]
        }));
        assert_eq!(reports.len(), MAX_PENDING_STATES + 1 + MAX_PENDING_LOSSES);
        let losses = reports.iter().filter_map(|report| match report {
            Report::Lost(lost) => Some(lost),
            _ => None,
        });
        assert!(losses.clone().all(|lost| lost.detail.len() < 50));
        assert_eq!(losses.filter_map(|lost| lost.events).sum::<u64>(), 10_000);
        assert!(reports.contains(&all(10_000, 10_000, 10_000)));
    }
}
