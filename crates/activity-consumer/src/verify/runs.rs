//! Which events of an epoch are there, as runs of events that are proven to follow each other.
//!
//! ```text
//!    before ─► 1 2 3 4 5 ─► after      before ─► 9 10 11 ─► after
//!              └─ a run ┘                        └─ a run ┘
//! ```
//!
//! Two runs that touch become one where the chain after the first is the chain before the second. Where it is not,
//! they stay two: that is a broken link. Equal chains mean equal events from there back to the beginning of the run, or a
//! collision of SHA-256; so nothing of a run's inside has to be kept.

use std::collections::BTreeMap;

use activity_seal::Chain;

/// Events without a hole, proven to follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// Sequence numbers, both included.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// The chain before the first event and after the last.
    pub(crate) before: Chain,
    pub(crate) after: Chain,
}

/// The runs of one epoch.
#[derive(Debug, Default)]
pub(crate) struct Runs(BTreeMap<u64, Run>);

impl Runs {
    /// The run that has this event.
    pub(crate) fn find(&self, sequence: u64) -> Option<&Run> {
        self.0.range(..=sequence).next_back().map(|(_, run)| run).filter(|run| sequence <= run.last)
    }

    /// Adds events none of which is there yet. How many runs that makes more: 1, 0 or -1.
    pub(crate) fn add(&mut self, mut run: Run) -> isize {
        let before = self.0.len();
        if let Some(left) = run.first.checked_sub(1).and_then(|last| self.find(last)).copied()
            && left.after == run.before
        {
            self.0.remove(&left.first);
            run = Run { first: left.first, before: left.before, ..run };
        }
        if let Some(right) = run.last.checked_add(1).and_then(|first| self.0.get(&first)).copied()
            && run.after == right.before
        {
            self.0.remove(&right.first);
            run = Run { last: right.last, after: right.after, ..run };
        }
        self.0.insert(run.first, run);
        self.0.len().cast_signed() - before.cast_signed()
    }

    /// In order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Run> {
        self.0.values()
    }

    /// The highest event.
    pub(crate) fn last(&self) -> Option<&Run> {
        self.0.values().next_back()
    }

    /// Events that are there.
    pub(crate) fn events(&self) -> u64 {
        self.iter().map(|run| run.last - run.first + 1).fold(0, u64::saturating_add)
    }

    /// The numbers from `first` to `last` that are not there, as ranges.
    pub(crate) fn holes(&self, first: u64, last: u64) -> Vec<(u64, u64)> {
        let mut holes = Vec::new();
        let mut next = first;
        for run in self.iter() {
            if run.first > next && next <= last {
                holes.push((next, last.min(run.first - 1)));
            }
            next = next.max(run.last.saturating_add(1));
        }
        if next <= last {
            holes.push((next, last));
        }
        holes
    }

    /// The events whose chain is not that of the event right before them. 1 is among them where the epoch's chain
    /// does not begin as it has to.
    pub(crate) fn broken_links(&self, begin: Chain) -> Vec<u64> {
        let mut broken = Vec::new();
        let (mut last, mut after) = (0, begin);
        for run in self.iter() {
            if run.first == last + 1 && run.before != after {
                broken.push(run.first);
            }
            (last, after) = (run.last, run.after);
        }
        broken
    }
}

#[cfg(test)]
mod test {
    use super::*;

    /// Chains named by the event before them.
    fn chain(name: u64) -> Chain {
        Chain::begin(&name.to_string())
    }

    fn run(first: u64, last: u64) -> Run {
        Run { first, last, before: chain(first - 1), after: chain(last) }
    }

    fn borders(runs: &Runs) -> Vec<(u64, u64)> {
        runs.iter().map(|run| (run.first, run.last)).collect()
    }

    #[test]
    fn runs_that_touch_become_one_in_whatever_order_they_come() {
        let mut runs = Runs::default();
        assert_eq!(runs.add(run(1, 3)), 1);
        assert_eq!(runs.add(run(7, 9)), 1);
        assert_eq!(runs.add(run(10, 12)), 0);
        assert_eq!(borders(&runs), [(1, 3), (7, 12)]);
        assert_eq!(runs.add(run(4, 6)), -1);
        assert_eq!(borders(&runs), [(1, 12)]);
        assert!(runs.broken_links(chain(0)).is_empty());
        assert_eq!((runs.events(), runs.last().map(|run| run.after)), (12, Some(chain(12))));
    }

    #[test]
    fn a_link_that_does_not_fit_is_broken_and_a_hole_is_not() {
        let mut runs = Runs::default();
        runs.add(run(1, 3));
        runs.add(Run { before: chain(99), ..run(4, 6) });
        runs.add(Run { before: chain(98), ..run(9, 9) });
        assert_eq!(borders(&runs), [(1, 3), (4, 6), (9, 9)]);
        assert_eq!(runs.broken_links(chain(0)), [4]);
        assert_eq!(runs.broken_links(chain(77)), [1, 4]);
    }

    #[test]
    fn holes_are_those_within_the_range_asked_for() {
        let mut runs = Runs::default();
        assert_eq!(runs.holes(1, 5), [(1, 5)]);
        for (first, last) in [(3, 4), (8, 8), (20, 30)] {
            runs.add(run(first, last));
        }
        assert_eq!(runs.holes(1, 30), [(1, 2), (5, 7), (9, 19)]);
        assert_eq!(runs.holes(6, 10), [(6, 7), (9, 10)]);
        assert_eq!(runs.holes(25, 40), [(31, 40)]);
        assert!(runs.holes(3, 4).is_empty() && runs.holes(5, 4).is_empty());
    }

    #[test]
    fn an_event_is_found_in_its_run() {
        let mut runs = Runs::default();
        runs.add(run(3, 5));
        assert_eq!(runs.find(5).map(|run| run.first), Some(3));
        assert!(runs.find(2).is_none() && runs.find(6).is_none());
    }
}
