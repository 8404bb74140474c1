//! What a command's text reaches for: files, code, settings, functions, foreign tables. All of it is looked up as the
//! command itself is going to.

use std::ffi::CStr;

use pgrx::pg_sys;

use super::ffi::{
    activity_pg_brings_untrusted_code, activity_pg_foreign_tables, activity_pg_functions,
    activity_pg_setting, activity_pg_uses_server_file,
};
use super::guard::{contain, raising};
use super::utility::Utility;

type Enumerate = unsafe extern "C-unwind" fn(*mut pg_sys::PlannedStmt, *mut pg_sys::Oid, i32) -> i32;

impl<'a> Utility<'a> {
    /// COPY that reads or writes a file of the server's, or runs a program.
    pub(crate) fn uses_server_file(&self) -> bool {
        // SAFETY: a valid statement; raises nothing.
        unsafe { activity_pg_uses_server_file(self.pstmt.as_ptr()) }
    }

    /// A function or block of a language that is not trusted. Catalog access.
    pub(crate) fn brings_untrusted_code(&self) -> bool {
        // SAFETY: a valid statement; an error becomes a panic.
        unsafe { raising(|| activity_pg_brings_untrusted_code(self.pstmt.as_ptr())) }
    }

    /// The settings that it sets, or takes back, as they are written there.
    pub(crate) fn settings(&self) -> impl Iterator<Item = &'a [u8]> {
        let pstmt = self.pstmt;
        (0..).map_while(move |place| {
            // SAFETY: a valid statement; NULL or a terminated text of its tree.
            let name = unsafe { activity_pg_setting(pstmt.as_ptr(), place) };
            // SAFETY: as above; it lives as long as the tree, which is as long as 'a.
            (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_bytes())
        })
    }

    /// The functions that it alters or has the server call. Catalog access. None where a name does not stand for one,
    /// which is for the command itself to say.
    pub(crate) fn functions(&self) -> Vec<u32> {
        self.enumerate(activity_pg_functions)
    }

    /// The foreign tables that it takes samples of, as partitions too. Catalog access.
    pub(crate) fn foreign_tables(&self) -> Vec<u32> {
        self.enumerate(activity_pg_foreign_tables)
    }

    fn enumerate(&self, enumerate: Enumerate) -> Vec<u32> {
        const FEW: usize = 16;
        let mut found = vec![pg_sys::InvalidOid; FEW];
        loop {
            let capacity = found.len();
            // SAFETY: a valid statement, a buffer and its capacity; an error becomes a panic, which ends here.
            let count = contain(|| unsafe {
                raising(|| enumerate(self.pstmt.as_ptr(), found.as_mut_ptr(), capacity as i32))
            });
            let count = usize::try_from(count.unwrap_or(0)).unwrap_or(0);
            if count <= capacity {
                return found.iter().take(count).map(|oid| oid.to_u32()).collect();
            }
            found.resize(count, pg_sys::InvalidOid);
        }
    }
}
