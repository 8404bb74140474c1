//! Utility commands as the utility hook sees them, as borrowed views.

use std::ffi::{CStr, c_char};
use std::marker::PhantomData;
use std::ptr::NonNull;

use pgrx::pg_sys;

use super::ffi::{
    RawCommand, activity_pg_command, activity_pg_names_objects, activity_pg_statement_object_type,
    activity_pg_statement_objects, activity_pg_statement_target, activity_pg_utility_cannot_roll_back,
    activity_pg_utility_commits_another, activity_pg_utility_is_commit,
};
use super::guard::raising;
use super::names::NameBuffer;
use super::objects::Object;
use super::params::Bound;
use super::statement::{end_of, slice};

/// Most objects that one command's text names and that are told one by one.
const MAX_STATEMENT_OBJECTS: usize = 4096;

/// A utility command, valid for the length of one hook call.
#[derive(Clone, Copy)]
pub(crate) struct Utility<'a> {
    pub(super) pstmt: NonNull<pg_sys::PlannedStmt>,
    source: *const c_char,
    params: pg_sys::ParamListInfo,
    /// Part of another command: an element of CREATE SCHEMA, the index of a primary key.
    pub(crate) subcommand: bool,
    call: PhantomData<&'a ()>,
}

/// A command's kind.
pub(crate) struct Command {
    /// PostgreSQL's tag, such as `CREATE TABLE`.
    pub(crate) tag: &'static str,
    /// The number of the class, in the order of `activity_event::Class`.
    pub(crate) class_number: i32,
}

impl<'a> Utility<'a> {
    /// # Safety
    /// The arguments are those of the hook call that `'a` stands for.
    pub(super) unsafe fn new(
        pstmt: *mut pg_sys::PlannedStmt,
        source: *const c_char,
        params: pg_sys::ParamListInfo,
        subcommand: bool,
    ) -> Option<Self> {
        NonNull::new(pstmt).map(|pstmt| Self { pstmt, source, params, subcommand, call: PhantomData })
    }

    fn node(&self) -> *mut pg_sys::Node {
        // SAFETY: valid for 'a, see new.
        unsafe { self.pstmt.as_ref() }.utilityStmt
    }

    fn is(&self, tag: pg_sys::NodeTag) -> bool {
        // SAFETY: every utility statement has a node, and every node begins with its tag.
        unsafe { (*self.node()).type_ == tag }
    }

    /// What kind of command it is.
    pub(crate) fn command(&self) -> Command {
        let mut raw = RawCommand { tag: std::ptr::null(), class: 0 };
        // SAFETY: a valid statement and a local; an error becomes a panic.
        unsafe { raising(|| activity_pg_command(self.pstmt.as_ptr(), &mut raw)) };
        // SAFETY: a terminated constant of the server.
        let tag = unsafe { CStr::from_ptr(raw.tag) }.to_str().unwrap_or("UNKNOWN");
        Command { tag, class_number: raw.class }
    }

    /// The client's own slice of the text.
    pub(crate) fn text(&self) -> &'a [u8] {
        // SAFETY: valid for 'a; the text is terminated and the location is the parser's.
        unsafe {
            let plan = self.pstmt.as_ref();
            slice(self.source, plan.stmt_location, plan.stmt_len)
        }
    }

    /// Where it ends in the text that it is part of; 0 where it is all of it.
    pub(crate) fn end(&self) -> usize {
        // SAFETY: valid for 'a, see new.
        end_of(unsafe { self.pstmt.as_ref() })
    }

    /// Where it begins there.
    pub(crate) fn location(&self) -> i32 {
        // SAFETY: valid for 'a, see new.
        unsafe { self.pstmt.as_ref() }.stmt_location
    }

    /// COMMIT or PREPARE TRANSACTION: what it does comes after it.
    pub(crate) fn is_commit(&self) -> bool {
        // SAFETY: a valid statement; raises nothing.
        unsafe { activity_pg_utility_is_commit(self.pstmt.as_ptr()) }
    }

    /// Whether it ends another transaction than its own: COMMIT PREPARED, ROLLBACK PREPARED.
    pub(crate) fn commits_another(&self) -> bool {
        // SAFETY: a valid statement; raises nothing.
        unsafe { activity_pg_utility_commits_another(self.pstmt.as_ptr()) }
    }

    /// Whether a failure after it ran would leave something of it behind.
    pub(crate) fn cannot_roll_back(&self) -> bool {
        // SAFETY: a valid statement; an error (an option that is none) becomes a panic.
        unsafe { raising(|| activity_pg_utility_cannot_roll_back(self.pstmt.as_ptr())) }
    }

    /// Whether it defines objects, which are named when it is done.
    pub(crate) fn names_objects(&self) -> bool {
        // SAFETY: a valid statement; raises nothing.
        unsafe { activity_pg_names_objects(self.pstmt.as_ptr()) }
    }

    /// Type and name of the first object that it names, as it is written there.
    pub(crate) fn target(&self) -> Option<(&'static str, String)> {
        let mut kind: *const c_char = std::ptr::null();
        let mut name = NameBuffer::new();
        // SAFETY: a valid statement, a local, a buffer and its size; an error becomes a panic.
        let known = unsafe {
            raising(|| {
                activity_pg_statement_target(
                    self.pstmt.as_ptr(),
                    &mut kind,
                    name.as_mut_ptr(),
                    NameBuffer::SIZE,
                )
            })
        };
        if !known || kind.is_null() {
            return None;
        }
        // SAFETY: a constant of ours.
        let kind = unsafe { CStr::from_ptr(kind) }.to_str().ok()?;
        Some((kind, name.text()?))
    }

    /// The objects that it names, of those that the object_access hook does not tell. After it ran; catalog access.
    pub(crate) fn objects(&self) -> Vec<Object> {
        const FEW: usize = 16;
        let mut found = vec![Object::NONE; FEW];
        loop {
            let capacity = found.len();
            // SAFETY: a valid statement, a buffer and its capacity; an error becomes a panic.
            let count = unsafe {
                raising(|| {
                    activity_pg_statement_objects(
                        self.pstmt.as_ptr(),
                        found.as_mut_ptr().cast(),
                        capacity as i32,
                    )
                })
            };
            let count = usize::try_from(count).unwrap_or(0).min(MAX_STATEMENT_OBJECTS);
            if count <= capacity {
                found.truncate(count);
                return found;
            }
            found.resize(count, Object::NONE);
        }
    }

    /// objectType where the command's own word counts and not each object's.
    pub(crate) fn object_type(&self) -> Option<&'static str> {
        // SAFETY: a valid statement; NULL or a constant of ours.
        unsafe {
            let word = activity_pg_statement_object_type(self.pstmt.as_ptr());
            if word.is_null() { None } else { CStr::from_ptr(word).to_str().ok() }
        }
    }

    /// RENAME, of anything.
    pub(crate) fn is_rename(&self) -> bool {
        self.is(pg_sys::NodeTag::T_RenameStmt)
    }

    /// The parameters that are bound to it, if any.
    pub(crate) fn parameters(&self) -> Option<Bound<'a>> {
        // SAFETY: NULL or the parameter list of this command, which lives as long as the hook call.
        unsafe { Bound::new(self.params) }
    }

    /// COPY, the one command whose row count is that of a DML statement.
    pub(crate) fn is_copy(&self) -> bool {
        self.is(pg_sys::NodeTag::T_CopyStmt)
    }

    /// DO, which is told before what it runs.
    pub(crate) fn is_do(&self) -> bool {
        self.is(pg_sys::NodeTag::T_DoStmt)
    }

    /// CREATE or ALTER EXTENSION, whose script's statements are not told one by one.
    pub(crate) fn runs_extension_script(&self) -> bool {
        self.is(pg_sys::NodeTag::T_CreateExtensionStmt) || self.is(pg_sys::NodeTag::T_AlterExtensionStmt)
    }
}
