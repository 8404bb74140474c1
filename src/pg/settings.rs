//! Settings of the server's own that sessions change.

use std::ffi::{CStr, CString};

use super::ffi::{activity_pg_setting_by_client, activity_pg_watch_setting};

/// Has changes of that setting told (`activity_on_setting`); one that this version does not have is none. While preloading.
pub(crate) fn watch(name: &str) {
    if let Ok(name) = CString::new(name) {
        // SAFETY: a terminated string; called by _PG_init on the postmaster's only thread.
        unsafe { activity_pg_watch_setting(name.as_ptr()) };
    }
}

/// The watched settings that the options of this session's login have set.
pub(crate) fn set_by_client() -> impl Iterator<Item = String> {
    (0..).map_while(|place| {
        // SAFETY: NULL or the server's own name of the setting.
        let name = unsafe { activity_pg_setting_by_client(place) };
        if name.is_null() {
            return None;
        }
        // SAFETY: as above.
        Some(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
    })
}
