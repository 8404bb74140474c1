//! What the hooks of `c/hooks.c` call.
//!
//! Each function contains what fails in it ([`contain`]): no panic and no server error leaves it, so the hook goes
//! on with the user's statement in every case.

use std::ffi::{CStr, c_char, c_int};

use pgrx::pg_sys;

use super::guard::contain;
use super::statement::{Query, Utility};
use crate::{capture, ring};

/// Whether statements of this process are captured at all; asked before anything else is done.
#[unsafe(no_mangle)]
extern "C" fn activity_capture_enabled() -> bool {
    capture::enabled()
}

macro_rules! query_callback {
    ($($name:ident($($argument:ident: $type:ty),*) => $target:path;)*) => {
        $(#[unsafe(no_mangle)]
        extern "C" fn $name(query: *mut pg_sys::QueryDesc $(, $argument: $type)*) {
            contain(|| {
                // SAFETY: the hook's own argument, valid for the length of this call.
                if let Some(query) = unsafe { Query::new(query) } {
                    $target(query $(, $argument)*);
                }
            });
        })*
    };
}

query_callback! {
    activity_on_executor_start() => capture::executor::start;
    activity_on_executor_started(failed: bool) => capture::executor::started;
    activity_on_run_begin() => capture::executor::run_begin;
    activity_on_run_end(limit: u64, failed: bool) => capture::executor::run_end;
    activity_on_finish_begin() => capture::executor::finish_begin;
    activity_on_finish_end(failed: bool) => capture::executor::finish_end;
    activity_on_executor_end() => capture::executor::end;
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_query_vanished(key: u64) {
    contain(|| capture::executor::vanished(key));
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_utility_begin(
    pstmt: *mut pg_sys::PlannedStmt,
    source: *const c_char,
    subcommand: bool,
) {
    contain(|| {
        // SAFETY: the hook's own arguments, valid for the length of this call.
        if let Some(utility) = unsafe { Utility::new(pstmt, source, subcommand) } {
            capture::utility::begin(utility);
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_utility_end(failed: bool, rows: u64) {
    contain(|| capture::utility::end(failed, rows));
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_error(level: c_int, sqlerrcode: c_int, message: *const c_char) {
    contain(|| {
        // SAFETY: NULL or the terminated message of the ErrorData that is being reported.
        let message = if message.is_null() { &[][..] } else { unsafe { CStr::from_ptr(message) }.to_bytes() };
        capture::failure::reported(&sqlstate_text(sqlerrcode), message, level >= pg_sys::FATAL as c_int);
    });
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_authenticated() {
    contain(capture::session::authenticated);
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_session_end(code: c_int) {
    contain(|| capture::session::ended(code));
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_relation_invalidated(relation: pg_sys::Oid) {
    contain(|| capture::relations::invalidated(relation.to_u32()));
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_shmem_startup() {
    contain(ring::shmem_startup);
}

/// The five characters of a packed SQLSTATE (elog.h, MAKE_SQLSTATE: six bits a character, `0` is zero).
fn sqlstate_text(packed: c_int) -> String {
    (0..5).map(|i| char::from(b'0'.wrapping_add(((packed >> (6 * i)) & 0x3f) as u8))).collect()
}
