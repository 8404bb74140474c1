//! Acknowledgement: how a session waits for its events, and how the worker lets it go.
//!
//! A session writes the position it waits for into its own slot and then looks at `durable_through`; the worker
//! moves `durable_through` and then looks at the slots. Whichever comes second sees the other's write (both are
//! sequentially consistent), so no wake-up is lost. A session that finds itself waiting in vain for `sync_timeout`
//! goes on: the event stays queued.

use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use crate::pg::log::{self, sqlstate};
use crate::pg::process::{self, Woken};
use crate::ring::{self, Attached};

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// The events are durable.
    Durable,
    /// Not in time, or not to be waited for.
    TimedOut,
    /// The user cancelled.
    Cancelled,
    /// The session is being ended.
    Terminating,
}

/// Waits until everything up to `position` is durable, at most `timeout`.
pub(crate) fn wait(position: u64, timeout: Duration) -> Waited {
    let Some(attached) = ring::attached() else { return Waited::TimedOut };
    if attached.durable_through() >= position {
        return Waited::Durable;
    }
    let slot = process::my_number().and_then(|n| attached.waiters.get(n));
    let (Some(slot), true) = (slot, process::can_wait()) else { return Waited::TimedOut };

    attached.shared.sync_waits.fetch_add(1, Ordering::Relaxed);
    slot.position.store(position, Ordering::SeqCst);
    fence(Ordering::SeqCst);
    let result = wait_in_slot(attached, position, timeout);
    slot.position.store(0, Ordering::Relaxed);
    // What woke us may have been meant for the server's own loop.
    process::set_my_latch();
    if result == Waited::TimedOut {
        attached.shared.sync_timeouts.fetch_add(1, Ordering::Relaxed);
    }
    result
}

fn wait_in_slot(attached: &Attached, position: u64, timeout: Duration) -> Waited {
    let begun = Instant::now();
    loop {
        if attached.durable_through() >= position {
            return Waited::Durable;
        }
        let Some(left) = timeout.checked_sub(begun.elapsed()).filter(|d| !d.is_zero()) else {
            return Waited::TimedOut;
        };
        ring::ring_doorbell(attached.shared);
        match process::wait_on_my_latch(left) {
            Woken::Look => {}
            Woken::Cancelled => return Waited::Cancelled,
            Woken::Terminating => return Waited::Terminating,
        }
    }
}

/// Waits as sync mode does, and says in the log where the wait was in vain.
pub(crate) fn wait_or_warn(position: u64, timeout: Duration) {
    let hint = "The event is queued and delivered when the stream takes it; see activity_stream.status.";
    match wait(position, timeout) {
        Waited::Durable | Waited::Terminating => {}
        Waited::TimedOut => log::warning(
            sqlstate::NOT_DURABLE,
            "activity_stream: going on before the activity of this statement is durable",
            &format!(
                "It was not acknowledged within activity_stream.sync_timeout ({} ms).",
                timeout.as_millis()
            ),
            hint,
        ),
        Waited::Cancelled => log::warning(
            sqlstate::NOT_DURABLE,
            "activity_stream: the wait for the activity of this statement to be durable was cancelled",
            "",
            hint,
        ),
    }
}

/// The worker's side: everything up to `through` is durable. Wakes every session that waited for that.
pub(crate) fn release(attached: &Attached, through: u64) {
    attached.shared.durable_through.fetch_max(through, Ordering::SeqCst);
    fence(Ordering::SeqCst);
    let durable = attached.durable_through();
    for (number, waiter) in attached.waiters.iter().enumerate() {
        let position = waiter.position.load(Ordering::SeqCst);
        if position != 0 && position <= durable {
            process::set_latch(number);
        }
    }
}
