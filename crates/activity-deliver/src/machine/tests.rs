//! The machine, driven by hand: each test answers what it was asked and moves the time.

use activity_seal::{Chain, DataKey};

use super::*;
use crate::batch::Mark;
use crate::ports::{Failure, FailureKind, Outcome, StreamStatus};
use crate::report::{Acked, Cause, Counts, Lost, StateChange};
use crate::settings::Durability;

mod records;
mod spool;
mod states;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// An event: can be read, or not.
pub(super) const GOOD: u8 = 1;
pub(super) const BAD: u8 = 0;

fn reloadable() -> Reloadable {
    Reloadable {
        max_in_flight: 2,
        data_key_max_age: SECOND * 3600,
        heartbeat_interval: None,
        gather: false,
        durability: Durability::Stream,
        spool_max_bytes: 1 << 30,
    }
}

/// A batch of events that end at ten times their number, behind a chain that starts with the batch.
pub(super) fn batch(first_sequence: u64, events: &[u8]) -> Batch {
    batch_behind(Chain::begin(""), first_sequence, events)
}

/// The same behind that chain.
pub(super) fn batch_behind(chain: Chain, first_sequence: u64, events: &[u8]) -> Batch {
    let mut batch = Batch::begin(chain);
    batch.last_sequence = first_sequence + u64::try_from(events.len()).unwrap() - 1;
    batch.through = batch.last_sequence * 10;
    for (sequence, event) in (first_sequence..).zip(events) {
        if *event == BAD {
            batch.unreadable.add(sequence);
            continue;
        }
        if !batch.json.is_empty() {
            batch.json.push(b',');
        }
        let json = event_json(sequence);
        batch.chain_after = batch.chain_after.then(json.as_bytes());
        batch.json.extend_from_slice(json.as_bytes());
        batch.marks.push(Mark { sequence, end: batch.json.len() });
    }
    batch
}

pub(super) fn event_json(sequence: u64) -> String {
    format!("{{\"sequence\":{sequence}}}")
}

/// The record of a piece: its data are the chain before it and the numbers of the events in it.
pub(super) fn fake_seal(piece: &Piece) -> Sealed {
    let mut data = piece.chain.to_bytes().to_vec();
    data.extend(piece.events().flat_map(|(sequence, _)| sequence.to_be_bytes()));
    Sealed { record: OutRecord { partition_key: "p".repeat(36), data }, inner_bytes: 100 }
}

pub(super) fn heartbeat() -> Sealed {
    let record = OutRecord { partition_key: "p".repeat(36), data: b"heartbeat".to_vec() };
    Sealed { record, inner_bytes: 9 }
}

/// The numbers of the events in a record.
pub(super) fn numbers(record: &OutRecord) -> Vec<u64> {
    let numbers = record.data.get(32..).unwrap_or_default();
    numbers.chunks_exact(8).map(|number| u64::from_be_bytes(number.try_into().unwrap())).collect()
}

pub(super) fn key(name: u8) -> DataKey {
    DataKey::new(&[name; 32], vec![name]).unwrap()
}

fn failure(kind: FailureKind, message: &str) -> Failure {
    Failure { kind, message: message.to_owned(), hint: None }
}

/// A machine and what it asked for that was not answered yet.
struct Rig {
    machine: Machine,
    now: Duration,
    /// Most events that fit a record.
    fits: usize,
    /// Sealing this event panics.
    poison: Option<u64>,
    seals: Vec<(Place, Piece, u8)>,
    heartbeats_to_seal: usize,
    puts: Vec<(u64, Arc<Vec<OutRecord>>)>,
    looks: usize,
    generates: Vec<u64>,
    openings: usize,
    appends: Vec<Arc<Vec<(Meta, OutRecord)>>>,
    loads: usize,
    releases: Vec<u64>,
    reports: Vec<Report>,
}

impl Rig {
    /// Nothing answered yet, and no spool.
    fn cold(reloadable: &Reloadable) -> Self {
        Self::with(reloadable, false)
    }

    fn with(reloadable: &Reloadable, there_is_a_spool: bool) -> Self {
        let mut rig = Self {
            machine: Machine::new(reloadable, 7, 1, there_is_a_spool, 0),
            now: Duration::ZERO,
            fits: usize::MAX,
            poison: None,
            seals: Vec::new(),
            heartbeats_to_seal: 0,
            puts: Vec::new(),
            looks: 0,
            generates: Vec::new(),
            openings: 0,
            appends: Vec::new(),
            loads: 0,
            releases: Vec::new(),
            reports: Vec::new(),
        };
        rig.step();
        rig
    }

    /// With a stream and the key of name 1.
    fn warm(reloadable: &Reloadable) -> Self {
        let mut rig = Self::cold(reloadable);
        rig.found(Ok(StreamStatus::Usable { warning: None }));
        rig.got_key(Ok(key(1)));
        assert_eq!(rig.reports(), [Report::State(StateChange::Streaming)]);
        rig
    }

    fn step(&mut self) {
        for action in self.machine.step(self.now) {
            match action {
                Action::Seal { work: Work::Heartbeat, .. } => self.heartbeats_to_seal += 1,
                Action::Seal { place, work: Work::Piece(piece), key } => {
                    self.seals.push((place, piece, key.ciphertext_blob()[0]));
                }
                Action::Put { request, records } => self.puts.push((request, records)),
                Action::Ensure => self.looks += 1,
                Action::Generate { source } => self.generates.push(source),
                Action::OpenSpool => self.openings += 1,
                Action::Append { records } => self.appends.push(records),
                Action::Load { .. } => self.loads += 1,
                Action::Release { through, .. } => self.releases.push(through),
                Action::Report(report) => self.reports.push(report),
            }
        }
    }

    /// Lets time pass, stepping whenever the machine asks for it.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.machine.deadline(self.now).filter(|at| *at <= end) {
            assert!(at > self.now, "a deadline that is over: {at:?} at {:?}", self.now);
            self.now = at;
            self.step();
        }
        self.now = end;
        self.step();
    }

    fn submit(&mut self, first_sequence: u64, events: &[u8]) {
        self.machine.submit(batch(first_sequence, events));
        self.step();
        self.seal_all();
    }

    /// Seals until nothing more is to be sealed.
    fn seal_all(&mut self) {
        while self.heartbeats_to_seal > 0 {
            self.heartbeats_to_seal -= 1;
            self.machine.sealed(Place::HEARTBEAT, Ok(heartbeat()), self.now);
            self.step();
        }
        while let Some((place, piece, _)) = self.seals.pop() {
            let poisoned = piece.events().any(|(sequence, _)| Some(sequence) == self.poison);
            let result = if poisoned {
                Err(SealFailure::Panicked)
            } else if piece.event_count() > self.fits {
                Err(SealFailure::TooLarge("too many".to_owned()))
            } else {
                Ok(fake_seal(&piece))
            };
            self.machine.sealed(place, result, self.now);
            self.step();
        }
    }

    fn found(&mut self, status: Result<StreamStatus, Failure>) {
        assert_eq!(std::mem::take(&mut self.looks), 1, "a look was asked for");
        self.machine.looked(status, self.now);
        self.step();
    }

    fn got_key(&mut self, answer: Result<DataKey, Failure>) {
        let source = self.generates.remove(0);
        self.machine.generated(source, answer, self.now);
        self.step();
    }

    /// What the oldest request that is not answered holds.
    fn sent(&self) -> Vec<Vec<u64>> {
        self.puts.first().map(|(_, records)| records.iter().map(numbers).collect()).unwrap_or_default()
    }

    /// Answers the oldest request.
    fn answer(&mut self, answer: Result<Vec<Outcome>, Failure>) {
        self.answer_nth(0, answer);
    }

    fn answer_nth(&mut self, n: usize, answer: Result<Vec<Outcome>, Failure>) {
        let (request, records) = self.puts.remove(n);
        drop(records);
        self.machine.answered(request, answer, self.now);
        self.step();
        self.seal_all();
    }

    fn store_all(&mut self) {
        while let Some((_, records)) = self.puts.first() {
            let stored = vec![Outcome::Stored; records.len()];
            self.answer(Ok(stored));
        }
    }

    /// Everything that was said but that something is durable.
    fn reports(&mut self) -> Vec<Report> {
        let reports = std::mem::take(&mut self.reports);
        reports.into_iter().filter(|report| !matches!(report, Report::Durable { .. })).collect()
    }

    fn states(&mut self) -> Vec<StateChange> {
        let states = self.reports().into_iter().filter_map(|report| match report {
            Report::State(change) => Some(change),
            _ => None,
        });
        states.collect()
    }

    /// The end of what is acknowledged, if anything is.
    fn acked(&mut self) -> Option<u64> {
        let acked = self.reports().into_iter().filter_map(|report| match report {
            Report::Acked(acked) => Some(acked.last_sequence),
            _ => None,
        });
        acked.max()
    }
}
