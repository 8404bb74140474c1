//! What the hooks of `c/hooks.c` call.
//!
//! Each function contains what fails in it ([`contain`]): no panic and no server error leaves it, so the hook goes
//! on with the user's statement in every case. What is called for every statement and only keeps books calls nothing that
//! can fail, and does without.

use std::ffi::{CStr, c_char, c_int};

use pgrx::pg_sys;

use super::guard::{contain, during_error};
use super::names::Catalog;
use super::objects::{Access, Object};
use super::statement::{Query, Relation};
use super::utility::Utility;
use crate::capture::durable::{Place, Verdict};
use crate::settings::{self, Mode};
use crate::{capture, ring};

/// Whether events of this process are captured at all; asked before anything else is done.
#[unsafe(no_mangle)]
extern "C" fn activity_capture_enabled() -> bool {
    capture::enabled()
}

/// Runs what a hook tells of a query.
fn of_query<R>(query: *mut pg_sys::QueryDesc, tell: impl FnOnce(Query<'_>) -> R) -> Option<R> {
    // SAFETY: the hook's own argument, valid for the length of this call.
    contain(|| unsafe { Query::new(query) }.map(tell)).flatten()
}

/// The same for what cannot fail, or is contained already.
fn keep_books<R>(query: *mut pg_sys::QueryDesc, tell: impl FnOnce(Query<'_>) -> R) -> Option<R> {
    // SAFETY: as above.
    unsafe { Query::new(query) }.map(tell)
}

/// Runs what a hook tells at the end of a phase, where `failure` is the packed SQLSTATE of an error that is being caught, or 0.
fn at_end(failure: c_int, tell: impl FnOnce(Option<c_int>)) {
    if failure == 0 {
        contain(|| tell(None));
    } else {
        during_error(|| contain(|| tell(Some(failure))));
    }
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_executor_start(query: *mut pg_sys::QueryDesc) {
    of_query(query, capture::executor::start);
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_executor_started(query: *mut pg_sys::QueryDesc, failure: c_int) {
    if failure == 0 {
        keep_books(query, capture::executor::started);
    } else {
        during_error(|| of_query(query, |query| capture::executor::start_failed(query, failure)));
    }
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_run_begin(query: *mut pg_sys::QueryDesc) {
    keep_books(query, capture::executor::run_begin);
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_run_end(query: *mut pg_sys::QueryDesc, limit: u64, failure: c_int) {
    at_end(failure, |failure| {
        keep_books(query, |query| capture::executor::run_end(query, limit, failure));
    });
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_finish_begin(query: *mut pg_sys::QueryDesc) {
    keep_books(query, capture::executor::finish_begin);
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_finish_end(query: *mut pg_sys::QueryDesc, failure: c_int) {
    at_end(failure, |failure| {
        keep_books(query, |query| capture::executor::finish_end(query, failure));
    });
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_executor_end(query: *mut pg_sys::QueryDesc) {
    if keep_books(query, capture::executor::end_of_told) == Some(false) {
        of_query(query, capture::executor::end);
    }
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_query_vanished(key: u64) {
    contain(|| capture::executor::vanished(key));
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_utility_begin(
    pstmt: *mut pg_sys::PlannedStmt,
    source: *const c_char,
    params: pg_sys::ParamListInfo,
    subcommand: bool,
) -> bool {
    contain(|| {
        // SAFETY: the hook's own arguments, valid for the length of this call.
        unsafe { Utility::new(pstmt, source, params, subcommand) }.is_some_and(capture::utility::begin)
    })
    .unwrap_or(false)
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_utility_end(pstmt: *mut pg_sys::PlannedStmt, failure: c_int, rows: u64) {
    at_end(failure, |failure| {
        // SAFETY: NULL, or the hook's own argument where it outlived the command.
        let utility = unsafe { Utility::new(pstmt, std::ptr::null(), std::ptr::null_mut(), false) };
        capture::utility::end(utility, failure, rows);
    });
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_raise(sqlerrcode: c_int, message: *const c_char, internal_query: *const c_char) {
    during_error(|| {
        contain(|| capture::failure::raised(sqlerrcode, text_of(message), text_of(internal_query)))
    });
}

#[unsafe(no_mangle)]
extern "C" fn activity_wants_relations() -> bool {
    capture::utility::wants_relations()
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_relation(relid: pg_sys::Oid, required_perms: u32) {
    contain(|| capture::utility::relation_checked(Relation::of_command(relid, required_perms)));
}

/// Asked for every operator and function of every plan.
#[unsafe(no_mangle)]
extern "C" fn activity_function_watched(function: pg_sys::Oid) -> bool {
    capture::watched::is_watched(function.to_u32())
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_function(function: pg_sys::Oid) {
    contain(|| capture::functions::executing(function.to_u32()));
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_setting(name: *const c_char) {
    contain(|| {
        if let Ok(name) = std::str::from_utf8(text_of(name)) {
            capture::intent::setting_changing(name);
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_object(access: c_int, class: pg_sys::Oid, object: pg_sys::Oid, sub: c_int) {
    contain(|| {
        if let Some(access) = Access::from_number(access) {
            capture::objects::touched(access, Object::new(class, object, sub));
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_error(level: c_int, sqlerrcode: c_int, message: *const c_char) {
    during_error(|| {
        contain(|| {
            capture::failure::reported(sqlerrcode, text_of(message), level >= pg_sys::FATAL as c_int);
        })
    });
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_replication_command(command: *const c_char) {
    // Reported, not caught; but what calls us is the server's error reporting all the same.
    during_error(|| contain(|| capture::session::replication_command(text_of(command))));
}

/// Asked before every commit.
#[unsafe(no_mangle)]
extern "C" fn activity_minds_commit() -> bool {
    settings::mode() == Mode::Sync || capture::utility::tells_at_commit()
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_commit(checks_follow: bool) {
    if capture::utility::tells_at_commit() {
        contain(|| capture::utility::committing(checks_follow));
    }
}

/// Asked at the end of every statement and before every commit.
#[unsafe(no_mangle)]
extern "C" fn activity_awaits(place: c_int) -> c_int {
    if settings::mode() != Mode::Sync {
        return 0;
    }
    contain(|| capture::durable::awaits(Place::from_number(place))).unwrap_or(0)
}

#[unsafe(no_mangle)]
extern "C" fn activity_await(may_refuse: bool, interruptible: bool) -> c_int {
    contain(|| capture::durable::wait(may_refuse, interruptible)).unwrap_or(Verdict::GoOn) as c_int
}

#[unsafe(no_mangle)]
extern "C" fn activity_await_room() -> bool {
    contain(capture::durable::wait_for_room) == Some(Verdict::Interrupted)
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_abort() {
    contain(capture::executor::aborted);
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_connected() {
    contain(capture::session::connected);
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_session_end(code: c_int) {
    contain(|| capture::session::ended(code));
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_relation_invalidated(relation: pg_sys::Oid) {
    contain(|| capture::names::relation_invalidated(relation.to_u32()));
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_shmem_startup() {
    contain(ring::shmem_startup);
}

#[unsafe(no_mangle)]
extern "C" fn activity_on_catalog_invalidated(catalog: c_int) {
    contain(|| capture::names::catalog_invalidated(Catalog::from_number(catalog)));
}

/// A terminated string of the server, or nothing.
fn text_of<'a>(text: *const c_char) -> &'a [u8] {
    // SAFETY: NULL or terminated, and valid for the length of the callback that it is an argument of.
    if text.is_null() { &[] } else { unsafe { CStr::from_ptr(text) }.to_bytes() }
}
