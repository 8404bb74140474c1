//! The worker's memory is nobody else's: it holds credentials, data keys and what they seal.
//!
//! A process that is not *dumpable* (prctl(2)) belongs to root in `/proc`, whatever its user: another process of that user can neither trace
//! it, nor read or write its memory (`/proc/PID/mem`, process_vm_readv), nor see its environment. It leaves no core file. The other processes of the
//! server stay as they are; they have neither keys nor credentials of their own accord, but the environment that the server was started with is in
//! each of them.
//!
//! What this costs: nobody but root can debug the worker, and it cannot itself read those files of `/proc/self` that only the owner can
//! (`environ`, `fd`, `mem`); nothing in it does.
#![expect(unsafe_code, reason = "prctl and setrlimit have no wrapper in the standard library")]

use std::io;

/// Shuts the process off from others of its user. Called before it has anything to hide.
///
/// # Errors
/// Those of prctl and setrlimit, none of which is known to happen.
pub(super) fn shut() -> io::Result<()> {
    let nothing = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: plain calls of the system; the limit outlives its one.
    let failed = unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) != 0
            || libc::setrlimit(libc::RLIMIT_CORE, &raw const nothing) != 0
    };
    if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
}
