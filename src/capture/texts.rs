//! Statements' texts as events hold them: UTF-8, without secrets, cut.
//!
//! Applications send the same texts again and again. Of a short text that has nothing to convert and nothing that could announce
//! a secret this is remembered, by the text itself: to compare costs a fifth of looking again, and there is nothing that could become
//! stale. A text with a secret is never kept. With the text is kept the last event that had it, as it was encoded: most texts do the
//! same to the same object whenever they run, and little of the event has to be written anew.

use std::borrow::Cow;
use std::rc::Rc;

use activity_event::{Encoded, Statement, redact, text::cut};

use super::emit::Draft;
use super::names::RelationName;
use super::session::SessionState;
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
    /// [`SessionState::version`]
    session: u64,
    /// The event of these; empty where nothing was told yet.
    event: Encoded,
}

/// A text that was found. It stands for that text until another one is looked for.
#[derive(Clone, Copy)]
pub(super) struct Plain(usize);

impl PlainTexts {
    /// A power of two; with texts and parameters of the greatest length 210 kB.
    const SLOTS: usize = 64;
    /// Longer ones are not remembered, so none is ever cut.
    const LONGEST_BYTES: usize = settings::MIN_STATEMENT_BYTES;
    /// An event with more parameters is not kept.
    const MAX_PARAMS_BYTES: usize = 1024;

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
            slot.event = Encoded::new();
        }
        Some(Plain(place))
    }

    /// The event that the draft is a run of, and the bytes of the whole text where it was cut. It is encoded in `other` where it is not
    /// kept.
    #[inline]
    pub(super) fn event<'a>(
        &'a mut self,
        draft: &Draft<'_>,
        session: &SessionState,
        other: &'a mut Encoded,
    ) -> (&'a mut Encoded, Option<u64>) {
        let plain = match draft.text {
            Text::Plain(found) => Some(found),
            Text::Raw(raw) => self.find(raw),
            Text::None | Text::Ready(_) => None,
        };
        let slot = plain.and_then(|found| self.slots.get_mut(found.0));
        match slot {
            Some(slot) if draft.can_be_kept() => (slot.event(draft, session), None),
            slot => {
                let whole_bytes = draft.begin(slot.map(|slot| slot.text.as_str()), session, other);
                (other, whole_bytes)
            }
        }
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
    fn event(&mut self, draft: &Draft<'_>, session: &SessionState) -> &mut Encoded {
        let same_relation = match (&self.relation, draft.relation) {
            (Some(kept), Some(relation)) => Rc::ptr_eq(kept, relation),
            (None, None) => true,
            _ => false,
        };
        if self.event.is_empty()
            || self.session != session.version()
            || !same_relation
            || !std::ptr::eq(self.command, draft.command)
        {
            self.begin(draft, session);
        }
        &mut self.event
    }

    #[cold]
    fn begin(&mut self, draft: &Draft<'_>, session: &SessionState) {
        self.command = draft.command;
        self.relation = draft.relation.cloned();
        self.session = session.version();
        draft.begin_with(Some(&self.text), session, &mut self.event);
    }
}

impl Draft<'_> {
    /// Command, relation and text tell all of what is done to what, and it is not large.
    #[inline]
    fn can_be_kept(&self) -> bool {
        let named = self.relation.is_some() || (self.object_type.is_none() && self.object_name.is_none());
        named && !self.is_failed() && self.params.bytes() <= PlainTexts::MAX_PARAMS_BYTES
    }

    /// Begins the event anew, with the plain text where it is one; the bytes of the whole text where it was cut.
    #[cold]
    fn begin(&self, plain: Option<&str>, session: &SessionState, event: &mut Encoded) -> Option<u64> {
        let mut whole_bytes = None;
        match (plain, self.text) {
            (Some(_), _) => self.begin_with(plain, session, event),
            (None, Text::Ready(prepared)) => {
                self.begin_with(Some(&prepared.text), session, event);
                whole_bytes = prepared.whole_bytes;
            }
            (None, Text::Raw(raw @ [_, ..])) => with_prepared(raw, |text, whole| {
                self.begin_with(Some(text), session, event);
                whole_bytes = whole;
            }),
            // No text is no commandText.
            _ => self.begin_with(None, session, event),
        }
        whole_bytes
    }

    fn begin_with(&self, text: Option<&str>, session: &SessionState, event: &mut Encoded) {
        let statement = Statement {
            command: self.command,
            object_type: self.object_type,
            object_name: self.object_name,
            command_text: text,
        };
        event.begin(&statement, session.encoded());
    }
}
