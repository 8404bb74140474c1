//! Every order of events, within bounds, by loom:
//! `RUSTFLAGS="--cfg loom" cargo test -p activity-ring --release`
//!
//! Each word of the memory is an atomic of loom's, which lets a load see any value that its order permits. A missing order
//! therefore shows as a record with a wrong check sum, or as one that is lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use loom::sync::atomic::AtomicU64;
use loom::thread;

use crate::layout::{HEADER_BYTES, HEADER_WORDS, MIN_TEST_CAPACITY_BYTES};
use crate::memory::{Memory, Word};
use crate::{Consumer, Position, Priority, Producer, PublishError, Ring};

/// Words of a line that the header uses; loom pays for each word.
const LINE_WORDS_USED: usize = 16;
const LINES_USED: usize = 6;

impl Word for AtomicU64 {
    fn load(&self, order: Ordering) -> u64 {
        Self::load(self, order)
    }

    fn store(&self, value: u64, order: Ordering) {
        Self::store(self, value, order);
    }

    fn replace(&self, current: u64, new: u64, success: Ordering, failure: Ordering) -> Result<u64, u64> {
        self.compare_exchange(current, new, success, failure)
    }

    fn add(&self, value: u64) {
        self.fetch_add(value, Ordering::Relaxed);
    }
}

#[derive(Clone)]
struct LoomMemory {
    header: Arc<[AtomicU64]>,
    data: Arc<[AtomicU64]>,
}

fn words(count: usize) -> Arc<[AtomicU64]> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

impl Memory for LoomMemory {
    type Word = AtomicU64;

    fn words(&self, at: usize, count: usize) -> &[AtomicU64] {
        if at >= HEADER_WORDS {
            return &self.data[at - HEADER_WORDS..][..count];
        }
        if count == HEADER_WORDS {
            // Formatting looks at the whole page, once.
            return &self.header;
        }
        let (line, column) = (at / 16, at % 16);
        assert!(column + count <= LINE_WORDS_USED);
        &self.header[line * LINE_WORDS_USED + column..][..count]
    }
}

/// Four records of one word of payload.
fn ring() -> Ring<LoomMemory> {
    let memory =
        LoomMemory { header: words(LINES_USED * LINE_WORDS_USED), data: words(MIN_TEST_CAPACITY_BYTES / 8) };
    Ring::format_in(memory, HEADER_BYTES + MIN_TEST_CAPACITY_BYTES, 5, MIN_TEST_CAPACITY_BYTES).unwrap()
}

fn model(bound: usize, test: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(bound);
    builder.check(test);
}

/// The next event, waited for.
fn next(consumer: &mut Consumer<LoomMemory>, out: &mut Vec<u8>) -> (u64, Position) {
    loop {
        if let Some(record) = consumer.next(out).unwrap() {
            return (record.sequence, record.end);
        }
        thread::yield_now();
    }
}

/// Publishes as soon as there is room.
fn publish(ring: &Ring<LoomMemory>, event: &[u8]) {
    while let Err(e) = ring.publish(event) {
        assert_eq!(e, PublishError::Full);
        thread::yield_now();
    }
}

fn assert_empty(ring: &Ring<LoomMemory>) {
    assert_eq!(ring.fill(), 0);
    for word in ring.memory.data.iter() {
        assert_eq!(word.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn two_producers_and_a_consumer() {
    model(3, || {
        let ring = ring();
        let producers: Vec<_> = [1u8, 2]
            .into_iter()
            .map(|who| {
                let ring = ring.clone();
                thread::spawn(move || ring.publish(&[who; 8]).unwrap())
            })
            .collect();
        let mut consumer = Consumer::resume(ring.clone()).unwrap();
        let mut out = Vec::new();
        let mut seen = Vec::new();
        for sequence in 1..=2 {
            assert_eq!(next(&mut consumer, &mut out), (sequence, Position(sequence * 32)));
            assert_eq!(out, [out[0]; 8]);
            seen.push(out[0]);
            consumer.ack_through(Position(sequence * 32), sequence).unwrap();
        }
        seen.sort_unstable();
        assert_eq!(seen, [1, 2]);
        for producer in producers {
            producer.join().unwrap();
        }
        assert_eq!(ring.published(), 2);
        assert_empty(&ring);
    });
}

/// Full, with everything drained and nothing acknowledged.
fn full() -> (Ring<LoomMemory>, Consumer<LoomMemory>) {
    let ring = ring();
    let mut consumer = Consumer::resume(ring.clone()).unwrap();
    let mut out = Vec::new();
    for i in 1..=4u8 {
        ring.publish(&[0xE0 | i; 8]).unwrap();
        assert!(consumer.next(&mut out).unwrap().is_some());
    }
    assert_eq!(ring.publish(&[0; 8]), Err(PublishError::Full));
    (ring, consumer)
}

#[test]
fn a_producer_waits_for_the_space_that_an_acknowledgement_zeroes() {
    model(4, || {
        let (ring, mut consumer) = full();
        let producer = {
            let ring = ring.clone();
            thread::spawn(move || publish(&ring, &[7; 8]))
        };
        consumer.ack_through(Position(32), 1).unwrap();
        let mut out = Vec::new();
        assert_eq!(next(&mut consumer, &mut out), (5, Position(160)));
        assert_eq!(out, [7; 8]);
        producer.join().unwrap();
        consumer.ack_through(Position(160), 5).unwrap();
        assert_empty(&ring);
    });
}

#[test]
fn two_producers_race_for_freed_space_and_neither_takes_a_full_ring_for_a_damaged_one() {
    model(3, || {
        let (ring, mut consumer) = full();
        let producers: Vec<_> = [1u8, 2]
            .into_iter()
            .map(|who| {
                let ring = ring.clone();
                thread::spawn(move || match ring.publish(&[who; 8]) {
                    Ok(_) => 1,
                    Err(e) => {
                        assert_eq!(e, PublishError::Full);
                        0
                    }
                })
            })
            .collect();
        consumer.ack_through(Position(32), 1).unwrap();
        consumer.ack_through(Position(64), 2).unwrap();
        let taken: u64 = producers.into_iter().map(|p| p.join().unwrap()).sum();
        assert_eq!(ring.published(), 4 + taken);
        let mut out = Vec::new();
        for sequence in 5..5 + taken {
            assert_eq!(next(&mut consumer, &mut out).0, sequence);
            assert_eq!(out, [out[0]; 8]);
        }
        assert_eq!(consumer.next(&mut out), Ok(None));
        consumer.ack_through(ring.reserved(), 4 + taken).unwrap();
        assert_empty(&ring);
    });
}

/// A pad and the record behind it are claimed together and committed one after the other.
#[test]
fn a_record_behind_a_pad_is_seen_whole_or_not_at_all() {
    model(4, || {
        let ring = ring();
        let mut consumer = Consumer::resume(ring.clone()).unwrap();
        let mut out = Vec::new();
        // Leaves 24 bytes before the end: a pad with a header. The next record has 32.
        for (sequence, event) in [(1, &[][..]), (2, &[]), (3, &[3; 8]), (4, &[])] {
            let end = ring.publish(event).unwrap();
            assert_eq!(next(&mut consumer, &mut out).0, sequence);
            consumer.ack_through(end, sequence).unwrap();
        }
        let producer = {
            let ring = ring.clone();
            thread::spawn(move || ring.publish(&[7; 8]).unwrap())
        };
        assert_eq!(next(&mut consumer, &mut out), (5, Position(160)));
        assert_eq!(out, [7; 8]);
        assert_eq!(producer.join().unwrap(), Position(160));
        consumer.ack_through(Position(160), 5).unwrap();
        assert_empty(&ring);
    });
}

/// The last of a lap, a pad, and the first of the next, from two producers, while the consumer frees what they need.
#[test]
fn two_producers_go_over_the_end_while_the_space_there_is_freed() {
    model(3, || {
        let ring = ring();
        let mut consumer = Consumer::resume(ring.clone()).unwrap();
        let mut out = Vec::new();
        let mut end = Position(0);
        for event in [&[1; 8][..], &[2; 8], &[]] {
            end = ring.publish(event).unwrap();
            assert!(consumer.next(&mut out).unwrap().is_some());
        }
        assert_eq!(end, Position(88));
        let producers: Vec<_> = [3u8, 4]
            .into_iter()
            .map(|who| {
                let ring = ring.clone();
                thread::spawn(move || publish(&ring, &[who; 8]))
            })
            .collect();
        consumer.ack_through(Position(64), 2).unwrap();
        // 88 to 120, a pad of 8 without a header, and 128 to 160.
        assert_eq!(next(&mut consumer, &mut out), (4, Position(120)));
        let first = out.clone();
        assert_eq!(next(&mut consumer, &mut out), (5, Position(160)));
        assert!((first == [3; 8] && out == [4; 8]) || (first == [4; 8] && out == [3; 8]));
        for producer in producers {
            producer.join().unwrap();
        }
        consumer.ack_through(Position(160), 5).unwrap();
        assert_empty(&ring);
    });
}

/// Two thirds of what ordinary events may fill are; two more race for the rest, and an act comes behind them.
#[test]
fn ordinary_events_that_race_leave_the_reserve_to_the_act_behind_them() {
    model(3, || {
        let ring = ring();
        for i in 1..=2u8 {
            ring.publish(&[i; 8]).unwrap();
        }
        let floods: Vec<_> = [3u8, 4]
            .into_iter()
            .map(|who| {
                let ring = ring.clone();
                thread::spawn(move || {
                    match Producer::new().publish(&ring, &[who; 8], Priority::Ordinary, Vec::new) {
                        Ok(end) => {
                            assert_eq!(end, Position(96));
                            1
                        }
                        Err(e) => {
                            assert_eq!(e, PublishError::Full);
                            0
                        }
                    }
                })
            })
            .collect();
        let act = Producer::new().publish(&ring, &[5; 8], Priority::Act, Vec::new);
        let taken: u64 = floods.into_iter().map(|flood| flood.join().unwrap()).sum();
        // Where the act came first, it has what one of them would have had.
        assert!(act == Ok(Position(96)) && taken == 0 || act == Ok(Position(128)) && taken == 1);
        assert_eq!((ring.published(), ring.dropped()), (3 + taken, 2 - taken));
    });
}

/// What the consumer frees while an event is published is used, and no more than that.
#[test]
fn an_ordinary_event_gets_in_where_an_acknowledgement_makes_room_below_the_reserve() {
    model(3, || {
        let ring = ring();
        let mut consumer = Consumer::resume(ring.clone()).unwrap();
        let mut out = Vec::new();
        for i in 1..=3u8 {
            ring.publish(&[i; 8]).unwrap();
            assert!(consumer.next(&mut out).unwrap().is_some());
        }
        let producer = {
            let ring = ring.clone();
            thread::spawn(move || Producer::new().publish(&ring, &[7; 8], Priority::Ordinary, Vec::new))
        };
        consumer.ack_through(Position(32), 1).unwrap();
        match producer.join().unwrap() {
            Ok(end) => assert_eq!((end, ring.dropped()), (Position(128), 0)),
            Err(e) => assert_eq!((e, ring.dropped()), (PublishError::Full, 1)),
        }
        assert!(ring.fill() <= 96);
    });
}
