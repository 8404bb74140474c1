//! What the configuration files say.

use std::ffi::{CStr, CString, c_int};
use std::ptr;

use activity_protected::Place;
use pgrx::pg_sys;

use super::sources::path;
use crate::pg::guard::raising;

/// What the configuration files say of a setting at this moment, last entry first; `None` where they do not name it.
///
/// Settings of a reload are checked one by one in the order of the file, so a rule that joins two of them has to
/// look at what the other is about to become.
pub(crate) fn value_in_files(name: &str) -> Option<String> {
    let mut found = None;
    // SAFETY: a value that is there is terminated, and copied at once.
    each_in_files(name, |entry| unsafe {
        if !entry.value.is_null() {
            found = Some(CStr::from_ptr(entry.value).to_string_lossy().into_owned());
        }
    });
    found
}

/// The lines that name a setting at this moment, in the order in which they are read.
pub(crate) fn places_in_files(name: &str) -> Vec<Place> {
    let mut places = Vec::new();
    // SAFETY: NULL or terminated, and copied at once.
    each_in_files(name, |entry| unsafe {
        if let Some(file) = path(entry.filename) {
            places.push(Place { file, line: entry.sourceline });
        }
    });
    places
}

/// The entries of a setting in the main file and what it includes, and then in that of ALTER SYSTEM.
fn each_in_files(name: &str, mut look: impl FnMut(&pg_sys::ConfigVariable)) {
    // SAFETY: main thread; both are set before any extension is loaded.
    let (main_file, data_directory) = unsafe { (pg_sys::ConfigFileName, pg_sys::DataDir) };
    if main_file.is_null() || data_directory.is_null() {
        return;
    }
    // SAFETY: terminated strings of the server.
    let (main_file, data_directory) = unsafe { (CStr::from_ptr(main_file), CStr::from_ptr(data_directory)) };
    let automatic =
        CString::new([data_directory.to_bytes(), b"/", pg_sys::PG_AUTOCONF_FILENAME.to_bytes()].concat())
            .unwrap_or_default();
    each_in_file(main_file, true, name, &mut look);
    each_in_file(&automatic, false, name, &mut look);
}

fn each_in_file(file: &CStr, strict: bool, name: &str, look: &mut impl FnMut(&pg_sys::ConfigVariable)) {
    let mut head: *mut pg_sys::ConfigVariable = ptr::null_mut();
    let mut tail: *mut pg_sys::ConfigVariable = ptr::null_mut();
    // SAFETY: terminated path, two locals; the list that comes back is ours to free.
    unsafe {
        let read = raising(|| {
            pg_sys::ParseConfigFile(
                file.as_ptr(),
                strict,
                ptr::null(),
                0,
                0,
                pg_sys::DEBUG1 as c_int,
                &mut head,
                &mut tail,
            )
        });
        let mut item = head;
        while read && !item.is_null() {
            let entry = &*item;
            if !entry.name.is_null()
                && CStr::from_ptr(entry.name).to_bytes().eq_ignore_ascii_case(name.as_bytes())
            {
                look(entry);
            }
            item = entry.next;
        }
        pg_sys::FreeConfigVariables(head);
    }
}
