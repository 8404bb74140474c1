//! Text of the server as UTF-8.

use std::borrow::Cow;
use std::ffi::c_int;

use pgrx::pg_sys;

use super::ffi::{activity_pg_convert, activity_pg_find_conversion};
use super::guard::raising;
use super::process;

/// `bytes` in UTF-8 with what is invalid replaced, for text whose encoding is not known (before a database is).
pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Bytes that are converted at once.
const CONVERSION_BYTES: usize = 64 * 1024;
/// pg_wchar.h, MAX_CONVERSION_GROWTH
const MAX_CONVERSION_GROWTH: usize = 4;

/// Text in the server's encoding as UTF-8. Always gives something: bytes that mean nothing become U+FFFD.
///
/// The server's conversion functions are catalog entries. One that was looked up serves on when catalogs cannot be read
/// (an aborted transaction); before that, what is not ASCII is lost. UTF-8, ASCII and LATIN1 need none.
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
    if encoding != pg_sys::pg_enc::PG_UTF8 as c_int
        && encoding != pg_sys::pg_enc::PG_SQL_ASCII as c_int
        && let Some(text) = converted(bytes)
    {
        return Cow::Owned(text);
    }
    String::from_utf8_lossy(bytes)
}

/// By the server's conversion function; `None` where it is not known yet and cannot be looked up now.
fn converted(mut bytes: &[u8]) -> Option<String> {
    if process::catalog_usable() {
        // SAFETY: looks the function up once; an error becomes a panic that the caller's containment ends.
        unsafe { raising(|| activity_pg_find_conversion()) };
    }
    let mut text = String::with_capacity(bytes.len());
    let mut buffer = vec![0u8; MAX_CONVERSION_GROWTH * bytes.len().min(CONVERSION_BYTES) + 1];
    while !bytes.is_empty() {
        let part = bytes.get(..CONVERSION_BYTES).unwrap_or(bytes);
        let mut taken = 0;
        // SAFETY: a buffer and its length, a buffer of the size that is asked for and its size; raises nothing.
        let written = unsafe {
            activity_pg_convert(
                part.as_ptr().cast(),
                c_int::try_from(part.len()).ok()?,
                buffer.as_mut_ptr().cast(),
                c_int::try_from(buffer.len()).ok()?,
                &mut taken,
            )
        };
        let written = usize::try_from(written).ok()?;
        text.push_str(&String::from_utf8_lossy(buffer.get(..written)?));
        let taken = usize::try_from(taken).ok()?.min(part.len());
        // It stopped at a byte that means nothing, or at a character that the part's end has cut.
        let skipped = if taken < part.len() && (part.len() == bytes.len() || taken == 0) {
            text.push(char::REPLACEMENT_CHARACTER);
            1
        } else {
            0
        };
        bytes = bytes.get(taken + skipped..)?;
    }
    Some(text)
}
