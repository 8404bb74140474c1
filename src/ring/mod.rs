//! The shared mapping: a page of state that processes tell one another, the waiters, and the ring of events.
//!
//! The postmaster makes it once, at its first shmem_startup (when the number of processes is known), and every
//! process inherits it. It is not part of the server's shared memory, which is made anew after a crash: what was
//! published before a crash is delivered after it.
//!
//! ```text
//! | Shared (one page or more) | Waiter × processes | pad to a page | ring |
//! ```
#![expect(unsafe_code, reason = "memory that several processes share")]

mod shared;
mod shared_bytes;

use std::io;
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use activity_event::MAX_SHORT_EVENT_BYTES;
use activity_ring::{Priority, Producer, PublishError, RawMemory, Ring, SHORT_EVENT_BYTES};

pub(crate) use shared::{AWAITS_A_SLOT, AWAKE, LISTENS, LOSS_WINDOWS_BYTES, Shared, StatusText, Waiter};
pub(crate) use shared_bytes::SharedBytes;

use crate::pg::{clock, log, mapping, process, startup};
use crate::settings;

/// Alignment of the parts of the mapping.
const PAGE_BYTES: usize = 4096;
/// A sleeping worker is woken when the ring is this full: 1/8 of its size.
const DOORBELL_FILL_SHIFT: u32 = 3;

// What is made short gets in as short.
const _: () = assert!(MAX_SHORT_EVENT_BYTES <= SHORT_EVENT_BYTES);

/// What this process knows of the mapping.
pub(crate) struct Attached {
    /// The state page.
    pub(crate) shared: &'static Shared,
    /// One for each process that the server can have.
    pub(crate) waiters: &'static [Waiter],
    /// The ring.
    pub(crate) ring: Ring<RawMemory>,
}

static ATTACHED: OnceLock<Attached> = OnceLock::new();

/// The mapping; `None` where there is none (a server without background workers).
#[inline]
pub(crate) fn attached() -> Option<&'static Attached> {
    ATTACHED.get()
}

impl Attached {
    /// End of what is durable: on the stream, or in the spool where that counts.
    pub(crate) fn durable_through(&self) -> u64 {
        self.shared.durable_through.load(Ordering::SeqCst)
    }

    /// Events that the ring did not take, for whatever reason.
    pub(crate) fn dropped(&self) -> u64 {
        let ring = &self.ring;
        ring.dropped().saturating_add(ring.dropped_too_large()).saturating_add(ring.dropped_corrupt())
    }
}

/// Called in the postmaster whenever the server makes its shared memory: at start, and again after a crash.
pub(crate) fn shmem_startup() {
    if startup::without_workers() || !startup::in_postmaster() {
        return;
    }
    if let Some(attached) = attached() {
        // Every process that used the mapping is gone.
        attached.ring.note_crash();
        attached.shared.forget_processes();
        for waiter in attached.waiters {
            waiter.position.store(0, Ordering::Relaxed);
        }
        return;
    }
    match create() {
        Ok(attached) => {
            let _already_there = ATTACHED.set(attached);
        }
        Err(e) => log::warning(
            log::sqlstate::UNAVAILABLE,
            &format!("activity_stream could not map its ring: {e}"),
            "No activity is captured by this server.",
            "Lower activity_stream.ring_size or give the host more memory, and restart.",
        ),
    }
}

fn create() -> io::Result<Attached> {
    let processes = startup::process_slots();
    let waiters_at = size_of::<Shared>().next_multiple_of(PAGE_BYTES);
    let ring_at = (waiters_at + processes * size_of::<Waiter>()).next_multiple_of(PAGE_BYTES);
    let capacity = settings::ring_bytes();
    let ring_bytes = Ring::<RawMemory>::required_bytes(capacity);
    let base = mapping::anonymous_shared(ring_at + ring_bytes)?;
    let [secret, epoch] = [random()?, random()?];
    // SAFETY: the mapping is ring_at + ring_bytes long, page aligned, zeroed (a valid value of every type in it)
    // and never unmapped; the three parts do not overlap.
    unsafe {
        let shared: &'static Shared = base.cast::<Shared>().as_ref();
        let waiters: NonNull<Waiter> = base.add(waiters_at).cast();
        let waiters: &'static [Waiter] = std::slice::from_raw_parts(waiters.as_ptr(), processes);
        let ring = Ring::format(base.add(ring_at), ring_bytes, secret).map_err(io::Error::other)?;
        shared.begin_epoch(epoch, clock::now());
        settings::tell_in_force(&shared.in_force);
        Ok(Attached { shared, waiters, ring })
    }
}

fn random() -> io::Result<u64> {
    getrandom::u64().map_err(io::Error::other)
}

/// Publishes one encoded event; the position to wait for, or `None` where it was not taken (the ring counts it). `shorter`
/// encodes it shortened, for where that is the only form that gets in.
pub(crate) fn publish(
    producer: &mut Producer,
    event: &[u8],
    priority: Priority,
    shorter: impl FnOnce() -> Vec<u8>,
) -> Option<u64> {
    let attached = attached()?;
    match producer.publish(&attached.ring, event, priority, shorter) {
        Ok(end) => {
            if attached.ring.fill_below(end) >= attached.ring.capacity() >> DOORBELL_FILL_SHIFT {
                ring_doorbell(attached.shared);
            }
            Some(end.0)
        }
        Err(PublishError::Full) => {
            let first = &attached.shared.first_drop;
            // Another one was first where it fails.
            let _earlier = first.compare_exchange(0, clock::now(), Ordering::Relaxed, Ordering::Relaxed);
            ring_doorbell(attached.shared);
            None
        }
        Err(PublishError::TooLarge | PublishError::Corrupt) => None,
    }
}

/// Publishes one encoded event of the worker's own, however full the ring is. The worker is awake and tries again where there is no
/// room: that is no loss, and not counted.
pub(crate) fn publish_quietly(event: &[u8]) -> Option<u64> {
    attached()?.ring.try_publish(event).ok().map(|end| end.0)
}

/// Wakes the worker where it sleeps. One signal for all that ring before it wakes.
pub(crate) fn ring_doorbell(shared: &Shared) {
    if shared.worker_asleep.swap(AWAKE, Ordering::SeqCst) != AWAKE {
        wake_worker(shared);
    }
}

/// Wakes the worker for a session that begins to wait, unless it sleeps until a request may be made: it takes what is in the ring then.
pub(crate) fn ring_for_waiter(shared: &Shared) {
    let rung = shared.worker_asleep.compare_exchange(LISTENS, AWAKE, Ordering::SeqCst, Ordering::SeqCst);
    if rung.is_ok() {
        wake_worker(shared);
    }
}

fn wake_worker(shared: &Shared) {
    if let Ok(worker) = usize::try_from(shared.worker_process.load(Ordering::Relaxed)) {
        process::set_latch(worker);
    }
}
