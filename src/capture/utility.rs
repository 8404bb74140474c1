//! Utility commands: what the ProcessUtility hook tells.

use activity_event::Class;

use super::emit::{Draft, Prepared, Text};
use super::failure::FailedStatement;
use super::{BACKEND, Backend, wait_at_top};
use crate::pg::clock;
use crate::pg::statement::{Utility, in_extension_script};

/// A utility command under way.
pub(super) struct OpenUtility {
    start_time: i64,
    statement_id: u64,
    substatement_id: Option<u64>,
    class: Class,
    command: &'static str,
    text: Prepared,
    counts_rows: bool,
    told: bool,
}

/// Before ProcessUtility. The command's tree may be gone when it is over (ROLLBACK frees it), so all is taken now.
pub(crate) fn begin(utility: Utility<'_>) {
    BACKEND.with(|b| {
        b.begin_statement_at_top();
        b.depth += 1;
        // A part of another command and a statement of an extension's script are told with what they belong to.
        let silent = utility.subcommand || (in_extension_script() && !utility.runs_extension_script());
        b.utilities.push(OpenUtility {
            start_time: clock::now(),
            statement_id: b.current.id,
            substatement_id: None,
            class: if silent { Class::Misc } else { class(utility.class_number()) },
            command: utility.command(),
            text: if silent { Prepared::default() } else { Prepared::of(utility.text()) },
            counts_rows: utility.is_copy(),
            told: silent,
        });
        if utility.is_do() {
            b.tell_utility(0);
        }
    });
}

/// After ProcessUtility.
pub(crate) fn end(failed: bool, rows: u64) {
    BACKEND.with(|b| {
        b.depth = b.depth.saturating_sub(1);
        if failed {
            b.note_utility_failure();
        } else {
            b.tell_utility(rows);
        }
        b.utilities.pop();
    });
    wait_at_top();
}

impl Backend {
    fn tell_utility(&mut self, rows: u64) {
        let substatement = self.current.substatements + 1;
        let Some(open) = self.utilities.last_mut().filter(|open| !open.told) else { return };
        open.told = true;
        open.substatement_id = Some(substatement);
        self.current.substatements = substatement;
        let text = std::mem::take(&mut open.text);
        let draft = Draft {
            start_time: open.start_time,
            statement_id: open.statement_id,
            substatement_id: substatement,
            class: open.class,
            command: open.command,
            row_count: open.counts_rows.then_some(rows),
            text: Text::Ready(&text),
            ..Draft::EMPTY
        };
        self.publish(&draft);
        if let Some(open) = self.utilities.last_mut() {
            open.text = text;
        }
    }

    /// As `note_failure` of a query does.
    fn note_utility_failure(&mut self) {
        if self.depth != 0 {
            return;
        }
        let Some(open) = self.utilities.last_mut() else { return };
        self.failed = Some(FailedStatement {
            start_time: open.start_time,
            statement_id: open.statement_id,
            substatement_id: open.substatement_id.unwrap_or(self.current.substatements + 1),
            class: open.class,
            command: open.command,
            object_type: None,
            object_name: None,
            text: std::mem::take(&mut open.text),
        });
    }
}

/// The class of a number of `activity_pg_utility_class`.
fn class(number: i32) -> Class {
    match number {
        0 => Class::Read,
        1 => Class::Write,
        2 => Class::Function,
        3 => Class::Role,
        4 => Class::Ddl,
        _ => Class::Misc,
    }
}
