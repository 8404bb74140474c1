//! How long the oldest event that is not acknowledged has been waiting.
//!
//! The ring keeps no times, so the worker notes at each of its rounds how far the ring was filled. An event is as old as
//! the first note that covers it, or up to one round older.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use crate::pg::clock;
use crate::ring::Attached;

/// Most notes. When they are all taken, the youngest is stretched: what is published then counts as older than it is.
const MAX_MARKS: usize = 1024;

/// Everything before `through` was published by then.
#[derive(Debug, Clone, Copy)]
struct Mark {
    through: u64,
    since: i64,
}

/// The notes of what is outstanding, oldest first.
#[derive(Debug, Default)]
pub(super) struct Lag {
    marks: VecDeque<Mark>,
}

impl Lag {
    /// Looks at the ring and tells the status page.
    pub(super) fn look(&mut self, attached: &Attached) {
        let acked = attached.ring.acked_through().0;
        self.mark(acked, attached.ring.reserved().0, clock::now());
        let since = self.marks.front().map_or(0, |mark| mark.since);
        attached.shared.delivered.oldest_since.store(since, Ordering::Relaxed);
    }

    fn mark(&mut self, acked: u64, reserved: u64, now: i64) {
        while self.marks.front().is_some_and(|mark| mark.through <= acked) {
            self.marks.pop_front();
        }
        let covered = self.marks.back().map_or(acked, |mark| mark.through);
        if reserved <= covered {
            return;
        }
        let full = self.marks.len() >= MAX_MARKS;
        match self.marks.back_mut() {
            Some(youngest) if full => youngest.through = reserved,
            _ => self.marks.push_back(Mark { through: reserved, since: now }),
        }
    }
}
