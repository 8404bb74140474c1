//! The declarations of `c/activity.h`, in its order. Keep the two alike.

use std::ffi::{c_char, c_int};

use pgrx::pg_sys;

/// `ActivitySession`.
#[repr(C)]
pub(super) struct RawSession {
    pub(super) has_client: bool,
    pub(super) unix_socket: bool,
    pub(super) pid: c_int,
    pub(super) start_unix_us: i64,
    pub(super) user_name: *const c_char,
    pub(super) database_name: *const c_char,
    pub(super) remote_host: *const c_char,
    pub(super) remote_port: *const c_char,
    pub(super) startup_application: *const c_char,
}

/// `ActivityRelation`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct RawRelation {
    pub(super) relid: pg_sys::Oid,
    pub(super) required_perms: u32,
    pub(super) rellockmode: c_int,
}

unsafe extern "C-unwind" {
    pub(super) fn activity_pg_install_hooks();
    pub(super) fn activity_pg_watch_session_end();
    pub(super) fn activity_pg_watch_invalidations();
    pub(super) fn activity_pg_watch_query(query: *mut pg_sys::QueryDesc, key: u64);
    pub(super) fn activity_pg_open_log_gate();
    pub(super) fn activity_pg_session(out: *mut RawSession);
    pub(super) fn activity_pg_server_address(buffer: *mut c_char, size: c_int) -> bool;
    pub(super) fn activity_pg_relations(
        stmt: *mut pg_sys::PlannedStmt,
        out: *mut RawRelation,
        capacity: c_int,
    ) -> c_int;
    pub(super) fn activity_pg_relation_name(
        relid: pg_sys::Oid,
        relkind: *mut c_char,
        buffer: *mut c_char,
        size: c_int,
    ) -> bool;
    pub(super) fn activity_pg_utility_class(pstmt: *mut pg_sys::PlannedStmt) -> c_int;
    pub(super) fn activity_pg_user_id() -> pg_sys::Oid;
    pub(super) fn activity_pg_in_transaction() -> bool;
    pub(super) fn activity_pg_transaction_id() -> u64;
    pub(super) fn activity_pg_my_proc_number() -> c_int;
    pub(super) fn activity_pg_set_latch(proc_number: c_int);
    pub(super) fn activity_pg_proc_count() -> c_int;
    pub(super) fn activity_pg_report(
        elevel: c_int,
        sqlstate: *const c_char,
        message: *const c_char,
        detail: *const c_char,
        hint: *const c_char,
    );
    pub(super) fn activity_pg_worker_signals();
    pub(super) fn activity_pg_stop_requested() -> bool;
    pub(super) fn activity_pg_refused_signals() -> u64;
    pub(super) fn activity_pg_exit(code: c_int) -> !;
}
