//! Failures: what the log hook tells, and what the other hooks catch on the way.
//!
//! An error that reaches the top of the session reaches emit_log_hook. By then the executor and utility hooks have noted
//! which client's statement it ended. Where there is no note, the text did not get as far as running (a syntax error, an
//! unknown table, an aborted transaction): then the client's message is all there is, and the command is told from its
//! first words.
//!
//! An error that a procedural language catches never reaches that hook. So each error is noted when it is raised, and the
//! innermost statement that it ended with it. When something begins or ends well after that, or another error is raised, the
//! error was caught, and the note is told, as the failure of the statement inside; when the same error is reported at the
//! top, the note is dropped: it is told once, as the client's statement.
//!
//! An error without a statement of its own inside the client's (RAISE, an expression of the language) is no failure of a
//! statement, and where it is caught nothing is told.

use std::borrow::Cow;

use activity_event::{Class, ParamsBuf, command, redact, slice};

use super::emit::Draft;
use super::numbers::Statement;
use super::session::CONNECT_STATEMENT_ID;
use super::texts::{Prepared, Text};
use super::{BACKEND, Backend, durable};
use crate::pg::guard::contain;
use crate::pg::statement::{client_text, innermost_text, logging_in, moment};
use crate::pg::{clock, sqlstate, text};
use crate::settings;

/// A statement that an error ended.
#[derive(Default)]
pub(super) struct FailedStatement {
    pub(super) start_time: i64,
    pub(super) statement_id: u64,
    pub(super) substatement_id: u64,
    pub(super) class: Class,
    pub(super) command: &'static str,
    pub(super) object_type: Option<&'static str>,
    pub(super) object_name: Option<Box<str>>,
    pub(super) text: Prepared,
    pub(super) params: ParamsBuf,
}

/// An error that was raised inside a statement, and may have been caught.
struct Raised {
    code: i32,
    message: Vec<u8>,
    /// The message without the secrets of the text inside.
    told_message: String,
    /// The statement that was current then.
    statement: Statement,
    /// The text inside, where the error points into it: it was not analysed.
    internal: Option<Prepared>,
    /// The innermost statement inside that it ended while that ran.
    failed: Option<FailedStatement>,
}

/// What is noted of errors under way.
pub(super) struct Failures {
    /// The client's statement.
    top: Option<FailedStatement>,
    raised: Option<Raised>,
}

impl Failures {
    pub(super) const fn new() -> Self {
        Self { top: None, raised: None }
    }

    /// A client's statement begins.
    pub(super) fn forget(&mut self) {
        self.top = None;
    }

    /// Whether an error is noted that may have been caught.
    #[inline]
    pub(super) fn has_raised(&self) -> bool {
        self.raised.is_some()
    }
}

/// An error is raised inside a statement. `internal_query` is the text inside that it points into, if it does.
pub(crate) fn raised(code: i32, message: &[u8], internal_query: &[u8]) {
    BACKEND.with(|b| {
        let again = |raised: &Raised| raised.code == code && raised.message == message;
        if b.failures.raised.as_ref().is_some_and(again) {
            // Raised anew by somebody who looked at it on its way.
            return;
        }
        b.publish_caught_failure();
        b.failures.raised = Some(Raised {
            code,
            message: message.to_vec(),
            told_message: without_secrets(
                &text::to_utf8(message),
                if internal_query.is_empty() { innermost_text() } else { internal_query },
            ),
            statement: b.numbers.current,
            internal: (!internal_query.is_empty()).then(|| Prepared::of(internal_query.trim_ascii())),
            failed: None,
        });
    });
}

/// An ERROR or FATAL is being reported.
pub(crate) fn reported(code: i32, message: &[u8], fatal: bool) {
    BACKEND.with(|b| {
        let has_client = b.emitter.session.ensure().has_client;
        if !has_client && b.runs_nothing() {
            // A process of the server that runs no SQL.
            return;
        }
        let sqlstate = sqlstate::text(code);
        let raw = client_text();
        let told = b.take_message_of_raised(code, message);
        let message = without_secrets(&told.map_or_else(|| text::to_utf8(message), Cow::Owned), raw);
        if has_client && logging_in() {
            if fatal {
                b.publish_refused_login(&sqlstate, &message);
            }
            return;
        }
        if fatal && b.runs_nothing() && raw.is_empty() {
            // The session is ended between two statements: its DISCONNECT says why.
            b.emitter.session.end_message = Some(message);
            return;
        }
        let failed = b.take_failed(code);
        // An error unwinds to the top whatever was under way.
        b.depth = 0;
        b.utilities.clear();
        b.publish_failed(&failed, &sqlstate, &message);
    });
    durable::wait_for_failure(fatal);
}

impl Backend {
    fn runs_nothing(&self) -> bool {
        self.depth == 0 && self.failures.top.is_none() && self.commit.is_none()
    }

    /// Notes the statement that an error ends, as `make` tells it.
    pub(super) fn note_failure(&mut self, code: i32, make: impl FnOnce(&mut Self) -> FailedStatement) {
        if self.depth == 0 {
            self.failures.top = Some(make(self));
        } else if self.failures.raised.as_ref().is_some_and(|r| r.code == code && r.failed.is_none()) {
            let failed = make(self);
            if let Some(raised) = self.failures.raised.as_mut() {
                raised.failed = Some(failed);
            }
        }
    }

    /// Tells the failure that is noted for a statement inside another one: work goes on, so somebody caught the error.
    #[inline]
    pub(super) fn publish_caught_failure(&mut self) {
        if self.failures.has_raised() {
            self.publish_raised();
        }
    }

    /// The same where nothing may fail.
    #[inline]
    pub(super) fn contain_caught_failure(&mut self) {
        if self.failures.has_raised() {
            contain(|| self.publish_raised());
        }
    }

    #[cold]
    fn publish_raised(&mut self) {
        let Some(raised) = self.failures.raised.take() else { return };
        let Raised { code, told_message, statement, internal, failed, .. } = raised;
        let failed = match (internal, failed) {
            // The same statement, once from its text and once from its run, which knows more.
            (Some(internal), Some(failed)) if failed.text.text == internal.text => failed,
            (Some(internal), _) => {
                let same = self.numbers.current.id == statement.id;
                let number = if same { &mut self.numbers.current } else { &mut statement.clone() };
                unrun(statement.id, number.next_substatement(), internal)
            }
            (None, Some(failed)) => failed,
            (None, None) => return,
        };
        self.publish_failed(&failed, &sqlstate::text(code), &told_message);
    }

    /// The message of the error that is noted, where it is the one that is reported; else another one was raised in its place.
    fn take_message_of_raised(&mut self, code: i32, message: &[u8]) -> Option<String> {
        if self.failures.raised.as_ref().is_some_and(|r| r.code == code && r.message == message) {
            return self.failures.raised.take().map(|raised| raised.told_message);
        }
        self.publish_caught_failure();
        None
    }

    fn publish_failed(&mut self, failed: &FailedStatement, sqlstate: &str, message: &str) {
        let draft = Draft {
            start_time: failed.start_time,
            statement_id: failed.statement_id,
            substatement_id: failed.substatement_id,
            class: failed.class,
            command: failed.command,
            object_type: failed.object_type,
            object_name: failed.object_name.as_deref(),
            text: if failed.text.text.is_empty() { Text::None } else { Text::Ready(&failed.text) },
            params: failed.params.as_params(),
            ..Draft::EMPTY
        };
        self.publish(&draft.failed(sqlstate, Some(message)));
    }

    /// The client's statement that the reported error ends.
    fn take_failed(&mut self, code: i32) -> FailedStatement {
        if let Some(failed) = self.failures.top.take() {
            return failed;
        }
        // A deferred trigger failed; or the session ends (FATAL unwinds nothing) while a statement runs.
        if let Some(mut open) = self.commit.take() {
            return open.failed(self);
        }
        if self.depth > 0 && !self.utilities.is_empty() {
            return self.utilities.remove(0).failed(self);
        }
        if self.depth > 0 {
            return self.failed_query();
        }
        self.unplanned(code)
    }

    /// The client's query that runs, without the query itself.
    fn failed_query(&self) -> FailedStatement {
        let statement = self.numbers.current;
        let mut failed = FailedStatement {
            start_time: clock::now(),
            statement_id: statement.id,
            substatement_id: 1,
            text: Prepared::of(self.numbers.current_text(client_text())),
            ..FailedStatement::default()
        };
        if let Some(open) = self.queries.iter().rfind(|open| open.is_of(statement)) {
            open.tell_into(&mut failed);
        } else {
            (failed.class, failed.command) = command::guess(&failed.text.text);
        }
        failed
    }

    /// A statement that never got to run, or one that ran and whose transaction could not be committed.
    fn unplanned(&mut self, code: i32) -> FailedStatement {
        let (raw, moment) = (client_text(), moment());
        let is_call = self.numbers.is_call(&moment);
        let slice = |from| slice::statement_from(raw, from, settings::max_statement_bytes());
        let (statement, text) = match self.numbers.next_begins(&moment).map(slice) {
            Some([]) => (self.numbers.current, self.numbers.current_text(raw)),
            Some(text) => (self.numbers.next_alone(), text),
            None if raw.is_empty() && self.numbers.same_message(&moment) => (self.numbers.current, raw),
            // Nothing of a message runs that has a syntax error anywhere.
            None if code == sqlstate::SYNTAX_ERROR => (self.numbers.next_alone(), raw.trim_ascii()),
            None => (self.numbers.next_alone(), slice(0)),
        };
        let failed = unrun(statement.id, statement.substatements + 1, Prepared::of(text));
        if is_call {
            FailedStatement { class: Class::Function, command: "EXECUTE", ..failed }
        } else {
            failed
        }
    }

    /// A login that failed: refused by authentication, or after it (no such database, no right to connect).
    fn publish_refused_login(&mut self, sqlstate: &str, message: &str) {
        let statement_id =
            if self.emitter.session.connected { self.numbers.next().id } else { CONNECT_STATEMENT_ID };
        let draft = Draft { start_time: clock::now(), ..Draft::of_session(statement_id, "AUTH FAILURE") };
        self.publish(&draft.failed(sqlstate, Some(message)));
    }
}

/// A statement of which there is only the text.
fn unrun(statement_id: u64, substatement_id: u64, text: Prepared) -> FailedStatement {
    let (class, command) = command::guess(&text.text);
    FailedStatement {
        start_time: clock::now(),
        statement_id,
        substatement_id,
        class,
        command,
        text,
        ..FailedStatement::default()
    }
}

/// A message without the secrets of the text that it may quote. Of a text that is too long to look through, nothing that is
/// quoted is told.
fn without_secrets(message: &str, raw: &[u8]) -> String {
    const MAX_SCANNED_BYTES: usize = 8 * 1024 * 1024;
    if raw.len() > MAX_SCANNED_BYTES {
        let plain = message.split('"').next().unwrap_or_default();
        return if plain.len() < message.len() {
            format!("{plain}\"{}\"", redact::REDACTED)
        } else {
            plain.to_owned()
        };
    }
    redact::message(message, &text::to_utf8(raw)).into_owned()
}
