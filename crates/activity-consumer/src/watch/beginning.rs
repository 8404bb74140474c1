//! What lies before the watch: in epochs that were under way when it began, numbers that are missing there prove nothing.
//!
//! Records of one shard overtake those of another, and shards begin to be read one after the other. So of an epoch whose first
//! event was not read, the records that arrived until all shards were being read, and for `--settle` after that, only make its *baseline*: the highest number
//! among them, raised to what comes before the first record behind them. Gaps above it count.
//!
//! An epoch that begins later is judged as a whole, and so is one whose first event was read.

use std::collections::BTreeMap;
use std::time::Duration;

/// Most epochs that were under way; of more, none has a baseline, and each gap in them is an alarm.
const MAX_EPOCHS: usize = 1024;

/// An epoch that was under way.
#[derive(Debug, Clone, Copy)]
struct UnderWay {
    baseline: u64,
    /// No record came yet that arrived after the beginning.
    is_open: bool,
}

/// The beginning of a watch.
#[derive(Debug)]
pub(crate) struct Beginning {
    length: Duration,
    /// The earliest arrival, on the clock of arrivals; of several shards the latest one when all of them were being read.
    first: Option<Duration>,
    latest: Option<Duration>,
    is_positioned: bool,
    /// `None` for those that are judged as a whole.
    epochs: BTreeMap<String, Option<UnderWay>>,
}

impl Beginning {
    pub(crate) fn new(length: Duration) -> Self {
        Self { length, first: None, latest: None, is_positioned: false, epochs: BTreeMap::new() }
    }

    /// A record of any kind arrived.
    pub(crate) fn arrived(&mut self, at: Duration) {
        self.latest = self.latest.max(Some(at));
        self.first = match self.first {
            Some(first) if self.is_positioned => Some(first),
            first => Some(first.map_or(at, |first| first.min(at))),
        };
    }

    /// Every shard is being read: what came to some of them before may be missing of others.
    pub(crate) fn positioned(&mut self) {
        (self.first, self.is_positioned) = (self.latest, true);
    }

    /// A record with events of these numbers arrived.
    pub(crate) fn events(&mut self, epoch: &str, first: u64, last: u64, at: Duration) {
        let is_in_it = !self.is_positioned || self.first.is_none_or(|begun| at <= begun + self.length);
        if let Some(known) = self.epochs.get_mut(epoch) {
            match known {
                _ if first == 1 => *known = None,
                Some(under_way) if under_way.is_open => {
                    let raised = if is_in_it { last } else { first - 1 };
                    under_way.baseline = under_way.baseline.max(raised);
                    under_way.is_open = is_in_it;
                }
                Some(_) | None => {}
            }
        } else if is_in_it && self.epochs.len() < MAX_EPOCHS {
            let under_way = UnderWay { baseline: last, is_open: true };
            self.epochs.insert(epoch.to_owned(), (first > 1).then_some(under_way));
        }
    }

    /// Whether events up to this one lie before the watch.
    pub(crate) fn covers(&self, epoch: &str, last: u64) -> bool {
        self.epochs.get(epoch).copied().flatten().is_some_and(|under_way| last <= under_way.baseline)
    }
}

#[cfg(test)]
mod test {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn beginning(records: &[(u64, u64, u64)]) -> Beginning {
        let mut beginning = Beginning::new(s(10));
        beginning.positioned();
        for (at, first, last) in records {
            beginning.arrived(s(*at));
            beginning.events("e", *first, *last, s(*at));
        }
        beginning
    }

    #[test]
    fn a_gap_among_the_first_records_counts_only_where_the_epoch_was_read_from_its_beginning() {
        assert!(beginning(&[(100, 50, 59), (101, 70, 79)]).covers("e", 69));
        assert!(!beginning(&[(100, 50, 59), (101, 1, 9)]).covers("e", 49));
        assert!(!beginning(&[(100, 1, 9), (101, 20, 29)]).covers("e", 19));
    }

    #[test]
    fn what_was_put_while_the_shards_were_opened_may_be_missing_up_to_the_first_record_after_it() {
        // 60 to 69 was put on another shard before that one was read.
        let quiet = beginning(&[(100, 50, 59), (150, 70, 79), (151, 90, 99)]);
        assert!(quiet.covers("e", 69) && !quiet.covers("e", 89));
    }

    #[test]
    fn the_beginning_lasts_from_when_every_shard_is_read() {
        let mut beginning = Beginning::new(s(10));
        for (at, first) in [(100, 50), (130, 70)] {
            beginning.arrived(s(at));
            beginning.events("e", first, first + 9, s(at));
        }
        beginning.positioned();
        beginning.arrived(s(139));
        beginning.events("e", 90, 99, s(139));
        assert!(beginning.covers("e", 89));
        beginning.arrived(s(141));
        beginning.events("e", 120, 129, s(141));
        assert!(beginning.covers("e", 119) && !beginning.covers("e", 130));
    }

    #[test]
    fn an_epoch_that_begins_later_is_judged_as_a_whole() {
        let mut beginning = Beginning::new(s(10));
        beginning.positioned();
        beginning.arrived(s(100));
        beginning.events("later", 5, 9, s(111));
        assert!(!beginning.covers("later", 4));
    }
}
