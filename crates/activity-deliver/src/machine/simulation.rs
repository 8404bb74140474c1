//! The machine against a hostile stream, by seed.
//!
//! Everything that can go wrong does for a while: partial failures, lost answers, answers of the wrong length, hanging calls,
//! duplicates, a stream that goes away, keys that cannot be had, sealing that fails. Then it stops, and in the end:
//!
//! * every event that can be stored was stored at least once before it was acknowledged, and none of them was reported lost;
//! * every event that cannot be stored is counted lost, exactly once;
//! * every batch is acknowledged at its end, in order, and its losses are told behind that.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use activity_seal::DataKey;

use super::*;
use crate::ports::{Failure, Outcome, StreamStatus};

mod hostile;

const SEEDS: u64 = 400;
const MS: Duration = Duration::from_millis(1);
/// When everything begins to work.
const PEACE: Duration = Duration::from_secs(120);
/// By then all must be done.
const END: Duration = Duration::from_secs(600);

/// An event's byte in a payload. `super::tests` knows the first two.
const UNREADABLE: u8 = 0;
const GOOD: u8 = 1;

/// What happens, at its time.
#[derive(Debug)]
enum Happening {
    Submit(Batch),
    Sealed(Place, Box<Result<Sealed, SealFailure>>),
    Answered(u64, Result<Vec<Outcome>, Failure>),
    Looked(Result<StreamStatus, Failure>),
    Generated(u64, Box<Result<DataKey, Failure>>),
    SourceChanged,
    Reconfigured(Reloadable),
    Deadline,
}

struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

struct World {
    random: Xorshift,
    now: Duration,
    machine: Machine,
    agenda: BinaryHeap<Reverse<(Duration, u64)>>,
    happenings: BTreeMap<u64, Happening>,
    happened: u64,
    deadline: Option<Duration>,
    max_in_flight: usize,
    in_flight: usize,
    source: u8,
    seal_panics: BTreeMap<Place, u8>,
    /// The end of each batch, and its last event.
    ends: BTreeMap<u64, u64>,
    doomed: BTreeSet<u64>,
    unreadable: BTreeSet<u64>,
    fat: BTreeSet<u64>,
    /// Events that are in none of these sets.
    storable: BTreeSet<u64>,
    events: u64,
    stored: BTreeMap<u64, u64>,
    duplicates: u64,
    beats: u64,
    acked_through: u64,
    acked_events: u64,
    lost_events: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Xorshift(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let reloadable = random_settings(&mut random);
        let mut world = Self {
            machine: Machine::new(&reloadable, seed),
            random,
            now: Duration::ZERO,
            agenda: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            happened: 0,
            deadline: None,
            max_in_flight: reloadable.max_in_flight,
            in_flight: 0,
            source: 0,
            seal_panics: BTreeMap::new(),
            ends: BTreeMap::new(),
            doomed: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            fat: BTreeSet::new(),
            storable: BTreeSet::new(),
            events: 0,
            stored: BTreeMap::new(),
            duplicates: 0,
            beats: 0,
            acked_through: 0,
            acked_events: 0,
            lost_events: 0,
        };
        world.plan_batches();
        for _ in 0..world.random.below(4) {
            let at = world.random_time(PEACE);
            world.at(at, Happening::SourceChanged);
            let (at, reloadable) = (world.random_time(PEACE), random_settings(&mut world.random));
            world.at(at, Happening::Reconfigured(reloadable));
        }
        world
    }

    fn plan_batches(&mut self) {
        let (mut sequence, mut at) = (1, Duration::ZERO);
        for _ in 0..=self.random.below(60) {
            // Some come together, some apart; and sometimes the sequence has a gap.
            at += MS * u32::try_from(self.random.below(3) * self.random.below(2000)).unwrap();
            sequence += self.random.below(10) / 9;
            let first_sequence = sequence;
            let mut payload = Vec::new();
            let mut events = 0;
            for _ in 0..=self.random.below(20) {
                let readable = !self.random.one_in(40);
                payload.extend_from_slice(&[1, 0, 0, 0, if readable { GOOD } else { UNREADABLE }]);
                let set = match (readable, self.random.below(60)) {
                    (false, _) => &mut self.unreadable,
                    (true, 0) => &mut self.doomed,
                    (true, 1) => &mut self.fat,
                    (true, _) => &mut self.storable,
                };
                set.insert(sequence);
                events += 1;
                sequence += 1;
            }
            self.events += u64::from(events);
            let (last_sequence, through) = (sequence - 1, sequence * 10);
            self.ends.insert(through, last_sequence);
            self.at(at, Happening::Submit(Batch { first_sequence, last_sequence, events, through, payload }));
        }
    }

    fn random_time(&mut self, below: Duration) -> Duration {
        Duration::from_millis(self.random.below(u64::try_from(below.as_millis()).unwrap()))
    }

    fn at(&mut self, time: Duration, happening: Happening) {
        self.happened += 1;
        self.agenda.push(Reverse((time, self.happened)));
        self.happenings.insert(self.happened, happening);
    }

    fn soon(&mut self, longest_ms: u64, happening: Happening) {
        let time = self.now + Duration::from_micros(self.random.below(longest_ms * 1000 + 1));
        self.at(time, happening);
    }

    /// Whether this goes wrong.
    fn trouble(&mut self, one_in: u64) -> bool {
        self.now < PEACE && self.random.one_in(one_in)
    }

    fn run(&mut self) {
        self.step();
        while let Some(Reverse((time, number))) = self.agenda.pop() {
            assert!(time < END && self.happened < 200_000, "no end at {time:?}");
            self.now = time;
            match self.happenings.remove(&number).unwrap() {
                Happening::Submit(batch) => self.machine.submit(batch),
                Happening::Sealed(place, result) => self.machine.sealed(place, *result, time),
                Happening::Answered(request, answer) => {
                    self.in_flight -= 1;
                    self.machine.answered(request, answer, time);
                }
                Happening::Looked(found) => self.machine.looked(found, time),
                Happening::Generated(source, answer) => self.machine.generated(source, *answer, time),
                Happening::SourceChanged => {
                    self.source += 1;
                    self.machine.source_changed();
                }
                Happening::Reconfigured(reloadable) => {
                    // One that ran before may still exceed the new bound.
                    self.max_in_flight = self.in_flight.max(reloadable.max_in_flight);
                    self.machine.reconfigure(&reloadable, time);
                }
                Happening::Deadline => self.deadline = None,
            }
            self.step();
        }
        self.check_end();
    }

    fn step(&mut self) {
        for action in self.machine.step(self.now) {
            self.act(action);
        }
        // With heartbeats there is always another deadline: not beyond the last report.
        let done = self.acked_through == self.ends.keys().next_back().copied().unwrap_or(0);
        let next = self.machine.deadline(self.now).filter(|_| !done).map(|at| at.max(self.now + MS));
        if let Some(at) = next.filter(|at| self.deadline.is_none_or(|planned| *at < planned)) {
            self.deadline = Some(at);
            self.at(at, Happening::Deadline);
        }
    }

    fn cannot_be_stored(&self, sequence: u64) -> bool {
        !self.storable.contains(&sequence)
    }

    fn check_report(&mut self, report: &Report) {
        match *report {
            Report::Acked { through, last_sequence, events, .. } => {
                assert_eq!(self.ends.get(&through), Some(&last_sequence));
                assert!(through > self.acked_through, "not in order");
                self.acked_through = through;
                self.acked_events += events;
                for sequence in self.storable.range(..=last_sequence) {
                    assert!(self.stored.contains_key(sequence), "{sequence} is not stored");
                }
            }
            Report::Lost { through, first_sequence, last_sequence, events, .. } => {
                assert_eq!(through, self.acked_through, "not behind its acknowledgement");
                assert!(self.cannot_be_stored(first_sequence) && self.cannot_be_stored(last_sequence));
                self.lost_events += events;
            }
            Report::State(_) => {}
        }
    }

    fn check_end(&self) {
        let cannot = self.doomed.len() + self.fat.len() + self.unreadable.len();
        assert_eq!(self.lost_events, u64::try_from(cannot).unwrap());
        assert_eq!(self.acked_events + self.lost_events, self.events);
        assert_eq!(Some(&self.acked_through), self.ends.keys().next_back());
        let progress = self.machine.progress(self.now);
        assert_eq!(progress.finished_batches, u64::try_from(self.ends.len()).unwrap());
        assert_eq!(progress.released_bytes, self.events * 5);
        assert!(self.stored.keys().all(|sequence| !self.cannot_be_stored(*sequence)));
    }
}

fn random_settings(random: &mut Xorshift) -> Reloadable {
    Reloadable {
        max_in_flight: usize::try_from(1 + random.below(8)).unwrap(),
        data_key_max_age: Duration::from_secs(1 + random.below(60)),
        heartbeat_interval: (!random.one_in(3)).then(|| Duration::from_secs(1 + random.below(10))),
        gather: random.one_in(2),
    }
}

#[test]
fn every_event_is_stored_or_counted_lost_whatever_the_stream_does() {
    let (mut duplicates, mut beats, mut lost, mut retries) = (0, 0, 0, 0);
    for seed in 1..=SEEDS {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            world.run();
            (world.duplicates, world.beats, world.lost_events, world.machine.totals.retries)
        });
        let Ok(counts) = run else { panic!("seed {seed} fails") };
        duplicates += counts.0;
        beats += counts.1;
        lost += counts.2;
        retries += counts.3;
    }
    let seen = [duplicates, beats, lost, retries];
    assert!(seen.iter().all(|count| *count > SEEDS), "the simulation is too kind: {seen:?}");
}

#[test]
fn a_seed_repeats_its_run() {
    let trace = |seed| {
        let mut world = World::new(seed);
        world.run();
        (world.now, world.happened, world.stored)
    };
    assert_eq!(trace(3), trace(3));
}
