//! Every decision of delivery, as a state machine: inputs change it, [`Machine::step`] says what to do next.
//!
//! ```text
//!   submit ──► to seal ──► sealing ──► outbox ──► requests ──► ledger ──► Acked, Lost
//!                ▲  ▲         │         ▲  │         │  ▲         ▲
//!                │  └ later ──┘         └──┼─ again ─┤  │         │
//!                └── split in halves ◄─────┼─ refused┘  │         │
//!                                          └► append ──►spool─────┘
//! ```
//!
//! It has no clock, no I/O and no randomness: times are given as durations since the start, jitter comes from a seed. So a
//! seed replays a run (see the simulation in its tests).
//!
//! # Invariants
//!
//! * Every piece of a batch is in exactly one of: to seal, being sealed, outbox, suspects, one request, one append. The ledger
//!   counts it as open. After its append it is the spool's: of it only the ordinal is known, until it is read again.
//! * After every action but [`Action::Report`] exactly one call of the input that answers it is due; the others go on
//!   meanwhile.
//! * Nothing is acknowledged that neither the stream nor the spool has, and nothing is told as durable that does not count as
//!   such ([`crate::Durability`]).
//! * A record is given up only if the sealing refuses it for good, or the stream does while it stores others; and if it holds one
//!   event: more are split. One from
//!   the spool cannot be split: nobody here can open it.
//!
//! # Order
//!
//! Pieces are sealed and sent in the order of their events, and go back to their place if they have to be sent again. Sealing
//! takes unequal time and several requests are under way at once, so records can still be stored in another order.

mod answers;
mod backoff;
mod destination;
mod disk_answers;
mod durable;
mod keys;
mod ledger;
mod outbox;
mod pace;
mod piece;
mod spooling;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use activity_seal::DataKey;

pub(crate) use self::backoff::{Backoff, Jitter};
pub(crate) use self::disk_answers::{Loaded, LostOrdinals};
pub(crate) use self::piece::{Piece, Place, Work};
pub(crate) use self::spooling::{AppendFailure, Opened};

use self::destination::{Destination, Sent};
use self::durable::Durable;
use self::keys::KeyKeeper;
use self::ledger::Ledger;
use self::outbox::{Content, Outbox, Ready, Standing};
use self::pace::Pace;
use self::spooling::{Need, Route, Spooling};
use self::told::Told;
use crate::batch::Batch;
use crate::limits::{MAX_SEALING, SEAL_PAUSE, SPOOLED_BYTES_IN_FLIGHT};
use crate::ports::OutRecord;
use crate::report::Report;
use crate::settings::Reloadable;
use crate::shared::Progress;
use crate::spool::Meta;

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
    /// Open the spool; [`Machine::spool_opened`] answers.
    OpenSpool,
    /// Keep the records in the spool; [`Machine::appended`] answers.
    Append { records: Arc<Vec<(Meta, OutRecord)>> },
    /// Read what follows in the spool; [`Machine::loaded`] answers.
    Load { max_records: usize, max_bytes: usize, skip_unreadable: bool },
    /// The spool may forget everything up to that ordinal, and is to write that down at once or when it sees fit;
    /// [`Machine::released`] answers.
    Release { through: u64, at_once: bool },
    /// Tell the caller.
    Report(Report),
}

/// What sealing gave.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) record: OutRecord,
    /// Bytes of plaintext.
    pub(crate) inner_bytes: usize,
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
    contents: Vec<(Content, Standing)>,
    records: Arc<Vec<OutRecord>>,
    /// Of records that came from the spool.
    spooled_bytes: usize,
    sent: Sent,
    begun: Duration,
}

/// When heartbeats are due.
#[derive(Debug)]
struct Heart {
    interval: Option<Duration>,
    next: Duration,
    /// One is being sealed, waits or is under way.
    pending: bool,
    /// It is sealed, and goes with the next request.
    sealed: Option<Ready>,
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
    /// Refused alone, and since when they wait for others to be stored.
    suspects: Vec<(Duration, Ready)>,
    requests: BTreeMap<u64, Request>,
    requests_made: u64,
    pace: Pace,
    destination: Destination,
    keys: KeyKeeper,
    heart: Heart,
    told: Told,
    totals: Totals,
    epoch: u64,
    spooling: Spooling,
    durable: Durable,
    need: Need,
    actions: Vec<Action>,
}

impl Machine {
    /// At time zero. `acked_through` is the position up to which former processes have brought everything to safety.
    pub(crate) fn new(
        reloadable: &Reloadable,
        seed: u64,
        epoch: u64,
        there_is_a_spool: bool,
        acked_through: u64,
    ) -> Self {
        let mut durable = Durable::new(reloadable.durability);
        durable.inherited(acked_through, there_is_a_spool);
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
            suspects: Vec::new(),
            requests: BTreeMap::new(),
            requests_made: 0,
            pace: Pace::default(),
            destination: Destination::new(),
            keys: KeyKeeper::new(reloadable.data_key_max_age),
            heart: Heart {
                interval: reloadable.heartbeat_interval,
                next: reloadable.heartbeat_interval.unwrap_or_default(),
                pending: false,
                sealed: None,
            },
            epoch,
            spooling: Spooling::new(there_is_a_spool, reloadable),
            durable,
            need: Need::default(),
            told: Told::default(),
            totals: Totals::default(),
            actions: Vec::new(),
        }
    }

    /// Takes a batch over.
    pub(crate) fn submit(&mut self, batch: Batch) {
        let number = self.ledger.enter(&batch);
        if let Some(piece) = Piece::whole(number, batch) {
            self.to_seal.insert(piece.place, piece);
        }
    }

    /// Takes over what a reload changed.
    pub(crate) fn reconfigure(&mut self, reloadable: &Reloadable, now: Duration) {
        self.max_in_flight = reloadable.max_in_flight.max(1);
        self.gather = reloadable.gather;
        self.keys.set_max_age(reloadable.data_key_max_age);
        self.spooling.reconfigure(reloadable);
        self.durable.set(reloadable.durability);
        if self.heart.interval != reloadable.heartbeat_interval {
            self.heart.interval = reloadable.heartbeat_interval;
            self.heart.next = now.saturating_add(reloadable.heartbeat_interval.unwrap_or_default());
        }
    }

    /// Data keys come from elsewhere from now on.
    pub(crate) fn source_changed(&mut self) {
        self.keys.source_changed();
    }

    /// Whether the stream takes less than comes.
    pub(crate) fn set_backlog(&mut self, backlog: bool) {
        self.need.backlog = backlog;
    }

    /// The process is about to end: what is not stored goes to the spool, what is under way too. Where there is no spool, delivery
    /// goes on.
    pub(crate) fn hurry(&mut self, now: Duration) {
        self.need.hurry = true;
        if self.spooling.route(self.need, now) != Route::Spool {
            return;
        }
        for (_, request) in std::mem::take(&mut self.requests) {
            let records = request.records.iter().cloned();
            for ((content, standing), record) in request.contents.into_iter().zip(records) {
                self.put_back(Ready { content, record, standing });
            }
        }
    }

    /// What to do at `now`, in order. To be called after every input and at [`Self::deadline`].
    pub(crate) fn step(&mut self, now: Duration) -> Vec<Action> {
        self.mind_hung_append(now);
        if self.spooling.begin_opening(now) {
            self.actions.push(Action::OpenSpool);
        }
        if self.destination.begin_look(now) {
            self.actions.push(Action::Ensure);
        }
        if !self.keys.is_usable(now) {
            self.poll_key(now);
        }
        self.beat(now);
        self.seal(now);
        self.need.unavailable = self.destination.is_unavailable();
        let route = self.spooling.route(self.need, now);
        // Whether the stream takes records decides over records, or over the end of a loss window.
        if self.settle_suspects(route == Route::Spool) || self.spooling.is_told_unwritable() {
            self.probe(route, now);
        }
        match route {
            Route::Stream => self.send_new(now),
            Route::Wait => self.send_spooled(now),
            Route::Spool => {
                let (outbox, told) = (&mut self.outbox, &mut self.told);
                if let Some(records) = self.spooling.begin_append(outbox, self.epoch, self.need, now, told) {
                    self.actions.push(Action::Append { records });
                }
                self.send_spooled(now);
            }
        }
        if let Some((through, at_once)) = self.spooling.begin_release(self.need) {
            self.actions.push(Action::Release { through, at_once });
        }
        self.tell(now);
        std::mem::take(&mut self.actions)
    }

    fn tell(&mut self, now: Duration) {
        if self.destination.works() && self.keys.is_usable(now) {
            self.told.streaming();
        }
        self.spooling.tell(self.need, &mut self.told);
        let Self { told, ledger, durable, actions, .. } = self;
        actions.extend(told.drain().map(|change| Action::Report(Report::State(change))));
        ledger.finish(durable, |report| actions.push(Action::Report(report)));
        if let Some(through) = durable.advance(self.spooling.delivered.through()) {
            actions.push(Action::Report(Report::Durable { through }));
        }
    }

    /// When [`Self::step`] has something to do though there was no input.
    pub(crate) fn deadline(&self, now: Duration) -> Option<Duration> {
        let seal = (!self.to_seal.is_empty() && self.seal_not_before > now).then_some(self.seal_not_before);
        let beat = self.heart.interval.map(|_| self.heart.next);
        let spool = self.spooling.deadline(!self.outbox.is_empty(), now);
        [self.destination.deadline(now), self.keys.pause_end(), seal, beat, spool].into_iter().flatten().min()
    }

    /// How far it is.
    pub(crate) fn progress(&self, now: Duration) -> Progress {
        let nothing_waits = self.to_seal.is_empty()
            && self.sealing.is_empty()
            && self.outbox.is_empty()
            && self.suspects.is_empty();
        let way_is_free = match self.spooling.route(self.need, now) {
            Route::Stream => self.requests.len() < self.slots() && self.destination.is_open(now),
            Route::Wait => false,
            Route::Spool => self.spooling.appending.is_none(),
        };
        Progress {
            finished_batches: self.ledger.finished_batches,
            complete_batches: self.ledger.complete_batches,
            released_bytes: self.ledger.released_bytes,
            ready: nothing_waits && way_is_free && self.keys.is_usable(now),
            fails: self.destination.fails(),
            spool_is_drained: self.spooling.is_drained(),
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
        if !self.heart.pending && self.destination.is_usable() {
            self.seal_heartbeat(now);
        }
    }

    fn seal_heartbeat(&mut self, now: Duration) {
        if let Some(key) = self.poll_key(now) {
            self.heart.pending = true;
            self.actions.push(Action::Seal { place: Place::HEARTBEAT, work: Work::Heartbeat, key });
        }
    }

    /// A heartbeat out of turn, where nothing else would tell whether the stream takes records at all.
    fn probe(&mut self, route: Route, now: Duration) {
        let next = if route == Route::Stream { &self.outbox } else { &self.spooling.loaded };
        let idle = self.requests.is_empty() && next.is_empty();
        if idle && !self.heart.pending && self.destination.is_open(now) {
            self.seal_heartbeat(now);
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

    /// How many requests may be under way. One of one record tells whether a stream that took nothing is there again; more would cost
    /// the more the longer it is away.
    fn slots(&self) -> usize {
        if self.need.unavailable {
            1
        } else if self.gather || self.outbox.fills_a_request() {
            self.max_in_flight
        } else {
            self.pace.slots(self.max_in_flight)
        }
    }

    fn send_new(&mut self, now: Duration) {
        while self.requests.len() < self.slots()
            && self.destination.is_open(now)
            && !(self.outbox.is_empty() && self.heart.sealed.is_none())
            && !self.gathers()
        {
            let beat = self.heart.sealed.take();
            let beside = beat.as_ref().map_or(0, Ready::bytes);
            let ready = self.outbox.take_request(beside, self.need.unavailable);
            self.put(beat.into_iter().chain(ready), now);
        }
    }

    /// Records of the spool.
    fn send_spooled(&mut self, now: Duration) {
        if self.need.hurry {
            return;
        }
        let held = self.suspects.iter().map(|(_, ready)| ready.bytes()).sum();
        if let Some((max_records, max_bytes, skip_unreadable)) = self.spooling.begin_load(held, now) {
            self.actions.push(Action::Load { max_records, max_bytes, skip_unreadable });
        }
        while self.requests.len() < self.slots()
            && self.destination.is_open(now)
            && !(self.spooling.loaded.is_empty() && self.heart.sealed.is_none())
            && self.requests.values().map(|request| request.spooled_bytes).sum::<usize>()
                < SPOOLED_BYTES_IN_FLIGHT
        {
            let beat = self.heart.sealed.take();
            let beside = beat.as_ref().map_or(0, Ready::bytes);
            let ready = self.spooling.loaded.take_request(beside, self.need.unavailable);
            self.put(beat.into_iter().chain(ready), now);
        }
    }

    fn put(&mut self, ready: impl Iterator<Item = Ready>, now: Duration) {
        let (mut contents, mut records, mut spooled_bytes) = (Vec::new(), Vec::new(), 0);
        for Ready { content, record, standing } in ready {
            if matches!(content, Content::Spooled { .. }) {
                spooled_bytes += outbox::record_bytes(&record);
            }
            contents.push((content, standing));
            records.push(record);
        }
        let records = Arc::new(records);
        self.requests_made += 1;
        let sent = self.destination.send(now);
        self.actions.push(Action::Put { request: self.requests_made, records: Arc::clone(&records) });
        self.requests
            .insert(self.requests_made, Request { contents, records, spooled_bytes, sent, begun: now });
    }

    /// To its old place, to be sent or spooled again; a heartbeat is not, the next one will do.
    fn put_back(&mut self, ready: Ready) {
        match ready.content {
            Content::Events(..) => self.outbox.put(ready),
            Content::Spooled { .. } => self.spooling.loaded.put(ready),
            Content::Heartbeat => self.heart.pending = false,
        }
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
