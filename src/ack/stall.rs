//! A worker that does not move: who notices, and who says so.
//!
//! The worker stamps the state page at the beginning of each round, once a second at least. A session has the time of its event when it
//! publishes; where the stamp is older by `worker_stall_timeout`, it says so in the server log, once for all sessions. SIGSTOP, which
//! nobody can refuse, looks like that, and so does a machine that gives the worker no processor. When the worker moves again it tells itself
//! for how long it did not: nothing was delivered meanwhile, and no session that says so needs to have been there.
//!
//! What the look costs a session: one load and a comparison. The line of the cache is written a few times a second.
//!
//! A wall clock that is set forward looks like a stall for one round of the worker: so the monotonic clock is asked before anything is said.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

use crate::pg::clock;
use crate::pg::guard::error_underway;
use crate::pg::log::{self, sqlstate};
use crate::ring::{self, Shared};
use crate::settings;

/// For how long a worker did not move that moves again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stall {
    /// When it last moved, microseconds since the Unix epoch.
    pub(crate) since: i64,
    /// From then to now.
    pub(crate) duration: Duration,
}

/// The session's side: it published an event at `now`, microseconds since the Unix epoch.
#[inline]
pub(crate) fn look(now: i64) {
    if let Some(attached) = ring::attached()
        && now.saturating_sub(attached.shared.worker_moved_at.load(Relaxed))
            > settings::worker_stall_timeout_us()
    {
        tell(attached.shared, now);
    }
}

/// Where an error is under way, the next event says it.
#[cold]
fn tell(shared: &Shared, now: i64) {
    if shared.stall_told_at.load(Relaxed) != 0 || error_underway() {
        return;
    }
    let moved = shared.worker_moved_monotonic.load(Relaxed);
    let still = clock::monotonic().saturating_sub(moved);
    if still <= settings::worker_stall_timeout_us()
        || shared.stall_told_at.compare_exchange(0, now.max(1), SeqCst, Relaxed).is_err()
    {
        return;
    }
    log::warning_to_server(
        sqlstate::WORKER,
        &format!("activity_stream: the worker has not moved for {} ms", still / 1000),
        &format!("Nothing is delivered meanwhile. Its process id is {}.", shared.worker_pid.load(Relaxed)),
        "See whether it was stopped (state T in ps; kill -CONT lets it go on), and who did that.",
    );
}

/// Whether the worker has not moved for as long as counts as a stall.
pub(crate) fn is_on(shared: &Shared) -> bool {
    clock::monotonic().saturating_sub(shared.worker_moved_monotonic.load(Relaxed))
        > settings::worker_stall_timeout_us()
}

/// The worker's side: a round begins. What is returned is a stall that is over: one longer than `timeout`, or that a session told.
pub(crate) fn moved(shared: &Shared, timeout: Option<Duration>) -> Option<Stall> {
    let (now, monotonic) = (clock::now(), clock::monotonic());
    let since = shared.worker_moved_at.swap(now, Relaxed);
    let still = monotonic.saturating_sub(shared.worker_moved_monotonic.swap(monotonic, Relaxed));
    let told = shared.stall_told_at.load(Relaxed) != 0 && shared.stall_told_at.swap(0, SeqCst) != 0;
    let duration = Duration::from_micros(u64::try_from(still).unwrap_or(0));
    (told || timeout.is_some_and(|timeout| duration > timeout)).then_some(Stall { since, duration })
}

/// The worker ends as it should: nobody is to wait for its next round.
pub(crate) fn ended(shared: &Shared) {
    shared.worker_moved_at.store(i64::MAX, Relaxed);
    shared.worker_moved_monotonic.store(i64::MAX, Relaxed);
}
