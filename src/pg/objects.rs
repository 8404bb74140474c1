//! Objects by address, and what they are called.

use std::ffi::CStr;

use pgrx::pg_sys;

use super::ffi::{
    RawObject, activity_pg_describe_object, activity_pg_make_visible, activity_pg_object_is_told,
};
use super::guard::raising;
use super::names::NameBuffer;

/// What a command did to an object; the numbers are those of `c/activity.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Access {
    /// It made it.
    Create = 0,
    /// It changed it.
    Alter = 1,
    /// It is about to drop it.
    Drop = 2,
    /// It is about to empty it.
    Truncate = 3,
    /// It is about to drop it for reasons of its own.
    DropInternal = 4,
}

impl Access {
    pub(super) fn from_number(number: i32) -> Option<Self> {
        [Self::Create, Self::Alter, Self::Drop, Self::Truncate, Self::DropInternal]
            .into_iter()
            .find(|access| *access as i32 == number)
    }
}

/// An object's address (catalog, row, column).
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Object(RawObject);

impl Object {
    /// No object.
    pub(super) const NONE: Self =
        Self(RawObject { class: pg_sys::InvalidOid, object: pg_sys::InvalidOid, sub: 0 });

    pub(super) fn new(class: pg_sys::Oid, object: pg_sys::Oid, sub: i32) -> Self {
        Self(RawObject { class, object, sub })
    }

    /// The whole that a column is part of: to add or alter one is to alter its table.
    pub(crate) fn whole(self) -> Self {
        Self(RawObject { sub: 0, ..self.0 })
    }

    /// Tells it from others.
    pub(crate) fn key(self) -> (u32, u32, i32) {
        (self.0.class.to_u32(), self.0.object.to_u32(), self.0.sub)
    }

    /// Whether it is one that is told, and not part of one. Catalog access.
    pub(crate) fn is_told(&self, access: Access) -> bool {
        // SAFETY: a valid address; an error becomes a panic.
        unsafe { raising(|| activity_pg_object_is_told(access as i32, &self.0)) }
    }

    /// Its type, in capitals, and its identity; `None` where it is gone. Catalog access.
    pub(crate) fn describe(&self) -> Option<(String, String)> {
        const TYPE_BYTES: usize = 128;
        let mut kind = [0u8; TYPE_BYTES];
        let mut name = NameBuffer::new();
        // SAFETY: a valid address, two buffers and their sizes; an error becomes a panic.
        let known = unsafe {
            raising(|| {
                activity_pg_describe_object(
                    &self.0,
                    kind.as_mut_ptr().cast(),
                    TYPE_BYTES as i32,
                    name.as_mut_ptr(),
                    NameBuffer::SIZE,
                )
            })
        };
        let kind = CStr::from_bytes_until_nul(&kind).ok().filter(|_| known)?;
        Some((kind.to_str().ok()?.to_owned(), name.text()?))
    }
}

/// Makes what the command did visible to look-ups. At its end, and only there.
pub(crate) fn make_visible() {
    // SAFETY: the server takes the same step right after a command; an error becomes a panic.
    unsafe { raising(|| activity_pg_make_visible()) };
}
