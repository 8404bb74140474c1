//! Where a value comes from.

use std::ffi::{CStr, CString, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;

use activity_protected::{Place, Source};
use pgrx::pg_sys;

use crate::pg::ffi::activity_pg_setting_source;

/// Where this process has the value of a setting from, ours or the server's. A setting that does not exist comes from nowhere.
pub(crate) fn source(name: &str) -> Source {
    let Ok(name) = CString::new(name) else { return Source::BuiltIn };
    let (mut built_in, mut source, mut file, mut line) = (true, ptr::null(), ptr::null(), 0);
    // SAFETY: main thread; a terminated name and four locals.
    let found = unsafe {
        activity_pg_setting_source(name.as_ptr(), &mut built_in, &mut source, &mut file, &mut line)
    };
    if !found || built_in {
        return Source::BuiltIn;
    }
    // SAFETY: the server's strings, terminated or NULL, copied at once.
    unsafe {
        path(file).map_or_else(
            || Source::Elsewhere(if source.is_null() { String::new() } else { text(source) }),
            |file| Source::File(Place { file, line }),
        )
    }
}

/// The main configuration file.
pub(crate) fn configuration_file() -> PathBuf {
    // SAFETY: the server's own string, set before libraries are loaded, copied at once.
    unsafe { path(pg_sys::ConfigFileName) }.unwrap_or_default()
}

/// # Safety
/// NULL or terminated.
pub(super) unsafe fn path(text: *const c_char) -> Option<PathBuf> {
    // SAFETY: the caller's.
    (!text.is_null()).then(|| PathBuf::from(OsStr::from_bytes(unsafe { CStr::from_ptr(text) }.to_bytes())))
}

/// # Safety
/// Terminated.
unsafe fn text(text: *const c_char) -> String {
    // SAFETY: the caller's.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
