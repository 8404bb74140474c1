//! What the caller's thread and the driver both see: counters, and the reports.
//!
//! Of each pair of counters one side raises one and the other side the other, so their difference needs no lock: the
//! caller raises `submitted`, the driver `taken`, `released` and `finished`.
//!
//! * `submitted - taken`: on the way to the driver.
//! * `submitted - finished`: batches not acknowledged; bounded by [`Shared::room_for`].
//! * `submitted - released`, in bytes: payloads that are still held; bounded likewise.
//!
//! The driver publishes reports before `finished`, so who sees that all is finished finds their reports; and `ready` before
//! `taken`, so who sees that all is taken sees whether that left a slot.
//!
//! A caller that finds no room or no slot is owed a wake-up when there is one, and no other caller is: every request frees both,
//! and mostly nobody waits for them. The caller says that it looked in vain and then looks again; the driver publishes and then asks
//! whether somebody did. Both in sequential consistency, so that one of them sees the other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::batch::Batch;
use crate::limits::{
    UNACKED_BATCHES_BASE, UNACKED_BATCHES_PER_REQUEST, UNFINISHED_BYTES_BASE, UNFINISHED_BYTES_PER_REQUEST,
};
use crate::report::{Pending, Report};
use crate::settings::Reloadable;

/// How far delivery is. Counts since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Records of events that were stored.
    pub records: u64,
    /// Bytes of these records, partition keys included.
    pub bytes: u64,
    /// Heartbeats that were stored.
    pub heartbeats: u64,
    /// Records that were put back to be sent again.
    pub retries: u64,
    /// Requests under way.
    pub in_flight: u64,
    /// Batches that are neither stored, nor in the spool, nor lost.
    pub queued: u64,
    /// The stream takes nothing, and nobody knows when it will.
    pub fails: bool,
    /// Nothing is in the spool, or there is none.
    pub spool_is_drained: bool,
    /// Records in the spool.
    pub spool_records: u64,
    /// Bytes of the spool's files.
    pub spool_bytes: u64,
    /// Age of the data key in use, if there is one.
    pub key_age: Option<Duration>,
}

/// What the driver publishes after every step. Counts since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Progress {
    /// Batches that left the ledger, and the payload bytes of batches that are complete.
    pub(crate) finished_batches: u64,
    pub(crate) complete_batches: u64,
    pub(crate) released_bytes: u64,
    /// A batch submitted now would be sent without waiting.
    pub(crate) ready: bool,
    /// The stream takes nothing, and nobody knows when it will.
    pub(crate) fails: bool,
    /// Nothing is in the spool, or there is none.
    pub(crate) spool_is_drained: bool,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) heartbeats: u64,
    pub(crate) retries: u64,
    pub(crate) in_flight: u64,
    /// When the data key in use was made, since the start.
    pub(crate) key_since: Option<Duration>,
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    submitted_batches: AtomicU64,
    submitted_bytes: AtomicU64,
    taken_batches: AtomicU64,
    finished_batches: AtomicU64,
    complete_batches: AtomicU64,
    released_bytes: AtomicU64,
    room_batches: AtomicU64,
    room_bytes: AtomicU64,
    ready: AtomicBool,
    /// The caller found no room, and was not woken since.
    room_is_awaited: AtomicBool,
    /// The same for a slot.
    slot_is_awaited: AtomicBool,
    fails: AtomicBool,
    spool_is_drained: AtomicBool,
    spool_records: AtomicU64,
    spool_bytes: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    heartbeats: AtomicU64,
    retries: AtomicU64,
    in_flight: AtomicU64,
    /// Milliseconds since the start, plus one; 0 for none.
    key_since: AtomicU64,
    reports: Mutex<Pending>,
}

impl Shared {
    pub(crate) fn new(reloadable: &Reloadable) -> Self {
        let shared = Self::default();
        shared.room_for(reloadable);
        shared
    }

    /// Sets how much may be unfinished.
    pub(crate) fn room_for(&self, reloadable: &Reloadable) {
        let requests = u64::try_from(reloadable.max_in_flight.max(1)).unwrap_or(u64::MAX);
        let of = |each: u64, base: u64| requests.saturating_mul(each).saturating_add(base);
        self.room_batches.store(of(UNACKED_BATCHES_PER_REQUEST, UNACKED_BATCHES_BASE), Ordering::Relaxed);
        self.room_bytes.store(of(UNFINISHED_BYTES_PER_REQUEST, UNFINISHED_BYTES_BASE), Ordering::Relaxed);
    }

    /// Another batch of any size would be taken: the bounds are exceeded by at most one batch.
    pub(crate) fn has_room(&self) -> bool {
        self.is_roomy() || {
            await_it(&self.room_is_awaited);
            self.is_roomy()
        }
    }

    fn is_roomy(&self) -> bool {
        let released = self.released_bytes.load(Ordering::Acquire);
        let held = self.submitted_bytes.load(Ordering::Relaxed).saturating_sub(released);
        self.unfinished() < self.room_batches.load(Ordering::Relaxed)
            && held < self.room_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.unfinished() == 0
    }

    fn unfinished(&self) -> u64 {
        let finished = self.finished_batches.load(Ordering::Acquire);
        self.submitted_batches.load(Ordering::Relaxed).saturating_sub(finished)
    }

    pub(crate) fn can_send_now(&self) -> bool {
        self.has_slot() || {
            await_it(&self.slot_is_awaited);
            self.has_slot()
        }
    }

    /// Whether the caller looked in vain for what is there now. After [`Self::publish`]; says so once.
    pub(crate) fn is_awaited(&self) -> bool {
        fence(Ordering::SeqCst);
        let came = |awaited: &AtomicBool, is_there: bool| is_there && awaited.swap(false, Ordering::Relaxed);
        let room = came(&self.room_is_awaited, self.is_roomy());
        came(&self.slot_is_awaited, self.has_slot()) || room
    }

    fn has_slot(&self) -> bool {
        self.submitted_batches.load(Ordering::Relaxed) == self.taken_batches.load(Ordering::Acquire)
            && self.ready.load(Ordering::Relaxed)
    }

    /// Before the batch is handed over, so that the driver never finishes more than was submitted.
    pub(crate) fn submitting(&self, batch: &Batch) {
        self.submitted_batches.fetch_add(1, Ordering::Relaxed);
        self.submitted_bytes.fetch_add(payload_bytes(batch), Ordering::Relaxed);
    }

    /// Nobody takes it any more.
    pub(crate) fn not_submitted(&self, batch: &Batch) {
        self.submitted_batches.fetch_sub(1, Ordering::Relaxed);
        self.submitted_bytes.fetch_sub(payload_bytes(batch), Ordering::Relaxed);
    }

    pub(crate) fn publish(&self, progress: &Progress, taken_batches: u64) {
        self.records.store(progress.records, Ordering::Relaxed);
        self.bytes.store(progress.bytes, Ordering::Relaxed);
        self.heartbeats.store(progress.heartbeats, Ordering::Relaxed);
        self.retries.store(progress.retries, Ordering::Relaxed);
        self.in_flight.store(progress.in_flight, Ordering::Relaxed);
        let key_since = progress.key_since.map_or(0, |since| milliseconds(since).saturating_add(1));
        self.key_since.store(key_since, Ordering::Relaxed);
        self.complete_batches.store(progress.complete_batches, Ordering::Relaxed);
        self.fails.store(progress.fails, Ordering::Relaxed);
        self.spool_is_drained.store(progress.spool_is_drained, Ordering::Relaxed);
        self.ready.store(progress.ready, Ordering::Relaxed);
        self.taken_batches.store(taken_batches, Ordering::Release);
        self.released_bytes.store(progress.released_bytes, Ordering::Release);
        self.finished_batches.store(progress.finished_batches, Ordering::Release);
    }

    /// Sets what the spool holds.
    pub(crate) fn set_spool(&self, records: u64, bytes: u64) {
        self.spool_records.store(records, Ordering::Relaxed);
        self.spool_bytes.store(bytes, Ordering::Relaxed);
    }

    /// `now` is the time since the start.
    pub(crate) fn snapshot(&self, now: Duration) -> Snapshot {
        let submitted = self.submitted_batches.load(Ordering::Relaxed);
        let key_since = self.key_since.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_millis);
        Snapshot {
            records: self.records.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            heartbeats: self.heartbeats.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            queued: submitted.saturating_sub(self.complete_batches.load(Ordering::Relaxed)),
            fails: self.fails.load(Ordering::Relaxed),
            spool_is_drained: self.spool_is_drained.load(Ordering::Relaxed),
            spool_records: self.spool_records.load(Ordering::Relaxed),
            spool_bytes: self.spool_bytes.load(Ordering::Relaxed),
            key_age: key_since.map(|since| now.saturating_sub(since)),
        }
    }

    /// The reports. Their lock is held for as long as one is added or taken; one that panicked left them whole.
    pub(crate) fn reports(&self) -> MutexGuard<'_, Pending> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push_report(&self, report: Report) {
        self.reports().push(report);
    }
}

/// Before the caller looks again: if it looks in vain once more, the driver sees that it waits.
fn await_it(awaited: &AtomicBool) {
    awaited.store(true, Ordering::Relaxed);
    fence(Ordering::SeqCst);
}

fn payload_bytes(batch: &Batch) -> u64 {
    u64::try_from(batch.bytes()).unwrap_or(u64::MAX)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
