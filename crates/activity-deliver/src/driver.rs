//! The task that runs the machine: gives it what happened, does what it says.
//!
//! Everything it starts is a task of its own in one set, so a call that hangs holds up nobody and a panic ends only that
//! task. The set is dropped with the driver, which ends them all.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use activity_seal::DataKey;
use activity_seal::random::{Random, SystemRandom};
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::batch::Batch;
use crate::limits::SEAL_INLINE_BYTES;
use crate::machine::{Action, Machine, Place, SealFailure, Sealed, Work};
use crate::ports::{Failure, FailureKind, Keys, Outcome, Stream, StreamStatus};
use crate::sealing::seal_work;
use crate::settings::{Identity, Reloadable, Waker};
use crate::shared::{Progress, Shared};

/// Shortest sleep: a deadline that is just over does not spin.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

/// What the caller can change. Only the latest counts, so it is watched and not sent.
#[derive(Debug)]
pub(crate) struct Control<K> {
    pub(crate) reloadable: Reloadable,
    keys: Arc<K>,
    /// Counts the changes of `keys`.
    source: u64,
}

impl<K> Control<K> {
    pub(crate) fn new(reloadable: Reloadable, keys: Arc<K>) -> Self {
        Self { reloadable, keys, source: 0 }
    }

    pub(crate) fn set_keys(&mut self, keys: Arc<K>) {
        self.keys = keys;
        self.source += 1;
    }
}

/// What the driver is given.
pub(crate) struct Driver<S, K> {
    pub(crate) identity: Arc<Identity>,
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
}

/// What a task was for, in case that it cannot say so itself.
#[derive(Clone, Copy)]
enum Purpose {
    Seal(Place),
    Put(u64),
    Ensure,
    Generate(u64),
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
    /// The source of keys that the machine knows of.
    source: u64,
    published: Progress,
}

/// Runs until the handle is dropped.
pub(crate) async fn run<S: Stream, K: Keys>(driver: Driver<S, K>) {
    let reloadable = driver.changes.borrow().reloadable;
    let machine = Machine::new(&reloadable, seed());
    let published = Progress::default();
    let mut running = Running { driver, machine, tasks: Tasks::default(), source: 0, published };
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
        drop(control);
        self.machine.reconfigure(&reloadable, now);
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
        }
    }

    /// Makes the counters known, and wakes the caller where that can matter to it.
    fn publish(&mut self, now: Duration, reported: bool) {
        let progress = self.machine.progress(now);
        self.driver.shared.publish(&progress, self.machine.taken_batches());
        let before = std::mem::replace(&mut self.published, progress);
        let room = before.released_bytes != progress.released_bytes
            || before.finished_batches != progress.finished_batches;
        if reported || room || (progress.ready && !before.ready) {
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
        let failure = || Failure {
            kind: FailureKind::Retry,
            message: "the task that made the call panicked".to_owned(),
            hint: None,
        };
        match self {
            Self::Seal(place) => Ended::Sealed(place, Err(SealFailure::Panicked)),
            Self::Put(request) => Ended::Answered(request, Err(failure())),
            Self::Ensure => Ended::Looked(Err(failure())),
            Self::Generate(source) => Ended::Generated(source, Err(failure())),
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
