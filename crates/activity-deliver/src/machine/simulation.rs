//! The whole of delivery against a hostile world, by seed: the real machine, the real spool on a simulated disk, a ring that is
//! acknowledged as the real one is, and a stream, keys and a disk that fail in every way.
//!
//! For a while everything goes wrong: partial failures, lost answers, answers of the wrong length, hanging calls, duplicates, a
//! stream that goes away, keys that cannot be had, sealing that fails or panics, a disk that is full or fails in the middle of a
//! write, a quota that is too small; the process is killed, the server loses its power, or it shuts down and starts again. Then it
//! stops. After every step:
//!
//! * what is acknowledged is on the stream, or on disk, or cannot be stored; what is told as durable is what counts as that;
//! * the spool's loss window opens and closes in turn, and is closed in the end;
//! * acknowledgements go forward, at the ends of batches, and count every event once: stored, spooled or lost;
//! * records carry the numbers and the chain that their events have, however often and in whatever company they are sent.
//!
//! And in the end all that was published is on the stream, except what was not acknowledged when the power failed, what cannot be
//! stored, and what is counted lost; and the spool is empty.
//!
//! `ACTIVITY_SIM_SEEDS` says how many seeds are run, `ACTIVITY_SIM_SEED` repeats one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use activity_seal::DataKey;

use super::*;
use crate::ports::{Failure, Outcome, StreamStatus};
use crate::report::{Acked, StateChange};
use crate::settings::Durability;
use crate::spool::Spool;
use crate::spool::testing::{Random, SimDisk};
use truth::{Kind, Truth};

mod hostile;
mod lives;
mod truth;

/// Seeds of a usual run.
const SEEDS: u64 = 400;
const MS: Duration = Duration::from_millis(1);
/// When everything begins to work.
const PEACE: Duration = Duration::from_secs(120);
/// By then all must be done.
const END: Duration = Duration::from_secs(900);

/// What happens, at its time.
#[derive(Debug)]
enum Happening {
    Publish(Vec<Kind>),
    Drain,
    /// What the machine asked for ended; void after the death of the one that asked.
    Ended {
        life: u64,
        how: Ended,
    },
    SourceChanged,
    Reconfigured(Reloadable),
    Backlog(bool),
    Disk(lives::DiskFault),
    Death(lives::Death),
    Deadline {
        life: u64,
    },
}

#[derive(Debug)]
enum Ended {
    Sealed(Place, Box<Result<Sealed, SealFailure>>),
    Answered(u64, Result<Vec<Outcome>, Failure>),
    Looked(Result<StreamStatus, Failure>),
    Generated(u64, Box<Result<DataKey, Failure>>),
    SpoolOpened(Result<Opened, String>),
    Appended(Result<u64, AppendFailure>),
    Loaded(Box<Result<Loaded, String>>),
    Released(Result<(), String>),
}

/// What went wrong, to see that something did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Tally {
    duplicates: u64,
    beats: u64,
    lost: u64,
    retries: u64,
    spooled: u64,
    drained: u64,
    append_failures: u64,
    deaths: u64,
    reopened_with_records: u64,
    windows: u64,
}

struct World {
    random: Random,
    now: Duration,
    machine: Machine,
    /// Counts the machines.
    life: u64,
    agenda: BinaryHeap<Reverse<(Duration, u64)>>,
    happenings: BTreeMap<u64, Happening>,
    happened: u64,
    deadline: Option<Duration>,
    reloadable: Reloadable,
    in_flight: usize,
    /// Requests that may be under way: more, where one ran before the bound was lowered.
    max_in_flight: usize,
    source: u8,
    seal_panics: BTreeMap<Place, u8>,
    disk: SimDisk,
    spool: Option<Spool<SimDisk>>,
    truth: Truth,
    /// Publications that are still to come.
    to_publish: u64,
    stopping: Option<Duration>,
    /// The spool's loss window is open.
    unwritable: bool,
    tally: Tally,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let reloadable = random_settings(&mut random);
        let mut world = Self {
            machine: Machine::new(&reloadable, seed, 1, true, 0),
            life: 1,
            disk: SimDisk::new(seed),
            random,
            now: Duration::ZERO,
            agenda: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            happened: 0,
            deadline: None,
            max_in_flight: reloadable.max_in_flight,
            reloadable,
            in_flight: 0,
            source: 0,
            seal_panics: BTreeMap::new(),
            spool: None,
            truth: Truth::new(1),
            to_publish: 0,
            stopping: None,
            unwritable: false,
            tally: Tally::default(),
        };
        world.plan();
        world
    }

    fn plan(&mut self) {
        let mut at = Duration::ZERO;
        for _ in 0..=self.random.below(60) {
            // Some come together, some apart.
            at += MS * u32::try_from(self.random.below(3) * self.random.below(2000)).unwrap();
            let events = (0..=self.random.below(30)).map(|_| Kind::random(&mut self.random)).collect();
            self.to_publish += 1;
            self.at(at, Happening::Publish(events));
        }
        for _ in 0..self.random.below(4) {
            let at = self.random_time(PEACE);
            self.at(at, Happening::SourceChanged);
            let at = self.random_time(PEACE);
            let durability = self.reloadable.durability;
            let reloadable = Reloadable { durability, ..random_settings(&mut self.random) };
            self.at(at, Happening::Reconfigured(reloadable));
            let (at, backlog) = (self.random_time(PEACE), self.random.one_in(2));
            self.at(at, Happening::Backlog(backlog));
        }
        self.at(PEACE, Happening::Backlog(false));
        self.plan_lives();
    }

    fn random_time(&mut self, below: Duration) -> Duration {
        Duration::from_millis(self.random.below(u64::try_from(below.as_millis()).unwrap()))
    }

    fn at(&mut self, time: Duration, happening: Happening) {
        self.happened += 1;
        self.agenda.push(Reverse((time, self.happened)));
        self.happenings.insert(self.happened, happening);
    }

    fn soon(&mut self, longest_ms: u64, how: Ended) {
        let time = self.now + Duration::from_micros(self.random.below(longest_ms * 1000 + 1));
        self.at(time, Happening::Ended { life: self.life, how });
    }

    /// Whether this goes wrong.
    fn trouble(&mut self, one_in: u64) -> bool {
        self.now < PEACE && self.random.one_in(one_in)
    }

    fn run(&mut self) {
        self.step();
        while let Some(Reverse((time, number))) = self.agenda.pop() {
            assert!(time < END && self.happened < 400_000, "no end at {time:?}: {:?}", self.truth);
            self.now = time;
            let happening = self.happenings.remove(&number).unwrap();
            self.happen(happening);
            self.step();
            self.end_shutdown();
        }
        self.tally.retries += self.machine.totals.retries;
        assert!(self.is_done(), "{:?}", self.truth);
        assert!(!self.unwritable, "a window is open");
        self.truth.check_end();
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Publish(events) => {
                self.to_publish -= 1;
                self.truth.publish(&events);
                self.at(self.now, Happening::Drain);
            }
            Happening::Drain => self.drain(),
            Happening::Ended { life, how } if life == self.life => self.ended(how),
            Happening::Deadline { life } if life == self.life => self.deadline = None,
            Happening::Ended { .. } | Happening::Deadline { .. } => {}
            Happening::SourceChanged => {
                self.source += 1;
                self.machine.source_changed();
            }
            Happening::Reconfigured(reloadable) => {
                // One that ran before may still exceed the new bound.
                self.max_in_flight = self.in_flight.max(reloadable.max_in_flight);
                if self.stopping.is_some() {
                    self.max_in_flight += self.in_flight;
                }
                self.reloadable = reloadable;
                self.machine.reconfigure(&reloadable, self.now);
            }
            Happening::Backlog(backlog) => self.machine.set_backlog(backlog),
            Happening::Disk(fault) => self.disk_fault(fault),
            Happening::Death(death) => self.die(death),
        }
    }

    fn ended(&mut self, how: Ended) {
        let now = self.now;
        match how {
            Ended::Sealed(place, result) => self.machine.sealed(place, *result, now),
            Ended::Answered(request, answer) => {
                self.in_flight -= 1;
                self.machine.answered(request, answer, now);
            }
            Ended::Looked(found) => self.machine.looked(found, now),
            Ended::Generated(source, answer) => self.machine.generated(source, *answer, now),
            Ended::SpoolOpened(opened) => self.machine.spool_opened(opened, now),
            Ended::Appended(result) => self.machine.appended(result, now),
            Ended::Loaded(result) => self.machine.loaded(*result, now),
            Ended::Released(result) => self.machine.released(result, now),
        }
    }

    /// Takes some events from the ring, in batches that are others each time.
    fn drain(&mut self) {
        while let Some(batch) = self.truth.next_batch(1 + self.random.below(20)) {
            self.machine.submit(batch);
            if self.random.one_in(4) {
                let pause = MS * u32::try_from(self.random.below(200)).unwrap();
                return self.at(self.now + pause, Happening::Drain);
            }
        }
    }

    fn step(&mut self) {
        for action in self.machine.step(self.now) {
            self.act(action);
        }
        // With heartbeats there is always another deadline: not beyond the end.
        let next =
            self.machine.deadline(self.now).filter(|_| !self.is_done()).map(|at| at.max(self.now + MS));
        if let Some(at) = next.filter(|at| self.deadline.is_none_or(|planned| *at < planned)) {
            self.deadline = Some(at);
            self.at(at, Happening::Deadline { life: self.life });
        }
    }

    /// Nothing is left to be done.
    fn is_done(&self) -> bool {
        let drained = self.spool.is_some() && self.machine.progress(self.now).spool_is_drained;
        self.to_publish == 0
            && self.now >= PEACE
            && self.truth.all_is_acked()
            && drained
            && !self.machine.spooling.is_told_unwritable()
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Acked(acked) => {
                self.tally.spooled += acked.spooled.events;
                self.truth.acked(&acked);
            }
            Report::Durable { through } => self.truth.durable(through, self.reloadable.durability),
            Report::Drained(counts) => self.tally.drained += counts.events,
            Report::Lost(lost) => {
                self.tally.lost += lost.events.unwrap_or(1);
                self.truth.lost(&lost);
            }
            Report::State(change) => self.state(&change),
        }
    }

    /// A window that opens is closed before it opens again.
    fn state(&mut self, change: &StateChange) {
        let unwritable = match change {
            StateChange::SpoolUnwritable { .. } => true,
            StateChange::SpoolWritable => false,
            _ => return,
        };
        assert_ne!(std::mem::replace(&mut self.unwritable, unwritable), unwritable);
        self.tally.windows += u64::from(unwritable);
    }
}

fn random_settings(random: &mut Random) -> Reloadable {
    let quotas = [0, 3_000, 20_000, 1 << 30];
    Reloadable {
        max_in_flight: usize::try_from(1 + random.below(8)).unwrap(),
        data_key_max_age: Duration::from_secs(1 + random.below(60)),
        heartbeat_interval: (!random.one_in(3)).then(|| Duration::from_secs(1 + random.below(10))),
        gather: random.one_in(2),
        durability: if random.one_in(4) { Durability::Spool } else { Durability::Stream },
        spool_max_bytes: quotas[usize::try_from(random.below(4)).unwrap()],
    }
}

fn number_in_environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is not a number: {value}")))
}

#[test]
fn every_event_is_stored_or_counted_lost_whatever_stream_keys_and_disk_do_and_whenever_the_process_dies() {
    let one = number_in_environment("ACTIVITY_SIM_SEED");
    let seeds = number_in_environment("ACTIVITY_SIM_SEEDS").unwrap_or(SEEDS);
    let mut all = Tally::default();
    for seed in one.map_or(1..=seeds, |seed| seed..=seed) {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            world.run();
            world.tally
        });
        let Ok(tally) = run else { panic!("seed {seed} fails; ACTIVITY_SIM_SEED={seed} repeats it") };
        all.add(&tally);
    }
    println!("{all:?}");
    if one.is_none() {
        assert!(all.counts().iter().all(|count| *count > seeds / 10), "the simulation is too kind: {all:?}");
    }
}

impl Tally {
    fn counts(&self) -> [u64; 10] {
        let Self { duplicates, beats, lost, retries, spooled, drained, append_failures, deaths, .. } = self;
        let reopened = self.reopened_with_records;
        [
            *duplicates,
            *beats,
            *lost,
            *retries,
            *spooled,
            *drained,
            *append_failures,
            *deaths,
            reopened,
            self.windows,
        ]
    }

    fn add(&mut self, other: &Self) {
        self.duplicates += other.duplicates;
        self.beats += other.beats;
        self.lost += other.lost;
        self.retries += other.retries;
        self.spooled += other.spooled;
        self.drained += other.drained;
        self.append_failures += other.append_failures;
        self.deaths += other.deaths;
        self.reopened_with_records += other.reopened_with_records;
        self.windows += other.windows;
    }
}

#[test]
fn a_seed_repeats_its_run() {
    let trace = |seed| {
        let mut world = World::new(seed);
        world.run();
        (world.now, world.happened, world.tally)
    };
    assert_eq!(trace(3), trace(3));
}
