//! A text as the server reads it at some depth of literals, with where each byte comes from.
//!
//! The contents of a literal are a text of their own, in which doubled quotes are single and escapes are what they stand
//! for: a statement in a literal in a literal is scanned as any statement is. What is found there is taken out of the text
//! as it was written, however many quotes that had.

use std::borrow::Cow;
use std::ops::Range;

use crate::lex::{Token, unquote};

/// A text, or what the contents of a token of one stand for.
pub(super) struct View<'t> {
    pub(super) bytes: Cow<'t, [u8]>,
    origins: Origins<'t>,
}

/// Where the bytes of a view come from in the text.
enum Origins<'t> {
    /// As they are, from here on.
    From(usize),
    /// One by one, and where they end.
    Each(Cow<'t, [usize]>),
}

impl<'t> View<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { bytes: Cow::Borrowed(text.as_bytes()), origins: Origins::From(0) }
    }

    /// What the contents of a token of this view stand for.
    pub(super) fn inside(&self, token: &Token) -> View<'_> {
        let (from, to) = token.inside;
        let contents = token.contents(&self.bytes);
        if let Some((meaning, offsets)) = unquote(contents, token.kind) {
            let origins = offsets.into_iter().map(|offset| self.origin(from + offset)).collect();
            return View { bytes: Cow::Owned(meaning), origins: Origins::Each(Cow::Owned(origins)) };
        }
        let origins = match &self.origins {
            Origins::From(start) => Origins::From(start + from),
            Origins::Each(each) => Origins::Each(Cow::Borrowed(each.get(from..=to).unwrap_or(&[]))),
        };
        View { bytes: Cow::Borrowed(contents), origins }
    }

    /// Where these bytes are in the text.
    pub(super) fn source(&self, range: &Range<usize>) -> Range<usize> {
        self.origin(range.start)..self.origin(range.end)
    }

    fn origin(&self, at: usize) -> usize {
        match &self.origins {
            Origins::From(start) => start + at,
            Origins::Each(each) => each.get(at).or(each.last()).copied().unwrap_or(0),
        }
    }
}
