//! Text of the server as UTF-8.

use std::borrow::Cow;
use std::ffi::c_int;

use pgrx::pg_sys;

use super::ffi::{
    activity_pg_character_bytes, activity_pg_clip, activity_pg_convert, activity_pg_encoding,
    activity_pg_find_conversion,
};
use super::guard::raising;
use super::process;

/// At most `limit` bytes of a text in the server's encoding, whole characters.
pub(crate) fn clip(bytes: &[u8], limit: usize) -> &[u8] {
    // A character more than the limit is all that has to be looked at.
    let window = bytes.get(..limit.saturating_add(LONGEST_CHARACTER_BYTES)).unwrap_or(bytes);
    let (Ok(length), Ok(most)) = (c_int::try_from(window.len()), c_int::try_from(limit)) else {
        return bytes;
    };
    // SAFETY: a buffer and its length; raises nothing.
    let kept = unsafe { activity_pg_clip(window.as_ptr().cast(), length, most) };
    usize::try_from(kept).ok().and_then(|kept| window.get(..kept)).unwrap_or(window)
}

/// Looks up what the conversion of text needs, so that it is there when catalogs cannot be read. Catalog access.
pub(crate) fn prepare() {
    // SAFETY: looks the function up once; an error becomes a panic.
    unsafe { raising(|| activity_pg_find_conversion()) };
}

/// pg_wchar.h, MAX_MULTIBYTE_CHAR_LEN, and room for encodings to come.
pub(crate) const LONGEST_CHARACTER_BYTES: usize = 8;
/// Bytes that are converted at once.
const CONVERSION_BYTES: usize = 64 * 1024;
/// pg_wchar.h, MAX_CONVERSION_GROWTH
const MAX_CONVERSION_GROWTH: usize = 4;

/// Text in the server's encoding as UTF-8. Always gives something: bytes that mean nothing become U+FFFD.
///
/// The server's conversion functions are catalog entries. One that was looked up serves on when catalogs cannot be read
/// (an aborted transaction); before that, what is not ASCII is lost. UTF-8, ASCII and LATIN1 need none.
pub(crate) fn to_utf8(bytes: &[u8]) -> Cow<'_, str> {
    // SAFETY: reads process-local state; raises nothing.
    let encoding = unsafe { activity_pg_encoding() };
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
    if encoding != pg_sys::pg_enc::PG_UTF8 as c_int && encoding != pg_sys::pg_enc::PG_SQL_ASCII as c_int {
        return Cow::Owned(converted(bytes).unwrap_or_else(|| ascii_of(bytes)));
    }
    String::from_utf8_lossy(bytes)
}

/// What is ASCII in a text of an encoding that cannot be converted now.
fn ascii_of(bytes: &[u8]) -> String {
    bytes.iter().map(|b| if b.is_ascii() { char::from(*b) } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// By the server's conversion function; `None` where it is not known yet and cannot be looked up now.
fn converted(mut bytes: &[u8]) -> Option<String> {
    if process::catalog_usable() {
        prepare();
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
        // It stopped at a character that means nothing, or at one that the part's end has cut.
        let rest = bytes.get(taken..)?;
        let skipped = if taken < part.len() && (part.len() == bytes.len() || taken == 0) {
            text.push(char::REPLACEMENT_CHARACTER);
            // SAFETY: a buffer that is not empty and its length; raises nothing.
            let bytes = unsafe {
                activity_pg_character_bytes(rest.as_ptr().cast(), c_int::try_from(rest.len()).ok()?)
            };
            usize::try_from(bytes).ok()?
        } else {
            0
        };
        bytes = rest.get(skipped..)?;
    }
    Some(text)
}
