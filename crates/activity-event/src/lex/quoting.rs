//! Where quoted tokens and comments end, and what their contents stand for.

use memchr::{memchr, memchr2, memmem};

use super::{Kind, Quoting, is_blank, is_letter, is_newline};

/// Where the contents and the whole of the quoted token end whose quote is at `opening`. A literal goes on where another
/// follows on a later line.
pub(super) fn after_quotes(text: &[u8], opening: usize, kind: Kind) -> (usize, usize) {
    let quote = if kind == Kind::Name { b'"' } else { b'\'' };
    let escaped = kind == Kind::Literal(Quoting::Escaped);
    let mut at = opening + 1;
    loop {
        let rest = text.get(at..).unwrap_or(&[]);
        let next = if escaped { memchr2(quote, b'\\', rest) } else { memchr(quote, rest) };
        let Some(next) = next.map(|length| at + length) else { return (text.len(), text.len()) };
        let backslash = text.get(next) != Some(&quote);
        if backslash || text.get(next + 1) == Some(&quote) {
            at = next + 2;
        } else if kind != Kind::Name
            && let Some(continued) = continuation(text, next + 1)
        {
            at = continued + 1;
        } else {
            return (next, next + 1);
        }
    }
}

/// The quote that continues a literal which ends before `at`: behind blanks and line comments with a line's end among them.
fn continuation(text: &[u8], mut at: usize) -> Option<usize> {
    let mut later_line = false;
    loop {
        match text.get(at..)? {
            [b'\'', ..] => return later_line.then_some(at),
            [b'-', b'-', rest @ ..] => at += 2 + memchr2(b'\n', b'\r', rest)?,
            [blank, ..] if is_blank(*blank) => {
                later_line |= is_newline(*blank);
                at += 1;
            }
            _ => return None,
        }
    }
}

/// Length of `$tag$` at the beginning of `rest`, 0 where it is none.
pub(super) fn tag_length(rest: &[u8]) -> usize {
    let name = rest.get(1..).unwrap_or(&[]);
    let length = name.iter().take_while(|b| is_letter(**b) || b.is_ascii_digit()).count();
    let closed = name.get(length) == Some(&b'$');
    if closed && !name.first().is_some_and(u8::is_ascii_digit) { length + 2 } else { 0 }
}

/// Where the contents and the whole of the literal end whose opening tag is at `start`.
pub(super) fn after_dollars(text: &[u8], start: usize, tag_length: usize) -> (usize, usize) {
    let inside = start + tag_length;
    let tag = text.get(start..inside).unwrap_or(&[]);
    let closing = memmem::find(text.get(inside..).unwrap_or(&[]), tag);
    closing.map_or((text.len(), text.len()), |length| (inside + length, inside + length + tag_length))
}

/// Where the contents and the whole of the comment end that begins at `start`. Comments nest.
pub(super) fn after_comment(text: &[u8], start: usize) -> (usize, usize) {
    let mut depth = 1usize;
    let mut at = start + 2;
    loop {
        let Some(next) = text.get(at..).and_then(|rest| memchr2(b'*', b'/', rest)) else {
            return (text.len(), text.len());
        };
        at += next;
        match text.get(at..at + 2) {
            Some(b"/*") => depth += 1,
            Some(b"*/") => {
                depth -= 1;
                if depth == 0 {
                    return (at, at + 2);
                }
            }
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
    }
}

/// What the contents of a name or literal stand for, with the offset of each byte in them and that of their end. None
/// where they stand for themselves. The escapes of `U&'…'` are left as they are: which character escapes is said elsewhere.
pub(crate) fn unquote(contents: &[u8], kind: Kind) -> Option<(Vec<u8>, Vec<usize>)> {
    let (quote, escaped) = match kind {
        Kind::Name => (b'"', false),
        Kind::Literal(Quoting::Doubled) => (b'\'', false),
        Kind::Literal(Quoting::Escaped) => (b'\'', true),
        _ => return None,
    };
    memchr2(quote, if escaped { b'\\' } else { quote }, contents)?;
    let mut meaning = Vec::with_capacity(contents.len());
    let mut offsets = Vec::with_capacity(contents.len() + 1);
    let mut at = 0;
    while let Some(byte) = contents.get(at).copied() {
        let start = at;
        let rest = contents.get(at + 1..).unwrap_or(&[]);
        if byte == quote && rest.first() != Some(&quote) && kind != Kind::Name {
            // Between a literal and the one that continues it.
            at = continuation(contents, at + 1).map_or(contents.len(), |quote| quote + 1);
            continue;
        }
        if byte == quote {
            meaning.push(quote);
            at += 2;
        } else if byte == b'\\' && escaped {
            at += 1 + unescape(rest, &mut meaning);
        } else {
            meaning.push(byte);
            at += 1;
        }
        offsets.resize(meaning.len(), start);
    }
    offsets.push(contents.len());
    Some((meaning, offsets))
}

/// Appends what the escape behind a backslash stands for; returns its length.
fn unescape(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let Some(first) = rest.first().copied() else { return 0 };
    let number = |from: usize, most: usize, radix: u32| {
        let digits = rest.get(from..).unwrap_or(&[]).iter().take(most);
        digits.map_while(|b| char::from(*b).to_digit(radix)).fold((0u32, 0usize), |(value, count), digit| {
            (value.wrapping_mul(radix).wrapping_add(digit), count + 1)
        })
    };
    let (value, length) = match first {
        b'0'..=b'7' => number(0, 3, 8),
        b'x' => number(1, 2, 16),
        b'u' => number(1, 4, 16),
        b'U' => number(1, 8, 16),
        _ => (0, 0),
    };
    match first {
        b'0'..=b'7' => out.push(value.to_le_bytes()[0]),
        b'x' if length > 0 => out.push(value.to_le_bytes()[0]),
        b'u' | b'U' if length > 0 => {
            let character = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        b'b' => out.push(0x08),
        b'f' => out.push(0x0c),
        b'n' => out.push(b'\n'),
        b'r' => out.push(b'\r'),
        b't' => out.push(b'\t'),
        other => out.push(other),
    }
    // The letter of x, u and U is not one of the digits.
    if first.is_ascii_digit() && length > 0 { length } else { length + 1 }
}
