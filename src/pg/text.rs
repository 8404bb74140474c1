//! Text of the server as UTF-8.

use std::borrow::Cow;
use std::ffi::{CStr, c_int};

use pgrx::pg_sys;

use super::process;

/// `bytes` in UTF-8 with what is invalid replaced, for text whose encoding is not known (before a database is).
pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Text in the server's encoding as UTF-8. Always gives something: bytes that mean nothing become U+FFFD.
///
/// The server's conversion procedures are catalog entries; without a usable transaction only encodings that are
/// UTF-8, ASCII or LATIN1 convert exactly, others keep what is ASCII in them.
pub(crate) fn to_utf8(bytes: &[u8]) -> Cow<'_, str> {
    // SAFETY: reads process-local state.
    let encoding = unsafe { pg_sys::GetDatabaseEncoding() };
    // ASCII is UTF-8 in every encoding that a server may have (pg_wchar.h, PG_VALID_BE_ENCODING). What most servers
    // and most statements are comes first: from_utf8 takes ASCII by the word, from_utf8_lossy by the byte.
    if (encoding == pg_sys::pg_enc::PG_UTF8 as c_int || bytes.is_ascii())
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return Cow::Borrowed(text);
    }
    if encoding == pg_sys::pg_enc::PG_LATIN1 as c_int {
        return Cow::Owned(bytes.iter().map(|b| char::from(*b)).collect());
    }
    let needs_conversion =
        encoding != pg_sys::pg_enc::PG_UTF8 as c_int && encoding != pg_sys::pg_enc::PG_SQL_ASCII as c_int;
    if needs_conversion && process::catalog_usable() {
        return Cow::Owned(converted(bytes));
    }
    String::from_utf8_lossy(bytes)
}

fn converted(bytes: &[u8]) -> String {
    let Ok(length) = c_int::try_from(bytes.len()) else { return lossy(bytes) };
    // SAFETY: a buffer and its length; what comes back is the same pointer or a palloc'd terminated string. An
    // error (a character that UTF-8 has no equivalent for) is a panic that the caller's containment ends.
    unsafe {
        let result =
            pg_sys::pg_server_to_any(bytes.as_ptr().cast(), length, pg_sys::pg_enc::PG_UTF8 as c_int);
        if result.cast_const().cast() == bytes.as_ptr() {
            return lossy(bytes);
        }
        let text = lossy(CStr::from_ptr(result).to_bytes());
        pg_sys::pfree(result.cast());
        text
    }
}
