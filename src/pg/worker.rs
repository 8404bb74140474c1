//! The background worker as the server knows it: registration, waiting, reloading, ending.

use std::ffi::{CStr, c_char, c_int};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use pgrx::pg_sys;

use super::ffi::activity_pg_exit;

/// Seconds until the postmaster starts the worker again after it ended with an exit code other than zero.
const RESTART_SECONDS: c_int = 1;

fn fill<const N: usize>(field: &mut [c_char; N], text: &CStr) {
    for (to, from) in field.iter_mut().take(N - 1).zip(text.to_bytes()) {
        *to = *from as c_char;
    }
}

/// Registers the worker; `activity_stream_worker_main` is its entry. While preloading only.
pub(crate) fn register() {
    let mut worker = pg_sys::BackgroundWorker {
        // Shared memory for its latch; no database: the worker reads no catalog and runs on standbys too.
        bgw_flags: pg_sys::BGWORKER_SHMEM_ACCESS as c_int,
        bgw_start_time: pg_sys::BgWorkerStartTime::BgWorkerStart_PostmasterStart,
        bgw_restart_time: RESTART_SECONDS,
        ..Default::default()
    };
    fill(&mut worker.bgw_name, c"activity_stream worker");
    fill(&mut worker.bgw_type, c"activity_stream worker");
    fill(&mut worker.bgw_library_name, c"activity_stream");
    fill(&mut worker.bgw_function_name, c"activity_stream_worker_main");
    // SAFETY: the server copies the struct.
    unsafe { pg_sys::RegisterBackgroundWorker(&mut worker) };
}

/// Waits until the latch is set, `wake` is readable or `timeout` is over. Ends the process where the postmaster died.
pub(crate) fn wait(wake: BorrowedFd<'_>, timeout: Duration) {
    let milliseconds = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
    let events =
        pg_sys::WL_LATCH_SET | pg_sys::WL_SOCKET_READABLE | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    // SAFETY: main thread of the worker; the descriptor is open as long as it is borrowed.
    unsafe {
        pg_sys::WaitLatchOrSocket(
            pg_sys::MyLatch,
            events as c_int,
            wake.as_raw_fd(),
            milliseconds,
            pg_sys::PG_WAIT_EXTENSION,
        );
        pg_sys::ResetLatch(pg_sys::MyLatch);
    }
}

/// Serves what the server asks of every process.
pub(crate) fn serve_interrupts() {
    pgrx::check_for_interrupts!();
}

/// Reads the configuration anew where that was asked for; whether it was.
pub(crate) fn reload_if_asked() -> bool {
    // SAFETY: a flag of the server that its SIGHUP handler sets, and the function that serves it.
    unsafe {
        if pg_sys::ConfigReloadPending == 0 {
            return false;
        }
        pg_sys::ConfigReloadPending = 0;
        pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
    }
    true
}

/// Ends the worker. Code 0: for good. Code 1: the postmaster starts it again after a second.
pub(crate) fn exit(code: c_int) -> ! {
    // SAFETY: the regular way out of a process of the server; it does not come back.
    unsafe { activity_pg_exit(code) }
}

/// The process id.
pub(crate) fn pid() -> i32 {
    // SAFETY: a plain value of the server.
    unsafe { pg_sys::MyProcPid }
}
