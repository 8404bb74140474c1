//! Which batches are finished, from the first one on.
//!
//! A batch is *complete* when none of its pieces is open: each was stored or given up. It is *finished*, and reported, when
//! all batches before it are complete too. Its payload is free as soon as it is complete.

use std::collections::VecDeque;

use crate::batch::Batch;
use crate::limits::MAX_LOSSES_PER_BATCH;
use crate::report::Report;

/// Events that were given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) first_sequence: u64,
    pub(crate) last_sequence: u64,
    pub(crate) events: u64,
    pub(crate) reason: String,
}

#[derive(Debug)]
struct Entry {
    through: u64,
    last_sequence: u64,
    payload_bytes: u64,
    open_pieces: u64,
    events: u64,
    records: u64,
    bytes: u64,
    losses: Vec<Loss>,
}

/// Batches that are not finished, in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// How many ever came: the number of the last one.
    taken: u64,
    entries: VecDeque<Entry>,
    pub(crate) complete_batches: u64,
    pub(crate) finished_batches: u64,
    pub(crate) released_bytes: u64,
}

impl Ledger {
    /// Enters a batch of one piece; its number, from 1.
    pub(crate) fn enter(&mut self, batch: &Batch) -> u64 {
        self.taken += 1;
        self.entries.push_back(Entry {
            through: batch.through,
            last_sequence: batch.last_sequence,
            payload_bytes: u64::try_from(batch.payload.len()).unwrap_or(u64::MAX),
            open_pieces: 1,
            events: 0,
            records: 0,
            bytes: 0,
            losses: Vec::new(),
        });
        self.taken
    }

    /// How many ever came.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    fn entry(&mut self, batch: u64) -> Option<&mut Entry> {
        let at = batch.checked_sub(self.finished_batches)?.checked_sub(1)?;
        self.entries.get_mut(usize::try_from(at).ok()?)
    }

    /// One piece became two.
    pub(crate) fn split(&mut self, batch: u64) {
        if let Some(entry) = self.entry(batch) {
            entry.open_pieces += 1;
        }
    }

    /// A piece was stored as one record.
    pub(crate) fn stored(&mut self, batch: u64, events: u64, bytes: u64) {
        if let Some(entry) = self.entry(batch) {
            entry.events += events;
            entry.records += 1;
            entry.bytes += bytes;
        }
        self.close(batch);
    }

    /// Events of a piece were given up. The piece stays open.
    pub(crate) fn lost(&mut self, batch: u64, loss: Loss) {
        let Some(entry) = self.entry(batch) else { return };
        let many = entry.losses.len() >= MAX_LOSSES_PER_BATCH;
        match entry.losses.iter_mut().rev().find(|earlier| many || earlier.reason == loss.reason) {
            Some(earlier) => {
                earlier.first_sequence = earlier.first_sequence.min(loss.first_sequence);
                earlier.last_sequence = earlier.last_sequence.max(loss.last_sequence);
                earlier.events += loss.events;
            }
            None => entry.losses.push(loss),
        }
    }

    /// A piece is done with.
    pub(crate) fn close(&mut self, batch: u64) {
        let Some(entry) = self.entry(batch) else { return };
        entry.open_pieces = entry.open_pieces.saturating_sub(1);
        if entry.open_pieces == 0 {
            let bytes = entry.payload_bytes;
            self.complete_batches += 1;
            self.released_bytes += bytes;
        }
    }

    /// Reports of what is finished and was not reported yet: for each batch that it is, then what was lost of it.
    pub(crate) fn finish(&mut self, mut report: impl FnMut(Report)) {
        while let Some(entry) = self.entries.pop_front_if(|entry| entry.open_pieces == 0) {
            self.finished_batches += 1;
            report(Report::Acked {
                through: entry.through,
                last_sequence: entry.last_sequence,
                events: entry.events,
                records: entry.records,
                bytes: entry.bytes,
            });
            for Loss { first_sequence, last_sequence, events, reason } in entry.losses {
                report(Report::Lost {
                    through: entry.through,
                    first_sequence,
                    last_sequence,
                    events,
                    reason,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(ledger: &mut Ledger, sequence: u64) -> u64 {
        ledger.enter(&Batch {
            first_sequence: sequence,
            last_sequence: sequence,
            events: 1,
            through: sequence * 100,
            payload: vec![0; 10],
        })
    }

    fn finished(ledger: &mut Ledger) -> Vec<Report> {
        let mut reports = Vec::new();
        ledger.finish(|report| reports.push(report));
        reports
    }

    fn acked(sequence: u64) -> Report {
        Report::Acked { through: sequence * 100, last_sequence: sequence, events: 1, records: 1, bytes: 50 }
    }

    #[test]
    fn nothing_is_reported_over_a_gap() {
        let mut ledger = Ledger::default();
        let [one, two, three] = [5, 6, 7].map(|sequence| enter(&mut ledger, sequence));
        ledger.stored(three, 1, 50);
        ledger.stored(two, 1, 50);
        assert_eq!(finished(&mut ledger), []);
        assert_eq!((ledger.complete_batches, ledger.finished_batches, ledger.released_bytes), (2, 0, 20));
        ledger.stored(one, 1, 50);
        assert_eq!(finished(&mut ledger), [acked(5), acked(6), acked(7)]);
        assert_eq!((ledger.complete_batches, ledger.finished_batches, ledger.released_bytes), (3, 3, 30));
        let four = enter(&mut ledger, 8);
        ledger.stored(four, 1, 50);
        assert_eq!(finished(&mut ledger), [acked(8)]);
    }

    #[test]
    fn a_split_batch_is_finished_with_its_last_piece() {
        let mut ledger = Ledger::default();
        let batch = enter(&mut ledger, 1);
        ledger.split(batch);
        ledger.stored(batch, 3, 50);
        assert_eq!(finished(&mut ledger), []);
        ledger.stored(batch, 4, 70);
        let all = Report::Acked { through: 100, last_sequence: 1, events: 7, records: 2, bytes: 120 };
        assert_eq!(finished(&mut ledger), [all]);
    }

    #[test]
    fn losses_come_behind_the_acknowledgement_of_their_batch_even_if_nothing_of_it_was_stored() {
        let mut ledger = Ledger::default();
        let loss = |sequence, reason: &str| Loss {
            first_sequence: sequence,
            last_sequence: sequence,
            events: 1,
            reason: reason.to_owned(),
        };
        let lost = |through, first_sequence, last_sequence, events, reason: &str| Report::Lost {
            through,
            first_sequence,
            last_sequence,
            events,
            reason: reason.to_owned(),
        };
        let (one, two) = (enter(&mut ledger, 1), enter(&mut ledger, 2));
        for (sequence, reason) in [(20, "a"), (25, "b"), (22, "a")] {
            ledger.lost(one, loss(sequence, reason));
        }
        ledger.stored(one, 1, 50);
        ledger.lost(two, loss(2, "c"));
        ledger.close(two);
        let nothing = Report::Acked { through: 200, last_sequence: 2, events: 0, records: 0, bytes: 0 };
        let expected = [
            acked(1),
            lost(100, 20, 22, 2, "a"),
            lost(100, 25, 25, 1, "b"),
            nothing,
            lost(200, 2, 2, 1, "c"),
        ];
        assert_eq!(finished(&mut ledger), expected);
    }

    #[test]
    fn the_losses_of_a_batch_are_bounded_and_all_counted() {
        let mut ledger = Ledger::default();
        let batch = enter(&mut ledger, 1);
        for sequence in 0..100 {
            let reason = sequence.to_string();
            ledger.lost(batch, Loss { first_sequence: sequence, last_sequence: sequence, events: 1, reason });
        }
        ledger.close(batch);
        let reports = finished(&mut ledger);
        assert_eq!(reports.len(), 1 + MAX_LOSSES_PER_BATCH);
        let events: u64 =
            reports.iter().map(|r| if let Report::Lost { events, .. } = r { *events } else { 0 }).sum();
        assert_eq!(events, 100);
    }
}
