//! What is due where, and the answers.
//!
//! Every change has a number. A write of the state file holds the changes up to a number, and what became due by a later one
//! waits for the next write. Only what is refused is held back, and only there: a full ring holds back no notice.

use super::table::Windows;
use super::window::{Part, Window};
use super::wording::{GapEvent, LogLine};
use crate::ports::Notice;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Write the state ([`Windows::state`], [`super::Store`]). [`Windows::persisted`] answers, in time: nothing new is told before.
    Persist {
        /// Names the write in the answer.
        generation: u64,
    },
    /// Write a WARNING to the server log. Counts as done.
    Log {
        /// Of which reason the window is: for a hint.
        reason: super::Reason,
        /// The line.
        line: LogLine,
    },
    /// Publish an event. [`Windows::published`] answers: at once that it was refused, or once the stream has acknowledged it. Until
    /// then there is no other one, so order is kept.
    Publish {
        /// [`Window::number`]
        number: u64,
        /// Its beginning or its end.
        part: Part,
        /// The event.
        event: GapEvent,
    },
    /// Hand a notice to every sink. [`Windows::notified`] answers once all have it, [`Windows::notice_refused`] if it was not
    /// taken over.
    Notify(Notice),
}

/// How far changes are on disk, and who refuses for now.
#[derive(Debug)]
pub(super) struct Progress {
    /// Counts changes.
    generation: u64,
    /// The last change that is to be written without waiting for another reason to write.
    due: u64,
    /// The last change that a finished write held, whether it succeeded or not.
    attempted: u64,
    saved: u64,
    writing: Option<u64>,
    /// The event that is with the caller.
    publishing: Option<(u64, Part)>,
    store_refuses: bool,
    ring_refuses: bool,
    sinks_refuse: bool,
}

impl Progress {
    /// What a start changed, which is to be written before anything of it is told: the epoch, and windows that ended with the one
    /// before.
    pub(super) const START: u64 = 1;

    pub(super) fn new() -> Self {
        Self {
            generation: Self::START,
            due: Self::START,
            attempted: 0,
            saved: 0,
            writing: None,
            publishing: None,
            store_refuses: false,
            ring_refuses: false,
            sinks_refuse: false,
        }
    }

    /// A change that is written with the next one that is due.
    pub(super) fn change(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    /// A change that is to be written soon.
    pub(super) fn due_change(&mut self) -> u64 {
        self.due = self.change();
        self.due
    }
}

impl Windows {
    /// What to do next, until there is nothing. Ends by itself: what is refused comes again only after
    /// [`Self::retry_refused`].
    pub fn next_action(&mut self) -> Option<Action> {
        self.next_log().or_else(|| self.next_publish()).or_else(|| self.next_notice()).or_else(|| {
            // At the end, so that one write holds what was told since the last.
            let is_due = self.progress.due > self.progress.saved && !self.progress.store_refuses;
            let generation = if is_due { self.begin_write() } else { None };
            generation.map(|generation| Action::Persist { generation })
        })
    }

    /// What was refused is due again: to be called at the pace at which the caller tries again.
    pub fn retry_refused(&mut self) {
        self.progress.store_refuses = false;
        self.progress.ring_refuses = false;
        self.progress.sinks_refuse = false;
    }

    /// Some change is in no state file yet, if only a count: to be written sooner or later.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.progress.generation > self.progress.saved
    }

    /// Something is still to be told, or to be written. An end that waits for more of its kind is not yet
    /// ([`Self::finish_instants`]).
    #[must_use]
    pub fn has_due(&self) -> bool {
        let untold = |window: &Window| {
            [Part::Begin, Part::End].into_iter().any(|part| {
                let told = window.telling(part);
                window.is_due(part) && !(told.logged && told.published && told.notified)
            })
        };
        self.progress.due > self.progress.saved
            || !self.notices.is_empty()
            || self.windows.values().any(untold)
    }

    /// Begins a write that no [`Action::Persist`] asked for, such as the marker's. None while another one is under way: two
    /// could overtake each other. [`Self::persisted`] answers.
    pub fn begin_write(&mut self) -> Option<u64> {
        if self.progress.writing.is_some() {
            return None;
        }
        self.progress.writing = Some(self.progress.generation);
        self.progress.writing
    }

    /// A write has ended. For one that takes too long, the caller says that it failed and may say later that it did not.
    pub fn persisted(&mut self, generation: u64, ok: bool) {
        let progress = &mut self.progress;
        progress.writing = progress.writing.filter(|writing| *writing != generation);
        progress.attempted = progress.attempted.max(generation);
        progress.store_refuses = !ok;
        if ok {
            progress.saved = progress.saved.max(generation);
        }
    }

    /// The stream has the event, or the ring refused it. (One that is only in the ring is lost with a server that dies, and
    /// would not be published again.)
    pub fn published(&mut self, number: u64, part: Part, ok: bool) {
        self.progress.publishing =
            self.progress.publishing.filter(|publishing| *publishing != (number, part));
        self.progress.ring_refuses = !ok;
        if let Some(window) = self.windows.get_mut(&number).filter(|_| ok) {
            window.telling_mut(part).published = true;
            self.progress.due_change();
        }
    }

    /// Every sink has the notice of that id.
    pub fn notified(&mut self, id: &str) {
        let is_known = self.with_notice(id, |told| {
            told.asked = false;
            told.notified = true;
        });
        if is_known || self.notices.done(id) {
            self.progress.due_change();
        }
    }

    /// The notice of that id was not taken over.
    pub fn notice_refused(&mut self, id: &str) {
        self.progress.sinks_refuse = true;
        self.with_notice(id, |told| told.asked = false);
        self.notices.refused(id);
    }

    /// Whether it is a window's.
    fn with_notice(&mut self, id: &str, change: impl FnOnce(&mut super::Telling)) -> bool {
        let found = self.windows.values_mut().find_map(|window| {
            let part = [Part::Begin, Part::End].into_iter().find(|part| window.notice_id(*part) == id)?;
            Some(window.telling_mut(part))
        });
        found.map(change).is_some()
    }

    /// The first part of a window that is to be told where `is_told` tells whether it was.
    fn first_due(&self, is_told: impl Fn(&super::Telling) -> bool) -> Option<(u64, Part)> {
        self.windows.values().find_map(|window| {
            let parts = [Part::Begin, Part::End].into_iter().filter(|part| window.is_due(*part));
            let part = parts.into_iter().find(|part| !is_told(window.telling(*part)))?;
            (window.telling(part).since <= self.progress.attempted).then_some((window.number, part))
        })
    }

    fn next_log(&mut self) -> Option<Action> {
        let (number, part) = self.first_due(|told| told.logged)?;
        let window = self.windows.get_mut(&number)?;
        window.telling_mut(part).logged = true;
        self.progress.due_change();
        Some(Action::Log { reason: window.reason, line: window.log_line(part) })
    }

    fn next_publish(&mut self) -> Option<Action> {
        if self.progress.ring_refuses || self.progress.publishing.is_some() {
            return None;
        }
        let (number, part) = self.first_due(|told| told.published)?;
        let event = self.windows.get(&number)?.gap_event(part);
        self.progress.publishing = Some((number, part));
        Some(Action::Publish { number, part, event })
    }

    fn next_notice(&mut self) -> Option<Action> {
        if self.progress.sinks_refuse {
            return None;
        }
        let window = self.first_due(|told| told.notified || told.asked).and_then(|(number, part)| {
            let window = self.windows.get(&number)?;
            Some((number, part, window.notice(part, &self.cluster_id)))
        });
        // In the order in which things happened, as far as they are due.
        let other_at = self.notices.next_at();
        match window {
            Some((number, part, notice)) if other_at.is_none_or(|at| notice.at < at) => {
                self.windows.get_mut(&number)?.telling_mut(part).asked = true;
                Some(Action::Notify(notice))
            }
            _ => self.notices.next().map(Action::Notify),
        }
    }
}
