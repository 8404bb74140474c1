//! Events to batches, on the caller's thread: no clock, no lock.
//!
//! An event is rendered as it comes: its JSON is appended to the open batch, and the [`Chain`] goes one event on. So the chain is
//! computed once, in the order of the events, whatever becomes of their batches later; and what a batch takes is known exactly.
//! An event that cannot be read is left out and counted: its bytes come from memory that any process of the server can
//! damage. It takes no part in the chain.
//!
//! A batch is closed when the next event would make its record too large, or when it covers `MAX_EVENTS_PER_BATCH`
//! events; it is closed before that when it has lingered long enough.
//!
//! Closed batches leave together, so that they can share a request: when the oldest has lingered long enough, when they hold
//! `BURST_BYTES`, or at once when somebody waits.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use activity_event::{Event, Server, write_json};
use activity_seal::Chain;

use crate::limits::{BURST_BYTES, MAX_EVENTS_PER_BATCH};
use crate::settings::Identity;

/// Where an event of a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) sequence: u64,
    /// End of its JSON in the batch's.
    pub(crate) end: usize,
}

/// Events that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Unreadable {
    pub(crate) events: u64,
    pub(crate) first_sequence: u64,
    pub(crate) last_sequence: u64,
}

impl Unreadable {
    pub(crate) fn add(&mut self, sequence: u64) {
        if self.events == 0 {
            self.first_sequence = sequence;
        }
        self.events += 1;
        self.last_sequence = sequence;
    }
}

/// Events that follow one another and travel in one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Sequence number of the last event, readable or not.
    pub last_sequence: u64,
    /// Position in the ring behind it.
    pub through: u64,
    /// The events' JSON, with commas between them.
    pub(crate) json: Vec<u8>,
    /// One for each event in `json`, in order.
    pub(crate) marks: Vec<Mark>,
    pub(crate) unreadable: Unreadable,
    /// Before the first event, and after the last one.
    pub(crate) chain: Chain,
    pub(crate) chain_after: Chain,
}

impl Batch {
    /// Without an event yet.
    pub(crate) fn begin(chain: Chain) -> Self {
        Self {
            last_sequence: 0,
            through: 0,
            json: Vec::new(),
            marks: Vec::new(),
            unreadable: Unreadable::default(),
            chain,
            chain_after: chain,
        }
    }

    /// How many events it covers, readable or not.
    fn covers(&self) -> u64 {
        u64::try_from(self.marks.len()).unwrap_or(u64::MAX).saturating_add(self.unreadable.events)
    }

    /// What counts against the bounds on what is held: no less than a word for each event.
    pub(crate) fn bytes(&self) -> usize {
        self.json.len().saturating_add(self.marks.len().saturating_mul(size_of::<Mark>()))
    }
}

#[derive(Debug)]
struct Open {
    batch: Batch,
    since: Instant,
}

/// Fills batches.
#[derive(Debug)]
pub struct Batcher {
    max_bytes: usize,
    linger: Duration,
    identity: Identity,
    /// After the last event that was pushed.
    chain: Chain,
    /// Full ones. A push adds at most two, so a caller that polls between pushes keeps them to `BURST_BYTES` and a few.
    closed: VecDeque<(Instant, Batch)>,
    closed_bytes: usize,
    /// Closed ones leave until none is left.
    leaving: bool,
    open: Option<Open>,
}

impl Batcher {
    /// Batches of at most `max_bytes` of events' JSON that wait for company at most `linger`. `chain` is the place after the
    /// last event that was acknowledged; the next event pushed is the one behind it.
    #[must_use]
    pub fn new(max_bytes: usize, linger: Duration, identity: Identity, chain: Chain) -> Self {
        Self {
            max_bytes,
            linger,
            identity,
            chain,
            closed: VecDeque::new(),
            closed_bytes: 0,
            leaving: false,
            open: None,
        }
    }

    /// Other limits, for the open batch too.
    pub fn reconfigure(&mut self, max_bytes: usize, linger: Duration) {
        self.max_bytes = max_bytes;
        self.linger = linger;
    }

    /// Adds the event of that number, in its wire form, which ends at `end` in the ring. May close a batch, which
    /// [`Self::poll`] then returns. An event larger than a batch may be travels alone.
    pub fn push(&mut self, sequence: u64, end: u64, event: &[u8], now: Instant) {
        let chain = self.chain;
        let mut open = self.open.take().unwrap_or_else(|| Open { batch: Batch::begin(chain), since: now });
        match Event::decode(event) {
            Ok(event) => open = self.render(&event, sequence, open, now),
            Err(_) => open.batch.unreadable.add(sequence),
        }
        open.batch.last_sequence = sequence;
        open.batch.through = end;
        open.batch.chain_after = self.chain;
        let full = open.batch.json.len() >= self.max_bytes || open.batch.covers() >= MAX_EVENTS_PER_BATCH;
        self.open = Some(open);
        if full {
            self.close();
        }
    }

    /// Appends the event's JSON to the batch, or to the next one where it has no room for it; the one that has it.
    fn render(&mut self, event: &Event<'_>, sequence: u64, mut open: Open, now: Instant) -> Open {
        let server = Server {
            version: &self.identity.server_version,
            server_type: &self.identity.server_type,
            service_name: &self.identity.service_name,
        };
        let batch = &mut open.batch;
        let before = batch.json.len();
        if !batch.marks.is_empty() {
            batch.json.push(b',');
        }
        let start = batch.json.len();
        write_json(event, &server, sequence, &mut batch.json);
        let json = batch.json.get(start..).unwrap_or_default();
        let chain = self.chain;
        self.chain = chain.then(json);
        if batch.json.len() > self.max_bytes && !batch.marks.is_empty() {
            let mut next = Open { batch: Batch::begin(chain), since: now };
            next.batch.json = batch.json.split_off(start);
            batch.json.truncate(before);
            self.push_closed(open);
            open = next;
        }
        let end = open.batch.json.len();
        open.batch.marks.push(Mark { sequence, end });
        open
    }

    /// The oldest batch that is to go. Closed ones leave together, see the module; else the open one if it has lingered long
    /// enough. If it is `urgent`, all go now.
    pub fn poll(&mut self, now: Instant, urgent: bool) -> Option<Batch> {
        let linger = self.linger;
        let due = |since: Instant| urgent || now.saturating_duration_since(since) >= linger;
        if let Some((since, _)) = self.closed.front() {
            self.leaving |= due(*since) || self.closed_bytes >= BURST_BYTES;
            return if self.leaving { self.pop_closed() } else { None };
        }
        self.open.take_if(|open| due(open.since)).map(|open| open.batch)
    }

    /// What is closed leaves at the next polls without lingering: somebody waits, and the open batch is not worth a request
    /// of its own yet.
    pub fn release_closed(&mut self) {
        self.leaving = !self.closed.is_empty();
    }

    fn pop_closed(&mut self) -> Option<Batch> {
        let (_, batch) = self.closed.pop_front()?;
        self.closed_bytes = self.closed_bytes.saturating_sub(batch.json.len());
        self.leaving = !self.closed.is_empty();
        Some(batch)
    }

    /// When [`Self::poll`] next has something to return: in the past for a closed batch that is due already.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let oldest = self.closed.front().map(|(since, _)| *since);
        if oldest.is_some() && (self.leaving || self.closed_bytes >= BURST_BYTES) {
            return oldest;
        }
        // A linger beyond what the clock can count never ends.
        oldest.or(self.open.as_ref().map(|open| open.since))?.checked_add(self.linger)
    }

    /// Nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_none() && self.closed.is_empty()
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.push_closed(open);
        }
    }

    fn push_closed(&mut self, open: Open) {
        self.closed_bytes = self.closed_bytes.saturating_add(open.batch.json.len());
        self.closed.push_back((open.since, open.batch));
    }
}

#[cfg(test)]
mod tests;
