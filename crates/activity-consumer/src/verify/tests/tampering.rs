//! Random streams are accounted for; after any single change to them they are not.
//!
//! What cannot be noticed is left out of the second part, as `docs/format.md` tells it: the end of an epoch that nothing
//! follows, a change in a record behind which nothing names the chain, since the next events are lost or to come, and losses that
//! reach across an unclean end.

use super::producer::{Event, Record};
use super::world::{Random, World};
use super::*;

/// Each with its own seed, which a failure names.
const STREAMS: u64 = 400;

/// A single change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Event,
    EventOut,
    EventIn,
    EventsSwapped,
    EventsSwappedWithNumbers,
    EventMoved,
    Number,
    Chain,
    RecordOut,
}

const CHANGES: [Change; 9] = [
    Change::Event,
    Change::EventOut,
    Change::EventIn,
    Change::EventsSwapped,
    Change::EventsSwappedWithNumbers,
    Change::EventMoved,
    Change::Number,
    Change::Chain,
    Change::RecordOut,
];

fn jsons(records: &[Record]) -> Vec<Vec<u8>> {
    records.iter().map(Record::json).collect()
}

/// The stream of a seed, untouched.
pub(super) fn untouched(seed: u64) -> Vec<Vec<u8>> {
    jsons(&World::new(&mut Random(seed)).records)
}

/// The stream of a seed with each change that can be made to it and has to be noticed.
pub(super) fn tampered(seed: u64) -> Vec<(Change, Vec<Vec<u8>>)> {
    let mut random = Random(seed);
    let world = World::new(&mut random);
    let changed =
        CHANGES.into_iter().filter_map(|change| Some((change, changed(&world, change, &mut random)?)));
    changed.collect()
}

fn changed(world: &World, change: Change, random: &mut Random) -> Option<Vec<Vec<u8>>> {
    let at = random.below(world.records.len());
    let mut record = world.records[at].clone();
    let (count, place) = (record.events.len(), random.below(record.events.len()));
    let mut jsons = jsons(&world.records);
    let (first, before) = (record.events[0].sequence, record.events[0].before);
    if change == Change::RecordOut {
        let mut left = world.records.clone();
        left.remove(at);
        jsons.remove(at);
        return world.is_noticeable(&left).then_some(jsons);
    }
    if change == Change::EventMoved {
        return moved(world, at, place, random);
    }
    if !world.is_held(&record) {
        return None;
    }
    match change {
        Change::Event => {
            let json = &mut record.events[place].json;
            *json = json.replace(r#""type":"record""#, r#""type":"recorD""#);
        }
        Change::EventOut if place + 1 < count => {
            record.events.remove(place);
            jsons[at] = record.json_at(record.events[0].sequence, before);
            return Some(jsons);
        }
        Change::EventIn => {
            let last = record.events[count - 1].clone();
            let json = numbered(&last, last.sequence + 1);
            record.events.push(Event { sequence: last.sequence + 1, json, ..last });
        }
        Change::EventsSwapped if place > 0 => record.events.swap(place - 1, place),
        Change::EventsSwappedWithNumbers if place > 0 => {
            let (a, b) = (record.events[place - 1].clone(), record.events[place].clone());
            record.events[place - 1].json = numbered(&b, a.sequence);
            record.events[place].json = numbered(&a, b.sequence);
        }
        Change::Number => {
            jsons[at] = record.json_at(first + 1 + random.below(9) as u64, before);
            return Some(jsons);
        }
        Change::Chain => {
            jsons[at] = record.json_at(first, record.events[count - 1].after);
            return Some(jsons);
        }
        _ => return None,
    }
    jsons[at] = record.json();
    Some(jsons)
}

/// An event changes places with one of another record.
fn moved(world: &World, at: usize, place: usize, random: &mut Random) -> Option<Vec<Vec<u8>>> {
    let other = random.below(world.records.len());
    let (mut one, mut two) = (world.records[at].clone(), world.records[other].clone());
    let other_place = random.below(two.events.len());
    let is_same = one.events[place].sequence == two.events[other_place].sequence;
    if at == other || is_same {
        return None;
    }
    std::mem::swap(&mut one.events[place].json, &mut two.events[other_place].json);
    let mut jsons = jsons(&world.records);
    (jsons[at], jsons[other]) = (one.json(), two.json());
    Some(jsons)
}

/// The same event with another number.
fn numbered(event: &Event, sequence: u64) -> String {
    let number = |sequence: u64| format!(r#""sequence":{sequence}}}"#);
    event.json.replace(&number(event.sequence), &number(sequence))
}

#[test]
fn a_stream_that_nobody_touched_is_accounted_for() {
    for seed in 0..STREAMS {
        let report = verify(&untouched(seed));
        assert_eq!(kinds(&report), [], "seed {seed}: {report:#?}");
    }
}

#[test]
fn any_single_change_is_noticed() {
    let mut made = std::collections::BTreeMap::new();
    for seed in 0..STREAMS {
        for (change, records) in tampered(seed) {
            let report = verify(&records);
            assert!(!report.accounted, "seed {seed}, {change:?}");
            *made.entry(format!("{change:?}")).or_insert(0) += 1;
        }
    }
    assert_eq!(made.len(), CHANGES.len(), "{made:?}");
    assert!(made.values().all(|times| *times > 50), "{made:?}");
}
