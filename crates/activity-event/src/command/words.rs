//! The words of a statement outside of its parentheses.

use crate::lex::{Kind, Lexer};

/// What of a text is looked at. Lists of common table expressions and of roles to grant can be long.
const PREFIX_LIMIT_BYTES: usize = 16 * 1024;

/// A part of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'t> {
    Word(&'t [u8]),
    /// Parentheses, with what is in them.
    Group,
    Comma,
    Other,
}

impl Part<'_> {
    /// Whether it is this keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Part::Word(word) if word.eq_ignore_ascii_case(keyword.as_bytes()))
    }

    pub(super) fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }
}

/// The parts of the first statement of a text.
#[derive(Debug, Clone)]
pub(super) struct Parts<'t> {
    text: &'t [u8],
    lexer: Lexer<'t>,
}

impl<'t> Parts<'t> {
    /// From the first word on: parentheses can be around a query.
    pub(super) fn of(text: &'t str) -> Self {
        let bytes = text.as_bytes();
        let text = bytes.get(..PREFIX_LIMIT_BYTES).unwrap_or(bytes);
        Self { text, lexer: Lexer::new(text) }.without_openings(b"(;")
    }

    /// What is left, from behind the parentheses that open a query.
    pub(super) fn query(self) -> Self {
        self.without_openings(b"(")
    }

    fn without_openings(mut self, openings: &[u8]) -> Self {
        let mut ahead = self.lexer.clone();
        while let Some(token) = ahead.next() {
            let is_opening = matches!(token.of(self.text), [byte] if openings.contains(byte));
            if !is_opening && !token.is_blank() {
                break;
            }
            self.lexer = ahead.clone();
        }
        self
    }

    /// Goes to the end of the parentheses that have been opened.
    fn skip_group(&mut self) {
        let mut depth = 1usize;
        for token in self.lexer.by_ref() {
            match token.of(self.text) {
                b"(" => depth += 1,
                b")" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }
}

impl<'t> Iterator for Parts<'t> {
    type Item = Part<'t>;

    fn next(&mut self) -> Option<Part<'t>> {
        loop {
            let token = self.lexer.next()?;
            return Some(match (token.kind, token.of(self.text)) {
                (Kind::Blank | Kind::Comment, _) | (_, b")") => continue,
                (_, b";") => {
                    self.lexer = Lexer::new(&[]);
                    return None;
                }
                (_, b"(") => {
                    self.skip_group();
                    Part::Group
                }
                (_, b",") => Part::Comma,
                (Kind::Word, word) => Part::Word(word),
                _ => Part::Other,
            });
        }
    }
}
