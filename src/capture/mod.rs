//! Capture: what happens in a session becomes events in the ring.
//!
//! | file | what it is told by | what it makes |
//! |---|---|---|
//! | [`executor`] | ExecutorStart, Run, Finish, End | READ and WRITE events, one a relation |
//! | [`utility`] | ProcessUtility | events of utility commands |
//! | [`failure`] | emit_log | events of failed statements and refused logins |
//! | [`session`] | ClientAuthentication, before_shmem_exit | CONNECT and DISCONNECT |
//! | [`relations`] | invalidation callbacks | names, cached |
//! | [`emit`] | all of these | the encoded event in the ring |
//!
//! ## Numbers
//!
//! A client's statement has a `statementId`, counted in the session from 2 (CONNECT is 1); what runs inside it shares that
//! id and counts `substatementId` from 1. A statement is a client's when nothing else runs around it (`depth` 0). Portals
//! that are open at the same time keep their own counters: running one makes its statement the current one for that
//! long.
//!
//! ## Moments
//!
//! A query that only reads is told when an ExecutorRun hands its rows over; one that changes data when ExecutorFinish has
//! run its triggers, since until then it can still fail; one that never ran (EXPLAIN) when it ends. A utility command is told
//! when it is done, DO before what it runs. A failure is told once, when the error reaches the top of the session, with the
//! statement that was noted on the way up. In sync mode the session waits at the end of each client's statement.
//!
//! ## Not guaranteed
//!
//! Bookkeeping that fails (out of memory, a type whose output function raises an error) is contained and counted; the event
//! it was for may be missing. The count is in the status view.

pub(crate) mod emit;
pub(crate) mod executor;
pub(crate) mod failure;
pub(crate) mod relations;
pub(crate) mod session;
pub(crate) mod utility;

use std::sync::atomic::Ordering;

use activity_event::ParamsBuf;

use self::relations::RelationNames;
use self::session::SessionState;
use crate::pg::main_thread::MainThread;
use crate::settings::{self, Mode};
use crate::{ack, ring};

/// The statement that events are numbered under at this moment.
#[derive(Debug, Clone, Copy, Default)]
struct Statement {
    /// statementId
    id: u64,
    /// The substatementId given last.
    substatements: u64,
}

impl Statement {
    fn next_substatement(&mut self) -> u64 {
        self.substatements += 1;
        self.substatements
    }
}

/// All that capture knows of this process.
struct Backend {
    session: SessionState,
    /// How many executor runs and utility commands are under way around us.
    depth: u32,
    current: Statement,
    last_statement_id: u64,
    queries: Vec<executor::OpenQuery>,
    utilities: Vec<utility::OpenUtility>,
    failed: Option<failure::FailedStatement>,
    names: RelationNames,
    /// End of the last event of this process in the ring; what has to be acknowledged for all of them to be durable.
    published_through: u64,
    /// End of the last event that a client's statement waited for.
    waited_through: u64,
    encoded: Vec<u8>,
    params: ParamsBuf,
}

impl Backend {
    const fn new() -> Self {
        Self {
            session: SessionState::new(),
            depth: 0,
            current: Statement { id: 0, substatements: 0 },
            last_statement_id: 0,
            queries: Vec::new(),
            utilities: Vec::new(),
            failed: None,
            names: RelationNames::new(),
            published_through: 0,
            waited_through: 0,
            encoded: Vec::new(),
            params: ParamsBuf::new(),
        }
    }

    /// Begins a client's statement where nothing runs around it.
    fn begin_statement_at_top(&mut self) {
        if self.depth == 0 {
            self.session.ensure(&mut self.last_statement_id);
            self.last_statement_id += 1;
            self.current = Statement { id: self.last_statement_id, substatements: 0 };
            self.failed = None;
        }
    }
}

static BACKEND: MainThread<Backend> = MainThread::new(Backend::new());

/// Whether this process captures anything.
#[inline]
pub(crate) fn enabled() -> bool {
    settings::mode() != Mode::Off && ring::attached().is_some()
}

/// The end of the last event of this process, for `flush`.
pub(crate) fn published_through() -> u64 {
    BACKEND.with(|b| b.published_through).unwrap_or(0)
}

/// In sync mode, waits for what this process published, where no statement is under way any more.
fn wait_at_top() {
    if settings::mode() != Mode::Sync {
        return;
    }
    let position = BACKEND.with(|b| {
        let due = b.depth == 0 && b.published_through > b.waited_through;
        due.then(|| std::mem::replace(&mut b.waited_through, b.published_through))
            .map(|_| b.published_through)
    });
    if let Some(Some(position)) = position {
        ack::wait_or_warn(position, settings::sync_timeout());
    }
}

/// Counts a failure of bookkeeping where operators see it.
pub(crate) fn note_contained_failure() {
    if let Some(attached) = ring::attached() {
        attached.shared.contained_failures.fetch_add(1, Ordering::Relaxed);
    }
}
