//! What was read, counted, for `--stats`.

use std::time::{Duration, SystemTime};

use serde::Serialize;

/// Counts of one run.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    /// Records received, readable or not.
    pub(crate) records: u64,
    /// Their data, in bytes.
    pub(crate) bytes: u64,
    /// Events printed, heartbeats not counted.
    pub(crate) events: u64,
    /// Heartbeats received, printed or not.
    pub(crate) heartbeats: u64,
    /// Records that could not be read.
    pub(crate) unreadable_records: u64,
    lag: Histogram,
}

/// The line of `--stats`.
#[derive(Serialize)]
struct Line {
    records: u64,
    bytes: u64,
    events: u64,
    heartbeats: u64,
    unreadable_records: u64,
    kms_calls: u64,
    /// From an event's `logTime` to its printing; `null` where no event had one.
    lag_ms: Option<Lag>,
}

#[derive(Serialize)]
struct Lag {
    p50: u64,
    p95: u64,
    p99: u64,
    max: u64,
}

impl Stats {
    /// Counts a printed event that was logged at this time.
    pub(crate) fn printed(&mut self, logged: Option<SystemTime>) {
        self.events += 1;
        if let Some(logged) = logged {
            // A clock that is ahead of ours makes no negative lag.
            self.lag.add(SystemTime::now().duration_since(logged).unwrap_or_default());
        }
    }

    /// One line of JSON.
    pub(crate) fn to_json(&self, kms_calls: u64) -> String {
        let lag_ms = (self.lag.count > 0).then(|| Lag {
            p50: self.lag.percentile(50),
            p95: self.lag.percentile(95),
            p99: self.lag.percentile(99),
            max: self.lag.max,
        });
        let Self { records, bytes, events, heartbeats, unreadable_records, .. } = *self;
        let line = Line { records, bytes, events, heartbeats, unreadable_records, kms_calls, lag_ms };
        serde_json::to_string(&line).unwrap_or_default()
    }
}

/// Milliseconds in buckets that are at most an eighth of their value wide: percentiles are up to 12.5 % too high.
#[derive(Debug, Default)]
struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Histogram {
    fn add(&mut self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let bucket = bucket_of(ms);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count += 1;
        }
        self.count += 1;
        self.max = self.max.max(ms);
    }

    /// The value that this many percent do not exceed.
    fn percentile(&self, percent: u64) -> u64 {
        let rank = (self.count * percent).div_ceil(100);
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return top_of(bucket).min(self.max);
            }
        }
        self.max
    }
}

/// Values below 8 have a bucket each, then eight buckets for every doubling.
fn bucket_of(ms: u64) -> usize {
    let Some(doublings) = ms.checked_ilog2().and_then(|log| log.checked_sub(3)) else { return ms as usize };
    // Between 8 and 15.
    let leading = (ms >> doublings) as usize;
    8 * doublings as usize + leading
}

/// The largest value of a bucket.
fn top_of(bucket: usize) -> u64 {
    let Some(doublings) = (bucket / 8).checked_sub(1) else { return bucket as u64 };
    let leading = 8 + (bucket % 8) as u128;
    u64::try_from(((leading + 1) << doublings) - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn buckets_are_next_to_each_other_and_an_eighth_wide() {
        let mut last = 0;
        for ms in 0..100_000 {
            let bucket = bucket_of(ms);
            assert!(bucket == last || bucket == last + 1, "{ms}");
            assert!(top_of(bucket) >= ms && top_of(bucket) - ms <= ms / 8, "{ms}");
            last = bucket;
        }
        assert_eq!(top_of(bucket_of(u64::MAX)), u64::MAX);
    }

    #[test]
    fn percentiles_are_those_of_the_values() {
        let mut histogram = Histogram::default();
        for ms in 1..=1_000 {
            histogram.add(Duration::from_millis(ms));
        }
        for (percent, exact) in [(50, 500), (95, 950), (99, 990), (100, 1_000)] {
            let found = histogram.percentile(percent);
            assert!((exact..=exact + exact / 8).contains(&found), "{percent}: {found}");
        }
        assert_eq!(histogram.max, 1_000);
    }

    #[test]
    fn the_line_has_every_count() {
        let mut stats =
            Stats { records: 2, bytes: 10, heartbeats: 1, unreadable_records: 1, ..Stats::default() };
        assert_eq!(
            stats.to_json(3),
            r#"{"records":2,"bytes":10,"events":0,"heartbeats":1,"unreadable_records":1,"kms_calls":3,"lag_ms":null}"#
        );
        stats.printed(None);
        stats.printed(Some(SystemTime::now() + Duration::from_secs(60)));
        assert!(
            stats.to_json(3).ends_with(r#""lag_ms":{"p50":0,"p95":0,"p99":0,"max":0}}"#),
            "{}",
            stats.to_json(3)
        );
    }
}
