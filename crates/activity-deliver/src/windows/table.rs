//! All windows: how they open, grow and end.

use std::collections::BTreeMap;

use activity_event::Micros;

use super::due::{DueNotices, NoticeNotKept};
use super::limits::{CROWDED_WINDOWS, INSTANT_LINGER_MICROS};
use super::state::{Marker, State};
use super::telling::Progress;
use super::window::{Count, Reason, Window};
use crate::ports::Notice;

/// The loss windows, and the other notices that are due. See the [module](super).
#[derive(Debug)]
pub struct Windows {
    pub(super) cluster_id: String,
    epoch: String,
    /// By number, which is the order in which they were opened.
    pub(super) windows: BTreeMap<u64, Window>,
    next_number: u64,
    pub(super) notices: DueNotices,
    pub(super) progress: Progress,
}

impl Windows {
    /// Goes on from what [`resume`](super::resume) gave.
    #[must_use]
    pub fn new(cluster_id: &str, state: &State) -> Self {
        let windows = state.windows.iter().map(|window| (window.number, window.clone()));
        Self {
            cluster_id: cluster_id.to_owned(),
            epoch: state.marker.epoch.clone(),
            windows: windows.collect(),
            next_number: state.next_number,
            notices: DueNotices::new(state.notices()),
            progress: Progress::new(),
        }
    }

    /// What is to be written, with that marker.
    #[must_use]
    pub fn state(&self, marker: Marker) -> State {
        State::new(marker, self.windows.values().cloned().collect(), self.next_number, self.notices.iter())
    }

    /// All that are kept, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Window> {
        self.windows.values()
    }

    /// There is one of that reason that has not ended.
    #[must_use]
    pub fn is_open(&self, reason: Reason) -> bool {
        self.current(reason).is_some_and(|window| window.end.is_none())
    }

    /// From `first_affected` on events of that reason are lost, or might be. Where a window of the reason is open, it goes on:
    /// only the earlier time counts.
    pub fn open(&mut self, reason: Reason, detail: &str, first_affected: Micros, now: Micros) {
        let earlier = |window: &Window| window.end.is_some() || first_affected < window.first_affected;
        if self.current(reason).is_none_or(earlier) {
            let window = self.admit(reason, detail, first_affected, now);
            window.end = None;
            window.linger_until = None;
            window.first_affected = window.first_affected.min(first_affected);
        }
    }

    /// Adds losses to the open window of that reason, found at the time `at`. Where none is open, one is opened.
    pub fn affected(&mut self, reason: Reason, lost: Count, at: Micros, now: Micros) {
        if !self.is_open(reason) {
            self.open(reason, "", at, now);
        }
        self.admit(reason, "", at, now).add(lost, (at, at));
    }

    /// No more events of that reason can be lost. Nothing where no window of it is open.
    pub fn close(&mut self, reason: Reason, now: Micros) {
        let Some(number) = self.current(reason).filter(|window| window.end.is_none()).map(|w| w.number)
        else {
            return;
        };
        let generation = self.progress.due_change();
        if let Some(window) = self.windows.get_mut(&number) {
            window.finish(now, generation);
        }
    }

    /// Losses that are over when they are found. They begin a window that ends at once, or belong to the last one of their
    /// reason if that has not been told to be over.
    pub fn instant(
        &mut self,
        reason: Reason,
        detail: &str,
        lost: Count,
        (first_affected, last_affected): (Micros, Micros),
        sequences: Option<(u64, u64)>,
        now: Micros,
    ) {
        let epoch = self.epoch.clone();
        let is_open = self.is_open(reason);
        let window = self.admit(reason, detail, first_affected, now);
        window.add(lost, (first_affected, last_affected));
        window.add_sequences(&epoch, sequences);
        if !is_open {
            window.end = Some(now.max(window.begin));
            window.linger_until = Some(now.saturating_add(INSTANT_LINGER_MICROS));
        }
    }

    /// Lets windows of instant losses end whose time is over. To be called at any pace that suits the telling of ends.
    pub fn tick(&mut self, now: Micros) {
        // A clock that was set back does not hold an end back.
        self.finish_lingering(|until| now >= until || until.saturating_sub(now) > INSTANT_LINGER_MICROS);
    }

    /// Lets windows of instant losses end at once: for a worker that stops.
    pub fn finish_instants(&mut self) {
        self.finish_lingering(|_| true);
    }

    /// Keeps a notice that is no window's until every sink has it. One whose id is already kept is the same.
    ///
    /// # Errors
    /// Gives the notice back where too many are kept, or where its texts are too long for the state file.
    pub fn notice(&mut self, notice: Notice) -> Result<(), NoticeNotKept> {
        self.notices.add(notice)?;
        self.progress.due_change();
        Ok(())
    }

    fn finish_lingering(&mut self, is_over: impl Fn(Micros) -> bool) {
        for window in self.windows.values_mut() {
            if let (Some(end), Some(until)) = (window.end, window.linger_until)
                && is_over(until)
            {
                window.finish(end, self.progress.due_change());
            }
        }
    }

    /// The window of that reason that is not over.
    fn current(&self, reason: Reason) -> Option<&Window> {
        self.windows.values().rev().find(|window| window.reason == reason && !window.is_over())
    }

    /// The window that takes a loss of that reason: the one that is not over, a new one, or where there are too many the latest.
    fn admit(&mut self, reason: Reason, detail: &str, first_affected: Micros, now: Micros) -> &mut Window {
        let current = self.current(reason).map(|window| window.number);
        let number = current.or_else(|| self.crowded_out(reason)).unwrap_or(self.next_number);
        let generation = match current {
            // More of what is known need not be on disk before anything is told.
            Some(_) => self.progress.change(),
            None => self.progress.due_change(),
        };
        if number == self.next_number {
            self.next_number += 1;
        }
        let window = self.windows.entry(number).or_insert_with(|| {
            Window::new((number, &self.epoch), (reason, detail), (first_affected, now), generation)
        });
        if window.is_over() {
            window.go_on(generation);
        }
        window
    }

    /// Makes room for another window. Where there is none, gives the latest of the reason, if it has one.
    ///
    /// Past [`CROWDED_WINDOWS`] only reasons without a window get one. So there are never more beyond that number than there are
    /// reasons that have windows, which is the limit.
    fn crowded_out(&mut self, reason: Reason) -> Option<u64> {
        while self.windows.len() >= CROWDED_WINDOWS {
            let told = self.windows.values().find(|window| window.is_told()).map(|window| window.number);
            let Some(number) = told else { break };
            self.windows.remove(&number);
        }
        let is_crowded = self.windows.len() >= CROWDED_WINDOWS;
        let mut latest = self.windows.values().rev().filter(|window| window.reason == reason);
        latest.next().filter(|_| is_crowded).map(|window| window.number)
    }
}
