//! Messages to the server log.

use std::ffi::{CString, c_int};

use pgrx::pg_sys;

use super::ffi::{activity_pg_report, activity_pg_report_to_server};
use super::guard::raising;

/// SQLSTATEs of our own messages. Class `AS` is not used by the server. `AS005`, a statement is refused since its events do not
/// become durable, is raised in `c/durable.c`; `AS006`, a setting is not changed by SQL, in `c/settings.c`.
pub(crate) mod sqlstate {
    /// invalid_parameter_value
    pub(crate) const INVALID_PARAMETER: &str = "22023";
    /// object_not_in_prerequisite_state
    pub(crate) const PREREQUISITE: &str = "55000";
    /// query_canceled
    pub(crate) const CANCELLED: &str = "57014";
    /// successful_completion, for messages that report no failure
    pub(crate) const NOTICE: &str = "00000";
    /// warning
    pub(crate) const WARNING: &str = "01000";
    /// The stream or its key cannot be reached.
    pub(crate) const UNAVAILABLE: &str = "AS001";
    /// Events are lost.
    pub(crate) const LOST: &str = "AS002";
    /// A session went on without its event being durable.
    pub(crate) const NOT_DURABLE: &str = "AS003";
    /// A setting that is not protected does not count.
    pub(crate) const UNPROTECTED: &str = "AS007";
    /// Our own bookkeeping failed.
    pub(crate) const INTERNAL: &str = "AS004";
    /// Somebody is at the worker: it does not move, or was sent a signal.
    pub(crate) const WORKER: &str = "AS008";
}

fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', " ")).unwrap_or_default()
}

fn report(level: u32, sqlstate: &str, message: &str, detail: &str, hint: &str) {
    let [sqlstate, message] = [c_text(sqlstate), c_text(message)];
    let [detail_text, hint_text] = [c_text(detail), c_text(hint)];
    let optional = |text: &CString| if text.is_empty() { std::ptr::null() } else { text.as_ptr() };
    // SAFETY: terminated strings that outlive the call; an error is turned into a panic by the guard.
    unsafe {
        raising(|| {
            activity_pg_report(
                level as c_int,
                sqlstate.as_ptr(),
                message.as_ptr(),
                optional(&detail_text),
                optional(&hint_text),
            );
        });
    }
}

/// LOG: something an operator wants to find, nothing to act on.
pub(crate) fn log(message: &str) {
    report(pg_sys::LOG, sqlstate::NOTICE, message, "", "");
}

/// WARNING, to the server log (and to the client, where a session reports it).
pub(crate) fn warning(sqlstate: &str, message: &str, detail: &str, hint: &str) {
    report(pg_sys::WARNING, sqlstate, message, detail, hint);
}

/// WARNING to the server log and not to the client, which the session's settings cannot keep out of it.
pub(crate) fn warning_to_server(sqlstate: &str, message: &str, detail: &str, hint: &str) {
    let [sqlstate, message, detail, hint] = [sqlstate, message, detail, hint].map(c_text);
    // SAFETY: as above.
    unsafe {
        raising(|| {
            activity_pg_report_to_server(sqlstate.as_ptr(), message.as_ptr(), detail.as_ptr(), hint.as_ptr());
        });
    }
}

/// ERROR: ends the statement.
pub(crate) fn error(sqlstate: &str, message: &str, detail: &str, hint: &str) {
    report(pg_sys::PGERROR, sqlstate, message, detail, hint);
}

/// Refuses a configuration: the postmaster, which calls this while it starts, does not.
pub(crate) fn refuse_configuration(message: &str, detail: &str, hint: &str) {
    error(sqlstate::INVALID_PARAMETER, message, detail, hint);
}
