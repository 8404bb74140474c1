//! Every decision about notices, as a state machine: inputs change it, [`Machine::step`] says what to do next.
//!
//! Times are durations since the start, jitter comes from a seed.
//!
//! # Invariants
//!
//! * After [`Action::Call`] exactly one call of [`Machine::answered`] is due, and the sink gets no other call before.
//! * A notice is counted as open for every sink in whose queue it is; it leaves a queue only when it was accepted, or with the
//!   sink.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::limits::{MAX_QUEUED_NOTICES, NOTIFY_PAUSE};
use crate::machine::{Backoff, Jitter};
use crate::ports::{Failure, Notice, Sink};

/// What is told of notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeReport {
    /// Every sink has it.
    Done {
        /// [`Notice::id`]
        id: String,
    },
    /// A sink does not take notices. They are sent again until it does.
    Failing {
        /// Which.
        sink: Sink,
        /// One line for an operator.
        message: String,
        /// What usually helps, where that is known.
        hint: Option<String>,
    },
    /// It takes notices again.
    Recovered {
        /// Which.
        sink: Sink,
    },
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Send it; [`Machine::answered`] answers, with the same number.
    Call { route: u64, sink: Arc<Sink>, notice: Arc<Notice> },
    /// Tell the caller.
    Report(NoticeReport),
}

/// The way to one sink. A sink that was removed and added again has another.
#[derive(Debug)]
struct Route {
    sink: Arc<Sink>,
    queue: VecDeque<Arc<Notice>>,
    /// The first in the queue is with the sink.
    calling: bool,
    not_before: Duration,
    backoff: Backoff,
    is_failing: bool,
}

#[derive(Debug)]
pub(super) struct Machine {
    /// By number, which is never used again.
    routes: BTreeMap<u64, Route>,
    next_route: u64,
    /// How many sinks still have to take a notice, by its id.
    open: BTreeMap<String, usize>,
    reports: VecDeque<NoticeReport>,
    jitter: Jitter,
}

impl Machine {
    pub(super) fn new(sinks: &[Sink], seed: u64) -> Self {
        let mut machine = Self {
            routes: BTreeMap::new(),
            next_route: 0,
            open: BTreeMap::new(),
            reports: VecDeque::new(),
            jitter: Jitter::new(seed),
        };
        machine.set_sinks(sinks);
        machine
    }

    /// Another notice fits into every queue.
    pub(super) fn has_room(&self) -> bool {
        self.routes.values().all(|route| route.queue.len() < MAX_QUEUED_NOTICES)
    }

    /// Takes a notice over; to be called where there is room. One that is open already is the same.
    pub(super) fn send(&mut self, notice: Notice) {
        if self.open.contains_key(&notice.id) {
            return;
        }
        if self.routes.is_empty() {
            self.reports.push_back(NoticeReport::Done { id: notice.id });
            return;
        }
        self.open.insert(notice.id.clone(), self.routes.len());
        let notice = Arc::new(notice);
        for route in self.routes.values_mut() {
            route.queue.push_back(Arc::clone(&notice));
        }
    }

    /// Notices go there from now on.
    pub(super) fn set_sinks(&mut self, sinks: &[Sink]) {
        let removed: Vec<Route> = self
            .routes
            .extract_if(.., |_, route| !sinks.contains(&route.sink))
            .map(|(_, route)| route)
            .collect();
        for notice in removed.into_iter().flat_map(|route| route.queue) {
            self.taken(&notice.id);
        }
        for sink in sinks {
            if self.routes.values().all(|route| *route.sink != *sink) {
                self.routes.insert(self.next_route, Route::new(sink.clone()));
                self.next_route += 1;
            }
        }
    }

    /// What became of a call. Of one to a sink that was removed meanwhile nothing depends any more.
    pub(super) fn answered(&mut self, number: u64, answer: Result<(), Failure>, now: Duration) {
        let Some(route) = self.routes.get_mut(&number) else { return };
        route.calling = false;
        match answer {
            Err(failure) => {
                route.not_before = now.saturating_add(route.backoff.fail(&mut self.jitter));
                if !std::mem::replace(&mut route.is_failing, true) {
                    let Failure { message, hint, .. } = failure;
                    self.reports.push_back(NoticeReport::Failing {
                        sink: (*route.sink).clone(),
                        message,
                        hint,
                    });
                }
            }
            Ok(()) => {
                route.backoff.reset();
                if std::mem::take(&mut route.is_failing) {
                    self.reports.push_back(NoticeReport::Recovered { sink: (*route.sink).clone() });
                }
                if let Some(notice) = route.queue.pop_front() {
                    self.taken(&notice.id);
                }
            }
        }
    }

    /// What to do at `now`, in order. To be called after every input and at [`Self::deadline`].
    pub(super) fn step(&mut self, now: Duration) -> Vec<Action> {
        let mut actions: Vec<Action> = self.reports.drain(..).map(Action::Report).collect();
        for (number, route) in &mut self.routes {
            if let Some(notice) = route.queue.front()
                && !route.calling
                && now >= route.not_before
            {
                route.calling = true;
                let (sink, notice) = (Arc::clone(&route.sink), Arc::clone(notice));
                actions.push(Action::Call { route: *number, sink, notice });
            }
        }
        actions
    }

    /// When [`Self::step`] has something to do though there was no input.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let waits = |route: &&Route| !route.calling && !route.queue.is_empty();
        self.routes.values().filter(waits).map(|route| route.not_before).min()
    }

    /// One sink less has to take that notice.
    fn taken(&mut self, id: &str) {
        let Some(open) = self.open.get_mut(id) else { return };
        *open = open.saturating_sub(1);
        if *open == 0 {
            self.open.remove(id);
            self.reports.push_back(NoticeReport::Done { id: id.to_owned() });
        }
    }
}

impl Route {
    fn new(sink: Sink) -> Self {
        Self {
            sink: Arc::new(sink),
            queue: VecDeque::new(),
            calling: false,
            not_before: Duration::ZERO,
            backoff: Backoff::new(NOTIFY_PAUSE),
            is_failing: false,
        }
    }
}

#[cfg(test)]
mod tests;
