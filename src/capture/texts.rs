//! Statements' texts as events hold them: UTF-8, without secrets, cut.
//!
//! Applications send the same texts again and again. Of a short text that has nothing to convert and nothing that could announce
//! a secret this is remembered, by the text itself: to compare costs a fifth of looking again, and there is nothing that could become
//! stale. A text with a secret is never kept. With the text is kept what was told with it last, as it was encoded: most
//! texts do the same to the same object whenever they run.

use std::borrow::Cow;
use std::rc::Rc;

use activity_event::{encode_statement, redact, text::cut};

use super::emit::Draft;
use super::names::RelationName;
use crate::pg::text;
use crate::settings;

/// A statement's text.
#[derive(Clone, Copy)]
pub(super) enum Text<'a> {
    /// There is none: connects and disconnects.
    None,
    /// As the client sent it, in the server's encoding.
    Raw(&'a [u8]),
    /// Found by [`PlainTexts::find`] before.
    Plain(Plain),
    /// Prepared by [`Prepared::of`] before.
    Ready(&'a Prepared),
}

/// Text as an event holds it: UTF-8, redacted, cut.
#[derive(Debug, Clone, Default)]
pub(super) struct Prepared {
    pub(super) text: String,
    /// Bytes of the whole, where it was cut.
    pub(super) whole_bytes: Option<u64>,
}

impl Prepared {
    /// Converts, redacts and cuts.
    pub(super) fn of(raw: &[u8]) -> Self {
        let mut prepared = Self::default();
        if !raw.is_empty() {
            with_prepared(raw, |text, whole_bytes| prepared = Self { text: text.to_owned(), whole_bytes });
        }
        prepared
    }
}

/// Hands the text as an event holds it to `f`, with the length of the whole where it was cut.
fn with_prepared(raw: &[u8], f: impl FnOnce(&str, Option<u64>)) {
    let limit = settings::max_statement_bytes();
    // More than what is kept by a character: what straddles the cut is not kept.
    let window = text::clip(raw, limit + text::LONGEST_CHARACTER_BYTES);
    let utf8: Cow<'_, str> = text::to_utf8(window);
    let redacted = redact::passwords(&utf8);
    let (kept, was_longer) = cut(&redacted, limit);
    let whole = if window.len() < raw.len() { Some(raw.len() as u64) } else { was_longer };
    f(if whole.is_some() { redact::without_torn_uri(kept) } else { kept }, whole);
}

/// The numbers of the parameters whose values are secrets, as far as the text that is kept tells.
pub(super) fn secret_parameters(raw: &[u8]) -> Vec<usize> {
    redact::parameters(&text::to_utf8(text::clip(raw, settings::max_statement_bytes())))
}

/// Texts that an event holds as they are.
pub(super) struct PlainTexts {
    slots: Vec<Slot>,
}

/// A text, and what it was told with last.
#[derive(Default)]
struct Slot {
    text: String,
    command: &'static str,
    relation: Option<Rc<RelationName>>,
    /// The three, encoded; empty where nothing was told yet.
    statement: Vec<u8>,
}

/// A text that was found. It stands for that text until another one is looked for.
#[derive(Clone, Copy)]
pub(super) struct Plain(usize);

impl PlainTexts {
    /// A power of two; with texts of the greatest length 140 kB.
    const SLOTS: usize = 64;
    /// Longer ones are not remembered, so none is ever cut.
    const LONGEST_BYTES: usize = settings::MIN_STATEMENT_BYTES;

    pub(super) const fn new() -> Self {
        Self { slots: Vec::new() }
    }

    /// Looks for the text, and looks at it where it is not known. `None` where there is something to be done with it.
    pub(super) fn find(&mut self, raw: &[u8]) -> Option<Plain> {
        if raw.is_empty() || raw.len() > Self::LONGEST_BYTES {
            return None;
        }
        if self.slots.is_empty() {
            self.slots.resize_with(Self::SLOTS, Slot::default);
        }
        let place = Self::place(raw);
        let slot = self.slots.get_mut(place)?;
        if slot.text.as_bytes() != raw {
            let Cow::Borrowed(text) = text::to_utf8(raw) else { return None };
            if redact::mentions_secrets(text) {
                return None;
            }
            text.clone_into(&mut slot.text);
            slot.statement.clear();
        }
        Some(Plain(place))
    }

    /// The encoded part of the event that says what is done to what by which text, and the bytes of the whole text where it was cut. It
    /// is made in `room` where it is not kept.
    pub(super) fn encoded_statement<'a>(
        &'a mut self,
        draft: &Draft<'_>,
        room: &'a mut Vec<u8>,
    ) -> (&'a [u8], Option<u64>) {
        let plain = match draft.text {
            Text::Plain(found) => Some(found),
            Text::Raw(raw) => self.find(raw),
            Text::None | Text::Ready(_) => None,
        };
        let slot = plain.and_then(|found| self.slots.get_mut(found.0));
        if draft.is_of_relation_or_of_nothing()
            && let Some(slot) = slot
        {
            return (slot.encoded(draft), None);
        }
        room.clear();
        let mut whole_bytes = None;
        match (draft.text, slot) {
            (_, Some(slot)) => draft.encode(Some(&slot.text), room),
            (Text::Ready(prepared), _) => {
                draft.encode(Some(&prepared.text), room);
                whole_bytes = prepared.whole_bytes;
            }
            (Text::Raw(raw @ [_, ..]), _) => with_prepared(raw, |text, whole| {
                draft.encode(Some(text), room);
                whole_bytes = whole;
            }),
            // No text is no commandText.
            _ => draft.encode(None, room),
        }
        (room, whole_bytes)
    }

    /// By the length, the middle and the end: statements have their beginning in common. (Fibonacci hashing.)
    fn place(raw: &[u8]) -> usize {
        let word = |at: usize| {
            raw.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_ne_bytes(*bytes))
        };
        let (middle, end) = (word(raw.len() / 2), word(raw.len().saturating_sub(8)));
        let mixed = (middle ^ end.rotate_left(32) ^ raw.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> (u64::BITS - Self::SLOTS.ilog2())) as usize
    }
}

impl Slot {
    #[inline]
    fn encoded(&mut self, draft: &Draft<'_>) -> &[u8] {
        let same_relation = match (&self.relation, draft.relation) {
            (Some(kept), Some(relation)) => Rc::ptr_eq(kept, relation),
            (None, None) => true,
            _ => false,
        };
        if self.statement.is_empty() || !same_relation || !std::ptr::eq(self.command, draft.command) {
            self.encode(draft);
        }
        &self.statement
    }

    #[cold]
    fn encode(&mut self, draft: &Draft<'_>) {
        self.command = draft.command;
        self.relation = draft.relation.cloned();
        self.statement.clear();
        draft.encode(Some(&self.text), &mut self.statement);
    }
}

impl Draft<'_> {
    /// Command, relation and text tell all of what is done to what.
    #[inline]
    fn is_of_relation_or_of_nothing(&self) -> bool {
        self.relation.is_some() || (self.object_type.is_none() && self.object_name.is_none())
    }

    fn encode(&self, text: Option<&str>, out: &mut Vec<u8>) {
        encode_statement(self.command, self.object_type, self.object_name, text, out);
    }
}
