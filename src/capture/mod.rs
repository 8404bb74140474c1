//! Capture: what happens in a session becomes events in the ring.
//!
//! | file | what it is told by | what it makes |
//! |---|---|---|
//! | [`executor`], [`query`] | ExecutorStart, Run, Finish, End | READ and WRITE events, one a relation |
//! | [`utility`] | ProcessUtility, ExecutorCheckPerms (COPY), before commit | events of utility commands |
//! | [`objects`] | object_access: made, altered, dropped, emptied | the objects that a command's events name |
//! | [`functions`] | object_access: about to be executed | FUNCTION events |
//! | [`watched`] | | the server's own functions that are told |
//! | [`intent`] | the check of a setting, and what the others ask it | what is told before it runs: the list, with reasons |
//! | [`failure`] | emit_log, and what the hooks catch | events of failed statements and refused logins |
//! | [`session`] | the commit of a login, before_shmem_exit, emit_log | CONNECT, DISCONNECT, replication commands |
//! | [`filter`] | the settings | what is left out |
//! | [`names`] | invalidation callbacks | names, cached |
//! | [`durable`] | before commit, at the end of a statement in a block | the session waits, in sync mode |
//! | [`texts`] | | statements' texts as events hold them |
//! | [`emit`] | all of these | the encoded event in the ring |
//!
//! ## Numbers
//!
//! A client's statement has a `statementId`, counted in the session from 2 (CONNECT is 1); what runs inside it shares that
//! id and counts `substatementId` from 1, in the order of beginning for queries and called functions. A utility command
//! takes its number when it is done (DO: when it begins), so what it ran comes before it.
//!
//! A statement is a client's when nothing else runs around it (`depth` 0) and a portal runs it. Without a portal the
//! server plans a statement or commits a transaction: what runs then (a function that is folded into a constant, a
//! deferred trigger) belongs to the statement that is about to begin, or to the one that ended last ([`Numbers`]).
//! Portals that are open at the same time keep their own counters: running one makes its statement the current one for
//! that long.
//!
//! ## Moments
//!
//! A query that only reads is told when an ExecutorRun hands its rows over to the client; one that changes data when
//! ExecutorFinish has run its triggers, since until then it can still fail; one inside another statement that is fetched in
//! parts, and one that never ran (EXPLAIN), when it ends. A utility command is told when it is done, DO before what it
//! runs, COMMIT when deferred triggers have run. What can be used against the audit itself is told before it runs, too
//! (STREAM INTENT, [`intent`]). A failure is told once: when the error reaches the top of the session, as that of the client's
//! statement, or, where a procedural language caught it, as that of the statement inside. In sync mode the session waits
//! before it commits, and in a transaction block at the end of each of the client's statements ([`durable`]).
//!
//! ## Not guaranteed
//!
//! Bookkeeping that fails (out of memory) is contained and counted; the event it was for may be missing. The count is in
//! the status view.

pub(crate) mod durable;
pub(crate) mod emit;
pub(crate) mod executor;
pub(crate) mod failure;
pub(crate) mod filter;
pub(crate) mod functions;
pub(crate) mod intent;
pub(crate) mod names;
mod numbers;
pub(crate) mod objects;
mod query;
pub(crate) mod session;
mod texts;
pub(crate) mod utility;
pub(crate) mod watched;

use std::sync::atomic::Ordering;

use activity_event::ParamsBuf;

use self::emit::Emitter;
use self::filter::excluded;
use self::names::Names;
use self::numbers::Numbers;
use crate::pg::main_thread::MainThread;
use crate::pg::statement;
use crate::ring;
use crate::settings::{self, Mode};

/// All that capture knows of this process.
struct Backend {
    emitter: Emitter,
    /// How many phases of queries and utility commands are under way around us.
    depth: u32,
    numbers: Numbers,
    #[expect(clippy::vec_box, reason = "they are moved about for every statement, and used again")]
    queries: Vec<Box<query::OpenQuery>>,
    /// One that is over, for the next.
    spare_query: Option<Box<query::OpenQuery>>,
    utilities: Vec<utility::OpenUtility>,
    /// A COMMIT that is told when deferred triggers have run.
    commit: Option<utility::OpenUtility>,
    failures: failure::Failures,
    relays: functions::Relays,
    names: Names,
    /// End of the last event that was waited for.
    waited_through: u64,
    /// A wait that the server's interrupts came into.
    interrupted: Option<durable::Due>,
    /// An error refuses the statement, and is about to be reported.
    refused: bool,
    /// The session was told to end while it waited.
    leaves_at_once: bool,
    /// What is about to run was told beforehand, and that is to be waited for.
    told_before: bool,
    params: ParamsBuf,
}

impl Backend {
    const fn new() -> Self {
        Self {
            emitter: Emitter::new(),
            depth: 0,
            numbers: Numbers::new(),
            queries: Vec::new(),
            spare_query: None,
            utilities: Vec::new(),
            commit: None,
            failures: failure::Failures::new(),
            relays: functions::Relays::new(),
            names: Names::new(),
            waited_through: 0,
            interrupted: None,
            refused: false,
            leaves_at_once: false,
            told_before: false,
            params: ParamsBuf::new(),
        }
    }

    /// Something begins to run: where nothing runs around it, it is a statement of the client's, or belongs to one.
    /// `location` and `end` say where in the message it stands.
    fn begin(&mut self, location: i32, end: usize) {
        self.publish_caught_failure();
        // Now it can be looked up; when the statement fails it cannot.
        self.emitter.session.learn_role();
        if self.depth == 0 {
            let has_client = self.emitter.session.ensure().has_client;
            self.numbers.begin_at_top(&statement::moment(), has_client, location, end);
            self.failures.forget();
        }
    }
}

static BACKEND: MainThread<Backend> = MainThread::new(Backend::new());

/// Whether this process captures anything. Asked by every hook first, so what is in force is taken over here.
#[inline]
pub(crate) fn enabled() -> bool {
    ring::attached().is_some_and(|attached| {
        settings::adopt(&attached.shared.in_force);
        settings::mode() != Mode::Off
    })
}

/// The end of the last event of this process, for `flush`.
pub(crate) fn published_through() -> u64 {
    BACKEND.with(|b| b.emitter.published_through).unwrap_or(0)
}

/// Counts a failure of bookkeeping where operators see it.
pub(crate) fn note_contained_failure() {
    if let Some(attached) = ring::attached() {
        attached.shared.contained_failures.fetch_add(1, Ordering::Relaxed);
    }
}
