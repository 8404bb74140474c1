//! The clocks, in the unit of the events.

/// Microseconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    read(libc::CLOCK_REALTIME)
}

/// Microseconds of the clock that nobody sets, the same for all processes of the machine.
pub(crate) fn monotonic() -> i64 {
    read(libc::CLOCK_MONOTONIC)
}

fn read(clock: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: fills a local; for the clocks that every system has, the call cannot fail.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec * 1_000_000 + time.tv_nsec / 1_000
}
