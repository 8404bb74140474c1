//! Sync mode: for what a session waits, and what becomes of the statement where that is in vain.
//!
//! `c/durable.c` knows the places (before the commit, at the end of a statement in a block, before a statement that is told
//! beforehand runs, before a login's transaction commits) and raises the error. Where an error is being reported or the session ends,
//! nothing can be refused any more: there the session waits and goes on in any case.
//!
//! An event that the ring did not take never becomes durable; it counts like a wait that was in vain. So who publishes faster than is delivered
//! (a loop in a function, triggers of many rows) waits for room on the way, at the end of any query or command inside.

use std::time::{Duration, Instant};

use super::emit::Draft;
use super::{BACKEND, Backend};
use crate::ack::{self, Patience, Waited};
use crate::pg::log::{self, sqlstate};
use crate::pg::process::{self, Interrupts};
use crate::pg::{clock, session};
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

/// What was published has to become durable; the number is known to activity.h.
const DURABLE: i32 = 1;
/// There has to be room in the ring; the number is known to activity.h.
const ROOM: i32 = 2;

/// What becomes of the statement; the numbers are known to activity.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Verdict {
    /// It goes on.
    GoOn = 0,
    /// It must not: an error ends it.
    Refuse = 1,
    /// It has to be asked again, after the server's interrupts were served.
    Interrupted = 2,
}

/// What a session has published and not waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    /// Since when it waits.
    begun: Instant,
    /// Up to there; 0 where nothing was published.
    position: u64,
    /// Events were not taken by the ring.
    dropped: bool,
}

impl Backend {
    fn is_due(&self) -> bool {
        self.emitter.published_through > self.waited_through || self.emitter.dropped
    }

    /// What is to be waited for, as far as it was waited for already.
    fn take_due(&mut self) -> Option<Due> {
        let begun = self.interrupted.take();
        if !self.is_due() {
            return begun;
        }
        self.waited_through = self.emitter.published_through;
        let dropped = std::mem::take(&mut self.emitter.dropped) || begun.is_some_and(|due| due.dropped);
        let begun = begun.map_or_else(Instant::now, |due| due.begun);
        Some(Due { begun, position: self.emitter.published_through, dropped })
    }

    /// An event is published though it is not known to become durable.
    fn tell_break_glass(&mut self) {
        let number = self.numbers.current.id.max(super::session::CONNECT_STATEMENT_ID);
        self.put(&Draft { start_time: clock::now(), ..Draft::of_session(number, "STREAM BREAK GLASS") });
        // It is not waited for: that is its meaning.
        let _not_waited_for = self.take_due();
    }
}

/// What this session, which is in sync mode, has to wait for at that place: [`DURABLE`] and [`ROOM`].
pub(crate) fn awaits(place: Place) -> i32 {
    let due = BACKEND.with(|b| {
        let here = match place {
            Place::Statement => b.depth == 0,
            Place::Intent => std::mem::take(&mut b.told_before),
            Place::Commit | Place::Login => true,
        };
        let durable = if here && b.is_due() { DURABLE } else { 0 };
        let ahead = place == Place::Statement && ack::room_for(b.emitter.published_through).is_some();
        durable | if ahead { ROOM } else { 0 }
    });
    due.unwrap_or(0)
}

/// Waits until the session's events do not fill the ring, in the midst of what it does. Where that is in vain it goes on: the ring drops what
/// it does not take, and that is seen at the commit.
pub(crate) fn wait_for_room() -> Verdict {
    let published = BACKEND.with(|b| b.emitter.published_through);
    let Some(position) = published.and_then(ack::room_for) else { return Verdict::GoOn };
    let patience = Patience {
        begun: Instant::now(),
        timeout: settings::sync_timeout(),
        statement: None,
        interrupts: Interrupts::Served,
    };
    match ack::wait_in_sync(position, patience) {
        Waited::Interrupted => Verdict::Interrupted,
        waited => {
            warn(waited);
            Verdict::GoOn
        }
    }
}

/// Waits, and decides. `may_refuse`: something is left that can be rolled back. `interruptible`: the server's interrupts can be
/// served now; where the session is to end and they cannot, it goes on.
pub(crate) fn wait(may_refuse: bool, interruptible: bool) -> Verdict {
    let waited = match wait_for_due(process::statement_time_left, interruptible) {
        None | Some(Waited::Durable | Waited::Released) => return Verdict::GoOn,
        Some(Waited::Interrupted) if interruptible => return Verdict::Interrupted,
        Some(waited) => waited,
    };
    if may_refuse && settings::on_failure() == OnFailure::FailOperation {
        if !breaks_glass() {
            BACKEND.with(|b| b.refused = true);
            return Verdict::Refuse;
        }
        BACKEND.with(Backend::tell_break_glass);
    }
    warn(waited);
    Verdict::GoOn
}

/// Before a failure is reported, which nothing can refuse. What ends a session is waited for at its end; a refused login has none. An
/// error that a wait itself came to (a refusal, an interrupt) is not waited for again.
pub(super) fn wait_for_failure(fatal: bool) {
    if settings::mode() != Mode::Sync {
        return;
    }
    let later = BACKEND.with(|b| {
        let ends_session = fatal && b.emitter.session.connected;
        let given_up = std::mem::take(&mut b.refused) || b.interrupted.is_some();
        if given_up {
            let _not_waited_for = b.take_due();
            b.leaves_at_once = ends_session;
        }
        given_up || ends_session
    });
    if later == Some(false) {
        wait_and_go_on();
    }
}

/// The session ends. One that was told to while it waited does not wait again.
pub(super) fn wait_at_end() {
    if BACKEND.with(|b| b.leaves_at_once) == Some(false) {
        wait_and_go_on();
    }
}

/// Waits where nothing can be refused, nor an interrupt be served.
pub(super) fn wait_and_go_on() {
    // A statement that has failed maybe did since its time was over.
    if settings::mode() == Mode::Sync
        && let Some(waited) = wait_for_due(|| None, false)
    {
        warn(waited);
    }
}

fn wait_for_due(statement_left: impl FnOnce() -> Option<Duration>, interruptible: bool) -> Option<Waited> {
    let due = BACKEND.with(Backend::take_due).flatten()?;
    let patience = Patience {
        begun: due.begun,
        timeout: settings::sync_timeout(),
        statement: statement_left(),
        interrupts: if interruptible { Interrupts::ButCancel } else { Interrupts::Heard },
    };
    let waited = ack::wait_in_sync(due.position, patience);
    if waited == Waited::Interrupted && interruptible {
        BACKEND.with(|b| b.interrupted = Some(due));
    }
    Some(if due.dropped && waited == Waited::Durable { Waited::NotNow } else { waited })
}

/// Whether this session may go on without its events being durable: a superuser of this machine that is named.
fn breaks_glass() -> bool {
    let roles = settings::break_glass_roles();
    if roles.is_empty() {
        return false;
    }
    let user = BACKEND.with(|b| b.emitter.session.ensure().user.clone()).unwrap_or_default();
    roles.contains(&user) && session::is_superuser_by_socket()
}

/// Says once that a wait was in vain; while nobody waits, nothing is said.
fn warn(waited: Waited) {
    match waited {
        Waited::Durable | Waited::Released | Waited::NotNow | Waited::Interrupted => {}
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
