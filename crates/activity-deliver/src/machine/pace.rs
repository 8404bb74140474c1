//! How many requests are under way where each takes what there is, and nothing gathers.
//!
//! A request costs the worker about a fifth of a millisecond of a processor, whatever is in it. Where answers come fast, many
//! requests at once would each carry one event or two, and take the processor from the sessions that wait; the events of those
//! that come in between wait for the next answer instead, which comes soon. Where answers take long, the wait for a free
//! request would be what is felt.

use std::time::Duration;

/// Requests that are begun in a second. With 64 sessions that wait, and answers after 5 ms, 8 requests under way gave the least
/// latency of 4, 8 and 16; after 20 ms, 16.
const REQUESTS_PER_SECOND: u128 = 1500;
/// Never fewer than that under way.
const MIN_SLOTS: usize = 4;
/// The weight of the last answer's time in the mean, as a divisor.
const SMOOTHING: u32 = 8;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// What answers take, on the mean; `None` before the first.
    answer_time: Option<Duration>,
}

impl Pace {
    /// An answer came after so long.
    pub(super) fn answered(&mut self, took: Duration) {
        let mean = self.answer_time.unwrap_or(took);
        self.answer_time = Some(mean - mean / SMOOTHING + took / SMOOTHING);
    }

    /// Requests under way at once, of at most `most`.
    pub(super) fn slots(&self, most: usize) -> usize {
        let Some(mean) = self.answer_time else { return most };
        let slots = (mean.as_micros() * REQUESTS_PER_SECOND).div_ceil(1_000_000);
        usize::try_from(slots).unwrap_or(most).max(MIN_SLOTS).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots_after(milliseconds: u64, most: usize) -> usize {
        let mut pace = Pace::default();
        (0..100).for_each(|_| pace.answered(Duration::from_millis(milliseconds)));
        pace.slots(most)
    }

    #[test]
    fn the_longer_answers_take_the_more_requests_are_under_way() {
        assert_eq!([0, 1, 5, 10, 20, 1000].map(|ms| slots_after(ms, 16)), [4, 4, 8, 15, 16, 16]);
        assert_eq!([0, 20].map(|ms| slots_after(ms, 2)), [2, 2], "the setting is the most");
        assert_eq!(Pace::default().slots(16), 16, "nothing is known yet");
    }

    #[test]
    fn one_answer_that_took_long_changes_little() {
        let mut pace = Pace::default();
        (0..100).for_each(|_| pace.answered(Duration::from_millis(5)));
        pace.answered(Duration::from_millis(9));
        assert_eq!(pace.slots(16), 9);
    }
}
