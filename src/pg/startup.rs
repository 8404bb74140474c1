//! What is known and done while the postmaster starts.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use pgrx::pg_sys;

use super::ffi::{activity_pg_install_hooks, activity_pg_open_log_gate, activity_pg_proc_count};

/// Whether the postmaster is loading shared_preload_libraries at this moment.
pub(crate) fn preloading() -> bool {
    // SAFETY: a plain flag of the server.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress }
}

/// Whether this is a parallel worker that is taking over its leader's state.
pub(crate) fn joining_parallel_query() -> bool {
    // SAFETY: a plain flag of the server.
    unsafe { pg_sys::InitializingParallelWorker }
}

/// Whether this server has no background workers to deliver anything: single-user mode, bootstrap, pg_upgrade.
pub(crate) fn without_workers() -> bool {
    // SAFETY: plain flags of the server.
    unsafe { !pg_sys::IsPostmasterEnvironment || pg_sys::IsBinaryUpgrade }
}

/// Whether this process is the postmaster itself.
pub(crate) fn in_postmaster() -> bool {
    // SAFETY: plain flags of the server.
    unsafe { pg_sys::IsPostmasterEnvironment && !pg_sys::IsUnderPostmaster }
}

/// The database system identifier of pg_control, which a primary shares with its standbys.
pub(crate) fn system_identifier() -> u64 {
    // SAFETY: the postmaster has read pg_control before it loads libraries (postmaster.c, PostmasterMain).
    unsafe { pg_sys::GetSystemIdentifier() }
}

/// The port that the server listens on.
pub(crate) fn port() -> u16 {
    // SAFETY: a plain setting of the server.
    u16::try_from(unsafe { pg_sys::PostPortNumber }).unwrap_or(0)
}

/// The host's name as the kernel has it; empty where it cannot be told.
pub(crate) fn host_name() -> String {
    let mut buffer = [0u8; 256];
    // SAFETY: a buffer and its size; the last byte stays NUL.
    let failed = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) } != 0;
    if failed {
        return String::new();
    }
    buffer
        .split(|b| *b == 0)
        .next()
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .unwrap_or_default()
}

/// The data directory, as an absolute path.
pub(crate) fn data_directory() -> PathBuf {
    // SAFETY: the server's own string, set before libraries are loaded (postmaster.c, SelectConfigFiles), copied at once.
    unsafe {
        if pg_sys::DataDir.is_null() {
            return PathBuf::new();
        }
        PathBuf::from(OsStr::from_bytes(std::ffi::CStr::from_ptr(pg_sys::DataDir).to_bytes()))
    }
}

/// `server_version`, as events tell it.
pub(crate) fn server_version() -> String {
    // SAFETY: a constant name; the result is the server's own string and is copied at once.
    unsafe {
        let version = pg_sys::GetConfigOption(c"server_version".as_ptr(), true, false);
        if version.is_null() {
            return pg_sys::PG_VERSION.to_string_lossy().into_owned();
        }
        std::ffi::CStr::from_ptr(version).to_string_lossy().into_owned()
    }
}

/// Takes the hooks. Once, while preloading.
pub(crate) fn install_hooks() {
    // SAFETY: called once by _PG_init on the postmaster's only thread.
    unsafe {
        activity_pg_install_hooks();
        activity_pg_open_log_gate();
    }
}

/// How many processes with a latch the server can have.
pub(crate) fn process_slots() -> usize {
    // SAFETY: reads one count of the server's shared memory, which exists at shmem_startup and after.
    usize::try_from(unsafe { activity_pg_proc_count() }).unwrap_or(0)
}
