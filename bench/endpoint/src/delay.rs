//! Holds an answer back, to some ten microseconds.
//!
//! A thread that sleeps is woken late: by the timer's slack (50 µs unless told otherwise) and by the time that the processor takes to
//! come back. The slack is given up once, for all threads. The rest is learned: each sleep asks for so much less as the last ones
//! were late, and what is left to the moment is spun out. The longest spin is bounded, so that a delay costs little CPU time.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A delay longer than this is a typing error.
const MAX_DELAY_MILLIS: f64 = 60_000.0;
/// How much earlier a sleep may end than the delay asks for.
const MAX_EARLY_NANOS: u64 = 200_000;
/// The weight of one sleep in what is learned: one in so many.
const LEARNED_OVER: u64 = 16;

/// The delay, and what it was in truth.
#[derive(Debug)]
pub(crate) struct Delay {
    nanos: AtomicU64,
    early_nanos: AtomicU64,
    held: AtomicU64,
    held_nanos: AtomicU64,
    longest_nanos: AtomicU64,
}

/// Answers that were held back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) answers: u64,
    /// From the request to the answer, in all.
    pub(crate) total: Duration,
    pub(crate) longest: Duration,
}

impl Delay {
    pub(crate) fn new(delay: Duration) -> Self {
        let new = Self {
            nanos: AtomicU64::new(0),
            early_nanos: AtomicU64::new(0),
            held: AtomicU64::new(0),
            held_nanos: AtomicU64::new(0),
            longest_nanos: AtomicU64::new(0),
        };
        new.set(delay);
        new
    }

    /// For requests that arrive from now on.
    pub(crate) fn set(&self, delay: Duration) {
        self.nanos.store(nanos(delay), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    pub(crate) fn held(&self) -> Held {
        Held {
            answers: self.held.load(Ordering::Relaxed),
            total: Duration::from_nanos(self.held_nanos.load(Ordering::Relaxed)),
            longest: Duration::from_nanos(self.longest_nanos.load(Ordering::Relaxed)),
        }
    }

    /// Returns when the delay since `arrived` is over.
    #[expect(clippy::disallowed_methods, reason = "to let time go by is what this is for")]
    pub(crate) fn hold(&self, arrived: Instant) {
        let delay = self.get();
        if delay.is_zero() {
            return;
        }
        let early = Duration::from_nanos(self.early_nanos.load(Ordering::Relaxed));
        let sleep = delay.saturating_sub(arrived.elapsed()).saturating_sub(early);
        if !sleep.is_zero() {
            let begin = Instant::now();
            thread::sleep(sleep);
            self.learn(nanos(begin.elapsed().saturating_sub(sleep)));
        }
        while arrived.elapsed() < delay {
            std::hint::spin_loop();
        }
        let took = nanos(arrived.elapsed());
        self.held.fetch_add(1, Ordering::Relaxed);
        self.held_nanos.fetch_add(took, Ordering::Relaxed);
        self.longest_nanos.fetch_max(took, Ordering::Relaxed);
    }

    /// One sleep among threads that do the same may be forgotten; the next one tells about as much.
    fn learn(&self, late_nanos: u64) {
        let known = self.early_nanos.load(Ordering::Relaxed);
        let learned = (known * (LEARNED_OVER - 1) + late_nanos.min(MAX_EARLY_NANOS)) / LEARNED_OVER;
        self.early_nanos.store(learned, Ordering::Relaxed);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A delay as it is written: milliseconds, with or without a fraction.
pub(crate) fn from_millis(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(millis) if (0.0..=MAX_DELAY_MILLIS).contains(&millis) => Ok(Duration::from_secs_f64(millis / 1e3)),
        _ => Err(format!("a delay is 0 to {MAX_DELAY_MILLIS} milliseconds")),
    }
}

/// Gives up the timer's slack of this thread, and so of all that are made by it (see proc(5), `timerslack_ns`).
pub(crate) fn wake_threads_on_time() -> io::Result<()> {
    std::fs::write("/proc/self/timerslack_ns", "1")
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn no_answer_is_early_and_what_is_told_is_what_it_took() {
        let delay = Delay::new(Duration::from_millis(2));
        let begin = Instant::now();
        for _ in 0..20 {
            let arrived = Instant::now();
            delay.hold(arrived);
            assert!(arrived.elapsed() >= Duration::from_millis(2));
        }
        let held = delay.held();
        assert_eq!(held.answers, 20);
        assert!(held.total >= Duration::from_millis(40) && held.total <= begin.elapsed(), "{held:?}");
        assert!(held.longest >= Duration::from_millis(2) && held.longest <= held.total, "{held:?}");
    }

    #[test]
    fn the_time_that_went_by_already_counts() {
        // Half of it has gone by when the request is handed over.
        let delay = Delay::new(Duration::from_millis(200));
        let arrived =
            Instant::now().checked_sub(Duration::from_millis(100)).expect("a machine that has booted");
        let begin = Instant::now();
        delay.hold(arrived);
        assert!(begin.elapsed() >= Duration::from_millis(95));
        let held = delay.held();
        assert!(held.total >= Duration::from_millis(200) && held.total > begin.elapsed(), "{held:?}");
    }

    #[test]
    fn without_a_delay_nothing_is_held() {
        let delay = Delay::new(Duration::ZERO);
        delay.hold(Instant::now());
        assert_eq!(delay.held(), Held { answers: 0, total: Duration::ZERO, longest: Duration::ZERO });
    }

    #[test]
    fn what_is_learned_is_bounded() {
        let delay = Delay::new(Duration::from_millis(1));
        for _ in 0..1000 {
            delay.learn(u64::MAX);
        }
        let early = delay.early_nanos.load(Ordering::Relaxed);
        assert!(early <= MAX_EARLY_NANOS && early > MAX_EARLY_NANOS / 2, "{early}");
    }

    #[test]
    fn a_delay_is_written_in_milliseconds() {
        assert_eq!(from_millis("5"), Ok(Duration::from_millis(5)));
        assert_eq!(from_millis("0.25"), Ok(Duration::from_micros(250)));
        for wrong in ["", "-1", "NaN", "inf", "1e9", "5ms"] {
            assert!(from_millis(wrong).is_err(), "{wrong}");
        }
    }
}
