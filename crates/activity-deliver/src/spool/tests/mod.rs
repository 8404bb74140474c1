//! The spool on the simulated disk, unless told otherwise.

use super::testing::{Fault, Random, SimDisk};
use super::*;
use crate::ports::OutRecord;

mod append;
mod cuts;
mod damage;
mod directory;
mod fixtures;
mod life;
mod missing_bytes;
mod order;
mod owners;

const MIB: u64 = 1 << 20;
const PLENTY: Limits = Limits { max_bytes: 100 * MIB };

fn owner() -> Owner {
    Owner { instance_id: "db-7QJ5TPK".to_owned() }
}

fn meta(sequence: u64) -> Meta {
    Meta { epoch: 7, first_sequence: sequence * 10, last_sequence: sequence * 10 + 9, events: 10 }
}

/// The record that has this ordinal, if it is appended in order.
fn record(ordinal: u64, bytes: usize) -> (Meta, OutRecord) {
    let partition_key = format!("key-{ordinal}");
    (meta(ordinal), OutRecord { partition_key, data: vec![ordinal as u8; bytes] })
}

fn records(ordinals: std::ops::RangeInclusive<u64>, bytes: usize) -> Vec<(Meta, OutRecord)> {
    ordinals.map(|ordinal| record(ordinal, bytes)).collect()
}

fn open(disk: &SimDisk) -> (Spool<SimDisk>, Recovered) {
    Spool::open(disk.clone(), &owner(), PLENTY).unwrap()
}

/// A disk with these records, each in an append of its own.
fn filled(ordinals: std::ops::RangeInclusive<u64>, bytes: usize) -> SimDisk {
    let disk = SimDisk::new(1);
    let (mut spool, _) = open(&disk);
    for ordinal in ordinals {
        assert_eq!(spool.append(&[record(ordinal, bytes)]).unwrap(), ordinal..=ordinal);
    }
    disk
}

fn ordinals(read: &Read) -> Vec<u64> {
    read.records.iter().map(|spooled| spooled.ordinal).collect()
}

/// All that is left, each checked to be what was appended with this ordinal.
fn read_all<D: Disk>(spool: &mut Spool<D>, bytes: usize) -> Read {
    let mut all = Read::default();
    loop {
        let read = spool.read(3, usize::MAX).unwrap();
        if read.is_empty() {
            return all;
        }
        for spooled in &read.records {
            let (meta, record) = record(spooled.ordinal, bytes);
            assert_eq!((spooled.meta, &spooled.record), (meta, &record));
        }
        all.records.extend(read.records);
        all.lost.extend(read.lost);
    }
}

fn lost(first_ordinal: u64, last_ordinal: u64, events: Option<u64>) -> LostRange {
    LostRange { first_ordinal, last_ordinal, events, reason: LossReason::Damaged }
}

fn segments(disk: &SimDisk) -> Vec<String> {
    disk.names().into_iter().filter(|name| name.ends_with(".segment")).collect()
}

fn segment_bytes(disk: &SimDisk) -> u64 {
    segments(disk).iter().map(|name| disk.content(name).len() as u64).sum()
}
