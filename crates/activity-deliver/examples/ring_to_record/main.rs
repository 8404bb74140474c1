//! What an event costs from the ring to its sealed record:
//! `cargo run --release -p activity-deliver --example ring_to_record [ROUNDS [SCRIPT]]`.
//!
//! A ring is filled with the events of pgbench, and drained as the worker does it: read and checked, decoded, rendered, chained,
//! handed to delivery, compressed, encrypted, put into an envelope, and given to a stream that takes everything at once. The
//! filling is not counted; else all processor time of the process is, whatever the thread: the events of a second of one core are
//! what comes out.
#![expect(unsafe_code, reason = "a ring's memory, and the processor time of the process")]

mod pgbench;

use std::alloc::{Layout, alloc_zeroed};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use activity_deliver::{
    Batch, Batcher, Chain, Durability, Failure, Handle, Identity, Keys, OutRecord, Outcome, Reloadable,
    Report, Settings, Stream, StreamStatus, start,
};
use activity_ring::{Consumer, Position, RawMemory, Ring};
use activity_seal::DataKey;
use pgbench::{Load, SCRIPTS, Script};

const RING_BYTES: usize = 32 * 1024 * 1024;
/// A ring begins at a page.
const PAGE_BYTES: usize = 4096;
/// Default of activity_stream.batch_max_bytes.
const BATCH_MAX_BYTES: usize = 512 * 1024;
/// Longer than a round takes: batches leave because they are full.
const LINGER: Duration = Duration::from_secs(60);
/// Nothing is waited for longer: the waker comes before.
const LONGEST_PARK: Duration = Duration::from_secs(1);

/// Takes everything, and counts it.
#[derive(Default)]
struct Counter {
    requests: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
}

struct Sink(Arc<Counter>);

impl Stream for Sink {
    async fn put(&self, records: &[OutRecord]) -> Result<Vec<Outcome>, Failure> {
        let bytes: usize = records.iter().map(|r| r.data.len() + r.partition_key.len()).sum();
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        self.0.records.fetch_add(records.len() as u64, Ordering::Relaxed);
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(vec![Outcome::Stored; records.len()])
    }

    async fn ensure(&self) -> Result<StreamStatus, Failure> {
        Ok(StreamStatus::Usable { warning: None })
    }
}

/// One that KMS would make.
struct Key;

impl Keys for Key {
    async fn generate(&self) -> Result<DataKey, Failure> {
        Ok(DataKey::new(&[7; 32], vec![1; 184]).expect("a data key"))
    }
}

/// The worker's side.
struct Worker {
    consumer: Consumer<RawMemory>,
    batcher: Batcher,
    refused: Option<Box<Batch>>,
    handle: Handle<Sink, Key>,
    event: Vec<u8>,
    acked: u64,
}

impl Worker {
    /// Until the ring is empty and all of it on the stream.
    fn drain(&mut self) {
        loop {
            self.take_reports();
            let empty = self.fill();
            if empty && self.refused.is_none() && self.batcher.is_empty() && self.handle.is_idle() {
                return self.take_reports();
            }
            thread::park_timeout(LONGEST_PARK);
        }
    }

    fn take_reports(&mut self) {
        while let Some(report) = self.handle.next_report() {
            if let Report::Acked(acked) = report {
                self.consumer
                    .ack_through(Position(acked.through), acked.last_sequence)
                    .expect("a sound ring");
                self.acked = acked.last_sequence;
            }
        }
    }

    /// From the ring to batches, as long as delivery has room; whether the ring is empty.
    fn fill(&mut self) -> bool {
        let now = Instant::now();
        while self.submit(now, false) {
            match self.consumer.next(&mut self.event).expect("a sound ring") {
                Some(record) => self.batcher.push(record.sequence, record.end.0, &self.event, now),
                None => {
                    self.submit(now, true);
                    return true;
                }
            }
        }
        false
    }

    /// Hands over what is due; whether there is room for more.
    fn submit(&mut self, now: Instant, urgent: bool) -> bool {
        loop {
            let waiting = self.refused.take().map(|batch| *batch);
            let Some(batch) = waiting.or_else(|| self.batcher.poll(now, urgent)) else {
                return self.handle.has_room();
            };
            if let Err(batch) = self.handle.try_submit(batch) {
                self.refused = Some(batch);
                return false;
            }
        }
    }
}

fn ring() -> Ring<RawMemory> {
    let bytes = Ring::<RawMemory>::required_bytes(RING_BYTES);
    let layout = Layout::from_size_align(bytes, PAGE_BYTES).expect("a layout");
    // SAFETY: the size is not zero.
    let base = NonNull::new(unsafe { alloc_zeroed(layout) }).expect("memory");
    // SAFETY: zeroed, never freed, and used by this ring alone.
    unsafe { Ring::format(base, bytes, 0x5eed) }.expect("a ring")
}

fn settings() -> Settings {
    let text = str::to_owned;
    Settings {
        identity: Identity {
            cluster_id: text("cluster-AAAAAAAAAAAAAAAAAAAAAAAAAA"),
            instance_id: text("db-BBBBBBBBBBBBBBBBBBBBBBBBBB"),
            server_version: text("18.1"),
            server_type: text("PostgreSQL"),
            service_name: text("PostgreSQL"),
            epoch: 0x0123_4567_89ab_cdef,
        },
        spool: None,
        acked_through: 0,
        reloadable: Reloadable {
            max_in_flight: 8,
            data_key_max_age: Duration::from_secs(3600),
            heartbeat_interval: None,
            gather: true,
            durability: Durability::Stream,
            spool_max_bytes: 0,
        },
    }
}

/// Processor time of all threads so far.
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a clock that every process has, written to a variable of the right type.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "the clock of the process");
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("nanoseconds"))
}

/// Bytes of the script's events in JSON, commas included: rendered once more, so that the way that is measured need not count.
fn json_bytes(script: Script) -> usize {
    let ring = ring();
    let events = Load::new(script).fill(&ring);
    let mut consumer = Consumer::resume(ring).expect("a sound ring");
    let (mut event, mut json) = (Vec::new(), Vec::new());
    let identity = settings().identity;
    let server = activity_event::Server {
        version: &identity.server_version,
        server_type: &identity.server_type,
        service_name: &identity.service_name,
    };
    let mut bytes = 0;
    while let Some(record) = consumer.next(&mut event).expect("a sound ring") {
        json.clear();
        let event = activity_event::Event::decode(&event).expect("an event");
        activity_event::write_json(&event, &server, record.sequence, &mut json);
        bytes += json.len() + 1;
    }
    bytes / usize::try_from(events).expect("a count")
}

fn measure(script: Script, rounds: u64, json_bytes: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build();
    let runtime = runtime.expect("a runtime");
    let counter = Arc::new(Counter::default());
    let main = thread::current();
    let sink = Sink(Arc::clone(&counter));
    let handle = start(runtime.handle(), settings(), sink, Key, Arc::new(move || main.unpark()));
    let identity = settings().identity;
    let chain = Chain::begin(&identity.epoch_text());
    let (ring, mut load) = (ring(), Load::new(script));
    let mut worker = Worker {
        consumer: Consumer::resume(ring).expect("a new ring"),
        batcher: Batcher::new(BATCH_MAX_BYTES, LINGER, identity, chain),
        refused: None,
        handle,
        event: Vec::new(),
        acked: 0,
    };
    let (mut events, mut best) = (0, f64::MAX);
    for _ in 0..rounds {
        let filled = load.fill(&ring);
        let before = processor_time();
        worker.drain();
        best = best.min((processor_time() - before).as_secs_f64() / filled as f64);
        events += filled;
    }
    assert_eq!(worker.acked, events, "every event is on the stream");
    let count = |of: &AtomicU64| of.load(Ordering::Relaxed) as f64;
    let (records, wire) = (count(&counter.records), count(&counter.bytes) / events as f64);
    println!(
        "{:<22} {:>4.0} k events/s of one core; JSON {json_bytes} B, wire {wire:.1} B (1/{:.1}); {:.0} events a record, {:.1} \
         records a request",
        script.title,
        1e-3 / best,
        json_bytes as f64 / wire,
        events as f64 / records,
        records / count(&counter.requests),
    );
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rounds = arguments.next().map_or(5, |rounds| rounds.parse().expect("a number of rounds"));
    let title = arguments.next().unwrap_or_default();
    for script in SCRIPTS.into_iter().filter(|script| script.title.starts_with(&title)) {
        measure(script, rounds, json_bytes(script));
    }
}
