//! Random lives of a spool: appends, reads, releases, failures of the disk, crashes of server and machine.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const SEEDS: u64 = 2000;
const STEPS: u64 = 60;
/// Small enough to be met: a segment is 256 KiB at least, and records are up to 60 kB.
const QUOTA: Limits = Limits { max_bytes: 400_000 };

struct Life {
    random: Random,
    disk: SimDisk,
    spool: Option<Spool<SimDisk>>,
    /// Every record that an append was called with, by the number in its data.
    tried: BTreeMap<u64, (Meta, OutRecord)>,
    /// What each ordinal that an append returned stands for, by that number.
    acked: BTreeMap<u64, u64>,
    unreleased: BTreeSet<u64>,
    last_read: u64,
    /// What happened, to see that all of it did.
    appends: u64,
    full: u64,
    failed: u64,
    reads: u64,
    removed: u64,
    crashes: u64,
}

fn number(record: &OutRecord) -> u64 {
    u64::from_le_bytes(record.data[..8].try_into().unwrap())
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut life = Self {
            random: Random::new(seed),
            disk: SimDisk::new(seed),
            spool: None,
            tried: BTreeMap::new(),
            acked: BTreeMap::new(),
            unreleased: BTreeSet::new(),
            last_read: 0,
            appends: 0,
            full: 0,
            failed: 0,
            reads: 0,
            removed: 0,
            crashes: 0,
        };
        life.reopen();
        life
    }

    fn spool(&mut self) -> &mut Spool<SimDisk> {
        self.spool.as_mut().unwrap()
    }

    /// Opens again until it works: nothing that happens here is a reason not to.
    fn reopen(&mut self) {
        self.spool = None;
        let first = Spool::open(self.disk.clone(), &owner(), QUOTA);
        let (spool, recovered) = first.unwrap_or_else(|_| {
            self.failed += 1;
            self.disk.heal();
            Spool::open(self.disk.clone(), &owner(), QUOTA).unwrap()
        });
        assert!(recovered.foreign_owners.segments == 0 && recovered.unknown_versions.is_empty());
        assert!(
            self.acked.keys().next_back().is_none_or(|last| spool.next_ordinal() > *last),
            "ordinals again"
        );
        let forgotten = self.unreleased.range(..=recovered.released).next();
        assert_eq!(forgotten, None, "not released");
        self.last_read = recovered.released;
        self.spool = Some(spool);
    }

    fn record(&mut self) -> (Meta, OutRecord) {
        let number = self.tried.len() as u64;
        let len = if self.random.one_in(3) { self.random.below(60_000) } else { self.random.below(300) };
        let mut data = number.to_le_bytes().to_vec();
        data.extend(self.random.bytes(len.min(64)));
        data.resize(8 + len as usize, number as u8);
        let partition_key = format!("{number:x}");
        let entry = (meta(number), OutRecord { partition_key, data });
        self.tried.insert(number, entry.clone());
        entry
    }

    fn append(&mut self) {
        let records: Vec<_> = (0..1 + self.random.below(4)).map(|_| self.record()).collect();
        let next = self.spool().next_ordinal();
        let before = segment_bytes(&self.disk);
        match self.spool().append(&records) {
            Ok(ordinals) => {
                self.appends += 1;
                assert_eq!((*ordinals.start(), ordinals.clone().count()), (next, records.len()));
                for (ordinal, (_, record)) in ordinals.zip(&records) {
                    assert!(self.acked.insert(ordinal, number(record)).is_none(), "{ordinal} again");
                    self.unreleased.insert(ordinal);
                }
            }
            Err(SpoolError::Full { .. }) => self.full += 1,
            Err(SpoolError::Disk { .. }) => self.failed += 1,
            Err(other) => panic!("{other}"),
        }
        // A crash can bring back a segment that was removed.
        assert!(segment_bytes(&self.disk) <= QUOTA.max_bytes.max(before), "more than the quota");
    }

    /// Reads some; what was read is what was appended, in order, with nothing left out that was not released.
    fn read(&mut self, max_records: usize) -> bool {
        let max_bytes = self.random.below(300_000) as usize;
        let read = match self.spool().read(max_records, max_bytes) {
            Ok(read) => read,
            Err(_) => {
                self.failed += 1;
                return false;
            }
        };
        for range in &read.lost {
            let lost = self.unreleased.range(range.first_ordinal..=range.last_ordinal).next();
            assert_eq!(lost, None, "lost in {range:?}");
        }
        for spooled in &read.records {
            let number = number(&spooled.record);
            assert_eq!(self.tried[&number], (spooled.meta, spooled.record.clone()));
            assert!(self.acked.get(&spooled.ordinal).is_none_or(|acked| *acked == number), "another record");
            assert!(spooled.ordinal > self.last_read, "out of order");
            let between = self.unreleased.range(self.last_read + 1..spooled.ordinal).next();
            assert_eq!(between, None, "left out");
            self.last_read = spooled.ordinal;
            self.reads += 1;
        }
        !read.is_empty()
    }

    fn release(&mut self) {
        let through = self.last_read - self.random.below(self.last_read + 1).min(3);
        let before = segments(&self.disk).len();
        if self.spool().release(through).is_err() {
            self.failed += 1;
        }
        self.unreleased = self.unreleased.split_off(&(through + 1));
        self.removed += (before - segments(&self.disk).len()) as u64;
    }

    fn step(&mut self) {
        if self.random.one_in(6) {
            let fault = if self.random.one_in(2) { Fault::Io } else { Fault::NoSpace };
            let (after, operations) = (self.random.below(12), 1 + self.random.below(8));
            self.disk.fail(fault, after, operations);
        }
        match self.random.below(20) {
            0..8 => self.append(),
            8..13 => drop(self.read(12)),
            13..16 => self.release(),
            16 => {
                self.last_read = self.spool().first_ordinal().map_or(self.last_read, |first| first - 1);
                self.spool().rewind();
            }
            17 => drop(self.spool().checkpoint()),
            18 => self.reopen(),
            _ => {
                let mut random = self.random.clone();
                self.spool = None;
                self.disk.crash(&mut random);
                self.random = random;
                self.crashes += 1;
                self.reopen();
            }
        }
    }

    /// All that was not released is there.
    fn finish(&mut self) {
        self.disk.heal();
        self.disk.crash(&mut self.random);
        self.reopen();
        while self.read(100) {}
        assert_eq!(self.unreleased.range(self.last_read + 1..).next(), None, "not read to the end");
        let last = self.spool().next_ordinal() - 1;
        self.spool().release(last).unwrap();
        // A segment that holds no record yet may be left.
        assert!(self.spool().is_empty() && self.spool().bytes() <= format::MAX_HEADER_BYTES as u64);
        assert_eq!(segment_bytes(&self.disk), self.spool().bytes());
        self.unreleased.clear();
        self.append();
    }

    fn run(seed: u64) -> [u64; 6] {
        let mut life = Self::new(seed);
        for _ in 0..STEPS {
            life.step();
        }
        life.finish();
        [life.appends, life.full, life.failed, life.reads, life.removed, life.crashes]
    }
}

#[test]
fn what_was_appended_and_not_released_is_read_whatever_the_disk_does() {
    let mut seen = [0; 6];
    for seed in 0..SEEDS {
        let Ok(counts) = std::panic::catch_unwind(|| Life::run(seed)) else { panic!("seed {seed} fails") };
        for (sum, count) in seen.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    assert!(seen.iter().all(|count| *count > SEEDS / 2), "the disk is too kind: {seen:?}");
}

#[test]
fn a_seed_repeats_its_life() {
    let trace = |seed| {
        let mut life = Life::new(seed);
        (0..STEPS).for_each(|_| life.step());
        let contents: Vec<_> = life.disk.names().iter().map(|name| life.disk.content(name)).collect();
        (life.disk.operations(), contents)
    };
    assert_eq!(trace(3), trace(3));
}
