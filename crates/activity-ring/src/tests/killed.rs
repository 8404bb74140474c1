//! Processes killed at each of their stores, and what the next ones find.

use super::mortal::{MortalMemory, count_stores, die_after};
use super::{SECRET, assert_empty, assert_free_space_is_zero, drain, payloads, resume, ring};
use std::sync::atomic::Ordering;

use crate::layout::{RECORD_HEADER_BYTES, stamp};
use crate::memory::Memory;
use crate::record::{self, Head};
use crate::{Position, Record, Ring};

const HEADER: u64 = RECORD_HEADER_BYTES;
/// Longer than any of the operations here.
const MANY_STORES: u64 = 10_000;

/// A ring of 512 bytes whose next record of more than 64 bytes needs a pad of 64, with everything acknowledged.
fn near_the_end() -> Ring<MortalMemory> {
    let ring = ring(512);
    let mut consumer = resume(&ring);
    for sequence in 1..=4 {
        let end = ring.publish(&[0xEE; 88]).unwrap();
        payloads(&mut consumer);
        consumer.ack_through(end, sequence).unwrap();
    }
    assert_eq!((ring.reserved(), ring.fill()), (Position(448), 0));
    ring
}

fn stores_of_a_publish(ring: &Ring<MortalMemory>, event: &[u8]) -> u64 {
    count_stores(|| assert!(ring.publish(event).is_ok()))
}

#[test]
fn a_producer_killed_at_any_store_harms_no_other_event() {
    let torn = [0x22; 70];
    let stores = stores_of_a_publish(&near_the_end(), &torn);
    assert_eq!(stores, 1 + 1 + 3 + 3 + 9, "claim, counter, pad, header, payload");
    for killed_at in 0..stores {
        let ring = near_the_end();
        assert_eq!(die_after(killed_at, || ring.publish(&torn)), None);
        ring.publish(&[0x33; 9]).unwrap();
        ring.publish(&[0x44; 10]).unwrap();
        let claimed = killed_at >= 1;

        let mut consumer = resume(&ring);
        let before_the_crash = payloads(&mut consumer);
        assert_eq!(before_the_crash.is_empty(), claimed, "a hole stops the consumer, at {killed_at}");
        drop(consumer);
        ring.note_crash();

        let mut consumer = resume(&ring);
        let events = drain(&mut consumer).unwrap();
        let expected = vec![vec![0x33; 9], vec![0x44; 10]];
        let sequences: Vec<u64> = events.iter().map(|(record, _)| record.sequence).collect();
        assert_eq!(sequences, (5..5 + expected.len() as u64).collect::<Vec<_>>());
        let last = events.last().unwrap().0;
        assert_eq!(
            events.into_iter().map(|(_, event)| event).collect::<Vec<_>>(),
            expected,
            "at {killed_at}"
        );
        assert_eq!(ring.skipped(), u64::from(claimed));
        consumer.ack_through(last.end, last.sequence).unwrap();
        assert_empty(&ring);
    }
}

#[test]
fn a_hole_at_the_end_leaves_nothing_to_acknowledge() {
    let ring = ring(512);
    assert_eq!(die_after(3, || ring.publish(&[1; 30])), None);
    assert_eq!(ring.fill(), 56);
    ring.note_crash();
    let mut consumer = resume(&ring);
    assert!(payloads(&mut consumer).is_empty());
    assert_eq!(ring.skipped(), 1);
    assert_empty(&ring);
    ring.publish(&[2; 3]).unwrap();
    assert_eq!(drain(&mut consumer).unwrap()[0].0.sequence, 1);
}

#[test]
fn a_hole_after_the_last_event_is_freed_together_with_it() {
    let ring = ring(512);
    let end = ring.publish(&[1; 8]).unwrap();
    assert_eq!(die_after(3, || ring.publish(&[2; 30])), None);
    ring.note_crash();
    let mut consumer = resume(&ring);
    assert_eq!(payloads(&mut consumer), [[1; 8]]);
    assert_eq!(ring.acked_through(), Position(0));
    consumer.ack_through(end, 1).unwrap();
    assert_empty(&ring);
}

#[test]
fn a_hole_is_counted_once_however_often_it_is_met() {
    let ring = ring(512);
    ring.publish(&[1; 8]).unwrap();
    assert_eq!(die_after(3, || ring.publish(&[2; 30])), None);
    assert_eq!(die_after(5, || ring.publish(&[2; 30])), None);
    ring.publish(&[3; 8]).unwrap();
    ring.note_crash();
    for _ in 0..3 {
        assert_eq!(payloads(&mut resume(&ring)), [[1; 8], [3; 8]]);
        assert_eq!(ring.skipped(), 1, "two torn records side by side are one hole");
    }
}

#[test]
fn a_hole_above_the_crash_is_waited_for() {
    let ring = ring(512);
    ring.note_crash();
    let mut consumer = resume(&ring);
    assert_eq!(die_after(3, || ring.publish(&[2; 30])), None);
    ring.publish(&[3; 8]).unwrap();
    assert!(payloads(&mut consumer).is_empty());
    assert!(payloads(&mut consumer).is_empty());
    assert_eq!(ring.skipped(), 0);
}

/// Where the record inside of a torn one is.
const INSIDE_AT: u64 = HEADER + 16;

/// Leaves a torn record whose text holds a whole record under some stamp.
fn torn_with_a_record_inside(stamp: u64) -> Ring<MortalMemory> {
    let (text_at, inside_at) = (HEADER, INSIDE_AT);
    let other = self::ring(512);
    let inside = Head::of_event(b"forged").unwrap();
    record::write(&other.memory, other.word_at(inside_at), stamp, inside, b"forged");
    let words = (text_at..inside_at + HEADER + 8).step_by(8).map(|at| other.word_at(at));
    let text: Vec<u8> = words.flat_map(|at| other.memory.load(at, Ordering::Relaxed).to_ne_bytes()).collect();
    let ring = self::ring(512);
    // Killed at the stamp: claim, counter, two words of the header and the text are there.
    assert_eq!(die_after(4 + text.len() as u64 / 8, || ring.publish(&text)), None);
    ring.publish(b"true").unwrap();
    ring.note_crash();
    ring
}

#[test]
fn a_record_forged_in_the_text_of_a_torn_one_is_believed_only_with_the_stamp_of_its_place() {
    for wrong in [stamp(INSIDE_AT, SECRET ^ 1), stamp(INSIDE_AT + 8, SECRET), stamp(INSIDE_AT + 512, SECRET)]
    {
        assert_eq!(payloads(&mut resume(&torn_with_a_record_inside(wrong))), [b"true".as_slice()]);
    }
    let right = torn_with_a_record_inside(stamp(INSIDE_AT, SECRET));
    assert_eq!(payloads(&mut resume(&right)), [b"forged".as_slice(), b"true"]);
}

/// Publishes over a lap's end, drains everything and acknowledges all but the last event.
fn acknowledge_most(ring: &Ring<MortalMemory>) {
    let mut consumer = resume(ring);
    let events = drain(&mut consumer).unwrap();
    let last_but_one = events[events.len() - 2].0;
    let sequence = last_but_one.sequence;
    consumer.ack_with(last_but_one.end, sequence, [sequence; 4]).unwrap();
}

fn over_the_end() -> Ring<MortalMemory> {
    let ring = near_the_end();
    for i in 1..=5u8 {
        ring.publish(&[i; 40]).unwrap();
    }
    ring
}

/// What a worker must find: the events from `sequence` on, or all five, under their numbers.
fn assert_whole(ring: &Ring<MortalMemory>, killed_at: (u64, u64)) {
    let mut consumer = resume(ring);
    assert_free_space_is_zero(ring);
    let found = (consumer.acked_sequence(), consumer.note());
    let events = drain(&mut consumer).unwrap();
    assert!(events.len() == 1 || events.len() == 5, "{} at {killed_at:?}", events.len());
    // The note is that of the acknowledgement which holds, whole.
    assert_eq!(found, if events.len() == 1 { (8, [8; 4]) } else { (4, [0; 4]) }, "at {killed_at:?}");
    for (record, event) in &events {
        assert_eq!(*event, [(record.sequence - 4) as u8; 40], "at {killed_at:?}");
    }
    let last = events.last().unwrap().0;
    assert_eq!(last, Record { sequence: 9, end: ring.reserved() });
    assert_eq!(ring.acked_through() == Position(448), events.len() == 5);
    consumer.ack_through(last.end, last.sequence).unwrap();
    assert_empty(ring);
}

#[test]
fn a_worker_killed_at_any_store_of_an_acknowledgement_and_the_next_one_at_any_of_its_own_lose_nothing() {
    let mut deaths = 0;
    for first in 0..MANY_STORES {
        let mut first_survived = false;
        for second in 0..MANY_STORES {
            let ring = over_the_end();
            first_survived = die_after(first, || acknowledge_most(&ring)).is_some();
            let second_survived = die_after(second, || drop(resume(&ring))).is_some();
            assert_whole(&ring, (first, second));
            deaths += 1;
            if second_survived {
                break;
            }
        }
        if first_survived {
            break;
        }
    }
    assert!(deaths > 300, "{deaths}");
}

#[test]
fn a_worker_killed_at_any_store_of_passing_over_a_hole_loses_nothing() {
    for killed_at in 0..MANY_STORES {
        let ring = near_the_end();
        assert_eq!(die_after(6, || ring.publish(&[0x22; 70])), None);
        let torn_end = ring.reserved();
        assert_eq!(torn_end.0, 512 + HEADER + 72);
        ring.publish(&[0x33; 9]).unwrap();
        ring.note_crash();
        let survived = die_after(killed_at, || drop(payloads(&mut resume(&ring)))).is_some();
        let mut consumer = resume(&ring);
        let events = drain(&mut consumer).unwrap();
        assert_eq!(events, [(Record { sequence: 5, end: ring.reserved() }, vec![0x33; 9])], "at {killed_at}");
        assert!(ring.skipped() == 1 || (ring.skipped() == 2 && !survived));
        consumer.ack_through(ring.reserved(), 5).unwrap();
        assert_empty(&ring);
        if survived {
            return;
        }
    }
    unreachable!("passing over a hole never ended");
}
