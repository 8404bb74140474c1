//! What delivery reports: acknowledgements free the ring and wake sessions, changes of state are told once.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use activity_deliver::{Report, StateChange};
use activity_ring::Position;

use super::Worker;
use crate::ack;
use crate::pg::clock;
use crate::pg::log::{self, sqlstate};
use crate::ring::Attached;
use crate::settings::Mode;

const QUEUED: &str = "Activity waits in the ring meanwhile; the server serves on.";

impl Worker {
    /// Takes all that delivery has to say.
    pub(super) fn take_reports(&mut self) {
        let mut acked = false;
        while let Some(report) = self.connection.next_report() {
            match report {
                Report::Acked { through, last_sequence, events, records, bytes } => {
                    let delivered = &self.attached.shared.delivered;
                    delivered.events.fetch_add(events, Ordering::Relaxed);
                    delivered.records.fetch_add(records, Ordering::Relaxed);
                    delivered.bytes.fetch_add(bytes, Ordering::Relaxed);
                    delivered.last_ack.store(clock::now(), Ordering::Relaxed);
                    acked |= self.free(through, last_sequence);
                }
                // The acknowledgement that frees their space came before.
                Report::Lost { first_sequence, last_sequence, events, reason, .. } => {
                    self.attached.shared.delivered.lost.fetch_add(events, Ordering::Relaxed);
                    log::warning(
                        sqlstate::LOST,
                        &format!("activity_stream: {events} events are lost"),
                        &format!(
                            "The events with sequence numbers {first_sequence} to {last_sequence}: {reason}"
                        ),
                        "",
                    );
                }
                Report::State(change) => self.tell_state(change),
            }
        }
        if acked {
            ack::release(self.attached);
        }
    }

    /// Gives the ring its space back.
    fn free(&mut self, through: u64, last_sequence: u64) -> bool {
        match self.consumer.ack_through(Position(through), last_sequence) {
            Ok(()) => {
                self.attached.shared.delivered.acked_sequence.store(last_sequence, Ordering::Relaxed);
                true
            }
            Err(e) => {
                self.drain.tell_corrupt(&e.to_string());
                false
            }
        }
    }

    fn tell_state(&mut self, change: StateChange) {
        let shared = self.attached.shared;
        let failed = |state: &str, what: &str, message: &str, hint: Option<&str>| {
            shared.state.set(state);
            shared.last_error.set(message);
            let hint = hint.unwrap_or("Delivery is tried again until it works; see activity_stream.status.");
            log::warning(sqlstate::UNAVAILABLE, &format!("activity_stream: {what}: {message}"), QUEUED, hint);
        };
        match change {
            StateChange::KeyUnavailable { message, hint } => {
                failed("key unavailable", "no data key can be had", &message, hint.as_deref());
            }
            StateChange::StreamUnavailable { message, hint } => {
                failed("stream unavailable", "the stream cannot be reached", &message, hint.as_deref());
            }
            StateChange::StreamPending { state } => {
                shared.state.set("stream pending");
                log::log(&format!("activity_stream: waiting for the stream to become active; it is {state}"));
            }
            StateChange::StreamWarning(message) => {
                log::warning(sqlstate::UNAVAILABLE, &format!("activity_stream: {message}"), "", "");
            }
            StateChange::KeyAvailable => log::log("activity_stream: data keys can be had"),
            StateChange::Streaming => {
                shared.state.set("streaming");
                log::log(&format!("activity_stream: streaming to \"{}\"", self.settings.stream.name));
            }
        }
    }

    /// Writes the counters that the status view shows.
    pub(super) fn tell_status(&self) {
        let shared = self.attached.shared;
        if let Some(progress) = self.connection.progress() {
            let delivered = &shared.delivered;
            delivered.heartbeats.store(progress.heartbeats, Ordering::Relaxed);
            delivered.retries.store(progress.retries, Ordering::Relaxed);
            delivered.in_flight.store(progress.in_flight, Ordering::Relaxed);
        } else if self.settings.mode == Mode::Off {
            shared.state.set("off");
        }
    }
}

/// How long no event must have been dropped for the loss to count as over.
const QUIET: Duration = Duration::from_secs(5);

/// Tells the beginning and the end of the times in which the ring took no more.
pub(super) struct LossWatch {
    seen: u64,
    open: Option<Loss>,
}

struct Loss {
    /// The counter before the first.
    before: u64,
    last: Instant,
}

impl LossWatch {
    pub(super) fn new(attached: &Attached) -> Self {
        // What was dropped while no worker ran has not been told.
        Self { seen: attached.shared.delivered.told_dropped.load(Ordering::Relaxed), open: None }
            .clamped(attached.dropped())
    }

    fn clamped(mut self, dropped: u64) -> Self {
        self.seen = self.seen.min(dropped);
        self
    }

    /// Compares the counters with those of the last look.
    pub(super) fn look(&mut self, attached: &Attached) {
        let dropped = attached.dropped();
        let now = Instant::now();
        if dropped > self.seen {
            if self.open.is_none() {
                log::warning(
                    sqlstate::LOST,
                    "activity_stream: events are being lost",
                    "The ring is full, or events are too large for it.",
                    "Raise activity_stream.ring_size, or see activity_stream.status for what keeps delivery back.",
                );
            }
            let before = self.open.as_ref().map_or(self.seen, |loss| loss.before);
            self.open = Some(Loss { before, last: now });
            self.seen = dropped;
            attached.shared.delivered.told_dropped.store(dropped, Ordering::Relaxed);
        } else if let Some(loss) = self.open.take_if(|loss| now.duration_since(loss.last) >= QUIET) {
            log::warning(
                sqlstate::LOST,
                &format!("activity_stream: {} events were lost; no more are", dropped - loss.before),
                "",
                "",
            );
        }
    }
}
