//! Signals of the worker's process and of its threads.

use std::ffi::c_int;
use std::mem::MaybeUninit;

use super::ffi::{
    RawSignal, activity_pg_stop_immediately, activity_pg_stop_requested, activity_pg_take_senders,
    activity_pg_worker_signals,
};

/// Senders that are taken at once; senders.c keeps no more.
const MAX_SENDERS: usize = 16;

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

/// A signal that had no effect, and who sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    /// `SIGTERM`
    pub(crate) signal: String,
    /// How often.
    pub(crate) times: u32,
    /// `None` where the kernel sent it.
    pub(crate) sender: Option<Sender>,
}

/// A process that sent a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sender {
    /// Its process id; 0 for one of another PID namespace.
    pub(crate) pid: i32,
    /// Its OS user.
    pub(crate) uid: u32,
    /// Its name as the kernel has it; empty where it was gone already.
    pub(crate) program: String,
    /// The kernel vouches for pid and uid. What sigqueue() sends has those that the sender likes.
    pub(crate) vouched: bool,
}

/// The signals since the last call, and how many more there were whose senders there was no room for.
pub(crate) fn take_received() -> (Vec<Received>, u64) {
    let mut notes = [RawSignal::EMPTY; MAX_SENDERS];
    let mut unnoted = 0;
    // SAFETY: an array and its length, which fits; both are filled or left alone.
    let taken =
        unsafe { activity_pg_take_senders(notes.as_mut_ptr(), MAX_SENDERS as c_int, &raw mut unnoted) };
    let taken = usize::try_from(taken).unwrap_or(0);
    (notes.iter().take(taken).map(Received::of).collect(), unnoted)
}

impl Received {
    fn of(raw: &RawSignal) -> Self {
        let program = raw.program.split(|byte| *byte == 0).next().unwrap_or(&[]);
        let sender = (raw.code <= 0).then(|| Sender {
            pid: raw.pid,
            uid: raw.uid,
            program: String::from_utf8_lossy(program).into_owned(),
            vouched: raw.code == libc::SI_USER || raw.code == libc::SI_TKILL,
        });
        Self { signal: name(raw.signo), times: raw.times, sender }
    }
}

/// A signal's name as `kill -l` has it, with SIG before it.
fn name(number: c_int) -> String {
    const NAMES: [&str; 32] = [
        "0", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU",
        "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    let known = usize::try_from(number).ok().and_then(|number| NAMES.get(number));
    match known {
        Some(name) => format!("SIG{name}"),
        None if number >= libc::SIGRTMIN() => format!("SIGRTMIN+{}", number - libc::SIGRTMIN()),
        None => format!("SIG{number}"),
    }
}

/// Blocks every signal on the calling thread, for good.
pub(crate) fn block_on_this_thread() {
    let mut all = MaybeUninit::uninit();
    // SAFETY: the set is filled before it is read.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), std::ptr::null_mut());
    }
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
