//! The background worker as the server knows it: registration, waiting, reloading, ending.

use std::ffi::{CStr, c_char, c_int};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use pgrx::pg_sys;

use super::compat;
use super::ffi::{activity_pg_exit, activity_pg_worker_is_registered};

/// Events of a [`WaitSet`].
const WAITED_FOR: c_int = 3;

/// Seconds until the postmaster starts the worker again after it ended with an exit code other than zero.
const RESTART_SECONDS: c_int = 1;

fn fill<const N: usize>(field: &mut [c_char; N], text: &CStr) {
    for (to, from) in field.iter_mut().take(N - 1).zip(text.to_bytes()) {
        *to = *from as c_char;
    }
}

const LIBRARY: &CStr = c"activity_stream";
const ENTRY: &CStr = c"activity_stream_worker_main";

/// Registers the worker. While preloading only; whether the server has room for it.
pub(crate) fn register() -> bool {
    let mut worker = pg_sys::BackgroundWorker {
        // Shared memory for its latch; no database: the worker reads no catalog and runs on standbys too.
        bgw_flags: pg_sys::BGWORKER_SHMEM_ACCESS as c_int,
        bgw_start_time: pg_sys::BgWorkerStartTime::BgWorkerStart_PostmasterStart,
        bgw_restart_time: RESTART_SECONDS,
        ..Default::default()
    };
    fill(&mut worker.bgw_name, c"activity_stream worker");
    fill(&mut worker.bgw_type, c"activity_stream worker");
    fill(&mut worker.bgw_library_name, LIBRARY);
    fill(&mut worker.bgw_function_name, ENTRY);
    // SAFETY: the server copies the struct; its list is looked at in the only process that there is yet.
    unsafe {
        pg_sys::RegisterBackgroundWorker(&mut worker);
        activity_pg_worker_is_registered(LIBRARY.as_ptr(), ENTRY.as_ptr())
    }
}

/// What the worker waits for: its latch, a descriptor, the death of the postmaster.
///
/// Made once, for the life of the process: WaitLatchOrSocket makes such a set for every single wait, which takes five system
/// calls beside the wait itself.
pub(crate) struct WaitSet {
    set: NonNull<pg_sys::WaitEventSet>,
    /// Open as long as the set waits for it.
    _wake: Arc<File>,
}

impl WaitSet {
    /// For the calling process. `None` where the server makes none.
    pub(crate) fn new(wake: Arc<File>) -> Option<Self> {
        let add = |set: NonNull<pg_sys::WaitEventSet>, events: u32, descriptor, latch| {
            // SAFETY: main thread; a set of this process that has room, and a latch or descriptor that outlives it.
            unsafe {
                pg_sys::AddWaitEventToSet(set.as_ptr(), events, descriptor, latch, std::ptr::null_mut())
            };
        };
        let set = NonNull::new(compat::new_wait_event_set(WAITED_FOR))?;
        // SAFETY: the latch of this process, which it has for as long as it lives.
        let latch = unsafe { pg_sys::MyLatch };
        add(set, pg_sys::WL_LATCH_SET, pg_sys::PGINVALID_SOCKET, latch);
        add(set, pg_sys::WL_EXIT_ON_PM_DEATH, pg_sys::PGINVALID_SOCKET, std::ptr::null_mut());
        add(set, pg_sys::WL_SOCKET_READABLE, wake.as_raw_fd(), std::ptr::null_mut());
        Some(Self { set, _wake: wake })
    }

    /// Waits until the latch is set, the descriptor is readable or `timeout` is over, and resets the latch. Ends the process where
    /// the postmaster died.
    pub(crate) fn wait(&self, timeout: Duration) {
        // Rounded up: a wait that ends before what it waited for is due is followed by another one.
        let milliseconds = i64::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX);
        let mut occurred = pg_sys::WaitEvent::default();
        // SAFETY: main thread of the worker; room for one event, as is said.
        unsafe {
            pg_sys::WaitEventSetWait(
                self.set.as_ptr(),
                milliseconds,
                &raw mut occurred,
                1,
                pg_sys::PG_WAIT_EXTENSION,
            );
            pg_sys::ResetLatch(pg_sys::MyLatch);
        }
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
