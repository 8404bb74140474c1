//! Where failures of our own bookkeeping end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use pgrx::pg_sys;

/// An error of the server is being caught or reported while our callback runs.
static ERROR_UNDERWAY: AtomicBool = AtomicBool::new(false);

/// Whether an error is being caught or reported at this moment. Then nothing may be called that can raise another one: to
/// end that one would take the first from the server's stack of errors (elog.c, FlushErrorState).
pub(crate) fn error_underway() -> bool {
    ERROR_UNDERWAY.load(Ordering::Relaxed)
}

/// Runs `f` as what it is: code that runs while an error is under way.
pub(super) fn during_error<R>(f: impl FnOnce() -> R) -> R {
    let before = ERROR_UNDERWAY.swap(true, Ordering::Relaxed);
    let result = f();
    ERROR_UNDERWAY.store(before, Ordering::Relaxed);
    result
}

/// Runs `f`; a panic or a server error raised in it ends here and gives `None`.
///
/// Interrupts are held off meanwhile, so that a cancel is served by the user's statement and does not end here. The
/// server's ereport resets the counts that hold them off (elog.c, errfinish); they are put back, because the statement
/// around us goes on as though nothing had happened.
pub(crate) fn contain<R>(f: impl FnOnce() -> R) -> Option<R> {
    // SAFETY: plain process-local integers of the server, read and written on the main thread.
    let (interrupts, cancels) = unsafe {
        let before = (pg_sys::InterruptHoldoffCount, pg_sys::QueryCancelHoldoffCount);
        pg_sys::InterruptHoldoffCount = before.0 + 1;
        before
    };
    let result = catch_unwind(AssertUnwindSafe(f));
    // SAFETY: as above.
    unsafe {
        pg_sys::InterruptHoldoffCount = interrupts;
        pg_sys::QueryCancelHoldoffCount = cancels;
    }
    if result.is_err() {
        ERROR_UNDERWAY.store(false, Ordering::Relaxed);
        crate::capture::note_contained_failure();
    }
    result.ok()
}

/// Calls a C function that may raise a server error; the error becomes a panic.
///
/// # Safety
/// `f` must be sound to call on the main thread, and must not hold anything that needs dropping when it is left
/// by longjmp.
#[inline]
pub(crate) unsafe fn raising<R>(f: impl FnOnce() -> R) -> R {
    // SAFETY: passed on to the caller.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(f) }
}
