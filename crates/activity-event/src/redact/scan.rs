//! The scan: which bytes of a text are secrets.

use std::ops::Range;

use super::place::{Gap, Place};
use super::view::View;
use super::{connection, mentions, names};
use crate::lex::{Kind, Lexer, Token, is_blank, unquote};

/// How deep literals in literals are read. What mentions a secret deeper than that is taken out as a whole.
const NESTING_LIMIT: usize = 8;

/// What the text that is scanned is at its outermost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outermost {
    /// SQL: `password=x` compares two columns.
    Statement,
    /// What a literal holds: `password=x` can be from a connection string.
    Contents,
}

/// A secret of a text.
pub(super) struct Secret {
    /// Where the text has it.
    pub(super) source: Range<usize>,
    /// What it is when it has been read.
    pub(super) meaning: Vec<u8>,
}

/// The secrets of a text, in its order.
pub(super) fn secrets(text: &str, outermost: Outermost) -> Vec<Secret> {
    let mut scan = Scan::default();
    if mentions::secrets(text.as_bytes()) {
        let nesting = if outermost == Outermost::Statement { 0 } else { 1 };
        scan.text(&View::of(text), nesting);
    }
    scan.found
}

/// The numbers of the parameters that stand where a literal would be a secret: `… PASSWORD ' || $1`.
pub(super) fn parameters(text: &str) -> Vec<usize> {
    let mut scan = Scan::default();
    if mentions::secrets(text.as_bytes()) {
        scan.text(&View::of(text), 0);
    }
    scan.parameters
}

#[derive(Default)]
struct Scan {
    found: Vec<Secret>,
    parameters: Vec<usize>,
}

impl Scan {
    /// Scans a text at some depth of literals, and says what it leaves out.
    fn text(&mut self, view: &View<'_>, nesting: usize) -> Gap {
        let text: &[u8] = &view.bytes;
        let mut lexer = Lexer::new(text);
        let mut place = Place::default();
        let mut gap = Gap::None;
        while let Some(token) = lexer.next() {
            let secret = match token.kind {
                Kind::Blank => None,
                Kind::Comment => {
                    self.inside(view, &token, nesting);
                    None
                }
                _ => secret_at(text, &token, &place, nesting),
            };
            if let Some(secret) = secret {
                lexer = Lexer::at(text, secret.end.max(token.end));
                gap = self.take(view, secret, &token, gap);
                place.other();
                continue;
            }
            match token.kind {
                Kind::Blank | Kind::Comment => {}
                Kind::Literal(_) => {
                    let inner = self.inside(view, &token, nesting);
                    place.literal(token.contents(text), inner);
                }
                Kind::Name => {
                    self.inside(view, &token, nesting);
                    place.name(token.contents(text));
                }
                Kind::Word => place.word(token.of(text)),
                Kind::Operator | Kind::Punctuation => place.symbol(token.of(text)),
                Kind::Parameter => {
                    if nesting == 0 && place.takes_literal() {
                        self.parameters.extend(number(token.of(text)));
                    }
                    place.other();
                }
                Kind::Number => place.other(),
            }
        }
        if place.gap_at_end() { Gap::AtEnd } else { gap }
    }

    /// Scans what a comment, name or literal holds.
    fn inside(&mut self, view: &View<'_>, token: &Token, nesting: usize) -> Gap {
        let contents = view.inside(token);
        if !mentions::secrets(&contents.bytes) {
            return Gap::None;
        }
        if nesting >= NESTING_LIMIT {
            return self.take(view, token.inside.0..token.inside.1, token, Gap::None);
        }
        self.text(&contents, nesting + 1)
    }

    /// Notes a secret, which is the token or begins with it; returns the gap of the text, the one it had before or another.
    fn take(&mut self, view: &View<'_>, secret: Range<usize>, token: &Token, before: Gap) -> Gap {
        let written = view.bytes.get(secret.clone()).unwrap_or(&[]);
        let unquoted = trim_quotes(written);
        if unquoted.is_empty() {
            return if secret.end == view.bytes.len() { Gap::AtEnd } else { before };
        }
        if is_placeholder(unquoted) {
            return Gap::Placeholder;
        }
        let is_token = secret == (token.inside.0..token.inside.1);
        let read = if is_token { unquote(written, token.kind) } else { None };
        let meaning = read.map_or_else(|| written.to_vec(), |(meaning, _)| meaning);
        self.found.push(Secret { source: view.source(&secret), meaning });
        before
    }
}

/// The secret that the token is or begins.
fn secret_at(text: &[u8], token: &Token, place: &Place, nesting: usize) -> Option<Range<usize>> {
    let written = token.of(text);
    if place.takes_literal() && matches!(token.kind, Kind::Literal(_)) {
        return Some(token.inside.0..token.inside.1);
    }
    if place.takes_word() && !matches!(written, b";" | b")" | b"," | b"=") {
        match token.kind {
            Kind::Parameter => return None,
            Kind::Word if written.eq_ignore_ascii_case(b"null") => return None,
            Kind::Name => return Some(token.inside.0..token.inside.1),
            _ => return Some(token.start..word_end(text, token.start)),
        }
    }
    match token.kind {
        Kind::Word if nesting > 0 && names::is_keyword(written) => connection::value(text, token),
        Kind::Punctuation if text.get(token.start..).is_some_and(|rest| rest.starts_with(b"://")) => {
            connection::uri_password(text, token.start + 3)
        }
        _ => None,
    }
}

/// Of `$1`.
fn number(parameter: &[u8]) -> Option<usize> {
    std::str::from_utf8(parameter.strip_prefix(b"$")?).ok()?.parse().ok()
}

fn word_end(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or(&[]);
    rest.iter().position(|b| is_blank(*b) || *b == b';').map_or(text.len(), |length| start + length)
}

fn trim_quotes(mut text: &[u8]) -> &[u8] {
    while let [b'\'', rest @ ..] | [rest @ .., b'\''] = text {
        text = rest;
    }
    text
}

/// `%` of RAISE; `%s`, `%I`, `%L`, `%1$s`, `%-10s` of format().
fn is_placeholder(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"%") else { return false };
    let conversion = rest.iter().position(|b| !b.is_ascii_digit() && !matches!(b, b'$' | b'-' | b'*'));
    let conversion = conversion.and_then(|at| rest.get(at..)).unwrap_or(&[]);
    matches!(conversion, [] | [b's' | b'I' | b'L'] | [b's' | b'I' | b'L', b';' | b'\'' | b')', ..])
}
