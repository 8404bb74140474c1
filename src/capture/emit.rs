//! From what a hook knows to the encoded event in the ring.

use activity_event::{Class, Event, Params, Session, text::cut};

use super::names::RelationName;
use super::texts::{Text, with_text};
use super::{Backend, filter};
use crate::pg::clock;
use crate::pg::statement::transaction_id;
use crate::ring;

/// Longest message of an error in an event.
const MAX_MESSAGE_BYTES: usize = 8 * 1024;

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

    /// A ring that is full counts the event.
    pub(super) fn put(&mut self, draft: &Draft<'_>) {
        // Looked up here, while the catalogs can be read; the name is cached for when they cannot.
        self.session.learn_role();
        self.session.refresh_encoded();
        let effective_user = self.session.role();
        let encoded = &mut self.encoded;
        with_text(&mut self.texts, draft.text, |command_text, command_text_length| {
            let event = Event {
                start_time: draft.start_time,
                log_time: clock::now(),
                statement_id: draft.statement_id,
                substatement_id: draft.substatement_id,
                class: draft.class,
                command: draft.command,
                object_type: draft.object_type,
                object_name: draft.object_name,
                row_count: draft.row_count,
                command_text,
                command_text_length,
                params: draft.params,
                exit_code: draft.exit_code,
                error_message: draft.error_message.map(|m| cut(m, MAX_MESSAGE_BYTES).0),
                effective_user,
                transaction_id: transaction_id(),
                query_id: draft.query_id,
                session: Session::UNSAID,
            };
            encoded.clear();
            event.encode_with(self.session.encoded(), encoded);
        });
        match ring::publish(&self.encoded) {
            Some(end) => self.published_through = end,
            None => self.dropped = true,
        }
    }
}
