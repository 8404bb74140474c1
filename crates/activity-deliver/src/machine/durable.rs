//! What is durable, from the first position on.
//!
//! A batch that is finished is safe: on the stream or in the spool. Durable it is, where only the stream counts, when the
//! stream has all of it and of the batches before it; what is in the spool counts by its ordinals.

use std::collections::{BTreeMap, VecDeque};

use crate::settings::Durability;

/// In place of an ordinal: that of the last record in a spool that was not opened yet.
const UNKNOWN: u64 = u64::MAX;

/// Everything up to a position, and the spool's record that must be delivered for it.
#[derive(Debug)]
struct Mark {
    through: u64,
    /// 0: none.
    ordinal: u64,
}

#[derive(Debug)]
pub(crate) struct Durable {
    durability: Durability,
    marks: VecDeque<Mark>,
}

impl Durable {
    pub(crate) fn new(durability: Durability) -> Self {
        Self { durability, marks: VecDeque::new() }
    }

    pub(crate) fn set(&mut self, durability: Durability) {
        self.durability = durability;
    }

    /// Former processes brought everything up to `through` to safety: where there is a spool, perhaps there.
    pub(crate) fn inherited(&mut self, through: u64, there_is_a_spool: bool) {
        self.finished(through, if there_is_a_spool && through > 0 { UNKNOWN } else { 0 });
    }

    /// The spool was opened: its last record that is to be delivered, 0 for none.
    pub(crate) fn spool_is_known(&mut self, last: u64) {
        for mark in self.marks.iter_mut().filter(|mark| mark.ordinal == UNKNOWN) {
            mark.ordinal = last;
        }
    }

    /// Everything up to `through` is safe, with the spool's record of that ordinal the last one of it; 0 for none.
    pub(crate) fn finished(&mut self, through: u64, ordinal: u64) {
        match self.marks.back_mut() {
            // It waits for one that comes no earlier.
            Some(last) if last.ordinal >= ordinal => last.through = last.through.max(through),
            _ => self.marks.push_back(Mark { through, ordinal }),
        }
    }

    /// What is durable now and was not before, where all of the spool up to `delivered` is delivered.
    pub(crate) fn advance(&mut self, delivered: u64) -> Option<u64> {
        let mut durable = None;
        let any = self.durability == Durability::Spool;
        while let Some(mark) = self.marks.pop_front_if(|mark| any || mark.ordinal <= delivered) {
            durable = durable.max(Some(mark.through));
        }
        durable
    }
}

/// Which records of the spool the stream has.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    /// All up to that ordinal.
    through: u64,
    /// Ranges beyond it, by their first ordinal.
    beyond: BTreeMap<u64, u64>,
}

impl Delivered {
    /// All up to `through`, and none beyond it.
    pub(crate) fn all(through: u64) -> Self {
        Self { through, beyond: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, ordinal: u64) {
        self.add_range(ordinal, ordinal);
    }

    /// All from `first` to `last`.
    pub(crate) fn add_range(&mut self, first: u64, last: u64) {
        let end = self.beyond.entry(first).or_insert(last);
        *end = last.max(*end);
        while let Some(range) = self.beyond.first_entry()
            && *range.key() <= self.through.saturating_add(1)
        {
            self.through = self.through.max(range.remove());
        }
    }

    pub(crate) fn through(&self) -> u64 {
        self.through
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_durable_before_the_stream_has_what_came_before_it() {
        let mut durable = Durable::new(Durability::Stream);
        durable.finished(100, 0);
        assert_eq!(durable.advance(0), Some(100));
        durable.finished(200, 7);
        durable.finished(300, 0);
        durable.finished(400, 9);
        assert_eq!((durable.advance(6), durable.advance(7), durable.advance(8)), (None, Some(300), None));
        assert_eq!((durable.advance(9), durable.advance(9)), (Some(400), None));
    }

    #[test]
    fn where_the_spool_counts_it_is_durable_when_it_is_safe() {
        let mut durable = Durable::new(Durability::Spool);
        durable.finished(200, 7);
        assert_eq!(durable.advance(0), Some(200));
        durable.finished(300, 8);
        durable.set(Durability::Stream);
        assert_eq!((durable.advance(7), durable.advance(8)), (None, Some(300)));
    }

    #[test]
    fn what_a_former_process_left_in_the_spool_is_durable_when_that_is_delivered() {
        let mut durable = Durable::new(Durability::Stream);
        durable.inherited(500, true);
        durable.finished(600, 0);
        assert_eq!(durable.advance(1000), None);
        durable.spool_is_known(12);
        assert_eq!((durable.advance(11), durable.advance(12)), (None, Some(600)));
        for (through, there_is_a_spool) in [(500, false), (0, true)] {
            let mut durable = Durable::new(Durability::Stream);
            durable.inherited(through, there_is_a_spool);
            assert_eq!(durable.advance(0), Some(through), "nothing can be in a spool");
        }
    }

    #[test]
    fn deliveries_count_from_the_first_one_on() {
        let mut delivered = Delivered::all(4);
        for (ordinal, through) in [(6, 4), (4, 4), (7, 4), (5, 7), (5, 7), (8, 8)] {
            delivered.add(ordinal);
            assert_eq!(delivered.through(), through, "{ordinal}");
        }
        delivered.add_range(20, u64::MAX);
        delivered.add_range(10, 19);
        assert_eq!(delivered.through(), 8);
        delivered.add_range(7, 9);
        assert_eq!(delivered.through(), u64::MAX);
    }
}
