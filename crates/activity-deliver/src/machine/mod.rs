//! Every decision of delivery, as a state machine: inputs change it, [`Machine::step`] says what to do next.
//!
//! ```text
//!   submit ──► to seal ──► sealing ──► outbox ──► requests ──► ledger ──► Acked, Lost
//!                ▲  ▲         │          ▲            │
//!                │  └ later ──┘          └── again ───┤
//!                └── split in halves ◄── too large, refused
//! ```
//!
//! It has no clock, no I/O and no randomness: times are given as durations since the start, jitter comes from a seed. So a
//! seed replays a run (see the simulation in its tests).
//!
//! # Invariants
//!
//! * Every piece of a batch is in exactly one of: to seal, being sealed, outbox, one request. The ledger counts it as open.
//! * After [`Action::Seal`], [`Action::Put`], [`Action::Ensure`] and [`Action::Generate`] exactly one call of the input
//!   that answers it is due; the others go on meanwhile.
//! * A record is given up only if the stream or the sealing refuses it for good and it holds one event: more are split.
//!
//! # Order
//!
//! Pieces are sealed and sent in the order of their events, and go back to their place if they have to be sent again. Sealing
//! takes unequal time and several requests are under way at once, so records can still be stored in another order.

mod answers;
mod backoff;
mod destination;
mod keys;
mod ledger;
mod outbox;
mod piece;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use activity_seal::DataKey;

pub(crate) use self::piece::{Piece, Place, Unreadable, Work};

use self::backoff::{Backoff, Jitter};
use self::destination::{Destination, Sent};
use self::keys::KeyKeeper;
use self::ledger::Ledger;
use self::outbox::{Content, Outbox, Ready};
use self::told::Told;
use crate::batch::Batch;
use crate::limits::{MAX_SEALING, SEAL_PAUSE};
use crate::ports::OutRecord;
use crate::report::Report;
use crate::settings::Reloadable;
use crate::shared::Progress;

/// What to do.
#[derive(Debug)]
pub(crate) enum Action {
    /// Seal it with that key; [`Machine::sealed`] answers.
    Seal { place: Place, work: Work, key: Arc<DataKey> },
    /// Send the records; [`Machine::answered`] answers.
    Put { request: u64, records: Arc<Vec<OutRecord>> },
    /// Look after the stream; [`Machine::looked`] answers.
    Ensure,
    /// Get a data key; [`Machine::generated`] answers.
    Generate { source: u64 },
    /// Tell the caller.
    Report(Report),
}

/// What sealing gave.
#[derive(Debug)]
pub(crate) struct Sealed {
    /// None if no event could be read.
    pub(crate) record: Option<OutRecord>,
    /// Bytes of plaintext.
    pub(crate) inner_bytes: usize,
    /// What is not in it.
    pub(crate) unreadable: Unreadable,
}

/// Why sealing gave nothing.
#[derive(Debug)]
pub(crate) enum SealFailure {
    /// No record can hold these events.
    TooLarge(String),
    /// The same can work later.
    Later(String),
    /// The task panicked.
    Panicked,
}

/// A request under way.
#[derive(Debug)]
struct Request {
    contents: Vec<(Content, bool)>,
    records: Arc<Vec<OutRecord>>,
    sent: Sent,
}

/// When heartbeats are due.
#[derive(Debug)]
struct Heart {
    interval: Option<Duration>,
    next: Duration,
    /// One is being sealed, waits or is under way.
    pending: bool,
}

/// Counts since the start.
#[derive(Debug, Default)]
struct Totals {
    records: u64,
    bytes: u64,
    heartbeats: u64,
    retries: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Machine {
    max_in_flight: usize,
    gather: bool,
    jitter: Jitter,
    ledger: Ledger,
    to_seal: BTreeMap<Place, Piece>,
    sealing: BTreeMap<Place, Piece>,
    seal_backoff: Backoff,
    seal_not_before: Duration,
    outbox: Outbox,
    requests: BTreeMap<u64, Request>,
    requests_made: u64,
    destination: Destination,
    keys: KeyKeeper,
    heart: Heart,
    told: Told,
    totals: Totals,
    actions: Vec<Action>,
}

impl Machine {
    /// At time zero.
    pub(crate) fn new(reloadable: &Reloadable, seed: u64) -> Self {
        Self {
            max_in_flight: reloadable.max_in_flight.max(1),
            gather: reloadable.gather,
            jitter: Jitter::new(seed),
            ledger: Ledger::default(),
            to_seal: BTreeMap::new(),
            sealing: BTreeMap::new(),
            seal_backoff: Backoff::new(SEAL_PAUSE),
            seal_not_before: Duration::ZERO,
            outbox: Outbox::default(),
            requests: BTreeMap::new(),
            requests_made: 0,
            destination: Destination::new(),
            keys: KeyKeeper::new(reloadable.data_key_max_age),
            heart: Heart {
                interval: reloadable.heartbeat_interval,
                next: reloadable.heartbeat_interval.unwrap_or_default(),
                pending: false,
            },
            told: Told::default(),
            totals: Totals::default(),
            actions: Vec::new(),
        }
    }

    /// Takes a batch over.
    pub(crate) fn submit(&mut self, batch: Batch) {
        let number = self.ledger.enter(&batch);
        let piece = Piece::whole(number, batch);
        self.to_seal.insert(piece.place, piece);
    }

    /// Takes over what a reload changed.
    pub(crate) fn reconfigure(&mut self, reloadable: &Reloadable, now: Duration) {
        self.max_in_flight = reloadable.max_in_flight.max(1);
        self.gather = reloadable.gather;
        self.keys.set_max_age(reloadable.data_key_max_age);
        if self.heart.interval != reloadable.heartbeat_interval {
            self.heart.interval = reloadable.heartbeat_interval;
            self.heart.next = now.saturating_add(reloadable.heartbeat_interval.unwrap_or_default());
        }
    }

    /// Data keys come from elsewhere from now on.
    pub(crate) fn source_changed(&mut self) {
        self.keys.source_changed();
    }

    /// What to do at `now`, in order. To be called after every input and at [`Self::deadline`].
    pub(crate) fn step(&mut self, now: Duration) -> Vec<Action> {
        if self.destination.begin_look(now) {
            self.actions.push(Action::Ensure);
        }
        if !self.keys.is_usable(now) {
            self.poll_key(now);
        }
        self.beat(now);
        self.seal(now);
        self.send(now);
        if self.destination.works() && self.keys.is_usable(now) {
            self.told.streaming();
        }
        self.actions.extend(self.told.drain().map(|change| Action::Report(Report::State(change))));
        self.ledger.finish(|report| self.actions.push(Action::Report(report)));
        std::mem::take(&mut self.actions)
    }

    /// When [`Self::step`] has something to do though there was no input.
    pub(crate) fn deadline(&self, now: Duration) -> Option<Duration> {
        let seal = (!self.to_seal.is_empty() && self.seal_not_before > now).then_some(self.seal_not_before);
        let beat = self.heart.interval.map(|_| self.heart.next);
        [self.destination.deadline(now), self.keys.pause_end(), seal, beat].into_iter().flatten().min()
    }

    /// How far it is.
    pub(crate) fn progress(&self, now: Duration) -> Progress {
        let nothing_waits = self.to_seal.is_empty() && self.sealing.is_empty() && self.outbox.is_empty();
        let slot_is_free = self.requests.len() < self.max_in_flight;
        Progress {
            finished_batches: self.ledger.finished_batches,
            complete_batches: self.ledger.complete_batches,
            released_bytes: self.ledger.released_bytes,
            ready: nothing_waits && slot_is_free && self.destination.is_open(now) && self.keys.is_usable(now),
            records: self.totals.records,
            bytes: self.totals.bytes,
            heartbeats: self.totals.heartbeats,
            retries: self.totals.retries,
            in_flight: u64::try_from(self.requests.len()).unwrap_or(u64::MAX),
            key_since: self.keys.age(now).map(|age| now.saturating_sub(age)),
        }
    }

    /// Batches that were ever taken over.
    pub(crate) fn taken_batches(&self) -> u64 {
        self.ledger.taken()
    }

    fn poll_key(&mut self, now: Duration) -> Option<Arc<DataKey>> {
        let keys = self.keys.poll(now);
        if let Some(source) = keys.generate {
            self.actions.push(Action::Generate { source });
        }
        keys.key
    }

    /// One that is due while nothing could be sent is left out, and so is one whose predecessor is still pending.
    fn beat(&mut self, now: Duration) {
        let Some(interval) = self.heart.interval else { return };
        if now < self.heart.next {
            return;
        }
        // From the last due time, so that the cadence does not drift; missed ones are not made up for.
        self.heart.next = self.heart.next.saturating_add(interval);
        if self.heart.next <= now {
            self.heart.next = now.saturating_add(interval);
        }
        if self.heart.pending || !self.destination.is_usable() {
            return;
        }
        if let Some(key) = self.poll_key(now) {
            self.heart.pending = true;
            self.actions.push(Action::Seal { place: Place::HEARTBEAT, work: Work::Heartbeat, key });
        }
    }

    fn seal(&mut self, now: Duration) {
        while self.sealing.len() < MAX_SEALING
            && now >= self.seal_not_before
            && !self.to_seal.is_empty()
            && let Some(key) = self.poll_key(now)
            && let Some((place, piece)) = self.to_seal.pop_first()
        {
            self.actions.push(Action::Seal { place, work: Work::Piece(piece.clone()), key });
            self.sealing.insert(place, piece);
        }
    }

    /// More records for the next request come without anybody's doing: sealing is under way, and it always ends.
    fn gathers(&self) -> bool {
        self.gather && !self.sealing.is_empty() && !self.outbox.fills_a_request()
    }

    fn send(&mut self, now: Duration) {
        while self.requests.len() < self.max_in_flight
            && self.destination.is_open(now)
            && !self.outbox.is_empty()
            && !self.gathers()
        {
            let (mut contents, mut records) = (Vec::new(), Vec::new());
            for Ready { content, record, alone } in self.outbox.take_request() {
                contents.push((content, alone));
                records.push(record);
            }
            let records = Arc::new(records);
            self.requests_made += 1;
            let sent = self.destination.send(now);
            self.actions.push(Action::Put { request: self.requests_made, records: Arc::clone(&records) });
            self.requests.insert(self.requests_made, Request { contents, records, sent });
        }
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
