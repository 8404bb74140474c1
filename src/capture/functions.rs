//! Called functions: what the object_access hook tells before they are executed.
//!
//! It tells of each place in a plan where a function is called, when the plan is made ready, not of each call: a function
//! that is called for a million rows is one event. Functions of the server's own (pg_catalog) are told where they are
//! [`watched`](super::watched).

use activity_event::Class;

use super::emit::Draft;
use super::intent::FIRST_UNPINNED;
use super::texts::Text;
use super::{BACKEND, Backend, intent, watched};
use crate::pg::statement::{client_text, in_extension_script, innermost_text, local_transaction, moment};
use crate::pg::{clock, process};

/// A function is about to be executed.
pub(crate) fn executing(oid: u32) {
    if in_extension_script() || !process::catalog_usable() {
        return;
    }
    BACKEND.with(|b| {
        let by_message = b.called_by_message();
        if !by_message && !watched::is_told(oid) {
            return;
        }
        let Some(function) = b.names.function(oid) else { return };
        let intent = intent::call(oid, &function) || b.relays.has(oid);
        b.begin_call(by_message);
        b.tell_call(&function.name, intent);
        b.relays.note(oid, intent, b.numbers.current.id);
    });
}

/// Users' functions inside which one that is told before was called, in this transaction.
///
/// PL/pgSQL makes a simple expression ready once in a transaction: when the function is called again, the call inside it is
/// not told again. So its own is told before from then on. Of a statement with several functions all are taken for it.
pub(super) struct Relays {
    /// Their transaction, by its local number.
    transaction: u32,
    known: Vec<u32>,
    /// What the statement `statement` has called so far.
    statement: u64,
    called: Vec<u32>,
}

impl Relays {
    /// Most functions of a statement, and of a transaction, that are kept.
    const MAX: usize = 256;

    pub(super) const fn new() -> Self {
        Self { transaction: 0, known: Vec::new(), statement: 0, called: Vec::new() }
    }

    fn has(&self, oid: u32) -> bool {
        self.known.contains(&oid) && self.transaction == local_transaction()
    }

    fn note(&mut self, oid: u32, intent: bool, statement: u64) {
        if self.statement != statement {
            self.statement = statement;
            self.called.clear();
        }
        if !intent {
            if oid >= FIRST_UNPINNED && self.called.len() < Self::MAX {
                self.called.push(oid);
            }
            return;
        }
        let transaction = local_transaction();
        if self.transaction != transaction {
            self.transaction = transaction;
            self.known.clear();
        }
        self.known.append(&mut self.called);
        self.known.sort_unstable();
        self.known.dedup();
        self.known.truncate(Self::MAX);
    }
}

impl Backend {
    /// The client calls the function by a message of its own (fastpath.c). Where nothing is under way, a function may also be
    /// called while a statement is planned or its transaction commits.
    fn called_by_message(&mut self) -> bool {
        if self.depth != 0 || !self.emitter.session.ensure().has_client {
            return false;
        }
        let moment = moment();
        moment.portal == 0 && moment.text == 0 && !self.numbers.same_message(&moment)
    }

    fn begin_call(&mut self, by_message: bool) {
        self.publish_caught_failure();
        if by_message {
            self.numbers.next_alone();
            self.numbers.fills_message(&moment());
        } else if self.depth == 0 {
            let has_client = self.emitter.session.ensure().has_client;
            self.numbers.begin_at_top(&moment(), has_client, -1, 0);
        }
    }

    fn tell_call(&mut self, name: &str, intent: bool) {
        let draft = Draft {
            start_time: clock::now(),
            statement_id: self.numbers.current.id,
            substatement_id: self.numbers.current.next_substatement(),
            class: Class::Function,
            command: "EXECUTE",
            object_type: Some("FUNCTION"),
            object_name: Some(name),
            text: Text::Raw(if self.depth == 0 { client_text() } else { innermost_text() }),
            ..Draft::EMPTY
        };
        if intent {
            self.publish_intent(&draft);
        }
        self.publish(&draft);
    }
}
