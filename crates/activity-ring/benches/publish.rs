//! How fast events go into a ring, as many as one producer publishes and as two do together.
//!
//! Every event takes a check sum, a claim, a copy and a commit, as in a session. The consumer empties the ring while the clock
//! stands. On a machine with one free processor two producers take turns, which tells nothing of two.

#![expect(unsafe_code, reason = "the ring is made in memory that this program vouches for")]
#![expect(clippy::expect_used, reason = "a benchmark ends where something is wrong")]

use std::alloc::{Layout, alloc_zeroed};
use std::hint::black_box;
use std::ptr::NonNull;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use activity_ring::{Consumer, Priority, Producer, RawMemory, Ring};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const CAPACITY_BYTES: usize = 64 * 1024 * 1024;
const PAGE_BYTES: usize = 4096;
/// What a statement of pgbench's takes.
const EVENT_BYTES: usize = 260;
/// Events that are published before the ring is emptied: they take half of it.
const ROUND_EVENTS: u64 = (CAPACITY_BYTES / 2 / (EVENT_BYTES + 32)) as u64;

fn new_ring() -> Ring<RawMemory> {
    let bytes = Ring::<RawMemory>::required_bytes(CAPACITY_BYTES);
    let layout = Layout::from_size_align(bytes, PAGE_BYTES).expect("a size and a power of two");
    // SAFETY: the size is not zero.
    let base = NonNull::new(unsafe { alloc_zeroed(layout) }).expect("there is memory for a ring");
    // SAFETY: zeroed, of that size, never freed and used for nothing else.
    unsafe { Ring::format(base, bytes, 0x5EED) }.expect("the memory is as a ring needs it")
}

/// The time in which so many producers publish so many events together.
fn publish(ring: &Ring<RawMemory>, producers: u64, events: u64) -> Duration {
    let event = [b'e'; EVENT_BYTES];
    let start = Barrier::new(usize::try_from(producers).expect("a few") + 1);
    std::thread::scope(|scope| {
        for producer in 0..producers {
            let share = events / producers + u64::from(producer < events % producers);
            let (start, event) = (&start, &event);
            scope.spawn(move || {
                let mut producer = Producer::new();
                start.wait();
                for _ in 0..share {
                    let published = producer.publish(ring, black_box(event), Priority::Ordinary, Vec::new);
                    published.expect("there is room");
                }
            });
        }
        start.wait();
        Instant::now()
    })
    .elapsed()
}

/// Takes everything out and frees it.
fn empty(consumer: &mut Consumer<RawMemory>) {
    let mut event = Vec::new();
    let mut last = None;
    while let Some(record) = consumer.next(&mut event).expect("the ring is sound") {
        last = Some(record);
    }
    if let Some(record) = last {
        consumer.ack_through(record.end, record.sequence).expect("it was drained");
    }
}

fn benchmark(criterion: &mut Criterion) {
    let ring = new_ring();
    let mut consumer = Consumer::resume(ring).expect("the ring is new");
    let mut group = criterion.benchmark_group("publish");
    group.throughput(Throughput::Elements(1));
    for producers in [1, 2] {
        group.bench_function(BenchmarkId::new("producers", producers), |bencher| {
            bencher.iter_custom(|events| {
                let mut left = events;
                let mut time = Duration::ZERO;
                while left > 0 {
                    let round = left.min(ROUND_EVENTS);
                    time += publish(&ring, producers, round);
                    empty(&mut consumer);
                    left -= round;
                }
                time
            });
        });
    }
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
