//! Where failures of our own bookkeeping end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pgrx::pg_sys;

/// Runs `f`; a panic or a server error raised in it ends here and gives `None`.
///
/// The server's ereport resets the counts that hold interrupts off (elog.c, errfinish); they are put back, because
/// the statement around us goes on as though nothing had happened.
pub(crate) fn contain<R>(f: impl FnOnce() -> R) -> Option<R> {
    // SAFETY: plain process-local integers of the server, read and written on the main thread.
    let (interrupts, cancels) = unsafe { (pg_sys::InterruptHoldoffCount, pg_sys::QueryCancelHoldoffCount) };
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Some(value),
        Err(_) => {
            // SAFETY: as above.
            unsafe {
                pg_sys::InterruptHoldoffCount = interrupts;
                pg_sys::QueryCancelHoldoffCount = cancels;
            }
            crate::capture::note_contained_failure();
            None
        }
    }
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
