//! The state page: what sessions and the worker tell one another beside the events.
//!
//! Every field is an atomic of its own; no reader relies on two of them belonging together, except through
//! [`SharedBytes`], which say when they were torn. The memory is shared with every session of the server, so readers
//! take whatever they find as a number and nothing more.

use std::sync::atomic::{AtomicI32, AtomicI64, AtomicU32, AtomicU64, Ordering};

use super::shared_bytes::SharedBytes;
use crate::settings::IN_FORCE_BYTES;

use crate::pg::clock;

/// A session that waits for a position of the ring to be durable; 0 where none waits.
#[repr(C, align(64))]
pub(crate) struct Waiter {
    /// The position.
    pub(crate) position: AtomicU64,
}

/// [`Shared::worker_asleep`]: it looks by itself before it sleeps.
pub(crate) const AWAKE: u32 = 0;
/// It sleeps, and whoever needs it wakes it.
pub(crate) const LISTENS: u32 = 1;
/// It sleeps until a request may be made, which delivery tells it: before that it could do nothing for a session that waits.
pub(crate) const AWAITS_A_SLOT: u32 = 2;

/// The state page.
#[repr(C)]
pub(crate) struct Shared {
    /// Random: tells this start of the server from others.
    pub(crate) epoch: AtomicU64,
    /// When the mapping was made, microseconds since the Unix epoch.
    pub(crate) epoch_start: AtomicI64,
    /// Place of the worker among the server's processes; -1 where it does not run.
    pub(crate) worker_process: AtomicI32,
    /// Process id of the worker; 0 where it does not run.
    pub(crate) worker_pid: AtomicI32,
    /// Whether the worker sleeps, and who is to wake it: [`AWAKE`], [`LISTENS`] or [`AWAITS_A_SLOT`].
    pub(crate) worker_asleep: AtomicU32,
    /// How often the worker was started.
    pub(crate) worker_starts: AtomicU32,
    /// Sessions that told their beginning and not yet their end, walsenders not counted.
    pub(crate) sessions: AtomicI64,
    /// Failures of bookkeeping that were kept from users' statements.
    pub(crate) contained_failures: AtomicU64,
    /// Waits in sync mode.
    pub(crate) sync_waits: AtomicU64,
    /// Waits that ended without an acknowledgement in time.
    pub(crate) sync_timeouts: AtomicU64,
    /// What the waits in sync mode took, microseconds.
    pub(crate) sync_wait_us: AtomicU64,
    /// The longest of them, microseconds.
    pub(crate) sync_wait_max_us: AtomicU64,
    /// Since when events do not become durable in time, microseconds since the Unix epoch; 0 where they do. Set by the session
    /// that waited in vain, taken off by the worker. While it is set no session waits.
    pub(crate) not_durable_since: AtomicI64,
    /// 1 while the worker's mode is not sync: nobody waits then, also not a session that has yet to take the new mode over.
    pub(crate) waiting_is_over: AtomicU32,
    /// Position in the ring up to which everything is durable: what sessions in sync mode wait for.
    pub(crate) durable_through: AtomicU64,
    /// When the ring first took no more since the worker looked last, microseconds since the Unix epoch; 0 for never.
    pub(crate) first_drop: AtomicI64,
    /// The settings in force: written by the postmaster at start, and then by the worker alone.
    pub(crate) in_force: SharedBytes<IN_FORCE_BYTES>,
    /// 1 while a changed configuration is not in force yet.
    pub(crate) config_pending: AtomicU32,
    /// When the worker last began a round, microseconds since the Unix epoch; `i64::MAX` when it has ended as it should.
    pub(crate) worker_moved_at: AtomicI64,
    /// The same by the monotonic clock, microseconds.
    pub(crate) worker_moved_monotonic: AtomicI64,
    /// When a session said that the worker does not move, microseconds since the Unix epoch; 0 where none did. Set by the session, taken
    /// off by the worker.
    pub(crate) stall_told_at: AtomicI64,
    /// STREAM START was published in this epoch.
    pub(crate) start_published: AtomicU32,
    /// Counters that the worker keeps.
    pub(crate) delivered: Delivered,
    /// How the stream is: `starting`, `streaming`, `stream unavailable`, `key unavailable`, `off`, `stopping`. The view says `stalled` by itself.
    pub(crate) state: StatusText<32>,
    /// The last failure of delivery.
    pub(crate) last_error: StatusText<512>,
    /// The loss windows, as a JSON array.
    pub(crate) loss_windows: StatusText<LOSS_WINDOWS_BYTES>,
}

/// Room for the loss windows as the view shows them: the latest that fit.
pub(crate) const LOSS_WINDOWS_BYTES: usize = 64 * 1024;

/// What the worker has delivered since the epoch began (records, retries and so on: since the worker started).
#[repr(C)]
pub(crate) struct Delivered {
    /// Events on the stream.
    pub(crate) events: AtomicU64,
    /// Records on the stream, heartbeats not counted.
    pub(crate) records: AtomicU64,
    /// Bytes of these records.
    pub(crate) bytes: AtomicU64,
    /// Heartbeat records on the stream.
    pub(crate) heartbeats: AtomicU64,
    /// Records that were sent again.
    pub(crate) retries: AtomicU64,
    /// Events that were given up.
    pub(crate) lost: AtomicU64,
    /// PutRecords requests under way.
    pub(crate) in_flight: AtomicU64,
    /// Highest sequence number that is on the stream or in the spool with all before it.
    pub(crate) acked_sequence: AtomicU64,
    /// When that was told, microseconds since the Unix epoch.
    pub(crate) last_ack: AtomicI64,
    /// Since when the oldest event that is not acknowledged has been waiting, as the worker saw it; 0 where it saw none.
    pub(crate) oldest_since: AtomicI64,
    /// Ring records that were begun and never finished when a process crashed.
    pub(crate) torn: AtomicU64,
    /// Events that went to the spool.
    pub(crate) spooled: AtomicU64,
    /// Events that the stream has taken from the spool, those of former epochs among them.
    pub(crate) drained: AtomicU64,
    /// Records in the spool, and bytes of its files.
    pub(crate) spool_records: AtomicU64,
    /// See above.
    pub(crate) spool_bytes: AtomicU64,
}

const _: () = assert!(size_of::<Waiter>() == 64 && align_of::<Waiter>() == 64);
const _: () = assert!(align_of::<Shared>() <= 4096);

impl Shared {
    /// Sets what is not zero in a fresh mapping.
    pub(super) fn begin_epoch(&self, epoch: u64, now: i64) {
        self.epoch.store(epoch, Ordering::Relaxed);
        self.epoch_start.store(now, Ordering::Relaxed);
        // It gets as much time for its first round as for any other.
        self.worker_moved_at.store(now, Ordering::Relaxed);
        self.worker_moved_monotonic.store(clock::monotonic(), Ordering::Relaxed);
        self.worker_process.store(-1, Ordering::Relaxed);
        self.state.set("starting");
    }

    /// The epoch as records and the status view tell it.
    pub(crate) fn epoch_text(&self) -> String {
        format!("{:016x}", self.epoch.load(Ordering::Relaxed))
    }

    /// After a crash: nobody is there any more.
    pub(super) fn forget_processes(&self) {
        self.worker_process.store(-1, Ordering::Relaxed);
        self.worker_pid.store(0, Ordering::Relaxed);
        self.worker_asleep.store(AWAKE, Ordering::Relaxed);
        self.config_pending.store(0, Ordering::Relaxed);
        self.sessions.store(0, Ordering::Relaxed);
    }
}

/// A short text with one writer, the worker. A reader that meets a write gets the empty text.
#[repr(C)]
pub(crate) struct StatusText<const N: usize>(SharedBytes<N>);

impl<const N: usize> StatusText<N> {
    /// Writes `text`, cut at a character boundary where it is too long.
    pub(crate) fn set(&self, text: &str) {
        let (text, _) = activity_event::text::cut(text, N);
        let _it_fits = self.0.write(text.as_bytes());
    }

    /// The text.
    pub(crate) fn get(&self) -> String {
        self.0.read().map(|(bytes, _)| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }
}
