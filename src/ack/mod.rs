//! Acknowledgement: how a session waits for its events, and how the worker lets it go.
//!
//! A session writes the position it waits for into its own slot and then looks at `durable_through`; the worker
//! moves `durable_through` and then looks at the slots. Whichever comes second sees the other's write (both are
//! sequentially consistent), so no wake-up is lost, and the worker wakes nobody who would have to wait on.
//!
//! ## In vain
//!
//! The first session in sync mode whose wait is not over in time says so on the state page (`not_durable_since`) and wakes
//! the others that wait: from then on no session waits, until the worker finds that events become durable in time again and
//! takes the mark off. The worker makes a loss window of it; it may itself be what does not move, so the mark is the sessions' own.
//! When the mode is changed to one in which nobody waits, the worker says so (`waiting_is_over`) and lets go who waits: a session
//! does not look at the mode while it waits.

pub(crate) mod stall;
mod statistics;

use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use crate::pg::clock;
use crate::pg::process::{self, Interrupts, Woken};
use crate::ring::{self, Attached};

/// A session in sync mode waits for room when a quarter of the ring, as a shift, lies between its last event and what is durable: before
/// the ladder of the ring begins to refuse.
const AHEAD_SHIFT: u32 = 2;
/// It goes on when half of that is left.
const RESUME_SHIFT: u32 = 3;

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// The events are durable.
    Durable,
    /// Not in time: this session's time, or that of another, which let all go.
    TimedOut,
    /// Events do not become durable in time at present, and nobody waits.
    NotNow,
    /// The mode has changed: nobody waits any more.
    Released,
    /// The user cancelled, or the statement's own time was over.
    Cancelled,
    /// The server wants something of the process first; then the wait may go on.
    Interrupted,
}

/// How long a session in sync mode waits, and what ends its wait before that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// When the wait was begun: its parts are one wait.
    pub(crate) begun: Instant,
    /// Its longest time.
    pub(crate) timeout: Duration,
    /// The time that the statement has left from now on, where nobody else watches it.
    pub(crate) statement: Option<Duration>,
    /// What of that which the server wants of the process ends it.
    pub(crate) interrupts: Interrupts,
}

/// Where a session that has published up to `position` is so far ahead of what is durable that it waits before it goes on: up to where it
/// waits. Others' events count as well, for they take the same room.
pub(crate) fn room_for(position: u64) -> Option<u64> {
    let attached = ring::attached()?;
    let capacity = u64::try_from(attached.ring.capacity()).ok()?;
    let ahead = position.saturating_sub(attached.durable_through());
    (ahead > capacity >> AHEAD_SHIFT).then(|| position.saturating_sub(capacity >> RESUME_SHIFT))
}

/// Waits until everything up to `position` is durable, at most `timeout`, whatever the mode.
pub(crate) fn wait(position: u64, timeout: Duration) -> Waited {
    let Some(attached) = ring::attached() else { return Waited::TimedOut };
    let patience =
        Patience { begun: Instant::now(), timeout, statement: None, interrupts: Interrupts::Heard };
    wait_for(attached, position, patience, false)
}

/// Waits as a session in sync mode does.
pub(crate) fn wait_in_sync(position: u64, patience: Patience) -> Waited {
    let Some(attached) = ring::attached() else { return Waited::NotNow };
    if attached.durable_through() >= position {
        return Waited::Durable;
    }
    if attached.shared.waiting_is_over.load(Ordering::SeqCst) != 0 {
        return Waited::Released;
    }
    if attached.shared.not_durable_since.load(Ordering::SeqCst) != 0 {
        return Waited::NotNow;
    }
    let result = wait_for(attached, position, patience, true);
    let waited = patience.begun.elapsed();
    statistics::count(attached.shared, waited, result);
    if result == Waited::TimedOut {
        tell_not_durable(attached, clock::now() - i64::try_from(waited.as_micros()).unwrap_or(0));
    }
    result
}

/// `sync`: the wait ends with the mode, and when nobody waits any more.
fn wait_for(attached: &Attached, position: u64, patience: Patience, sync: bool) -> Waited {
    let slot = process::my_number().and_then(|n| attached.waiters.get(n));
    let (Some(slot), true) = (slot, process::can_wait()) else { return Waited::NotNow };
    slot.position.store(position, Ordering::SeqCst);
    fence(Ordering::SeqCst);
    let result = wait_in_slot(attached, position, patience, sync);
    slot.position.store(0, Ordering::Relaxed);
    result
}

fn wait_in_slot(attached: &Attached, position: u64, patience: Patience, sync: bool) -> Waited {
    let resumed = Instant::now();
    loop {
        if attached.durable_through() >= position {
            return Waited::Durable;
        }
        if sync && attached.shared.not_durable_since.load(Ordering::SeqCst) != 0 {
            return Waited::TimedOut;
        }
        if sync && attached.shared.waiting_is_over.load(Ordering::SeqCst) != 0 {
            return Waited::Released;
        }
        let left =
            |time: Duration, since: Instant| time.checked_sub(since.elapsed()).filter(|d| !d.is_zero());
        let Some(mut longest) = left(patience.timeout, patience.begun) else { return Waited::TimedOut };
        if let Some(statement) = patience.statement {
            let Some(statement) = left(statement, resumed) else { return Waited::Cancelled };
            longest = longest.min(statement);
        }
        ring::ring_for_waiter(attached.shared);
        match process::wait_on_my_latch(longest, patience.interrupts) {
            Woken::Look => {}
            Woken::Cancelled => return Waited::Cancelled,
            Woken::Interrupted => return Waited::Interrupted,
        }
    }
}

/// Events are not durable in time since `since`, microseconds since the Unix epoch.
fn tell_not_durable(attached: &Attached, since: i64) {
    let mark = &attached.shared.not_durable_since;
    if mark.compare_exchange(0, since.max(1), Ordering::SeqCst, Ordering::SeqCst).is_ok() {
        wake_all(attached);
        ring::ring_doorbell(attached.shared);
    }
}

/// The worker's side: everything up to `through` is durable. Wakes every session that waited for that.
pub(crate) fn release(attached: &Attached, through: u64) {
    attached.shared.durable_through.fetch_max(through, Ordering::SeqCst);
    fence(Ordering::SeqCst);
    wake_through(attached, attached.durable_through());
}

/// The worker's side: whether the mode is one in which sessions wait. Where it is not, who waits is let go.
pub(crate) fn set_waiting(attached: &Attached, wait: bool) {
    attached.shared.waiting_is_over.store(u32::from(!wait), Ordering::SeqCst);
    if !wait {
        wake_all(attached);
    }
}

fn wake_all(attached: &Attached) {
    fence(Ordering::SeqCst);
    wake_through(attached, u64::MAX);
}

fn wake_through(attached: &Attached, through: u64) {
    for (number, waiter) in attached.waiters.iter().enumerate() {
        let position = waiter.position.load(Ordering::SeqCst);
        if position != 0 && position <= through {
            process::set_latch(number);
        }
    }
}
