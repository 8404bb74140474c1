//! When a stream that was too slow for its sessions is well again.
//!
//! A mark is set at the end of what is published, and the time until all before it is durable is taken: that is what a session
//! would have waited that had published the last of it. Then the next mark is set. The stream is well when every mark
//! of the last second was reached in time.

use std::time::{Duration, Instant};

/// How long everything has to have become durable in time: a stream that comes and goes is not well.
const SETTLED: Duration = Duration::from_secs(1);

/// See the module. Positions are those of the ring.
#[derive(Debug)]
pub struct Recovery {
    mark: u64,
    marked_at: Instant,
    well_since: Option<Instant>,
}

impl Recovery {
    /// Begins where `published` is the end of what is published.
    #[must_use]
    pub fn begin(published: u64, now: Instant) -> Self {
        Self { mark: published, marked_at: now, well_since: None }
    }

    /// Looks again; whether the stream is well. `limit` is how long a session waits at most.
    pub fn look(&mut self, published: u64, durable: u64, now: Instant, limit: Duration) -> bool {
        let in_time = now.saturating_duration_since(self.marked_at) <= limit;
        if !in_time {
            self.well_since = None;
        }
        if durable < self.mark {
            // What is pending proves nothing yet.
            return false;
        }
        (self.mark, self.marked_at) = (published, now);
        in_time && now.saturating_duration_since(*self.well_since.get_or_insert(now)) >= SETTLED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(500);
    const STEP: Duration = Duration::from_millis(100);

    /// Looks every 100 ms, with what is published and durable then; after how many looks the stream is well.
    fn well_after(looks: impl IntoIterator<Item = (u64, u64)>) -> Option<usize> {
        let mut now = Instant::now();
        let mut recovery = Recovery::begin(100, now);
        looks.into_iter().position(|(published, durable)| {
            now += STEP;
            recovery.look(published, durable, now, LIMIT)
        })
    }

    #[test]
    fn a_stream_on_which_nothing_waits_is_well_after_a_second() {
        assert_eq!(well_after((0..100).map(|_| (100, 100))), Some(10));
    }

    #[test]
    fn a_stream_that_takes_nothing_is_never_well() {
        assert_eq!(well_after((0..1000).map(|n| (100 + n, 99))), None);
    }

    #[test]
    fn a_stream_that_is_always_as_much_behind_as_is_allowed_is_well() {
        // Durable is what was published 300 ms ago.
        let looks = (0..100_u64).map(|n| (100 + n, 100 + n.saturating_sub(3)));
        assert!(well_after(looks).is_some());
    }

    #[test]
    fn a_stream_that_is_further_behind_is_not() {
        let looks = (0..1000_u64).map(|n| (100 + n, 99 + n.saturating_sub(8)));
        assert_eq!(well_after(looks), None);
    }

    #[test]
    fn a_stream_that_is_slower_than_allowed_is_not_well_because_one_request_was_half_done_at_the_beginning() {
        // Requests take 700 ms each, one at a time; the first ends 300 ms after the beginning.
        let durable = |n: u64| if n < 3 { 99 } else { 100 + (n - 3) / 7 * 7 };
        assert_eq!(well_after((0..1000).map(|n| (101 + n, durable(n)))), None);
    }

    #[test]
    fn a_stream_that_hangs_again_and_again_is_not() {
        // For half a second all is durable, for a second nothing more becomes it.
        let looks = (0..1000_u64).map(|n| (100 + n, if n % 15 < 5 { 100 + n } else { 100 + n - n % 15 }));
        assert_eq!(well_after(looks), None);
    }
}
