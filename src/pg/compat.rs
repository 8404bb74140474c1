//! Everything on the Rust side that differs between major versions of PostgreSQL. (The C side has its own
//! `#if PG_VERSION_NUM`s, where a hook's signature or a node's layout differs.)

use std::cell::Cell;
use std::ffi::c_int;

use pgrx::pg_sys;

use super::main_thread::MainThread;

#[cfg(feature = "pg15")]
const MAJOR: u32 = 15;
#[cfg(feature = "pg16")]
const MAJOR: u32 = 16;
#[cfg(feature = "pg17")]
const MAJOR: u32 = 17;
#[cfg(feature = "pg18")]
const MAJOR: u32 = 18;

const _: () =
    assert!(pg_sys::PG_VERSION_NUM / 10_000 == MAJOR, "the feature and the server headers disagree");

static WAIT_EVENT: MainThread<Cell<u32>> = MainThread::new(Cell::new(0));

/// What pg_stat_activity shows of a session that waits for its event: an event of our own since PostgreSQL 17,
/// Extension before.
pub(crate) fn wait_event() -> u32 {
    WAIT_EVENT
        .with(|event| {
            if event.get() == 0 {
                event.set(new_wait_event());
            }
            event.get()
        })
        .unwrap_or(pg_sys::PG_WAIT_EXTENSION)
}

#[cfg(any(feature = "pg17", feature = "pg18"))]
fn new_wait_event() -> u32 {
    // SAFETY: a constant name. Raises an error only where the server ran out of names; the guard and its callers
    // deal with that.
    unsafe { pg_sys::WaitEventExtensionNew(c"ActivityStreamSync".as_ptr()) }
}

#[cfg(not(any(feature = "pg17", feature = "pg18")))]
fn new_wait_event() -> u32 {
    pg_sys::PG_WAIT_EXTENSION
}

/// A set for that many events, which lives as long as the process.
#[cfg(any(feature = "pg17", feature = "pg18"))]
pub(super) fn new_wait_event_set(events: c_int) -> *mut pg_sys::WaitEventSet {
    // SAFETY: main thread; without a resource owner nobody else ends it.
    unsafe { pg_sys::CreateWaitEventSet(std::ptr::null_mut(), events) }
}

/// A set for that many events, which lives as long as the process.
#[cfg(not(any(feature = "pg17", feature = "pg18")))]
pub(super) fn new_wait_event_set(events: c_int) -> *mut pg_sys::WaitEventSet {
    // SAFETY: main thread; the context lives as long as the process.
    unsafe { pg_sys::CreateWaitEventSet(pg_sys::TopMemoryContext, events) }
}

/// The query identifier as PostgreSQL shows it, signed; 0 where none was computed.
#[cfg(feature = "pg18")]
pub(super) fn query_id(plan: &pg_sys::PlannedStmt) -> i64 {
    plan.queryId
}

/// The query identifier as PostgreSQL shows it, signed; 0 where none was computed.
#[cfg(not(feature = "pg18"))]
pub(super) fn query_id(plan: &pg_sys::PlannedStmt) -> i64 {
    plan.queryId.cast_signed()
}
