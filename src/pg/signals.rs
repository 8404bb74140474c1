//! Signals of the worker's process and of its threads.

use std::mem::MaybeUninit;

use super::ffi::{
    activity_pg_refused_signals, activity_pg_stop_immediately, activity_pg_stop_requested,
    activity_pg_worker_signals,
};

/// Installs the worker's handlers and lets signals in.
pub(crate) fn install_for_worker() {
    // SAFETY: main thread of the worker, once, before anything waits.
    unsafe { activity_pg_worker_signals() };
}

/// Whether the postmaster asked the worker to end.
pub(crate) fn stop_requested() -> bool {
    // SAFETY: reads a flag.
    unsafe { activity_pg_stop_requested() }
}

/// Whether it did that for an immediate shutdown: it kills what is there after five seconds (postmaster.c,
/// SIGKILL_CHILDREN_AFTER_SECS).
pub(crate) fn stop_immediately() -> bool {
    // SAFETY: reads a flag.
    unsafe { activity_pg_stop_immediately() }
}

/// How many requests to end came from others and were refused.
pub(crate) fn refused() -> u64 {
    // SAFETY: reads a counter.
    unsafe { activity_pg_refused_signals() }
}

/// Runs `f` with every signal blocked. Threads that it starts inherit that for good: no handler of the server ever
/// runs on them.
pub(crate) fn blocked<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(libc::sigset_t);
    impl Drop for Restore {
        fn drop(&mut self) {
            // SAFETY: a set that pthread_sigmask filled.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
        }
    }
    let mut all = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: both sets are filled before they are read.
    let _restore = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        Restore(before.assume_init())
    };
    f()
}
