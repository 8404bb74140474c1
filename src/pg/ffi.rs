//! The declarations of `c/activity.h`, in its order. Keep the two alike.

use std::ffi::{c_char, c_int, c_void};

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
    pub(super) relkind: c_char,
    pub(super) rellockmode: c_int,
}

/// `ActivityObject`: an object's address.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct RawObject {
    pub(super) class: pg_sys::Oid,
    pub(super) object: pg_sys::Oid,
    pub(super) sub: c_int,
}

/// `ActivityCommand`.
#[repr(C)]
pub(super) struct RawCommand {
    pub(super) tag: *const c_char,
    pub(super) class: c_int,
}

/// `ActivityFunction`.
#[repr(C)]
pub(super) struct RawFunction {
    pub(super) language: c_int,
    pub(super) builtin: pg_sys::Oid,
    pub(super) of_extension: bool,
    pub(super) library: [u8; pg_sys::NAMEDATALEN as usize],
}

/// `ActivityMoment`.
#[repr(C)]
pub(super) struct RawMoment {
    pub(super) portal: *const c_void,
    pub(super) message_us: i64,
    pub(super) text: *const c_char,
}

/// `ActivitySignal`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct RawSignal {
    pub(super) signo: c_int,
    pub(super) code: c_int,
    pub(super) pid: c_int,
    pub(super) uid: u32,
    pub(super) times: u32,
    pub(super) program: [u8; 16],
}

impl RawSignal {
    pub(super) const EMPTY: Self = Self { signo: 0, code: 0, pid: 0, uid: 0, times: 0, program: [0; 16] };
}

unsafe extern "C-unwind" {
    pub(super) fn activity_pg_install_hooks();
    pub(super) fn activity_pg_watch_session_end();
    pub(super) fn activity_pg_watch_invalidations();
    pub(super) fn activity_pg_watch_query(query: *mut pg_sys::QueryDesc, key: u64);
    pub(super) fn activity_pg_statement_time_left_ms() -> i64;
    pub(super) fn activity_pg_take_cancel() -> bool;
    pub(super) fn activity_pg_innermost_text(location: *mut c_int, length: *mut c_int) -> *const c_char;
    pub(super) fn activity_pg_open_log_gate();
    pub(super) fn activity_pg_session(out: *mut RawSession);
    pub(super) fn activity_pg_server_address(buffer: *mut c_char, size: c_int) -> bool;
    pub(super) fn activity_pg_superuser_by_socket() -> bool;
    pub(super) fn activity_pg_query_was_rewound(query: *mut pg_sys::QueryDesc) -> bool;
    pub(super) fn activity_pg_next_relation(
        stmt: *mut pg_sys::PlannedStmt,
        place: *mut c_int,
        out: *mut RawRelation,
    ) -> bool;
    pub(super) fn activity_pg_relation_name(
        relid: pg_sys::Oid,
        relkind: *mut c_char,
        catalog: *mut bool,
        buffer: *mut c_char,
        size: c_int,
    ) -> bool;
    pub(super) fn activity_pg_function(
        function: pg_sys::Oid,
        out: *mut RawFunction,
        name: *mut c_char,
        size: c_int,
    ) -> bool;
    pub(super) fn activity_pg_wrapper_library(relid: pg_sys::Oid, buffer: *mut c_char, size: c_int);
    pub(super) fn activity_pg_utility_is_commit(pstmt: *mut pg_sys::PlannedStmt) -> bool;
    pub(super) fn activity_pg_utility_commits_another(pstmt: *mut pg_sys::PlannedStmt) -> bool;
    pub(super) fn activity_pg_utility_cannot_roll_back(pstmt: *mut pg_sys::PlannedStmt) -> bool;
    pub(super) fn activity_pg_command(pstmt: *mut pg_sys::PlannedStmt, out: *mut RawCommand);
    pub(super) fn activity_pg_uses_server_file(pstmt: *mut pg_sys::PlannedStmt) -> bool;
    pub(super) fn activity_pg_brings_untrusted_code(pstmt: *mut pg_sys::PlannedStmt) -> bool;
    pub(super) fn activity_pg_setting(pstmt: *mut pg_sys::PlannedStmt, place: c_int) -> *const c_char;
    pub(super) fn activity_pg_functions(
        pstmt: *mut pg_sys::PlannedStmt,
        out: *mut pg_sys::Oid,
        capacity: c_int,
    ) -> c_int;
    pub(super) fn activity_pg_foreign_tables(
        pstmt: *mut pg_sys::PlannedStmt,
        out: *mut pg_sys::Oid,
        capacity: c_int,
    ) -> c_int;
    pub(super) fn activity_pg_watch_setting(name: *const c_char);
    pub(super) fn activity_pg_setting_by_client(place: c_int) -> *const c_char;
    pub(super) fn activity_pg_names_objects(pstmt: *mut pg_sys::PlannedStmt) -> bool;
    pub(super) fn activity_pg_make_visible();
    pub(super) fn activity_pg_object_is_told(access: c_int, object: *const RawObject) -> bool;
    pub(super) fn activity_pg_describe_object(
        object: *const RawObject,
        kind: *mut c_char,
        kind_size: c_int,
        name: *mut c_char,
        name_size: c_int,
    ) -> bool;
    pub(super) fn activity_pg_statement_objects(
        pstmt: *mut pg_sys::PlannedStmt,
        out: *mut RawObject,
        capacity: c_int,
    ) -> c_int;
    pub(super) fn activity_pg_statement_object_type(pstmt: *mut pg_sys::PlannedStmt) -> *const c_char;
    pub(super) fn activity_pg_statement_target(
        pstmt: *mut pg_sys::PlannedStmt,
        kind: *mut *const c_char,
        name: *mut c_char,
        name_size: c_int,
    ) -> bool;
    pub(super) fn activity_pg_output(kind: pg_sys::Oid, value: pg_sys::Datum) -> *mut c_char;
    pub(super) fn activity_pg_encoding() -> c_int;
    pub(super) fn activity_pg_find_conversion();
    pub(super) fn activity_pg_clip(text: *const c_char, length: c_int, limit: c_int) -> c_int;
    pub(super) fn activity_pg_character_bytes(text: *const c_char, length: c_int) -> c_int;
    pub(super) fn activity_pg_convert(
        source: *const c_char,
        length: c_int,
        destination: *mut c_char,
        size: c_int,
        taken: *mut c_int,
    ) -> c_int;
    pub(super) fn activity_pg_user_id() -> pg_sys::Oid;
    pub(super) fn activity_pg_in_transaction() -> bool;
    pub(super) fn activity_pg_in_subtransaction() -> bool;
    pub(super) fn activity_pg_moment(out: *mut RawMoment);
    pub(super) fn activity_pg_worker_name() -> *const c_char;
    pub(super) fn activity_pg_is_walsender() -> bool;
    pub(super) fn activity_pg_transaction_id() -> u64;
    pub(super) fn activity_pg_local_transaction() -> u32;
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
    pub(super) fn activity_pg_worker_is_registered(library: *const c_char, function: *const c_char) -> bool;
    pub(super) fn activity_pg_setting_source(
        name: *const c_char,
        built_in: *mut bool,
        source: *mut *const c_char,
        file: *mut *const c_char,
        line: *mut c_int,
    ) -> bool;
    pub(super) fn activity_pg_report_to_server(
        sqlstate: *const c_char,
        message: *const c_char,
        detail: *const c_char,
        hint: *const c_char,
    );
    pub(super) fn activity_pg_take_senders(out: *mut RawSignal, capacity: c_int, unnoted: *mut u64) -> c_int;
    pub(super) fn activity_pg_worker_signals();
    pub(super) fn activity_pg_stop_requested() -> bool;
    pub(super) fn activity_pg_stop_immediately() -> bool;
    pub(super) fn activity_pg_exit(code: c_int) -> !;
}
