//! What delivery reports: acknowledgements free the ring and wake sessions, changes of state are told once.

use std::sync::atomic::Ordering;

use activity_deliver::{Acked, Chain, Counts, Report, StateChange};
use activity_ring::{Note, Position};

use super::Worker;
use crate::ack;
use crate::pg::clock;
use crate::pg::log::{self, sqlstate};
use crate::settings::Mode;

const QUEUED: &str = "Activity waits in the ring and in the spool meanwhile; the server serves on.";

impl Worker {
    /// Takes all that delivery has to say.
    pub(super) fn take_reports(&mut self) {
        while let Some(report) = self.connection.next_report() {
            match report {
                Report::Acked(acked) => self.acked(&acked),
                Report::Durable { through } => ack::release(self.attached, through),
                Report::Drained(counts) => {
                    self.count_stored(counts);
                    self.attached.shared.delivered.drained.fetch_add(counts.events, Ordering::Relaxed);
                }
                // The acknowledgement that frees their space came before.
                Report::Lost(lost) => {
                    let events = lost.events.unwrap_or(0);
                    self.attached.shared.delivered.lost.fetch_add(events, Ordering::Relaxed);
                    self.accounts.lost(&lost);
                }
                Report::State(change) => self.tell_state(change),
            }
        }
    }

    fn count_stored(&self, counts: Counts) {
        let delivered = &self.attached.shared.delivered;
        delivered.events.fetch_add(counts.events, Ordering::Relaxed);
        delivered.records.fetch_add(counts.records, Ordering::Relaxed);
        delivered.bytes.fetch_add(counts.bytes, Ordering::Relaxed);
    }

    /// Gives the ring its space back.
    fn acked(&mut self, acked: &Acked) {
        self.count_stored(acked.stored);
        let delivered = &self.attached.shared.delivered;
        delivered.spooled.fetch_add(acked.spooled.events, Ordering::Relaxed);
        delivered.last_ack.store(clock::now(), Ordering::Relaxed);
        let (through, note) = (Position(acked.through), note_of(acked.chain));
        match self.consumer.ack_with(through, acked.last_sequence, note) {
            Ok(()) => {
                delivered.acked_sequence.store(acked.last_sequence, Ordering::Relaxed);
                self.accounts.acked(acked);
            }
            Err(e) => self.drain.tell_corrupt(&e.to_string()),
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
            StateChange::SpoolOpened { records, bytes, notes } => tell_opened(records, bytes, &notes),
            StateChange::SpoolUnwritable { message } => {
                shared.last_error.set(&message);
                self.accounts.spool_unwritable(&message);
            }
            StateChange::SpoolWritable => self.accounts.spool_is_well(),
            StateChange::SpoolFull => log::warning(
                sqlstate::UNAVAILABLE,
                "activity_stream: the spool is full",
                "What comes waits in the ring; when that is full, events are lost.",
                "Raise activity_stream.spool_max_size, or see to what keeps the stream from taking records.",
            ),
            StateChange::Spooling => {
                log::log("activity_stream: records go to the spool until the stream takes them");
            }
            StateChange::SpoolDrained => {
                log::log("activity_stream: the stream has all that was in the spool");
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
            delivered.spool_records.store(progress.spool_records, Ordering::Relaxed);
            delivered.spool_bytes.store(progress.spool_bytes, Ordering::Relaxed);
        } else if self.settings.mode == Mode::Off {
            shared.state.set("off");
        }
    }
}

fn tell_opened(records: u64, bytes: u64, notes: &[String]) {
    if records > 0 {
        log::log(&format!(
            "activity_stream: the spool holds {records} records ({bytes} bytes) that the stream does not have yet"
        ));
    }
    for note in notes {
        log::warning(sqlstate::INTERNAL, &format!("activity_stream: the spool: {note}"), "", "");
    }
}

/// The chain as the ring keeps it with its checkpoint.
pub(super) fn note_of(chain: Chain) -> Note {
    let bytes = chain.to_bytes();
    let (words, _) = bytes.as_chunks::<8>();
    let mut note = Note::default();
    for (word, bytes) in note.iter_mut().zip(words) {
        *word = u64::from_be_bytes(*bytes);
    }
    note
}

/// The same back.
pub(super) fn chain_of(note: Note) -> Chain {
    let mut bytes = [0; 32];
    let (words, _) = bytes.as_chunks_mut::<8>();
    for (bytes, word) in words.iter_mut().zip(note) {
        *bytes = word.to_be_bytes();
    }
    Chain::from_bytes(bytes)
}
