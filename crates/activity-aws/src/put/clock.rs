//! By how much the service's clock is ahead of ours: it refuses signatures that are five minutes off
//! (IAM User Guide, "Troubleshoot Signature Version 4 requests").

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_types::date_time::{DateTime, Format};

/// Less than this is no reason for a refusal, and what an answer was under way may be a part of it. The SDK draws the line there, too.
const SIGNIFICANT: Duration = Duration::from_mins(4);

/// The difference as the last refusal told it, in seconds; 0 where it is not significant.
#[derive(Debug, Default)]
pub(super) struct ServiceClock(AtomicI64);

impl ServiceClock {
    /// A time of ours as the service has it.
    pub(super) fn at(&self, ours: SystemTime) -> SystemTime {
        let seconds = self.0.load(Ordering::Relaxed);
        let distance = Duration::from_secs(seconds.unsigned_abs());
        let theirs = if seconds < 0 { ours.checked_sub(distance) } else { ours.checked_add(distance) };
        theirs.unwrap_or(ours)
    }

    /// Learns from the header `Date` of a refusal.
    pub(super) fn learn(&self, date: Option<&str>, ours: SystemTime) {
        let Some(theirs) = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok()) else {
            return;
        };
        let ahead = theirs.secs().saturating_sub(DateTime::from(ours).secs());
        let significant = ahead.unsigned_abs() >= SIGNIFICANT.as_secs();
        self.0.store(if significant { ahead } else { 0 }, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn seen(clock: &ServiceClock, ours: SystemTime) -> i64 {
        DateTime::from(clock.at(ours)).secs()
    }

    #[test]
    fn a_clock_that_is_far_off_is_followed_and_one_that_was_set_is_believed_again() {
        let clock = ServiceClock::default();
        let ours = UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(seen(&clock, ours), 1_000_000);
        for (date, expected) in [
            (Some("Mon, 12 Jan 1970 14:46:40 GMT"), 1_003_600),
            (Some("Mon, 12 Jan 1970 12:46:40 GMT"), 996_400),
            (None, 996_400),
            (Some("yesterday"), 996_400),
            (Some("Mon, 12 Jan 1970 13:50:39 GMT"), 1_000_000),
        ] {
            clock.learn(date, ours);
            assert_eq!(seen(&clock, ours), expected, "{date:?}");
        }
    }
}
