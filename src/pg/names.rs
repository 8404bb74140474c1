//! Names out of the catalogs. All of this needs a usable transaction.

use std::ffi::{CStr, c_char};

use pgrx::pg_sys;

use super::ffi::{
    activity_pg_function_leaves_server, activity_pg_function_name, activity_pg_relation_leaves_server,
    activity_pg_relation_name,
};
use super::guard::raising;
use super::text;

/// pg_class.relkind of a foreign table.
pub(super) const FOREIGN_TABLE: c_char = b'f' as c_char;

/// A relation's qualified name and kind.
pub(crate) struct Relation {
    /// `schema.name`, quoted where SQL needs it.
    pub(crate) name: String,
    /// pg_class.relkind
    pub(crate) kind: u8,
    /// It is one of pg_catalog's.
    pub(crate) catalog: bool,
    /// It is a foreign table that reads a file or a program of the server's.
    pub(crate) leaves_server: bool,
}

/// A function's qualified name.
pub(crate) struct Function {
    /// `schema.name` without argument types, quoted where SQL needs it.
    pub(crate) name: String,
    /// It reaches the server's files or other servers, by the library that it comes from.
    pub(crate) leaves_server: bool,
}

/// A catalog whose changes are told; the numbers are those of `c/activity.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Catalog {
    /// pg_namespace, and whatever is not known.
    Schemas,
    /// pg_proc
    Functions,
    /// pg_authid
    Roles,
}

impl Catalog {
    pub(super) fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Functions,
            2 => Self::Roles,
            _ => Self::Schemas,
        }
    }
}

/// Room for a name that C writes.
pub(super) struct NameBuffer([u8; Self::BYTES]);

impl NameBuffer {
    /// The longest identities are those of functions with many arguments.
    const BYTES: usize = 8192;
    /// The same as C takes it.
    pub(super) const SIZE: i32 = Self::BYTES as i32;

    pub(super) fn new() -> Self {
        Self([0; Self::BYTES])
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut c_char {
        self.0.as_mut_ptr().cast()
    }

    /// What was written, as UTF-8.
    pub(super) fn text(&self) -> Option<String> {
        let name = CStr::from_bytes_until_nul(&self.0).ok()?;
        Some(text::to_utf8(name.to_bytes()).into_owned())
    }
}

/// Looks a relation up; `None` where it is gone.
pub(crate) fn relation(oid: u32) -> Option<Relation> {
    let (mut kind, mut catalog, mut name) = (0, false, NameBuffer::new());
    // SAFETY: locals and the size of the buffer; an error becomes a panic.
    let (found, leaves_server) = unsafe {
        raising(|| {
            let oid = pg_sys::Oid::from(oid);
            let found =
                activity_pg_relation_name(oid, &mut kind, &mut catalog, name.as_mut_ptr(), NameBuffer::SIZE);
            (found, found && kind == FOREIGN_TABLE && activity_pg_relation_leaves_server(oid))
        })
    };
    #[expect(clippy::cast_sign_loss, reason = "relkind is an ASCII letter")]
    if found { Some(Relation { name: name.text()?, kind: kind as u8, catalog, leaves_server }) } else { None }
}

/// Looks a function up; `None` where it is gone.
pub(crate) fn function(oid: u32) -> Option<Function> {
    let (mut catalog, mut name) = (false, NameBuffer::new());
    let oid = pg_sys::Oid::from(oid);
    // SAFETY: locals and the size of the buffer; an error becomes a panic.
    let (found, leaves_server) = unsafe {
        raising(|| {
            let found = activity_pg_function_name(oid, &mut catalog, name.as_mut_ptr(), NameBuffer::SIZE);
            (found, found && activity_pg_function_leaves_server(oid))
        })
    };
    if found { Some(Function { name: name.text()?, leaves_server }) } else { None }
}
