//! This process and its neighbours: latches, waiting, roles.

use std::time::Duration;

use pgrx::pg_sys;

use super::ffi::{
    activity_pg_in_transaction, activity_pg_is_walsender, activity_pg_my_proc_number, activity_pg_set_latch,
    activity_pg_statement_time_left_ms, activity_pg_take_cancel,
};
use super::{compat, guard};

/// The place of this process among the server's; `None` before it has one (early in a login).
pub(crate) fn my_number() -> Option<usize> {
    // SAFETY: reads process-local state.
    usize::try_from(unsafe { activity_pg_my_proc_number() }).ok()
}

/// Wakes the process at that place.
pub(crate) fn set_latch(number: usize) {
    if let Ok(number) = i32::try_from(number) {
        // SAFETY: the C side checks the number; setting any process's latch is harmless.
        unsafe { activity_pg_set_latch(number) };
    }
}

/// Whether this process serves replication. The server stops those when its workers are gone (postmaster.c, PM_SHUTDOWN_2).
pub(crate) fn is_walsender() -> bool {
    // SAFETY: reads a flag of the process.
    unsafe { activity_pg_is_walsender() }
}

/// Why a wait of a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// The latch was set, or nothing in particular happened: look again.
    Look,
    /// The user asked to cancel the statement. The request is taken off.
    Cancelled,
    /// The server wants something of the process, its end among other things. The request stays for the server to serve.
    Interrupted,
}

/// What ends a wait, of that which the server wants of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupts {
    /// A cancel, which is taken off, and the end of the process: nothing can be served at present.
    Heard,
    /// All; a cancel is taken off, the rest is the server's to serve.
    ButCancel,
    /// All, and all of it is the server's to serve.
    Served,
}

/// Waits on the latch of this session, at most `timeout`. Ends the process where the postmaster died.
pub(crate) fn wait_on_my_latch(timeout: Duration, interrupts: Interrupts) -> Woken {
    let milliseconds = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX).max(1);
    // SAFETY: main thread. The flags are the server's own, handled as SyncRepWaitForLSN (syncrep.c) does. A barrier is served
    // as ProcessInterrupts would: others wait for it.
    unsafe {
        if pg_sys::ProcDiePending != 0 {
            return Woken::Interrupted;
        }
        if interrupts != Interrupts::Served && activity_pg_take_cancel() {
            return Woken::Cancelled;
        }
        if interrupts != Interrupts::Heard && pg_sys::InterruptPending != 0 {
            return Woken::Interrupted;
        }
        if pg_sys::ProcSignalBarrierPending != 0 {
            pg_sys::ProcessProcSignalBarrier();
        }
        let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
        pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, milliseconds, compat::wait_event());
        pg_sys::ResetLatch(pg_sys::MyLatch);
    }
    Woken::Look
}

/// The time that the client's statement has left by statement_timeout, where the server does not watch it any more.
pub(crate) fn statement_time_left() -> Option<Duration> {
    // SAFETY: reads process-local state.
    u64::try_from(unsafe { activity_pg_statement_time_left_ms() }).ok().map(Duration::from_millis)
}

/// Whether this process may wait for something: it has a latch of its own and is not on its way out in a way
/// that forbids it.
pub(crate) fn can_wait() -> bool {
    // SAFETY: plain process-local state of the server.
    unsafe { !pg_sys::MyLatch.is_null() && !pg_sys::MyProc.is_null() && pg_sys::CritSectionCount == 0 }
}

/// Whether this process is in a transaction that works, and no error is under way: names can be looked up.
pub(crate) fn catalog_usable() -> bool {
    // SAFETY: raises nothing; reads the state of the transaction.
    unsafe { activity_pg_in_transaction() && !guard::error_underway() }
}
