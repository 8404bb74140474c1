//! Names out of the catalogs. All of this needs a usable transaction.

use std::ffi::{CStr, c_char};

use pgrx::pg_sys;

use super::ffi::{RawFunction, activity_pg_function, activity_pg_relation_name, activity_pg_wrapper_library};
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
    /// The library of a foreign table's wrapper, without its folder; empty where there is none.
    pub(crate) wrapper: String,
}

/// What code a function is.
pub(crate) enum Language {
    /// Of a language whose code is held to the database.
    Trusted,
    /// Of a procedural language whose code may do what the server's OS user may.
    Untrusted,
    /// One of the server's own functions, by its OID; 0 where it is none.
    Internal {
        /// That OID.
        builtin: u32,
    },
    /// C
    C {
        /// The library, without its folder; empty where that is not known.
        library: String,
    },
}

/// A function's qualified name, and what it is.
pub(crate) struct Function {
    /// `schema.name` without argument types, quoted where SQL needs it.
    pub(crate) name: String,
    /// Its code.
    pub(crate) language: Language,
    /// Whether a function in C or an internal one, made after initdb, belongs to an extension.
    pub(crate) of_extension: bool,
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
    let mut library = [0; pg_sys::NAMEDATALEN as usize];
    // SAFETY: locals and the sizes of the buffers; an error becomes a panic.
    let found = unsafe {
        raising(|| {
            let oid = pg_sys::Oid::from(oid);
            let found =
                activity_pg_relation_name(oid, &mut kind, &mut catalog, name.as_mut_ptr(), NameBuffer::SIZE);
            if found && kind == FOREIGN_TABLE {
                activity_pg_wrapper_library(oid, library.as_mut_ptr().cast(), pg_sys::NAMEDATALEN as i32);
            }
            found
        })
    };
    #[expect(clippy::cast_sign_loss, reason = "relkind is an ASCII letter")]
    found.then_some(Relation { name: name.text()?, kind: kind as u8, catalog, wrapper: ascii(&library) })
}

/// Looks a function up; `None` where it is gone.
pub(crate) fn function(oid: u32) -> Option<Function> {
    let mut name = NameBuffer::new();
    let mut raw = RawFunction {
        language: 0,
        builtin: pg_sys::InvalidOid,
        of_extension: false,
        library: [0; pg_sys::NAMEDATALEN as usize],
    };
    // SAFETY: locals and the size of the buffer; an error becomes a panic.
    let found = unsafe {
        raising(|| {
            activity_pg_function(pg_sys::Oid::from(oid), &mut raw, name.as_mut_ptr(), NameBuffer::SIZE)
        })
    };
    let language = match raw.language {
        0 => Language::Trusted,
        2 => Language::Internal { builtin: raw.builtin.to_u32() },
        3 => Language::C { library: ascii(&raw.library) },
        _ => Language::Untrusted,
    };
    found.then_some(Function { name: name.text()?, language, of_extension: raw.of_extension })
}

/// A terminated text of a library's name; one that is not ASCII is none that we know.
fn ascii(text: &[u8]) -> String {
    CStr::from_bytes_until_nul(text).ok().and_then(|text| text.to_str().ok()).unwrap_or_default().to_owned()
}
