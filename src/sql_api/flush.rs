//! `activity_stream.flush(timeout)`.

use std::time::Duration;

use pgrx::prelude::*;

use crate::ack::{self, Waited};
use crate::capture;
use crate::pg::log::{self, sqlstate};

/// Longest wait that may be asked for.
const MAX_TIMEOUT_MS: i64 = 24 * 3600 * 1000;

/// Waits until everything that this session published is on the stream, at most `timeout` milliseconds; whether it is.
#[pg_extern]
fn activity_stream_flush(timeout_ms: i64) -> bool {
    if !(0..=MAX_TIMEOUT_MS).contains(&timeout_ms) {
        log::error(
            sqlstate::INVALID_PARAMETER,
            "timeout of activity_stream.flush is out of range",
            "It must be between 0 and 24 hours.",
            "",
        );
    }
    let timeout = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
    match ack::wait(capture::published_through(), timeout) {
        Waited::Durable => true,
        Waited::TimedOut | Waited::NotNow | Waited::Released | Waited::Interrupted => false,
        Waited::Cancelled => {
            log::error(sqlstate::CANCELLED, "canceling statement due to user request", "", "");
            false
        }
    }
}
