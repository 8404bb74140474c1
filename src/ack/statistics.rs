//! What the status view tells of the waits in sync mode.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Waited;
use crate::ring::Shared;

/// A wait is over.
pub(super) fn count(shared: &Shared, time: Duration, result: Waited) {
    if matches!(result, Waited::NotNow | Waited::Interrupted) {
        return;
    }
    let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    shared.sync_waits.fetch_add(1, Ordering::Relaxed);
    shared.sync_wait_us.fetch_add(microseconds, Ordering::Relaxed);
    shared.sync_wait_max_us.fetch_max(microseconds, Ordering::Relaxed);
    if result == Waited::TimedOut {
        shared.sync_timeouts.fetch_add(1, Ordering::Relaxed);
    }
}
