//! PostgreSQL's lexical structure, token by token.
//!
//! Text that did not parse, and text that is only the contents of a literal, is taken apart by the rules of the server's
//! own scanner (`scan.l`): words, names in `"…"`, literals of every kind, comments that nest. It works on bytes, since a
//! server's encodings all agree on ASCII and every byte from 0x80 on is part of a letter.
//!
//! What holds: the tokens are whole and in order, so that each byte of the text is in exactly one of them; whatever is not
//! closed goes to the end of the text; one pass, with at most one look ahead over the blanks behind a literal; no
//! allocation.
//!
//! What is not guaranteed: `standard_conforming_strings` is taken to be on, and numbers are only told from words.

mod quoting;

pub(crate) use quoting::unquote;
use quoting::{after_comment, after_dollars, after_quotes, tag_length};

/// How the contents of a literal or name are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// `'…'`, also with the prefixes `B`, `X`, `N` and `U&`: a quote is doubled.
    Doubled,
    /// `E'…'`: a quote is doubled or behind a backslash.
    Escaped,
    /// `$tag$…$tag$`: nothing stands for anything else.
    Verbatim,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Blank,
    Comment,
    /// A keyword or a name without quotes.
    Word,
    /// `"…"` or `U&"…"`.
    Name,
    /// With the further literals that continue it on later lines.
    Literal(Quoting),
    Number,
    /// `$1`
    Parameter,
    /// One or more of the characters of operators; also `:=`, `::` and `..`.
    Operator,
    /// Any other character.
    Punctuation,
}

/// A token, in offsets into the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The contents of a comment, name or literal; else all of it.
    pub(crate) inside: (usize, usize),
}

impl Token {
    /// The token as it is written.
    pub(crate) fn of<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        text.get(self.start..self.end).unwrap_or(&[])
    }

    /// What it holds, as it is written.
    pub(crate) fn contents<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        text.get(self.inside.0..self.inside.1).unwrap_or(&[])
    }

    /// Whether it separates tokens and means nothing.
    pub(crate) fn is_blank(&self) -> bool {
        matches!(self.kind, Kind::Blank | Kind::Comment)
    }
}

/// The tokens of a text.
#[derive(Debug, Clone)]
pub(crate) struct Lexer<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(text: &'t [u8]) -> Self {
        Self::at(text, 0)
    }

    /// Begins at an offset, as if a token began there.
    pub(crate) fn at(text: &'t [u8], at: usize) -> Self {
        Self { text, at }
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    fn starts_with(&self, at: usize, begin: &[u8]) -> bool {
        self.text.get(at..).is_some_and(|rest| rest.starts_with(begin))
    }

    /// The offset behind the bytes from `at` on for which `belongs` holds.
    fn after(&self, at: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.get(at..).unwrap_or(&[]);
        rest.iter().position(|b| !belongs(*b)).map_or(self.text.len(), |length| at + length)
    }

    fn token(&self, kind: Kind, end: usize) -> Token {
        Token { kind, start: self.at, end, inside: (self.at, end) }
    }

    /// A token of the quotes that begin at `quote`, a prefix before it.
    fn quoted(&self, kind: Kind, quote: usize) -> Token {
        let (inside_end, end) = after_quotes(self.text, quote, kind);
        Token { kind, start: self.at, end, inside: (quote + 1, inside_end) }
    }

    fn word(&self) -> Token {
        let end = self.after(self.at, |b| is_letter(b) || b.is_ascii_digit() || b == b'$');
        let quote = match self.text.get(self.at..end) {
            Some([prefix]) if self.byte(end) == b'\'' => return self.prefixed(*prefix, end),
            Some(b"u" | b"U") if self.byte(end) == b'&' => end + 1,
            _ => return self.token(Kind::Word, end),
        };
        match self.byte(quote) {
            b'\'' => self.quoted(Kind::Literal(Quoting::Doubled), quote),
            b'"' => self.quoted(Kind::Name, quote),
            _ => self.token(Kind::Word, end),
        }
    }

    fn prefixed(&self, prefix: u8, quote: usize) -> Token {
        match prefix.to_ascii_lowercase() {
            b'e' => self.quoted(Kind::Literal(Quoting::Escaped), quote),
            b'b' | b'x' | b'n' => self.quoted(Kind::Literal(Quoting::Doubled), quote),
            _ => self.token(Kind::Word, quote),
        }
    }

    fn dollar(&self) -> Token {
        let digits_end = self.after(self.at + 1, |b| b.is_ascii_digit());
        if digits_end > self.at + 1 {
            return self.token(Kind::Parameter, digits_end);
        }
        let tag = tag_length(self.text.get(self.at..).unwrap_or(&[]));
        if tag == 0 {
            return self.token(Kind::Punctuation, self.at + 1);
        }
        let (inside_end, end) = after_dollars(self.text, self.at, tag);
        let kind = Kind::Literal(Quoting::Verbatim);
        Token { kind, start: self.at, end, inside: (self.at + tag, inside_end) }
    }

    /// An operator ends where a comment begins in it.
    fn operator(&self) -> Token {
        let rest = self.text.get(self.at..).unwrap_or(&[]);
        let length = (0..rest.len()).find(|at| match rest.get(*at..) {
            Some([b'-', b'-', ..] | [b'/', b'*', ..]) => true,
            Some([byte, ..]) => !is_operator(*byte),
            _ => true,
        });
        self.token(Kind::Operator, self.at + length.unwrap_or(rest.len()))
    }

    fn number(&self) -> Token {
        let mut end = self.after(self.at, |b| b.is_ascii_digit());
        if self.byte(end) == b'.' && self.byte(end + 1) != b'.' {
            end = self.after(end + 1, |b| b.is_ascii_digit());
        }
        self.token(Kind::Number, end)
    }

    fn comment(&self, opening: usize, inside_end: usize, end: usize) -> Token {
        Token { kind: Kind::Comment, start: self.at, end, inside: (self.at + opening, inside_end) }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let at = self.at;
        let first = *self.text.get(at)?;
        let token = match first {
            b if is_blank(b) => self.token(Kind::Blank, self.after(at, is_blank)),
            b'-' if self.starts_with(at, b"--") => {
                let end = self.after(at, |b| !is_newline(b));
                // A line of dashes is not a comment in a comment in a comment.
                self.comment(self.after(at, |b| b == b'-') - at, end, end)
            }
            b'/' if self.starts_with(at, b"/*") => {
                let (inside_end, end) = after_comment(self.text, at);
                self.comment(2, inside_end, end)
            }
            b'\'' => self.quoted(Kind::Literal(Quoting::Doubled), at),
            b'"' => self.quoted(Kind::Name, at),
            b'$' => self.dollar(),
            b':' if matches!(self.byte(at + 1), b'=' | b':') => self.token(Kind::Operator, at + 2),
            b if is_letter(b) => self.word(),
            b if b.is_ascii_digit() => self.number(),
            b'.' if self.byte(at + 1).is_ascii_digit() => self.number(),
            b'.' if self.byte(at + 1) == b'.' => self.token(Kind::Operator, at + 2),
            b if is_operator(b) => self.operator(),
            _ => self.token(Kind::Punctuation, at + 1),
        };
        self.at = token.end;
        Some(token)
    }
}

/// PostgreSQL 16 has added the vertical tab.
pub(crate) fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn is_newline(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_operator(byte: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&byte)
}

#[cfg(test)]
mod tests;
