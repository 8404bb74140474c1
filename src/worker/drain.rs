//! From the ring to batches.

use std::time::Instant;

use activity_deliver::{Batch, Batcher, Chain, Identity};
use activity_ring::{Consumer, RawMemory};

use super::connection::Connection;
use crate::pg::log::{self, sqlstate};
use crate::ring::Attached;
use crate::settings::Snapshot;

/// Most bytes that one round takes from the ring, so that acknowledgements are not kept waiting: a few milliseconds' work.
const ROUND_BYTES: usize = 512 * 1024;

/// An event takes about as long as a look at the clock.
const EVENTS_PER_CLOCK_READING: u32 = 64;

/// The batch that is being filled, and one that found no room.
pub(super) struct Drain {
    batcher: Batcher,
    refused: Option<Box<Batch>>,
    event: Vec<u8>,
    corrupt: bool,
}

impl Drain {
    /// Begins behind what was acknowledged, whose chain that is.
    pub(super) fn new(settings: &Snapshot, identity: Identity, chain: Chain) -> Self {
        Self {
            batcher: Batcher::new(settings.batch_max_bytes, settings.batch_linger, identity, chain),
            refused: None,
            event: Vec::new(),
            corrupt: false,
        }
    }

    pub(super) fn reconfigure(&mut self, settings: &Snapshot) {
        self.batcher.reconfigure(settings.batch_max_bytes, settings.batch_linger);
    }

    /// When the batch that is being filled is to go.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.refused.is_some() { None } else { self.batcher.deadline() }
    }

    /// Takes events from the ring and hands batches to delivery, as long as that has room. Whether there may be more at once.
    pub(super) fn fill(
        &mut self,
        consumer: &mut Consumer<RawMemory>,
        connection: &Connection,
        urgent: bool,
        attached: &Attached,
    ) -> bool {
        let (mut bytes, mut events, mut now) = (0, 0, Instant::now());
        while bytes < ROUND_BYTES && self.submit(connection, urgent, now) {
            match consumer.next(&mut self.event) {
                Ok(Some(record)) => {
                    bytes += self.event.len();
                    events += 1;
                    if events % EVENTS_PER_CLOCK_READING == 0 {
                        now = Instant::now();
                    }
                    self.batcher.push(record.sequence, record.end.0, &self.event, now);
                }
                Ok(None) => {
                    self.flush_if_urgent(connection, urgent);
                    break;
                }
                Err(e) => {
                    self.tell_corrupt(&e.to_string());
                    break;
                }
            }
        }
        attached.shared.delivered.torn.store(attached.ring.skipped(), std::sync::atomic::Ordering::Relaxed);
        bytes >= ROUND_BYTES
    }

    /// Hands over what is due; whether there is room for more.
    fn submit(&mut self, connection: &Connection, urgent: bool, now: Instant) -> bool {
        if urgent {
            self.batcher.release_closed();
        }
        loop {
            let waiting = self.refused.take().map(|batch| *batch);
            let Some(batch) = waiting.or_else(|| self.batcher.poll(now, false)) else {
                return connection.has_room();
            };
            if let Err(batch) = connection.submit(batch) {
                self.refused = Some(batch);
                return false;
            }
        }
    }

    /// The ring is empty. Somebody waits: what is there goes now, if a request can carry it at once.
    fn flush_if_urgent(&mut self, connection: &Connection, urgent: bool) {
        // Asked only where it matters: who was told no is woken when there is a slot.
        if !urgent || self.batcher.is_empty() || !connection.can_send_now() {
            return;
        }
        if let Some(batch) = self.batcher.poll(Instant::now(), true)
            && let Err(batch) = connection.submit(batch)
        {
            self.refused = Some(batch);
        }
    }

    /// Says once that shared memory is not as it must be.
    pub(super) fn tell_corrupt(&mut self, what: &str) {
        if !std::mem::replace(&mut self.corrupt, true) {
            log::warning(
                sqlstate::INTERNAL,
                &format!("activity_stream: the ring is damaged: {what}"),
                "A process of the server wrote where it must not. No further activity can be delivered.",
                "Restart the server.",
            );
        }
    }
}
