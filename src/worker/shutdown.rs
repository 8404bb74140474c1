//! When the worker may end.
//!
//! ```text
//!   the server stops ──► the last session and the loss windows have told their end ──► STREAM STOP ──► all on the stream ──► end
//!                                         │                                      │
//!                                         └── shutdown_timeout is over, or the stream cannot be reached
//!                                                     └──► what is left goes to the spool ──► end
//! ```
//!
//! An immediate shutdown waits for nobody: its sessions are gone without a word, and the postmaster kills what is left after five
//! seconds. What they published goes to the spool.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Worker;
use super::stream_events::Told;

/// What a spool gets to be written, beyond `shutdown_timeout`.
const SPOOLING: Duration = Duration::from_secs(5);
/// The same where the postmaster waits five seconds in all.
const IMMEDIATE: Duration = Duration::from_secs(3);

/// A shutdown under way.
pub(super) struct Shutdown {
    immediate: bool,
    /// Until then it is delivered, after that spooled.
    deliver_until: Instant,
    /// When the worker ends in any case.
    end: Instant,
    /// Position of STREAM STOP.
    stopped: Option<u64>,
    hurried: bool,
}

impl Shutdown {
    /// Everything has to be delivered within `timeout` from now.
    pub(super) fn begin(timeout: Duration, immediate: bool) -> Self {
        let now = Instant::now();
        let deliver_until = if immediate { now } else { now + timeout };
        let end = if immediate { now + IMMEDIATE } else { deliver_until + SPOOLING };
        Self { immediate, deliver_until, end, stopped: None, hurried: false }
    }

    /// When something is to be done next.
    pub(super) fn deadline(&self) -> Instant {
        if self.hurried { self.end } else { self.deliver_until }
    }
}

impl Worker {
    /// Moves the shutdown on; whether the worker is to end.
    pub(super) fn shut_down(&mut self) -> bool {
        let Some(shutdown) = &mut self.shutdown else { return false };
        let attached = self.attached;
        let now = Instant::now();
        let over = now >= shutdown.deliver_until;
        let sessions = attached.shared.sessions.load(Ordering::SeqCst) > 0 && !shutdown.immediate;
        // The ends of loss windows come before the end of the stream.
        let all_told = !sessions && self.accounts.finish(attached);
        if (all_told || over) && shutdown.stopped.is_none() && self.started {
            let reason = if shutdown.immediate { "immediate shutdown" } else { "shutdown" };
            let params = [format!("epoch={}", attached.shared.epoch_text()), format!("reason={reason}")];
            let told =
                Told { command: "STREAM STOP", text: "The stream ends with the server.", params: &params };
            shutdown.stopped = self.accounts.publish(&told);
        }
        let progress = self.connection.progress();
        let fails = progress.is_some_and(|progress| progress.fails);
        if !shutdown.hurried && (over || (!sessions && fails)) {
            shutdown.hurried = true;
            self.connection.hurry();
        }
        let told = shutdown.stopped.is_some() || !self.started;
        let safe = attached.ring.acked_through().0 >= attached.ring.reserved().0;
        let drained = shutdown.hurried || progress.is_none_or(|progress| progress.spool_is_drained);
        (!sessions && told && safe && drained) || now >= shutdown.end
    }
}
