//! When the worker may end.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Worker;

/// A shutdown under way.
pub(super) struct Shutdown {
    deadline: Instant,
}

impl Shutdown {
    /// Everything has to be delivered within `timeout` from now.
    pub(super) fn begin(timeout: Duration) -> Self {
        Self { deadline: Instant::now() + timeout }
    }

    /// When the worker ends in any case.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// No session is left and all they published is on the stream; or time is up.
    pub(super) fn is_over(&self, worker: &Worker) -> bool {
        let attached = worker.attached;
        let sessions = attached.shared.sessions.load(Ordering::SeqCst);
        let delivered = attached.ring.acked_through().0 >= attached.ring.reserved().0;
        (sessions <= 0 && delivered) || Instant::now() >= self.deadline
    }
}
