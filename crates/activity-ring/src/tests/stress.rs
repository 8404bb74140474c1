//! Real threads over real memory.

use std::alloc::{Layout, alloc_zeroed};
use std::collections::HashMap;
use std::ptr::NonNull;
use std::thread;
use std::time::{Duration, Instant};

use crate::layout::HEADER_BYTES;
use crate::{Consumer, Position, PublishError, RawMemory, Ring};

const PRODUCERS: usize = 4;
const EVENTS_EACH: u32 = 50_000;
/// Far beyond what a run takes; without it one side would wait for ever for the other that failed.
const DEADLINE: Duration = Duration::from_secs(60);

/// Zeroed pages that are never given back, as a ring wants them.
#[expect(unsafe_code, reason = "an allocation with an alignment")]
pub(super) fn pages(bytes: usize) -> NonNull<u8> {
    let layout = Layout::from_size_align(bytes, HEADER_BYTES).unwrap();
    // SAFETY: no caller asks for nothing.
    NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap()
}

#[expect(unsafe_code, reason = "memory of the test")]
pub(super) fn real_ring(capacity: usize) -> Ring<RawMemory> {
    let bytes = Ring::<RawMemory>::required_bytes(capacity);
    // SAFETY: fresh pages, of which nobody else knows.
    unsafe { Ring::format(pages(bytes), bytes, 0xFEED_5EED) }.unwrap()
}

/// Who, which, and a body that follows from both.
fn event(producer: usize, number: u32, into: &mut Vec<u8>) {
    into.clear();
    into.push(producer as u8);
    into.extend_from_slice(&number.to_le_bytes());
    let len = (number.wrapping_mul(2_654_435_761) >> 24) as usize + producer;
    into.extend((0..len).map(|i| (i as u32 ^ number) as u8));
}

fn give_way(until: Instant) {
    assert!(Instant::now() < until, "the other side makes no progress");
    thread::yield_now();
}

fn produce(ring: Ring<RawMemory>, producer: usize, until: Instant) {
    let mut bytes = Vec::new();
    let mut last = Position(0);
    for number in 0..EVENTS_EACH {
        event(producer, number, &mut bytes);
        let end = loop {
            match ring.publish(&bytes) {
                Ok(end) => break end,
                Err(PublishError::Full) => give_way(until),
                Err(e) => panic!("{e}"),
            }
        };
        assert!(end > last);
        last = end;
    }
}

/// Checks what a consumer sees: each event whole, each producer's in order, numbers without a gap.
#[derive(Default)]
struct Judge {
    next_of: [u32; PRODUCERS],
    seen: u64,
    /// Of events not acknowledged, so that one seen again can be compared.
    by_sequence: HashMap<u64, Vec<u8>>,
    expected: Vec<u8>,
}

impl Judge {
    fn look(&mut self, sequence: u64, bytes: &[u8]) {
        if sequence <= self.seen {
            assert_eq!(
                self.by_sequence.get(&sequence).map(Vec::as_slice),
                Some(bytes),
                "seen again: {sequence}"
            );
            return;
        }
        assert_eq!(sequence, self.seen + 1);
        self.seen = sequence;
        let producer = usize::from(bytes[0]);
        event(producer, self.next_of[producer], &mut self.expected);
        assert_eq!(bytes, self.expected, "event {sequence}");
        self.next_of[producer] += 1;
        self.by_sequence.insert(sequence, bytes.to_vec());
    }

    fn acked(&mut self, from: u64, through: u64) {
        for sequence in from..=through {
            self.by_sequence.remove(&sequence);
        }
    }
}

/// Four producers against one consumer, which restarts after every `restart_after` events if that is given.
fn run(restart_after: Option<u64>) {
    let ring = real_ring(64 * 1024);
    let total = u64::from(EVENTS_EACH) * PRODUCERS as u64;
    let mut judge = Judge::default();
    let (mut bytes, mut acked, mut restarts) = (Vec::new(), 0, 0);
    let until = Instant::now() + DEADLINE;
    thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            scope.spawn(move || produce(ring, producer, until));
        }
        let mut consumer = Consumer::resume(ring).unwrap();
        let mut last = None;
        let mut since_restart = 0;
        while acked < total {
            let record = consumer.next(&mut bytes).unwrap();
            if let Some(record) = record {
                judge.look(record.sequence, &bytes);
                last = Some(record);
                since_restart += 1;
            }
            if restart_after.is_some_and(|after| since_restart >= after) {
                consumer = Consumer::resume(ring).unwrap();
                (last, since_restart) = (None, 0);
                restarts += 1;
                continue;
            }
            if let Some(record) = last
                && (record.sequence.is_multiple_of(17) || record.sequence == total || ring.fill() > 32 * 1024)
            {
                consumer.ack_through(record.end, record.sequence).unwrap();
                judge.acked(acked + 1, record.sequence);
                acked = record.sequence;
                last = None;
            }
            if record.is_none() {
                give_way(until);
            }
        }
    });
    assert_eq!(judge.next_of, [EVENTS_EACH; PRODUCERS]);
    assert_eq!((ring.published(), ring.skipped(), ring.dropped_corrupt()), (total, 0, 0));
    assert_eq!(restarts > 0, restart_after.is_some());
    super::assert_empty(&ring);
}

#[test]
fn four_producers_and_a_consumer_every_event_once_whole_and_in_order() {
    run(None);
}

#[test]
fn a_worker_that_restarts_all_the_time_loses_nothing_and_gives_the_same_numbers() {
    run(Some(101));
}

#[test]
fn a_publish_that_two_threads_race_for_never_reports_damage() {
    // Dropping instead of waiting: the path that tells full from damaged, as often as can be.
    let ring = real_ring(64 * 1024);
    let until = Instant::now() + DEADLINE;
    let (taken, drained) = thread::scope(|scope| {
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|_| {
                scope.spawn(move || {
                    let tried = (0..EVENTS_EACH).map(|_| ring.publish(&[7; 1000]));
                    tried
                        .filter(|result| match result {
                            Ok(_) => true,
                            Err(e) => {
                                assert_eq!(*e, PublishError::Full);
                                false
                            }
                        })
                        .count()
                })
            })
            .collect();
        let mut consumer = Consumer::resume(ring).unwrap();
        let (mut bytes, mut drained) = (Vec::new(), 0);
        loop {
            let ended = producers.iter().all(thread::ScopedJoinHandle::is_finished);
            match consumer.next(&mut bytes).unwrap() {
                Some(record) => {
                    drained += 1;
                    consumer.ack_through(record.end, record.sequence).unwrap();
                }
                None if ended => break,
                None => give_way(until),
            }
        }
        (producers.into_iter().map(|p| p.join().unwrap()).sum::<usize>(), drained)
    });
    assert_eq!(taken, drained);
    assert_eq!(ring.published() + ring.dropped(), u64::from(EVENTS_EACH) * PRODUCERS as u64);
    super::assert_empty(&ring);
}
