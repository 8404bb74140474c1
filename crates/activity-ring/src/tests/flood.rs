//! Floods: how far each kind of event gets, and what those who flood leave to others.

use std::thread;

use super::mortal::MortalMemory;
use super::{drain, resume, ring};
use crate::priority::Priority::{self, Act, Failed, Ordinary, Session};
use crate::{Consumer, Position, Producer, PublishError, Ring, SHORT_EVENT_BYTES};

const CAPACITY: usize = 4 * 1024 * 1024;
/// A statement of 100 kB.
const LONG: usize = 100_000;
/// An event with a short text, as most are.
const LIGHT: usize = 600;

type TestRing = Ring<MortalMemory>;

fn publish(producer: &mut Producer, ring: &TestRing, len: usize, priority: Priority) -> bool {
    match producer.publish(ring, &vec![b'e'; len], priority, || vec![b's'; LIGHT]) {
        Ok(_) => true,
        Err(PublishError::Full) => false,
        Err(e) => panic!("{e}"),
    }
}

/// Producers publish in turn until none of them gets anything in.
fn flood(ring: &TestRing, producers: &mut [Producer], len: usize, priority: Priority) {
    while producers.iter_mut().filter_map(|p| publish(p, ring, len, priority).then_some(())).count() > 0 {}
}

fn producers<const N: usize>() -> [Producer; N] {
    [const { Producer::new() }; N]
}

/// The whole payloads in the ring, by their lengths.
fn lengths(ring: &TestRing) -> Vec<usize> {
    drain(&mut resume(ring)).unwrap().iter().map(|(_, event)| event.len()).collect()
}

#[test]
fn each_kind_ends_at_its_step_of_the_ladder_and_the_next_gets_in_behind_it() {
    let ring = ring(CAPACITY);
    let mut end = CAPACITY / 2;
    for (priority, sixteenths) in [(Ordinary, 12), (Failed, 14), (Session, 15), (Act, 16)] {
        let next = CAPACITY / 16 * sixteenths;
        // Ever new producers: none of them holds anything.
        while publish(&mut Producer::new(), &ring, LIGHT, priority) {}
        assert!(ring.fill() <= next && ring.fill() > next - 2 * LIGHT, "{priority:?}: {}", ring.fill());
        assert!(ring.fill() > end);
        end = next;
    }
    assert_eq!(ring.dropped(), 4);
}

#[test]
fn below_the_half_one_producer_may_hold_everything() {
    let ring = ring(CAPACITY);
    let mut only = Producer::new();
    while ring.fill() + LONG + 64 <= CAPACITY / 2 {
        assert!(publish(&mut only, &ring, LONG, Ordinary));
    }
    assert_eq!(ring.dropped(), 0);
}

#[test]
fn eight_that_flood_leave_room_to_one_that_publishes_little() {
    for priority in [Ordinary, Failed, Session, Act] {
        for len in [LONG, LIGHT] {
            let ring = ring(CAPACITY);
            flood(&ring, &mut producers::<8>(), len, priority);
            let mut light = Producer::new();
            for n in 0..20 {
                assert!(publish(&mut light, &ring, LIGHT, priority), "{n} of {priority:?}, {}", ring.fill());
            }
        }
    }
}

#[test]
fn those_that_flood_one_after_the_other_leave_room_too() {
    let ring = ring(CAPACITY);
    for mut one in producers::<4>() {
        flood(&ring, std::slice::from_mut(&mut one), LIGHT, Ordinary);
    }
    let mut light = Producer::new();
    assert!((0..20).all(|_| publish(&mut light, &ring, LIGHT, Ordinary)));
}

#[test]
fn the_heaviest_is_refused_and_the_others_are_not() {
    let ring = ring(CAPACITY);
    let [mut heavy, mut light] = producers();
    while publish(&mut heavy, &ring, LIGHT, Ordinary) {}
    let dropped = ring.dropped();
    for _ in 0..100 {
        assert!(publish(&mut light, &ring, LIGHT, Ordinary));
        assert!(!publish(&mut heavy, &ring, LIGHT, Ordinary));
    }
    assert_eq!(ring.dropped(), dropped + 100);
}

#[test]
fn a_producer_that_flooded_may_publish_again_when_what_it_published_is_gone() {
    let ring = ring(CAPACITY);
    let mut consumer = resume(&ring);
    let [mut heavy, mut other] = producers();
    for _ in 0..20 {
        flood(&ring, std::slice::from_mut(&mut heavy), LIGHT, Ordinary);
        assert!(ring.fill() > CAPACITY / 2 - 2 * LIGHT);
        let last = drain(&mut consumer).unwrap().last().unwrap().0;
        consumer.ack_through(last.end, last.sequence).unwrap();
        // The other one makes the ring as full as it was; what the first has published before does not count.
        flood(&ring, std::slice::from_mut(&mut other), LIGHT, Ordinary);
        assert!(publish(&mut heavy, &ring, LIGHT, Ordinary));
        let last = drain(&mut consumer).unwrap().last().unwrap().0;
        consumer.ack_through(last.end, last.sequence).unwrap();
    }
}

#[test]
fn who_floods_with_statements_may_still_fail_and_act() {
    let ring = ring(CAPACITY);
    let mut all = producers::<8>();
    flood(&ring, &mut all, LONG, Ordinary);
    for producer in &mut all {
        assert!(publish(producer, &ring, LIGHT, Failed));
        assert!(publish(producer, &ring, LIGHT, Act));
    }
}

#[test]
fn a_flood_leaves_what_is_below_it_alone() {
    for (floods, below) in [(Failed, Ordinary), (Session, Failed), (Act, Failed), (Act, Session)] {
        for len in [LONG, LIGHT] {
            let ring = ring(CAPACITY);
            flood(&ring, &mut producers::<20>(), len, floods);
            let mut light = Producer::new();
            assert!((0..10).all(|_| publish(&mut light, &ring, LIGHT, below)), "{floods:?}, {}", ring.fill());
        }
    }
}

#[test]
fn a_long_event_does_not_use_a_reserve_up_and_gets_in_as_a_short_one() {
    let ring = ring(CAPACITY);
    while publish(&mut Producer::new(), &ring, LIGHT, Ordinary) {}
    // Beyond the end of ordinary events failures are short; acts may use what failures leave.
    for (priority, expected) in [(Failed, LIGHT), (Act, LONG), (Failed, LIGHT), (Ordinary, 0)] {
        let before = lengths(&ring).len();
        let taken = publish(&mut Producer::new(), &ring, LONG, priority);
        assert_eq!(lengths(&ring).get(before).copied().unwrap_or_default(), expected, "{priority:?}");
        assert_eq!(taken, expected > 0);
    }
}

#[test]
fn an_event_that_no_ring_of_that_size_takes_is_told_short() {
    let ring = ring(CAPACITY);
    assert!(publish(&mut Producer::new(), &ring, CAPACITY / 2, Ordinary));
    assert_eq!(lengths(&ring), [LIGHT]);
    assert_eq!((ring.published(), ring.dropped_too_large()), (1, 0));
}

#[test]
fn what_is_refused_as_it_is_and_shortened_is_counted_once() {
    let ring = ring(CAPACITY);
    while publish(&mut Producer::new(), &ring, LIGHT, Act) {}
    let dropped = ring.dropped();
    assert!(!publish(&mut Producer::new(), &ring, LONG, Act));
    assert_eq!(ring.dropped(), dropped + 1);
    // A form that is not short either is refused as well.
    let long = || vec![0; SHORT_EVENT_BYTES + 1];
    assert_eq!(Producer::new().publish(&ring, &long(), Act, long), Err(PublishError::Full));
    assert_eq!(ring.dropped(), dropped + 2);
}

/// Producers that race never go beyond the end of what they publish together, whatever the consumer frees meanwhile.
#[test]
fn no_claim_goes_beyond_its_bound_while_others_race_for_the_same_room() {
    const EVENTS: usize = 20_000;
    let ring = super::stress::real_ring(64 * 1024);
    let step = ring.capacity() as u64 / 16 * 12;
    thread::scope(|scope| {
        let floods: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(move || {
                    (0..EVENTS)
                        .filter_map(|_| Producer::new().publish(&ring, &[7; 500], Ordinary, Vec::new).ok())
                        .collect::<Vec<Position>>()
                })
            })
            .collect();
        // What is freed is only what was there when the ring was at the step: then no claim can end further on.
        let mut consumer = Consumer::resume(ring).unwrap();
        let mut event = Vec::new();
        let (mut free, mut seen) = (0, Vec::new());
        while !floods.iter().all(thread::ScopedJoinHandle::is_finished) {
            while let Some(record) = consumer.next(&mut event).unwrap() {
                assert!(record.end.0 <= free + step, "{} with {free} free", record.end.0);
                seen.push(record);
            }
            if let Some(record) = seen.drain(..).next_back() {
                consumer.ack_through(record.end, record.sequence).unwrap();
                free = record.end.0;
            }
            thread::yield_now();
        }
        let taken: usize = floods.into_iter().map(|flood| flood.join().unwrap().len()).sum();
        assert_eq!(taken as u64, ring.published());
        assert_eq!(ring.published() + ring.dropped(), 4 * EVENTS as u64);
    });
}
