//! That work grows with the length of a text alone: by this thread's processor time, since the machine has others to serve.
#![expect(unsafe_code, reason = "a thread's processor time is asked of the C library")]

use std::time::Duration;

/// A text is repeated to this length before its work is measured: long enough that the square of it shows.
const MEASURED_BYTES: usize = 32 * 1024;

/// What the work on as much text may take: some fifty times what it does take, in an instrumented build.
const MOST_TIME: Duration = Duration::from_millis(250);

/// Whether this input is one that is measured: its first byte tells, and does not belong to the text. One in 256, since the work on
/// it takes as long as that on hundreds of the others.
pub(crate) fn is_measured(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| *first == 0)
}

/// Panics where the work on many repetitions of `text` is out of proportion.
pub(crate) fn assert_linear(text: &str, work: impl Fn(&str)) {
    if text.is_empty() {
        return;
    }
    let long = text.repeat(MEASURED_BYTES / text.len());
    let before = thread_time();
    work(&long);
    let took = thread_time() - before;
    assert!(took < MOST_TIME, "{} bytes took {took:?}", long.len());
}

fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable for the length of the call.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0, "the thread's clock cannot be read");
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
