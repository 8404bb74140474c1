//! The session of this process: who is at the other end, and in which role.

use std::ffi::{CStr, c_char};

use pgrx::pg_sys;

use super::ffi::{
    RawSession, activity_pg_server_address, activity_pg_session, activity_pg_superuser_by_socket,
    activity_pg_user_id, activity_pg_watch_invalidations, activity_pg_watch_session_end,
    activity_pg_worker_name,
};
use super::guard::raising;
use super::text;

/// Longest textual address, with a zone (NI_MAXHOST is larger; an address is not a name).
const MAX_ADDRESS_BYTES: usize = 128;

/// What does not change in a session.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// A client is at the other end; else this is a background worker that runs SQL.
    pub(crate) has_client: bool,
    /// Unix socket, else TCP.
    pub(crate) unix_socket: bool,
    /// Process id.
    pub(crate) pid: i32,
    /// Microseconds since the Unix epoch.
    pub(crate) start: i64,
    /// The role that logged in; empty where none is known.
    pub(crate) user: String,
    /// The database; empty where none is known.
    pub(crate) database: String,
    /// Address, or name where log_hostname is on; `[local]` for a Unix socket.
    pub(crate) remote_host: String,
    /// Empty for a Unix socket.
    pub(crate) remote_port: String,
    /// application_name as the client's startup packet has it; the name of a background worker.
    pub(crate) startup_application: String,
    /// The address that the client connected to; `[local]` for a Unix socket.
    pub(crate) server_host: String,
}

/// The facts of this session. Names are in the encoding of its database; before that is known they are taken for UTF-8. Of a
/// background worker, the role and the database come from the catalogs, which
/// must be usable.
pub(crate) fn facts() -> Facts {
    let mut raw = RawSession {
        has_client: false,
        unix_socket: false,
        pid: 0,
        start_unix_us: 0,
        user_name: std::ptr::null(),
        database_name: std::ptr::null(),
        remote_host: std::ptr::null(),
        remote_port: std::ptr::null(),
        startup_application: std::ptr::null(),
    };
    // SAFETY: fills the struct; the strings live as long as the process.
    unsafe { activity_pg_session(&mut raw) };
    let text = |s: *const c_char| {
        if s.is_null() {
            return String::new();
        }
        // SAFETY: a terminated string of the server.
        text::to_utf8(unsafe { CStr::from_ptr(s) }.to_bytes()).into_owned()
    };
    let mut facts = Facts {
        has_client: raw.has_client,
        unix_socket: raw.unix_socket,
        pid: raw.pid,
        start: raw.start_unix_us,
        user: text(raw.user_name),
        database: text(raw.database_name),
        remote_host: text(raw.remote_host),
        remote_port: text(raw.remote_port),
        startup_application: text(raw.startup_application),
        server_host: server_address(),
    };
    if !facts.has_client {
        facts.unix_socket = true;
        facts.remote_host = "[local]".to_owned();
        // SAFETY: NULL or a string that lives as long as the process.
        facts.startup_application = text(unsafe { activity_pg_worker_name() });
        if super::process::catalog_usable() {
            facts.user = role_name(current_role());
            facts.database = database_name();
        }
    }
    facts
}

fn server_address() -> String {
    let mut buffer = [0u8; MAX_ADDRESS_BYTES];
    // SAFETY: a buffer and its size; the result is terminated.
    let known = unsafe { activity_pg_server_address(buffer.as_mut_ptr().cast(), MAX_ADDRESS_BYTES as i32) };
    if !known {
        return "[local]".to_owned();
    }
    let address = CStr::from_bytes_until_nul(&buffer).unwrap_or(c"");
    address.to_string_lossy().into_owned()
}

/// The OID of the role in force.
pub(crate) fn current_role() -> u32 {
    // SAFETY: reads process-local state.
    unsafe { activity_pg_user_id() }.to_u32()
}

/// A role's name; empty where there is none. Catalog access.
pub(crate) fn role_name(role: u32) -> String {
    // SAFETY: inside a transaction; the copy that comes back is freed.
    unsafe { take(pg_sys::GetUserNameFromId(pg_sys::Oid::from(role), true)) }
}

fn database_name() -> String {
    // SAFETY: inside a transaction; the copy that comes back is freed.
    unsafe { take(pg_sys::get_database_name(pg_sys::MyDatabaseId)) }
}

/// # Safety
/// `name` is NULL or a palloc'd terminated string that nobody else holds.
unsafe fn take(name: *mut c_char) -> String {
    if name.is_null() {
        return String::new();
    }
    // SAFETY: passed on to the caller.
    unsafe {
        let text = text::to_utf8(CStr::from_ptr(name).to_bytes()).into_owned();
        pg_sys::pfree(name.cast());
        text
    }
}

/// Whether the role that logged in is a superuser and came by the Unix socket. Catalog access: where that is not possible, no.
pub(crate) fn is_superuser_by_socket() -> bool {
    // SAFETY: inside a transaction that works; an error becomes a panic.
    super::process::catalog_usable() && unsafe { raising(|| activity_pg_superuser_by_socket()) }
}

/// Hands the value of application_name to `f`; `None` where it is not set.
pub(crate) fn with_application_name<R>(f: impl FnOnce(Option<&str>) -> R) -> R {
    // SAFETY: main thread; the server keeps the string until the setting changes, which `f` does not do.
    let name = unsafe {
        let name = pg_sys::application_name;
        if name.is_null() { c"" } else { CStr::from_ptr(name) }
    };
    // The server lets only printable ASCII into application_name (guc, check_application_name).
    f(name.to_str().ok().filter(|n| !n.is_empty()))
}

/// Whether that is the value of application_name; not set is empty.
#[inline]
pub(crate) fn is_application_name(name: &CStr) -> bool {
    // SAFETY: as above; both are terminated.
    unsafe {
        let value = pg_sys::application_name;
        if value.is_null() { name.is_empty() } else { libc::strcmp(value, name.as_ptr()) == 0 }
    }
}

/// Has the end of this session told.
pub(crate) fn watch_end() {
    // SAFETY: registers a callback; FATAL where the server's list of callbacks is full.
    unsafe { raising(|| activity_pg_watch_session_end()) };
}

/// Has changes of relations, schemas, functions and roles told, for caches of their names.
pub(crate) fn watch_invalidations() {
    // SAFETY: registers four callbacks; FATAL where the server's list of callbacks is full.
    unsafe { raising(|| activity_pg_watch_invalidations()) };
}
