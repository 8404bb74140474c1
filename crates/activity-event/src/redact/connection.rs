//! Secrets of connection strings and URIs.
//!
//! These stand in the contents of literals, and are told by `keyword = value` and `scheme://user:password@host` wherever in
//! the contents: a string that is put together has them in fragments.

use std::ops::Range;

use super::REDACTED;
use crate::lex::{Kind, Lexer, Token, is_blank};

/// More of comments between a keyword and what may be its literal is taken with them where that is no literal: what was looked
/// at is not looked at again, however many keywords are in it.
const LONGEST_COMMENTS_BYTES: usize = 256;

/// The value of `keyword = value` behind the keyword `word`. Quotes are part of it.
pub(super) fn value(text: &[u8], word: &Token) -> Option<Range<usize>> {
    let equals = after_blanks(text, word.end);
    if text.get(equals) != Some(&b'=') {
        return None;
    }
    let start = after_blanks(text, equals + 1);
    let rest = text.get(start..)?;
    let (is_argument, behind) = match rest.first() {
        Some(b'>') => (true, ahead(text, start + 1)),
        _ => (false, ahead(text, start)),
    };
    if is_argument && matches!(behind, Ahead::Literal { .. }) {
        // An argument of a function, `password => 'x'`: SQL.
        return None;
    }
    let end = match rest {
        // Done before. A value in quotes can have had anything behind it.
        _ if rest.starts_with(REDACTED.as_bytes()) => return Some(start..start + REDACTED.len()),
        [b'\'', rest @ ..] => start + 1 + quoted_length(rest),
        _ => start + bare_length(rest, is_parameter(text, word.start)),
    };
    // In SQL, as in the body of a function, the same text is a literal. What is longer of both is taken.
    match behind {
        Ahead::Literal { end: behind } | Ahead::Comments { end: behind } => Some(start..behind.max(end)),
        Ahead::Other => Some(start..end),
    }
}

/// The password of `user:password@host`, in the authority that begins at `start`.
pub(super) fn uri_password(text: &[u8], start: usize) -> Option<Range<usize>> {
    let rest = text.get(start..)?;
    // The server's client library looks for the end of the user and password at the next slash, whatever comes before it.
    let end = rest.iter().position(|b| *b == b'/' || is_blank(*b)).unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    let at = authority.iter().rposition(|b| *b == b'@')?;
    let colon = authority.get(..at)?.iter().position(|b| *b == b':')?;
    Some(start + colon + 1..start + at)
}

/// Whether the keyword at `start` is a parameter of a URI.
fn is_parameter(text: &[u8], start: usize) -> bool {
    matches!(start.checked_sub(1).and_then(|before| text.get(before)), Some(b'?' | b'&'))
}

/// What comes next.
enum Ahead {
    /// A literal, perhaps behind comments.
    Literal {
        end: usize,
    },
    /// Something else, behind more than [`LONGEST_COMMENTS_BYTES`] of comments.
    Comments {
        end: usize,
    },
    Other,
}

fn ahead(text: &[u8], at: usize) -> Ahead {
    let mut comments_end = at;
    for token in Lexer::at(text, at) {
        match token.kind {
            Kind::Blank => {}
            Kind::Comment => comments_end = token.end,
            Kind::Literal(_) => return Ahead::Literal { end: token.end },
            _ => break,
        }
    }
    if comments_end - at > LONGEST_COMMENTS_BYTES {
        Ahead::Comments { end: comments_end }
    } else {
        Ahead::Other
    }
}

fn after_blanks(text: &[u8], at: usize) -> usize {
    let blanks = text.get(at..).unwrap_or(&[]).iter().take_while(|b| is_blank(**b)).count();
    at + blanks
}

/// A backslash escapes a blank or a quote.
fn bare_length(value: &[u8], is_parameter: bool) -> usize {
    let mut at = 0;
    while let Some(byte) = value.get(at).copied() {
        if is_blank(byte) || is_parameter && byte == b'&' {
            return at;
        }
        at += if byte == b'\\' { 2 } else { 1 };
    }
    value.len()
}

/// Length of a quoted value behind its opening quote.
fn quoted_length(value: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = value.get(at).copied() {
        match byte {
            b'\'' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    value.len()
}
