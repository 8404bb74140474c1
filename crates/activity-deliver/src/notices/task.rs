//! The caller's side, and the task that makes the calls.
//!
//! Every call is a task of its own in one set, so a panic ends only that call, and dropping the set ends them all. While reports
//! wait to be read no call is begun and nothing is taken over: an unread report can be at most one call of each sink, a
//! removed sink's queue or a channel's worth of notices old.

use std::collections::{HashMap, VecDeque};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use activity_seal::random::{Random, SystemRandom};
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::limits::{CALL_TIMEOUT, CHANNEL_NOTICES, CHANNEL_REPORTS};
use super::machine::{Action, Machine, NoticeReport};
use crate::ports::{Failure, FailureKind, Notice, Notify, Sink};
use crate::settings::Waker;

/// Shortest sleep: a deadline that is just over does not spin.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

/// Notices under way. Dropping it ends everything; calls that were under way may or may not have been accepted.
#[derive(Debug)]
pub struct Notices<N> {
    inbox: mpsc::Sender<Notice>,
    sinks: watch::Sender<Vec<Sink>>,
    reports: mpsc::Receiver<NoticeReport>,
    task: JoinHandle<()>,
    notify: PhantomData<fn() -> N>,
}

/// Starts the sending of notices on `runtime`. `waker` is called after every report.
pub fn start<N: Notify>(
    runtime: &tokio::runtime::Handle,
    notify: N,
    sinks: Vec<Sink>,
    waker: Waker,
) -> Notices<N> {
    let (inbox, notices) = mpsc::channel(CHANNEL_NOTICES);
    let (reporter, reports) = mpsc::channel(CHANNEL_REPORTS);
    let machine = Machine::new(&sinks, seed());
    let (sinks, changes) = watch::channel(sinks);
    let running = Running {
        notify: Arc::new(notify),
        machine,
        notices,
        changes,
        calls: JoinSet::new(),
        routes: HashMap::new(),
        unread: VecDeque::new(),
        reporter,
        started: Instant::now(),
        waker,
    };
    let task = runtime.spawn(run(running));
    Notices { inbox, sinks, reports, task, notify: PhantomData }
}

/// For jitter, which only has to differ between servers: not worth failing for.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    SystemRandom.fill(&mut bytes).map_or(0, |()| u64::from_le_bytes(bytes))
}

impl<N: Notify> Notices<N> {
    /// Takes a notice over without blocking.
    ///
    /// # Errors
    /// Gives the notice back where there is no room for it, or the task has ended ([`Self::is_running`]).
    pub fn send(&self, notice: Notice) -> Result<(), Box<Notice>> {
        self.inbox.try_send(notice).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(notice) | mpsc::error::TrySendError::Closed(notice) => {
                Box::new(notice)
            }
        })
    }

    /// Notices that are given from now on go there. What is due for a sink that is not among them is done.
    pub fn set_sinks(&self, sinks: Vec<Sink>) {
        self.sinks.send_replace(sinks);
    }

    /// The next thing that there is to say.
    pub fn next_report(&mut self) -> Option<NoticeReport> {
        self.reports.try_recv().ok()
    }

    /// The task runs. It ends by itself only by an error in this crate, or with its runtime.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.task.is_finished()
    }
}

/// How a call ended.
type Answer = (u64, Result<(), Failure>);

struct Running<N> {
    notify: Arc<N>,
    machine: Machine,
    notices: mpsc::Receiver<Notice>,
    changes: watch::Receiver<Vec<Sink>>,
    calls: JoinSet<Answer>,
    /// Whose call a task is, in case that it cannot say so itself.
    routes: HashMap<Id, u64>,
    /// Reports for which the channel has no room.
    unread: VecDeque<NoticeReport>,
    reporter: mpsc::Sender<NoticeReport>,
    started: Instant,
    waker: Waker,
}

/// Runs until [`Notices`] is dropped.
async fn run<N: Notify>(mut running: Running<N>) {
    while running.advance().await {}
}

impl<N: Notify> Running<N> {
    /// Does what is to be done and waits for something to happen; false at the end.
    async fn advance(&mut self) -> bool {
        self.act();
        self.report();
        let is_read = self.unread.is_empty();
        let takes = is_read && self.machine.has_room();
        let deadline = self.machine.deadline().filter(|_| is_read);
        tokio::select! {
            // Notices that are given after a change of the sinks go to the new ones.
            biased;
            changed = self.changes.changed() => {
                if changed.is_ok() {
                    self.set_sinks();
                }
                changed.is_ok()
            }
            Some(ended) = self.calls.join_next_with_id() => {
                self.ended(ended);
                true
            }
            // Nobody else sends, so the room is still there at the next step.
            has_room = has_room(&self.reporter), if !is_read => has_room,
            notice = self.notices.recv(), if takes => match notice {
                Some(notice) => {
                    self.take(notice);
                    true
                }
                None => false,
            },
            () = sleep(self.started, deadline) => true,
        }
    }

    /// Begins the calls that are due, unless reports wait to be read.
    fn act(&mut self) {
        if !self.unread.is_empty() {
            return;
        }
        for action in self.machine.step(self.started.elapsed()) {
            match action {
                Action::Report(report) => self.unread.push_back(report),
                Action::Call { route, sink, notice } => {
                    let notify = Arc::clone(&self.notify);
                    let call = async move { (route, call(&*notify, &sink, &notice).await) };
                    let id = self.calls.spawn(call).id();
                    self.routes.insert(id, route);
                }
            }
        }
    }

    /// Hands reports over as far as there is room for them.
    fn report(&mut self) {
        let before = self.unread.len();
        while let Some(report) = self.unread.pop_front() {
            if let Err(error) = self.reporter.try_send(report) {
                self.unread.push_front(error.into_inner());
                break;
            }
        }
        if self.unread.len() < before {
            (self.waker)();
        }
    }

    fn take(&mut self, notice: Notice) {
        // The sinks may have changed since this step began, before the notice was given.
        if self.changes.has_changed().unwrap_or(false) {
            self.set_sinks();
        }
        self.machine.send(notice);
    }

    fn set_sinks(&mut self) {
        let sinks = self.changes.borrow_and_update().clone();
        self.machine.set_sinks(&sinks);
    }

    fn ended(&mut self, ended: Result<(Id, Answer), JoinError>) {
        let (route, answer) = match ended {
            Ok((id, answer)) => {
                self.routes.remove(&id);
                answer
            }
            Err(error) => match self.routes.remove(&error.id()) {
                Some(route) => (route, Err(retry("the task that made the call panicked".to_owned()))),
                None => return,
            },
        };
        self.machine.answered(route, answer, self.started.elapsed());
    }
}

/// Waits for room; false where nobody reads any more.
async fn has_room(reporter: &mpsc::Sender<NoticeReport>) -> bool {
    reporter.reserve().await.is_ok()
}

/// One call, within its time.
async fn call<N: Notify>(notify: &N, sink: &Sink, notice: &Notice) -> Result<(), Failure> {
    let answer = timeout(CALL_TIMEOUT, notify.notify(sink, notice)).await;
    answer.unwrap_or_else(|_| Err(retry(format!("no answer within {} s", CALL_TIMEOUT.as_secs()))))
}

fn retry(message: String) -> Failure {
    Failure { kind: FailureKind::Retry, message, hint: None }
}

/// Sleeps until that time after the start, or without end.
async fn sleep(started: Instant, deadline: Option<Duration>) {
    let now = started.elapsed();
    match deadline.and_then(|at| started.checked_add(at.max(now + SHORTEST_SLEEP))) {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
