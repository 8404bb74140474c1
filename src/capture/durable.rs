//! Sync mode: for what a session waits, and what becomes of the statement where that is in vain.
//!
//! `c/durable.c` knows the places (before the commit, at the end of a statement in a block, before a statement that is told
//! beforehand runs, before a login's transaction commits) and raises the error. Where an error is being reported or the session ends,
//! nothing can be refused any more: there the session waits and goes on in any case ([`wait_and_go_on`]).
//!
//! An event that the ring did not take never becomes durable; it counts like a wait that was in vain.

use std::time::Duration;

use activity_event::Class;

use super::emit::Draft;
use super::texts::Text;
use super::{BACKEND, Backend};
use crate::ack::{self, Waited};
use crate::pg::log::{self, sqlstate};
use crate::pg::{clock, process, session};
use crate::settings::{self, Mode, OnFailure};

const HINT: &str = "The event is queued and delivered when the stream takes it; see activity_stream.status.";

/// Where a session waits; the numbers are those of `AwaitPlace` in activity.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The end of a client's statement in a transaction block.
    Statement,
    /// Before a commit.
    Commit,
    /// Before the commit of the login's transaction.
    Login,
    /// Before a statement runs that was told beforehand.
    Intent,
}

impl Place {
    /// The place of a number of activity.h.
    pub(crate) fn from_number(number: i32) -> Self {
        match number {
            0 => Self::Statement,
            2 => Self::Login,
            3 => Self::Intent,
            _ => Self::Commit,
        }
    }
}

/// What becomes of the statement; the numbers are known to activity.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Verdict {
    /// It goes on.
    GoOn = 0,
    /// It must not: an error ends it.
    Refuse = 1,
    /// The session is to end.
    Terminate = 2,
}

/// What a session has published and not waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    /// Up to there; 0 where nothing was published.
    position: u64,
    /// Events were not taken by the ring.
    dropped: bool,
}

impl Backend {
    fn is_due(&self) -> bool {
        self.published_through > self.waited_through || self.dropped
    }

    fn take_due(&mut self) -> Option<Due> {
        self.is_due().then(|| {
            self.waited_through = self.published_through;
            Due { position: self.published_through, dropped: std::mem::take(&mut self.dropped) }
        })
    }

    /// An event is published though it is not known to become durable.
    fn tell_break_glass(&mut self) {
        let number = self.numbers.current.id.max(super::session::CONNECT_STATEMENT_ID);
        self.put(&Draft {
            start_time: clock::now(),
            class: Class::Misc,
            text: Text::None,
            ..Draft::of_session(number, "STREAM BREAK GLASS")
        });
        // It is not waited for: that is its meaning.
        let _not_waited_for = self.take_due();
    }
}

/// Whether this session has anything to wait for at that place.
pub(crate) fn awaits(place: Place) -> bool {
    settings::mode() == Mode::Sync
        && BACKEND
            .with(|b| {
                let here = match place {
                    Place::Statement => b.depth == 0,
                    Place::Intent => std::mem::take(&mut b.told_before),
                    Place::Commit | Place::Login => true,
                };
                here && b.is_due()
            })
            .unwrap_or(false)
}

/// Waits, and decides. `may_refuse`: something is left that can be rolled back.
pub(crate) fn wait(may_refuse: bool) -> Verdict {
    let waited = match wait_for_due(process::statement_time_left) {
        None | Some(Waited::Durable | Waited::Released) => return Verdict::GoOn,
        Some(Waited::Terminating) => return Verdict::Terminate,
        Some(waited) => waited,
    };
    if may_refuse && settings::on_failure() == OnFailure::FailOperation {
        if !breaks_glass() {
            return Verdict::Refuse;
        }
        BACKEND.with(Backend::tell_break_glass);
    }
    warn(waited);
    Verdict::GoOn
}

/// Waits where nothing can be refused: an error is being reported, or the session ends.
pub(super) fn wait_and_go_on() {
    if settings::mode() == Mode::Sync
        // The statement has failed, maybe since its time was over.
        && let Some(waited) = wait_for_due(|| None)
    {
        warn(waited);
    }
}

fn wait_for_due(statement_left: impl FnOnce() -> Option<Duration>) -> Option<Waited> {
    let due = BACKEND.with(Backend::take_due).flatten()?;
    let waited = ack::wait_in_sync(due.position, settings::sync_timeout(), statement_left());
    Some(if due.dropped && waited == Waited::Durable { Waited::NotNow } else { waited })
}

/// Whether this session may go on without its events being durable: a superuser of this machine that is named.
fn breaks_glass() -> bool {
    let roles = settings::break_glass_roles();
    if roles.is_empty() {
        return false;
    }
    let user = BACKEND.with(|b| b.session.ensure().user.clone()).unwrap_or_default();
    roles.contains(&user) && session::is_superuser_by_socket()
}

/// Says once that a wait was in vain; while nobody waits, nothing is said.
fn warn(waited: Waited) {
    match waited {
        Waited::Durable | Waited::Released | Waited::NotNow | Waited::Terminating => {}
        Waited::TimedOut => log::warning(
            sqlstate::NOT_DURABLE,
            "activity_stream: going on before the activity of this statement is durable",
            &format!(
                "It was not acknowledged within activity_stream.sync_timeout ({} ms). No session waits until the stream \
                 is well again.",
                settings::sync_timeout().as_millis()
            ),
            HINT,
        ),
        Waited::Cancelled => log::warning(
            sqlstate::NOT_DURABLE,
            "activity_stream: the wait for the activity of this statement to be durable was cancelled",
            "",
            HINT,
        ),
    }
}
