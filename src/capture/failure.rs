//! Failures: what the log hook tells.
//!
//! An error reaches emit_log_hook when it has unwound everything; one that a procedural language caught never does. By
//! then the executor and utility hooks have noted which client's statement it ended. Where there is no note, the text
//! did not get as far as running (a syntax error, an unknown table, an aborted transaction): then the client's message is all
//! there is, and the command is told from its first words.

use activity_event::{Class, command};

use super::emit::{Draft, Prepared, Text};
use super::session::CONNECT_STATEMENT_ID;
use super::{BACKEND, wait_at_top};
use crate::pg::{clock, statement, text};

/// A client's statement that an error ended.
pub(super) struct FailedStatement {
    pub(super) start_time: i64,
    pub(super) statement_id: u64,
    pub(super) substatement_id: u64,
    pub(super) class: Class,
    pub(super) command: &'static str,
    pub(super) object_type: Option<&'static str>,
    pub(super) object_name: Option<Box<str>>,
    pub(super) text: Prepared,
}

/// An ERROR or FATAL is being reported.
pub(crate) fn reported(sqlstate: &str, message: &[u8], fatal: bool) {
    BACKEND.with(|b| {
        let has_client = b.session.ensure(&mut b.last_statement_id).has_client;
        if !has_client && b.queries.is_empty() && b.utilities.is_empty() && b.failed.is_none() {
            // A process of the server that runs no SQL.
            return;
        }
        let message = activity_event::redact::passwords(&text::to_utf8(message)).into_owned();
        if has_client && statement::logging_in() {
            if fatal {
                b.publish_refused_login(sqlstate, &message);
            }
            return;
        }
        if fatal && b.failed.is_none() && statement::client_text().is_empty() {
            // The session is ended between two statements: its DISCONNECT says why.
            b.session.end_message = Some(message);
            return;
        }
        // An error unwinds to the top whatever was under way.
        b.depth = 0;
        let failed = match b.failed.take() {
            Some(failed) => failed,
            None => unplanned(b),
        };
        b.publish(&Draft {
            start_time: failed.start_time,
            statement_id: failed.statement_id,
            substatement_id: failed.substatement_id,
            class: failed.class,
            command: failed.command,
            object_type: failed.object_type,
            object_name: failed.object_name.as_deref(),
            text: if failed.text.text.is_empty() { Text::None } else { Text::Ready(&failed.text) },
            exit_code: Some(sqlstate),
            error_message: Some(&message),
            ..Draft::EMPTY
        });
        b.utilities.clear();
    });
    wait_at_top();
}

/// A statement that never got to run.
fn unplanned(b: &mut super::Backend) -> FailedStatement {
    let raw = statement::client_text();
    b.last_statement_id += 1;
    let text = Prepared::of(raw);
    let (class, command) = command::guess(&text.text);
    FailedStatement {
        start_time: clock::now(),
        statement_id: b.last_statement_id,
        substatement_id: 1,
        class,
        command,
        object_type: None,
        object_name: None,
        text,
    }
}

impl super::Backend {
    /// A login that failed: refused by authentication, or after it (no such database, no right to connect).
    fn publish_refused_login(&mut self, sqlstate: &str, message: &str) {
        let statement_id =
            if self.session.connected { self.last_statement_id + 1 } else { CONNECT_STATEMENT_ID };
        self.last_statement_id = statement_id;
        self.publish(&Draft {
            start_time: clock::now(),
            exit_code: Some(sqlstate),
            error_message: Some(message),
            ..Draft::of_session(statement_id, "AUTH FAILURE")
        });
    }
}
