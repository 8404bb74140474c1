//! From what a hook knows to the encoded event in the ring.

use activity_event::{Class, Event, Params, ParamsBuf, Session, text::cut};
use activity_ring::Priority;

use super::names::RelationName;
use super::session::SessionState;
use super::texts::{PlainTexts, Text, with_text};
use super::{Backend, filter};
use crate::ack::stall;
use crate::pg::clock;
use crate::pg::statement::transaction_id;
use crate::ring;

/// Longest message of an error in an event.
const MAX_MESSAGE_BYTES: usize = 8 * 1024;
/// What the commands of the stream's own events begin with.
const OF_THE_STREAM: &str = "STREAM ";

/// What a hook knows of an event; the rest comes from the session.
#[derive(Clone, Copy)]
pub(super) struct Draft<'a> {
    pub(super) start_time: i64,
    pub(super) statement_id: u64,
    pub(super) substatement_id: u64,
    pub(super) class: Class,
    pub(super) command: &'a str,
    pub(super) object_type: Option<&'a str>,
    pub(super) object_name: Option<&'a str>,
    pub(super) row_count: Option<u64>,
    pub(super) text: Text<'a>,
    pub(super) params: Params<'a>,
    pub(super) exit_code: Option<&'a str>,
    pub(super) error_message: Option<&'a str>,
    pub(super) query_id: Option<i64>,
}

impl<'a> Draft<'a> {
    /// Says which relation it is about; one that went before it could be named is told as UNKNOWN.
    pub(super) fn name(&mut self, relation: Option<&'a RelationName>) {
        self.object_type = Some(relation.map_or("UNKNOWN", |known| known.object_type));
        self.object_name = relation.map(|known| &*known.name);
    }
}

impl Draft<'_> {
    pub(super) const EMPTY: Self = Draft {
        start_time: 0,
        statement_id: 0,
        substatement_id: 0,
        class: Class::Misc,
        command: "",
        object_type: None,
        object_name: None,
        row_count: None,
        text: Text::None,
        params: Params::EMPTY,
        exit_code: None,
        error_message: None,
        query_id: None,
    };
}

impl Backend {
    /// Tells that a statement is about to run, under the numbers that its own event is going to have.
    pub(super) fn publish_intent(&mut self, draft: &Draft<'_>) {
        self.put(&Draft { class: Class::Misc, command: "STREAM INTENT", row_count: None, ..*draft });
        self.told_before = true;
    }

    /// Encodes the event and puts it into the ring, unless its class is left out; failures never are.
    pub(super) fn publish(&mut self, draft: &Draft<'_>) {
        if draft.exit_code.is_some() || filter::captures(draft.class) {
            self.put(draft);
        }
    }

    /// A ring that does not take the event counts it.
    pub(super) fn put(&mut self, draft: &Draft<'_>) {
        // Looked up here, while the catalogs can be read; the name is cached for when they cannot.
        self.session.learn_role();
        self.session.refresh_encoded();
        let Self { session, texts, encoded, producer, .. } = self;
        encoded.clear();
        let log_time = clock::now();
        draft.with_event(log_time, session, texts, |event| event.encode_with(session.encoded(), encoded));
        let shorter = || {
            let mut short = Vec::new();
            draft.with_event(log_time, session, texts, |event| {
                event.shortened(&mut ParamsBuf::new()).encode_with(session.encoded(), &mut short);
            });
            short
        };
        match ring::publish(producer, encoded, draft.priority(), shorter) {
            Some(end) => self.published_through = end,
            None => self.dropped = true,
        }
        stall::look(log_time);
    }
}

impl Draft<'_> {
    /// Makes the event; its session is encoded already.
    #[inline]
    fn with_event(
        &self,
        log_time: i64,
        session: &SessionState,
        texts: &mut PlainTexts,
        f: impl FnOnce(Event<'_>),
    ) {
        with_text(texts, self.text, |command_text, command_text_length| {
            f(Event {
                start_time: self.start_time,
                log_time,
                statement_id: self.statement_id,
                substatement_id: self.substatement_id,
                class: self.class,
                command: self.command,
                object_type: self.object_type,
                object_name: self.object_name,
                row_count: self.row_count,
                command_text,
                command_text_length,
                params: self.params,
                exit_code: self.exit_code,
                error_message: self.error_message.map(|m| cut(m, MAX_MESSAGE_BYTES).0),
                effective_user: session.role(),
                transaction_id: transaction_id(),
                query_id: self.query_id,
                session: Session::UNSAID,
            });
        });
    }

    /// What the event is worth when the ring fills. A definition that fails is a failure: those are made in masses.
    #[inline]
    fn priority(&self) -> Priority {
        match (self.class, self.command) {
            (Class::Misc, "CONNECT" | "DISCONNECT") => Priority::Session,
            (Class::Misc, command) if command.starts_with(OF_THE_STREAM) => Priority::Act,
            _ if self.exit_code.is_some() => Priority::Failed,
            (Class::Role | Class::Ddl, _) => Priority::Act,
            _ => Priority::Ordinary,
        }
    }
}
