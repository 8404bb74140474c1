//! From what a hook knows to the encoded event in the ring.

use std::rc::Rc;

use activity_event::{Class, Encoded, Event, Params, ParamsBuf, Run, text::cut};
use activity_ring::{Priority, Producer};

use super::names::RelationName;
use super::session::SessionState;
use super::texts::{PlainTexts, Text};
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
    pub(super) command: &'static str,
    /// What the object's type and name were taken from, where it was the cache of names.
    pub(super) relation: Option<&'a Rc<RelationName>>,
    pub(super) object_type: Option<&'a str>,
    pub(super) object_name: Option<&'a str>,
    pub(super) row_count: Option<u64>,
    pub(super) text: Text<'a>,
    pub(super) params: Params<'a>,
    /// Both by [`Draft::failed`], which cuts the message.
    pub(super) exit_code: Option<&'a str>,
    pub(super) error_message: Option<&'a str>,
    pub(super) query_id: Option<i64>,
}

impl<'a> Draft<'a> {
    /// Says which relation it is about; one that went before it could be named is told as UNKNOWN.
    pub(super) fn name(&mut self, relation: Option<&'a Rc<RelationName>>) {
        self.relation = relation;
        self.object_type = Some(relation.map_or("UNKNOWN", |known| known.object_type));
        self.object_name = relation.map(|known| &*known.name);
    }

    /// The same, and that it failed, or ended a session.
    pub(super) fn failed(self, exit_code: &'a str, message: Option<&'a str>) -> Self {
        let error_message = message.map(|message| cut(message, MAX_MESSAGE_BYTES).0);
        Self { exit_code: Some(exit_code), error_message, ..self }
    }

    /// Whether it says that something failed, or ended a session.
    pub(super) fn is_failed(&self) -> bool {
        self.exit_code.is_some()
    }
}

impl Draft<'_> {
    pub(super) const EMPTY: Self = Draft {
        start_time: 0,
        statement_id: 0,
        substatement_id: 0,
        class: Class::Misc,
        command: "",
        relation: None,
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

    /// See [`Emitter::publish`].
    pub(super) fn publish(&mut self, draft: &Draft<'_>) {
        self.emitter.publish(draft);
    }

    /// See [`Emitter::put`].
    pub(super) fn put(&mut self, draft: &Draft<'_>) {
        self.emitter.put(draft);
    }
}

/// All that an event takes besides its draft.
pub(super) struct Emitter {
    pub(super) session: SessionState,
    pub(super) texts: PlainTexts,
    /// The last event that is not kept with its text.
    other: Encoded,
    producer: Producer,
    /// End of the last event of this process in the ring; what has to be acknowledged for all of them to be durable.
    pub(super) published_through: u64,
    /// An event was not taken by the ring since that was last asked.
    pub(super) dropped: bool,
}

impl Emitter {
    pub(super) const fn new() -> Self {
        Self {
            session: SessionState::new(),
            texts: PlainTexts::new(),
            other: Encoded::new(),
            producer: Producer::new(),
            published_through: 0,
            dropped: false,
        }
    }

    /// Encodes the event and puts it into the ring, unless its class is left out; failures never are.
    #[inline]
    pub(super) fn publish(&mut self, draft: &Draft<'_>) {
        if draft.is_failed() || filter::captures(draft.class) {
            self.put(draft);
        }
    }

    /// A ring that does not take the event counts it.
    pub(super) fn put(&mut self, draft: &Draft<'_>) {
        // Looked up here, while the catalogs can be read; the name is cached for when they cannot.
        self.session.learn_role();
        self.session.refresh_encoded();
        let Self { session, texts, other, producer, .. } = self;
        let (log_time, transaction_id) = (clock::now(), transaction_id());
        let (event, command_text_length) = texts.event(draft, session, other);
        let encoded = event.complete(&Run {
            class: draft.class,
            statement_id: draft.statement_id,
            substatement_id: draft.substatement_id,
            start_time: draft.start_time,
            log_time,
            row_count: draft.row_count,
            command_text_length,
            transaction_id,
            query_id: draft.query_id,
            params: draft.params,
            exit_code: draft.exit_code,
            error_message: draft.error_message,
        });
        match ring::publish(producer, encoded, draft.priority(), || shortened(encoded)) {
            Some(end) => self.published_through = end,
            None => self.dropped = true,
        }
        stall::look(log_time);
    }
}

impl Draft<'_> {
    /// What the event is worth when the ring fills. A definition that fails is a failure: those are made in masses.
    #[inline]
    fn priority(&self) -> Priority {
        match (self.class, self.command) {
            (Class::Misc, "CONNECT" | "DISCONNECT") => Priority::Session,
            (Class::Misc, command) if command.starts_with(OF_THE_STREAM) => Priority::Act,
            _ if self.is_failed() => Priority::Failed,
            (Class::Role | Class::Ddl, _) => Priority::Act,
            _ => Priority::Ordinary,
        }
    }
}

/// The event for where there is little room. One that cannot be read, which nothing here writes, stays as long as it is.
#[cold]
fn shortened(encoded: &[u8]) -> Vec<u8> {
    let mut short = Vec::new();
    match Event::decode(encoded) {
        Ok(event) => event.shortened(&mut ParamsBuf::new()).encode(&mut short),
        Err(_) => short.extend_from_slice(encoded),
    }
    short
}
