//! A stream and keys in memory, and events to send.

use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use activity_deliver::{
    Batch, Batcher, Durability, Failure, FailureKind, Handle, Identity, Keys, OutRecord, Outcome, Reloadable,
    Report, Settings, Snapshot, Stream, StreamStatus, Waker, start,
};
use activity_event::{Class, Event, NetProtocol, Params, Session};
use activity_seal::{Chain, DataKey, Limits, open};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::watch;

/// Everything in these tests is long over by then.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// How the fake stream treats its next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Store,
    Panic,
    Hang,
    /// Stores, but the answer is lost.
    LoseAnswer,
}

pub(crate) struct State {
    pub(crate) moods: Mutex<Vec<Mood>>,
    pub(crate) records: Mutex<Vec<OutRecord>>,
    pub(crate) puts: AtomicUsize,
    pub(crate) usable: watch::Sender<bool>,
}

/// A stream that keeps what it is sent.
#[derive(Clone)]
pub(crate) struct Memory(pub(crate) Arc<State>);

impl Memory {
    pub(crate) fn new() -> Self {
        Self(Arc::new(State {
            moods: Mutex::new(Vec::new()),
            records: Mutex::new(Vec::new()),
            puts: AtomicUsize::new(0),
            usable: watch::Sender::new(true),
        }))
    }

    /// The coming requests go that way, the last one first; those after them are stored.
    pub(crate) fn with_moods(moods: &[Mood]) -> Self {
        let stream = Self::new();
        *stream.0.moods.lock().unwrap() = moods.to_vec();
        stream
    }

    /// The inner JSON of every record.
    pub(crate) fn opened(&self) -> Vec<Value> {
        let records = self.0.records.lock().unwrap();
        records.iter().map(|record| serde_json::from_slice(&opened(&record.data)).unwrap()).collect()
    }

    /// The events of every record, as they were sent.
    pub(crate) fn raw(&self) -> Vec<Vec<Box<RawValue>>> {
        #[derive(serde::Deserialize)]
        struct Record {
            #[serde(rename = "databaseActivityEventList")]
            events: Vec<Box<RawValue>>,
        }
        let records = self.0.records.lock().unwrap();
        let read =
            |record: &OutRecord| serde_json::from_slice::<Record>(&opened(&record.data)).unwrap().events;
        records.iter().map(read).collect()
    }

    /// The sequence numbers of all events, record by record.
    pub(crate) fn sequences(&self) -> Vec<Vec<u64>> {
        self.opened().iter().map(sequences).collect()
    }
}

/// The plaintext of the fake keys is their name, repeated.
fn opened(envelope: &[u8]) -> Vec<u8> {
    let (one, two) =
        (open(envelope, &[1; 32], &Limits::default()), open(envelope, &[2; 32], &Limits::default()));
    one.or(two).unwrap()
}

pub(crate) fn sequences(record: &Value) -> Vec<u64> {
    let events = record["databaseActivityEventList"].as_array().unwrap();
    events.iter().filter_map(|event| event["sequence"].as_u64()).collect()
}

impl Stream for Memory {
    async fn put(&self, records: &[OutRecord]) -> Result<Vec<Outcome>, Failure> {
        self.0.puts.fetch_add(1, Ordering::SeqCst);
        let mood = self.0.moods.lock().unwrap().pop().unwrap_or(Mood::Store);
        match mood {
            Mood::Panic => panic!("a panic that was ordered"),
            Mood::Hang => std::future::pending().await,
            Mood::Store | Mood::LoseAnswer => self.0.records.lock().unwrap().extend_from_slice(records),
        }
        if mood == Mood::LoseAnswer {
            return Err(failure("the answer was lost"));
        }
        Ok(vec![Outcome::Stored; records.len()])
    }

    fn ensure(&self) -> impl Future<Output = Result<StreamStatus, Failure>> + Send {
        let usable = *self.0.usable.borrow();
        let status = if usable {
            StreamStatus::Usable { warning: None }
        } else {
            StreamStatus::Pending("CREATING".to_owned())
        };
        std::future::ready(Ok(status))
    }
}

pub(crate) fn failure(message: &str) -> Failure {
    Failure { kind: FailureKind::Retry, message: message.to_owned(), hint: None }
}

/// Gives keys of that name; of name 0 none at all.
pub(crate) struct Named(pub(crate) u8);

impl Keys for Named {
    async fn generate(&self) -> Result<DataKey, Failure> {
        match self.0 {
            0 => std::future::pending().await,
            name => Ok(DataKey::new(&[name; 32], vec![name; 184]).unwrap()),
        }
    }
}

pub(crate) fn reloadable() -> Reloadable {
    Reloadable {
        max_in_flight: 2,
        data_key_max_age: Duration::from_secs(3600),
        heartbeat_interval: None,
        gather: false,
        durability: Durability::Stream,
        spool_max_bytes: 1 << 30,
    }
}

pub(crate) fn settings(reloadable: Reloadable) -> Settings {
    let identity = Identity {
        cluster_id: "cluster-A".to_owned(),
        instance_id: "db-B".to_owned(),
        server_version: "18.1".to_owned(),
        server_type: "PostgreSQL".to_owned(),
        service_name: "PostgreSQL service".to_owned(),
        epoch: 0xC,
    };
    Settings { identity, spool: None, acked_through: 0, reloadable }
}

/// A handle on the current runtime, and what to wait on for its waker.
pub(crate) struct Rig {
    pub(crate) handle: Handle<Memory, Named>,
    pub(crate) stream: Memory,
    wakes: Arc<(AtomicU64, watch::Sender<()>)>,
    pub(crate) reports: Vec<Report>,
}

impl Rig {
    pub(crate) fn start(reloadable: Reloadable, stream: Memory, keys: Named) -> Self {
        Self::start_with(settings(reloadable), stream, keys)
    }

    pub(crate) fn start_with(settings: Settings, stream: Memory, keys: Named) -> Self {
        let wakes = Arc::new((AtomicU64::new(0), watch::Sender::new(())));
        let waker: Waker = {
            let wakes = Arc::clone(&wakes);
            Arc::new(move || {
                wakes.0.fetch_add(1, Ordering::SeqCst);
                wakes.1.send_replace(());
            })
        };
        let runtime = tokio::runtime::Handle::current();
        let handle = start(&runtime, settings, stream.clone(), keys, waker);
        Self { handle, stream, wakes, reports: Vec::new() }
    }

    /// Waits until it is so, looking whenever the waker was called: so a wake-up that is missing is found.
    pub(crate) async fn until(&mut self, what: &str, mut so: impl FnMut(&mut Self) -> bool) {
        let mut woken = self.wakes.1.subscribe();
        let deadline = tokio::time::Instant::now() + LIMIT;
        loop {
            while let Some(report) = self.handle.next_report() {
                self.reports.push(report);
            }
            if so(self) {
                return;
            }
            let woken = tokio::time::timeout_at(deadline, woken.changed()).await;
            assert!(woken.is_ok(), "no {what}: {:?}, {:?}", self.handle.snapshot(), self.reports);
        }
    }

    /// Waits until a counter says so: nobody is woken for those.
    pub(crate) async fn counted(&mut self, what: &str, so: impl Fn(Snapshot) -> bool) {
        let deadline = tokio::time::Instant::now() + LIMIT;
        while !so(self.handle.snapshot()) {
            assert!(tokio::time::Instant::now() < deadline, "no {what}: {:?}", self.handle.snapshot());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) async fn acked(&mut self, last: u64) {
        self.until("acknowledgement", |rig| rig.last_acked() >= last).await;
    }

    pub(crate) async fn ready(&mut self) {
        self.until("readiness", |rig| rig.handle.can_send_now()).await;
    }

    /// How often the waker was called.
    pub(crate) fn wakes(&self) -> u64 {
        self.wakes.0.load(Ordering::SeqCst)
    }

    pub(crate) fn last_acked(&self) -> u64 {
        let acked = self.reports.iter().filter_map(|report| match report {
            Report::Acked(acked) => Some(acked.last_sequence),
            _ => None,
        });
        acked.max().unwrap_or(0)
    }
}

/// An event in its wire form.
pub(crate) fn event(text: &str) -> Vec<u8> {
    let event = Event {
        start_time: 1_700_000_000_000_000,
        log_time: 1_700_000_000_000_001,
        statement_id: 1,
        substatement_id: 1,
        class: Class::Read,
        command: "SELECT",
        object_type: None,
        object_name: None,
        row_count: Some(1),
        command_text: Some(text),
        command_text_length: None,
        params: Params::EMPTY,
        exit_code: None,
        error_message: None,
        effective_user: None,
        transaction_id: None,
        query_id: None,
        session: Session {
            database: "db",
            user: "alice",
            remote_host: "[local]",
            remote_port: "",
            application: None,
            server_host: "host",
            net_protocol: NetProtocol::Unix,
            start: 1_700_000_000,
            pid: 42,
        },
    };
    let mut encoded = Vec::new();
    event.encode(&mut encoded);
    encoded
}

/// One batch of these events, numbered from `first`.
pub(crate) fn batch(first: u64, events: &[Vec<u8>]) -> Batch {
    let identity = settings(reloadable()).identity;
    let chain = Chain::begin(&identity.epoch_text());
    let (mut batcher, now) = (Batcher::new(usize::MAX, Duration::ZERO, identity, chain), Instant::now());
    for (sequence, event) in (first..).zip(events) {
        batcher.push(sequence, sequence * 1000, event, now);
    }
    batcher.poll(now, true).unwrap()
}
