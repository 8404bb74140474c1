//! The task that runs the machine: gives it what happened, does what it says.
//!
//! Everything it starts is a task of its own in one set, so a call that hangs holds up nobody and a panic ends only that
//! task. The set is dropped with the driver, which ends them all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use activity_seal::DataKey;
use activity_seal::random::{Random, SystemRandom};
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::batch::Batch;
use crate::keeping;
use crate::limits::SEAL_INLINE_BYTES;
use crate::machine::{Action, AppendFailure, Loaded, Machine, Opened, Place, SealFailure, Sealed, Work};
use crate::ports::{Failure, FailureKind, Keys, Outcome, Stream, StreamStatus};
use crate::sealing::seal_work;
use crate::settings::{Identity, Reloadable, SpoolSettings, Waker};
use crate::shared::{Progress, Shared};
use crate::spool::{Directory, Spool};

/// Shortest sleep: a deadline that is just over does not spin.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

/// How a task ended that could not say so itself.
const PANICKED: &str = "the task that made the call panicked";

/// The spool, once it is open: used by one task at a time.
type SharedSpool = Arc<Mutex<Option<Spool<Directory>>>>;

/// What the caller can change. Only the latest counts, so it is watched and not sent.
#[derive(Debug)]
pub(crate) struct Control<K> {
    pub(crate) reloadable: Reloadable,
    /// The stream takes less than comes.
    pub(crate) backlog: bool,
    /// The process is about to end.
    pub(crate) hurry: bool,
    keys: Arc<K>,
    /// Counts the changes of `keys`.
    source: u64,
}

impl<K> Control<K> {
    pub(crate) fn new(reloadable: Reloadable, keys: Arc<K>) -> Self {
        Self { reloadable, backlog: false, hurry: false, keys, source: 0 }
    }

    pub(crate) fn set_keys(&mut self, keys: Arc<K>) {
        self.keys = keys;
        self.source += 1;
    }
}

/// What the driver is given.
pub(crate) struct Driver<S, K> {
    pub(crate) identity: Arc<Identity>,
    pub(crate) spool: Option<SpoolSettings>,
    pub(crate) acked_through: u64,
    pub(crate) stream: Arc<S>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) batches: mpsc::UnboundedReceiver<Batch>,
    pub(crate) changes: watch::Receiver<Control<K>>,
    pub(crate) started: Instant,
    pub(crate) waker: Waker,
}

/// How a task ended.
enum Ended {
    Sealed(Place, Result<Sealed, SealFailure>),
    Answered(u64, Result<Vec<Outcome>, Failure>),
    Looked(Result<StreamStatus, Failure>),
    Generated(u64, Result<DataKey, Failure>),
    SpoolOpened(Result<Opened, String>),
    Appended(Result<u64, AppendFailure>),
    Loaded(Result<Loaded, String>),
    Released(Result<(), String>),
}

/// What a task was for, in case that it cannot say so itself.
#[derive(Clone, Copy)]
enum Purpose {
    Seal(Place),
    Put(u64),
    Ensure,
    Generate(u64),
    OpenSpool,
    Append,
    Load,
    Release,
}

/// The tasks under way.
#[derive(Default)]
struct Tasks {
    set: JoinSet<Ended>,
    purposes: HashMap<Id, Purpose>,
}

struct Running<S, K> {
    driver: Driver<S, K>,
    machine: Machine,
    tasks: Tasks,
    spool: SharedSpool,
    /// The source of keys that the machine knows of.
    source: u64,
    published: Progress,
}

/// Runs until the handle is dropped.
pub(crate) async fn run<S: Stream, K: Keys>(driver: Driver<S, K>) {
    let reloadable = driver.changes.borrow().reloadable;
    let (epoch, acked_through) = (driver.identity.epoch, driver.acked_through);
    let machine = Machine::new(&reloadable, seed(), epoch, driver.spool.is_some(), acked_through);
    let (tasks, spool, published) = (Tasks::default(), SharedSpool::default(), Progress::default());
    let mut running = Running { driver, machine, tasks, spool, source: 0, published };
    while running.advance().await {}
}

/// For jitter, which only has to differ between servers: not worth failing for.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    SystemRandom.fill(&mut bytes).map_or(0, |()| u64::from_le_bytes(bytes))
}

impl<S: Stream, K: Keys> Running<S, K> {
    /// Does what is to be done and waits for something to happen; false at the end.
    async fn advance(&mut self) -> bool {
        let now = self.now();
        let reported = self.act(now);
        self.publish(now, reported);
        let deadline = self.machine.deadline(now).map(|at| at.max(now + SHORTEST_SLEEP));
        tokio::select! {
            batch = self.driver.batches.recv() => match batch {
                Some(batch) => self.machine.submit(batch),
                None => return false,
            },
            Some(ended) = self.tasks.set.join_next_with_id() => self.ended(ended),
            changed = self.driver.changes.changed() => match changed {
                Ok(()) => self.reconfigure(),
                Err(_) => return false,
            },
            () = sleep(self.driver.started, deadline) => {}
        }
        // What else happened meanwhile belongs to the same step.
        while let Ok(batch) = self.driver.batches.try_recv() {
            self.machine.submit(batch);
        }
        while let Some(ended) = self.tasks.set.try_join_next_with_id() {
            self.ended(ended);
        }
        true
    }

    fn now(&self) -> Duration {
        self.driver.started.elapsed()
    }

    fn reconfigure(&mut self) {
        let now = self.now();
        let control = self.driver.changes.borrow_and_update();
        let (reloadable, source) = (control.reloadable, control.source);
        let (backlog, hurry) = (control.backlog, control.hurry);
        drop(control);
        self.machine.reconfigure(&reloadable, now);
        self.machine.set_backlog(backlog);
        if hurry {
            self.machine.hurry(now);
        }
        if std::mem::replace(&mut self.source, source) != source {
            self.machine.source_changed();
        }
    }

    /// Whether there was something to report.
    fn act(&mut self, now: Duration) -> bool {
        let mut reported = false;
        for action in self.machine.step(now) {
            match action {
                Action::Seal { place, work, key } => self.start_sealing(place, work, key),
                Action::Put { request, records } => {
                    let stream = Arc::clone(&self.driver.stream);
                    self.tasks.start(Purpose::Put(request), async move {
                        let answer = stream.put(&records).await;
                        // Before the machine hears of it and wants them back.
                        drop(records);
                        Ended::Answered(request, answer)
                    });
                }
                Action::Ensure => {
                    let stream = Arc::clone(&self.driver.stream);
                    self.tasks.start(Purpose::Ensure, async move { Ended::Looked(stream.ensure().await) });
                }
                Action::Generate { source } => {
                    let keys = Arc::clone(&self.driver.changes.borrow().keys);
                    self.tasks.start(Purpose::Generate(source), async move {
                        Ended::Generated(source, keys.generate().await)
                    });
                }
                Action::OpenSpool => self.open_spool(),
                Action::Append { records } => {
                    let max_bytes = self.driver.changes.borrow().reloadable.spool_max_bytes;
                    self.with_spool(Purpose::Append, move |spool| {
                        let result = match spool {
                            Some(spool) => keeping::append(spool, &records, max_bytes),
                            None => Err(AppendFailure::Disk("the spool is not open".to_owned())),
                        };
                        // Before the machine hears of it and wants them back.
                        drop(records);
                        Ended::Appended(result)
                    });
                }
                Action::Load { max_records, max_bytes, skip_unreadable } => {
                    self.with_spool(Purpose::Load, move |spool| {
                        Ended::Loaded(match spool {
                            Some(spool) => keeping::load(spool, max_records, max_bytes, skip_unreadable),
                            None => Err("the spool is not open".to_owned()),
                        })
                    });
                }
                Action::Release { through, at_once } => self.with_spool(Purpose::Release, move |spool| {
                    Ended::Released(match spool {
                        Some(spool) => keeping::release(spool, through, at_once),
                        None => Err("the spool is not open".to_owned()),
                    })
                }),
                Action::Report(report) => {
                    self.driver.shared.push_report(report);
                    reported = true;
                }
            }
        }
        reported
    }

    fn start_sealing(&mut self, place: Place, work: Work, key: Arc<DataKey>) {
        let identity = Arc::clone(&self.driver.identity);
        let large = work.bytes() > SEAL_INLINE_BYTES;
        let seal = move || Ended::Sealed(place, seal_work(&work, &identity, &key));
        if large {
            self.tasks.start_blocking(Purpose::Seal(place), seal);
        } else {
            self.tasks.start(Purpose::Seal(place), async move { seal() });
        }
    }

    fn open_spool(&mut self) {
        let Some(settings) = self.driver.spool.clone() else { return };
        let (identity, shared) = (Arc::clone(&self.driver.identity), Arc::clone(&self.driver.shared));
        let max_bytes = self.driver.changes.borrow().reloadable.spool_max_bytes;
        let place = Arc::clone(&self.spool);
        self.tasks.start_blocking(Purpose::OpenSpool, move || {
            let opened = Directory::open(&settings.directory)
                .and_then(|directory| keeping::open(directory, &identity.instance_id, max_bytes));
            Ended::SpoolOpened(match opened {
                Ok((spool, opened)) => {
                    shared.set_spool(spool.records(), spool.bytes());
                    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(spool);
                    Ok(opened)
                }
                Err(error) => Err(error.to_string()),
            })
        });
    }

    /// Does something with the spool on a thread for blocking work, one thing at a time.
    fn with_spool(
        &mut self,
        purpose: Purpose,
        work: impl FnOnce(Option<&mut Spool<Directory>>) -> Ended + Send + 'static,
    ) {
        let (spool, shared) = (Arc::clone(&self.spool), Arc::clone(&self.driver.shared));
        self.tasks.start_blocking(purpose, move || {
            // One that panicked left the spool as after a failed call.
            let mut spool = spool.lock().unwrap_or_else(PoisonError::into_inner);
            let ended = work(spool.as_mut());
            if let Some(spool) = spool.as_ref() {
                shared.set_spool(spool.records(), spool.bytes());
            }
            ended
        });
    }

    fn ended(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let now = self.now();
        let ended = match ended {
            Ok((id, ended)) => {
                self.tasks.purposes.remove(&id);
                ended
            }
            Err(error) => match self.tasks.purposes.remove(&error.id()) {
                Some(purpose) => purpose.failed(),
                None => return,
            },
        };
        match ended {
            Ended::Sealed(place, result) => self.machine.sealed(place, result, now),
            Ended::Answered(request, answer) => self.machine.answered(request, answer, now),
            Ended::Looked(found) => self.machine.looked(found, now),
            Ended::Generated(source, answer) => self.machine.generated(source, answer, now),
            Ended::SpoolOpened(opened) => self.machine.spool_opened(opened, now),
            Ended::Appended(result) => self.machine.appended(result, now),
            Ended::Loaded(result) => self.machine.loaded(result, now),
            Ended::Released(result) => self.machine.released(result, now),
        }
    }

    /// Makes the counters known, and wakes the caller where that can matter to it.
    fn publish(&mut self, now: Duration, reported: bool) {
        let progress = self.machine.progress(now);
        self.driver.shared.publish(&progress, self.machine.taken_batches());
        let before = std::mem::replace(&mut self.published, progress);
        let state = progress.fails != before.fails || progress.spool_is_drained != before.spool_is_drained;
        if self.driver.shared.is_awaited() || reported || state {
            (self.driver.waker)();
        }
    }
}

impl Tasks {
    fn start(&mut self, purpose: Purpose, task: impl Future<Output = Ended> + Send + 'static) {
        let id = self.set.spawn(task).id();
        self.purposes.insert(id, purpose);
    }

    fn start_blocking(&mut self, purpose: Purpose, task: impl FnOnce() -> Ended + Send + 'static) {
        let id = self.set.spawn_blocking(task).id();
        self.purposes.insert(id, purpose);
    }
}

impl Purpose {
    /// What a task ended with that panicked.
    fn failed(self) -> Ended {
        let failure = || Failure { kind: FailureKind::Retry, message: PANICKED.to_owned(), hint: None };
        match self {
            Self::Seal(place) => Ended::Sealed(place, Err(SealFailure::Panicked)),
            Self::Put(request) => Ended::Answered(request, Err(failure())),
            Self::Ensure => Ended::Looked(Err(failure())),
            Self::Generate(source) => Ended::Generated(source, Err(failure())),
            Self::OpenSpool => Ended::SpoolOpened(Err(PANICKED.to_owned())),
            Self::Append => Ended::Appended(Err(AppendFailure::Disk(PANICKED.to_owned()))),
            Self::Load => Ended::Loaded(Err(PANICKED.to_owned())),
            Self::Release => Ended::Released(Err(PANICKED.to_owned())),
        }
    }
}

/// Sleeps until that time after the start, or without end.
async fn sleep(started: Instant, deadline: Option<Duration>) {
    match deadline.and_then(|at| started.checked_add(at)) {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
