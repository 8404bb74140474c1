//! The ring, and how events travel from it.

use std::time::Duration;

use crate::pg::guc::{Context, Define, Description, Int, Unit};

static RING_SIZE: Int = Int::new(
    Description {
        name: c"activity_stream.ring_size",
        short: c"Sets the size of the shared memory that events wait in.",
        long: c"Rounded up to a power of two.",
        context: Context::Postmaster,
    },
    Unit::Kilobyte,
    64 * 1024,
    4 * 1024,
    8 * 1024 * 1024,
);

static BATCH_MAX_BYTES: Int = Int::new(
    Description {
        name: c"activity_stream.batch_max_bytes",
        short: c"Sets how many bytes of events one record holds before compression.",
        long: c"A single larger event travels alone.",
        context: Context::Reload,
    },
    Unit::Byte,
    512 * 1024,
    1024,
    700 * 1024,
);

static BATCH_LINGER: Int = Int::new(
    Description {
        name: c"activity_stream.batch_linger",
        short: c"Sets how long an event may wait for others to share its record.",
        long: c"In sync mode events do not wait.",
        context: Context::Reload,
    },
    Unit::Millisecond,
    200,
    1,
    60_000,
);

static MAX_IN_FLIGHT: Int = Int::new(
    Description {
        name: c"activity_stream.max_in_flight",
        short: c"Sets how many PutRecords requests are under way at once.",
        long: c"",
        context: Context::Reload,
    },
    Unit::None,
    16,
    1,
    64,
);

static DATA_KEY_MAX_AGE: Int = Int::new(
    Description {
        name: c"activity_stream.data_key_max_age",
        short: c"Sets how long a data key is used before KMS is asked for a new one.",
        long: c"",
        context: Context::Reload,
    },
    Unit::Second,
    3600,
    1,
    86_400,
);

static HEARTBEAT_INTERVAL: Int = Int::new(
    Description {
        name: c"activity_stream.heartbeat_interval",
        short: c"Sets the time between heartbeat records.",
        long: c"Zero sends none.",
        context: Context::Reload,
    },
    Unit::Millisecond,
    1000,
    0,
    3_600_000,
);

static SHUTDOWN_TIMEOUT: Int = Int::new(
    Description {
        name: c"activity_stream.shutdown_timeout",
        short: c"Sets how long a shutdown waits for what the last sessions published to be delivered.",
        long: c"",
        context: Context::Reload,
    },
    Unit::Millisecond,
    10_000,
    0,
    3_600_000,
);

static WORKER_STALL_TIMEOUT: Int = Int::new(
    Description {
        name: c"activity_stream.worker_stall_timeout",
        short: c"Sets how long the worker may not move before the server log says so.",
        long: c"Zero says nothing.",
        context: Context::Reload,
    },
    Unit::Millisecond,
    10_000,
    0,
    3_600_000,
);

/// In the order in which they are defined.
pub(super) static SETTINGS: &[&dyn Define] = &[
    &RING_SIZE,
    &BATCH_MAX_BYTES,
    &BATCH_LINGER,
    &MAX_IN_FLIGHT,
    &DATA_KEY_MAX_AGE,
    &HEARTBEAT_INTERVAL,
    &SHUTDOWN_TIMEOUT,
    &WORKER_STALL_TIMEOUT,
];

fn milliseconds(setting: &Int) -> Duration {
    Duration::from_millis(u64::try_from(setting.get()).unwrap_or(0))
}

/// Size of the ring, a power of two, bytes.
pub(crate) fn ring_bytes() -> usize {
    (usize::try_from(RING_SIZE.get()).unwrap_or(0) * 1024).next_power_of_two()
}

pub(super) fn batch_max_bytes() -> usize {
    usize::try_from(BATCH_MAX_BYTES.get()).unwrap_or(0)
}

pub(super) fn batch_linger() -> Duration {
    milliseconds(&BATCH_LINGER)
}

pub(super) fn max_in_flight() -> usize {
    usize::try_from(MAX_IN_FLIGHT.get()).unwrap_or(1)
}

pub(super) fn data_key_max_age() -> Duration {
    Duration::from_secs(u64::try_from(DATA_KEY_MAX_AGE.get()).unwrap_or(0))
}

pub(super) fn heartbeat_interval() -> Option<Duration> {
    Some(milliseconds(&HEARTBEAT_INTERVAL)).filter(|d| !d.is_zero())
}

pub(super) fn shutdown_timeout() -> Duration {
    milliseconds(&SHUTDOWN_TIMEOUT)
}

/// What counts as a stall of the worker, microseconds; `i64::MAX` where none does. Asked for every event.
#[inline]
pub(crate) fn worker_stall_timeout_us() -> i64 {
    match WORKER_STALL_TIMEOUT.get() {
        0 => i64::MAX,
        milliseconds => i64::from(milliseconds) * 1000,
    }
}

pub(super) fn worker_stall_timeout() -> Option<Duration> {
    Some(milliseconds(&WORKER_STALL_TIMEOUT)).filter(|d| !d.is_zero())
}
