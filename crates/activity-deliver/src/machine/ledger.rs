//! Which batches are finished, from the first one on.
//!
//! A batch is *complete* when none of its pieces is open: each was stored, spooled or given up. It is *finished*, and reported,
//! when all batches before it are complete too. Its payload is free as soon as it is complete.

use std::collections::VecDeque;

use activity_seal::Chain;

use super::durable::Durable;
use crate::batch::{Batch, Unreadable};
use crate::limits::MAX_LOSSES_PER_BATCH;
use crate::report::{Acked, Cause, Counts, Lost, Report};

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
    chain: Chain,
    payload_bytes: u64,
    open_pieces: u64,
    stored: Counts,
    spooled: Counts,
    /// Of its last record in the spool; 0 where none is.
    ordinal: u64,
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
    /// Enters a batch of one piece, or of none where nothing of it can be read; its number, from 1.
    pub(crate) fn enter(&mut self, batch: &Batch) -> u64 {
        self.taken += 1;
        self.entries.push_back(Entry {
            through: batch.through,
            last_sequence: batch.last_sequence,
            chain: batch.chain_after,
            payload_bytes: u64::try_from(batch.bytes()).unwrap_or(u64::MAX),
            open_pieces: 1,
            stored: Counts::default(),
            spooled: Counts::default(),
            ordinal: 0,
            losses: Vec::new(),
        });
        let Unreadable { events, first_sequence, last_sequence } = batch.unreadable;
        if events > 0 {
            let reason = "unreadable".to_owned();
            self.lost(self.taken, Loss { first_sequence, last_sequence, events, reason });
        }
        if batch.marks.is_empty() {
            self.close(self.taken);
        }
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

    /// The stream has a piece, as one record.
    pub(crate) fn stored(&mut self, batch: u64, events: u64, bytes: u64) {
        if let Some(entry) = self.entry(batch) {
            entry.stored.add(Counts { events, records: 1, bytes });
        }
        self.close(batch);
    }

    /// The spool has a piece, as the record of that ordinal.
    pub(crate) fn spooled(&mut self, batch: u64, events: u64, bytes: u64, ordinal: u64) {
        if let Some(entry) = self.entry(batch) {
            entry.spooled.add(Counts { events, records: 1, bytes });
            entry.ordinal = entry.ordinal.max(ordinal);
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
    pub(crate) fn finish(&mut self, durable: &mut Durable, mut report: impl FnMut(Report)) {
        while let Some(entry) = self.entries.pop_front_if(|entry| entry.open_pieces == 0) {
            self.finished_batches += 1;
            let Entry { through, last_sequence, chain, stored, spooled, ordinal, losses, .. } = entry;
            durable.finished(through, ordinal);
            report(Report::Acked(Acked { through, last_sequence, chain, stored, spooled }));
            for Loss { first_sequence, last_sequence, events, reason } in losses {
                report(Report::Lost(Lost {
                    cause: Cause::Refused,
                    detail: reason,
                    events: Some(events),
                    epoch: None,
                    sequences: Some((first_sequence, last_sequence)),
                }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::tests::{BAD, GOOD, batch};
    use crate::settings::Durability;

    fn enter(ledger: &mut Ledger, sequence: u64) -> u64 {
        ledger.enter(&batch(sequence, &[GOOD]))
    }

    fn finished(ledger: &mut Ledger) -> Vec<Report> {
        let mut reports = Vec::new();
        ledger.finish(&mut Durable::new(Durability::Stream), |report| reports.push(report));
        reports
    }

    /// What is said of each batch: its last event, then counts.
    fn acked(ledger: &mut Ledger) -> Vec<(u64, u64, u64)> {
        let reports = finished(ledger).into_iter().map(|report| match report {
            Report::Acked(acked) => (acked.last_sequence, acked.stored.events, acked.spooled.events),
            other => panic!("{other:?}"),
        });
        reports.collect()
    }

    #[test]
    fn nothing_is_reported_over_a_gap() {
        let mut ledger = Ledger::default();
        let [one, two, three] = [5, 6, 7].map(|sequence| enter(&mut ledger, sequence));
        ledger.stored(three, 1, 50);
        ledger.stored(two, 1, 50);
        assert_eq!(acked(&mut ledger), []);
        assert_eq!((ledger.complete_batches, ledger.finished_batches), (2, 0));
        let released = ledger.released_bytes;
        assert!(released > 0);
        ledger.stored(one, 1, 50);
        assert_eq!(acked(&mut ledger), [(5, 1, 0), (6, 1, 0), (7, 1, 0)]);
        assert_eq!((ledger.complete_batches, ledger.finished_batches), (3, 3));
        assert_eq!(ledger.released_bytes, released / 2 * 3);
        let four = enter(&mut ledger, 8);
        ledger.stored(four, 1, 50);
        assert_eq!(acked(&mut ledger), [(8, 1, 0)]);
    }

    #[test]
    fn a_split_batch_is_finished_with_its_last_piece_wherever_each_of_them_is() {
        let mut ledger = Ledger::default();
        let of = batch(1, &[GOOD; 7]);
        let number = ledger.enter(&of);
        ledger.split(number);
        ledger.stored(number, 3, 50);
        assert_eq!(finished(&mut ledger), []);
        ledger.spooled(number, 4, 70, 9);
        let stored = Counts { events: 3, records: 1, bytes: 50 };
        let spooled = Counts { events: 4, records: 1, bytes: 70 };
        let chain = of.chain_after;
        let (mut durable, mut reports) = (Durable::new(Durability::Stream), Vec::new());
        ledger.finish(&mut durable, |report| reports.push(report));
        assert_eq!(reports, [Report::Acked(Acked { through: 70, last_sequence: 7, chain, stored, spooled })]);
        assert_eq!((durable.advance(8), durable.advance(9)), (None, Some(70)));
    }

    fn lost(first_sequence: u64, last_sequence: u64, events: u64, detail: &str) -> Report {
        Report::Lost(Lost {
            cause: Cause::Refused,
            detail: detail.to_owned(),
            events: Some(events),
            epoch: None,
            sequences: Some((first_sequence, last_sequence)),
        })
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
        let (one, two) = (enter(&mut ledger, 1), enter(&mut ledger, 2));
        for (sequence, reason) in [(20, "a"), (25, "b"), (22, "a")] {
            ledger.lost(one, loss(sequence, reason));
        }
        ledger.stored(one, 1, 50);
        ledger.lost(two, loss(2, "c"));
        ledger.close(two);
        let reports = finished(&mut ledger);
        assert!(matches!(reports[0], Report::Acked(Acked { last_sequence: 1, .. })));
        assert_eq!(reports[1..3], [lost(20, 22, 2, "a"), lost(25, 25, 1, "b")]);
        assert!(
            matches!(reports[3], Report::Acked(Acked { last_sequence: 2, stored, .. }) if stored.events == 0)
        );
        assert_eq!(reports[4..], [lost(2, 2, 1, "c")]);
    }

    #[test]
    fn a_batch_that_cannot_be_read_is_finished_at_once_and_lost() {
        let mut ledger = Ledger::default();
        ledger.enter(&batch(1, &[BAD; 3]));
        let reports = finished(&mut ledger);
        assert!(matches!(reports[0], Report::Acked(Acked { last_sequence: 3, through: 30, .. })));
        assert_eq!(reports[1..], [lost(1, 3, 3, "unreadable")]);
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
        let events = reports.iter().filter_map(|report| match report {
            Report::Lost(lost) => lost.events,
            _ => None,
        });
        assert_eq!(events.sum::<u64>(), 100);
    }
}
