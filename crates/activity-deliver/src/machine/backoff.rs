//! Pauses between attempts, with full jitter: any time from none to a ceiling that doubles.

use std::time::Duration;

/// The SplitMix64 generator: enough for jitter, and a seed repeats a run.
#[derive(Debug, Clone)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Any time up to `ceiling`.
    fn up_to(&mut self, ceiling: Duration) -> Duration {
        let steps = u128::from(u64::try_from(ceiling.as_nanos()).unwrap_or(u64::MAX)) + 1;
        let nanos = (u128::from(self.next()) * steps) >> 64;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// Counts failures in a row.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new((first, longest): (Duration, Duration)) -> Self {
        Self { first, longest, failures: 0 }
    }

    /// The pause after another failure.
    pub(crate) fn fail(&mut self, jitter: &mut Jitter) -> Duration {
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(self.failures));
        self.failures = self.failures.saturating_add(1);
        jitter.up_to(doubled.min(self.longest))
    }

    /// It worked.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_cover_the_whole_range() {
        let ceilings = [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000];
        let mut longest = [Duration::ZERO; 9];
        let mut shortest = [Duration::MAX; 9];
        for seed in 0..500 {
            let mut jitter = Jitter::new(seed);
            let mut backoff = Backoff::new((Duration::from_millis(50), Duration::from_secs(5)));
            for i in 0..ceilings.len() {
                let pause = backoff.fail(&mut jitter);
                longest[i] = longest[i].max(pause);
                shortest[i] = shortest[i].min(pause);
            }
            backoff.reset();
            assert!(backoff.fail(&mut jitter) <= Duration::from_millis(50));
        }
        for (i, ceiling) in ceilings.into_iter().map(Duration::from_millis).enumerate() {
            assert!(longest[i] <= ceiling && longest[i] > ceiling * 9 / 10, "{i}: {longest:?}");
            assert!(shortest[i] < ceiling / 10, "{i}: {shortest:?}");
        }
    }

    #[test]
    fn failures_without_end_do_not_overflow() {
        let mut backoff = Backoff::new((Duration::from_millis(200), Duration::from_secs(30)));
        backoff.failures = u32::MAX;
        assert!(backoff.fail(&mut Jitter::new(1)) <= Duration::from_secs(30));
    }
}
