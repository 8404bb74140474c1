//! Settings of the list that a session changes, whatever it is that changes them.
//!
//! The server checks each new value before it takes effect, and we listen to that. A SET command was told already. What
//! the options of a login set is told when the login's transaction commits: libraries are loaded after that.

use activity_event::Class;

use super::super::emit::Draft;
use super::super::session::CONNECT_STATEMENT_ID;
use super::super::texts::Text;
use super::super::{BACKEND, Backend};
use super::list;
use crate::pg::statement::{client_text, in_extension_script, innermost_text, moment};
use crate::pg::{clock, process, settings};

/// Has changes told from now on. While the postmaster starts.
pub(crate) fn watch() {
    list::SETTINGS.iter().for_each(|name| settings::watch(name));
}

/// The session is about to change the setting.
pub(crate) fn changing(name: &str) {
    if in_extension_script() || !process::catalog_usable() {
        return;
    }
    BACKEND.with(|b| {
        if b.utilities.last().is_some_and(|open| open.told_before && open.depth == b.depth) {
            return;
        }
        b.publish_caught_failure();
        if b.depth == 0 {
            let has_client = b.emitter.session.ensure().has_client;
            b.numbers.begin_at_top(&moment(), has_client, -1, 0);
        }
        let text = Text::Raw(if b.depth == 0 { client_text() } else { innermost_text() });
        let current = b.numbers.current;
        b.tell_setting(name, (current.id, current.substatements.max(1)), text);
    });
}

/// Tells those that the options of the login have set. Its CONNECT was told.
pub(crate) fn at_login() {
    for name in settings::set_by_client() {
        BACKEND.with(|b| b.tell_setting(&name, (CONNECT_STATEMENT_ID, 1), Text::None));
    }
}

impl Backend {
    fn tell_setting(&mut self, name: &str, (statement_id, substatement_id): (u64, u64), text: Text<'_>) {
        self.publish_intent(&Draft {
            start_time: clock::now(),
            statement_id,
            substatement_id,
            class: Class::Misc,
            object_type: Some("PARAMETER"),
            object_name: Some(name),
            text,
            ..Draft::EMPTY
        });
    }
}
