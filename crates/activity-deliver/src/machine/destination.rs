//! The stream as it looks from here: whether it takes records, and when to try again.
//!
//! A *round* is what is sent between two pauses: requests that fail together lengthen the pause once. A round in which
//! nothing was stored doubles the next pause's ceiling; one stored record brings the ceiling back to the first, because
//! then only some shards are behind.

use std::time::Duration;

use super::backoff::{Backoff, Jitter};
use super::told::{Told, Topic};
use crate::limits::{ENSURE_PAUSE, PENDING_PAUSE, PUT_PAUSE, UNAVAILABLE_AFTER, UNAVAILABLE_AFTER_ROUNDS};
use crate::ports::{Failure, StreamStatus};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// To be looked at, from then on.
    Unknown { look_at: Duration },
    /// Being looked at.
    Looking,
    /// Takes records, as far as known.
    Usable,
}

/// Rounds in a row without a stored record.
#[derive(Debug, Clone, Copy)]
struct Failing {
    rounds: u32,
    /// When the first request of these was sent.
    since: Duration,
}

#[derive(Debug)]
pub(crate) struct Destination {
    state: State,
    look_backoff: Backoff,
    pending_pause: Duration,
    round: u64,
    put_backoff: Backoff,
    not_before: Duration,
    failing: Option<Failing>,
    last_stored: Option<Duration>,
    /// It counts as unavailable.
    unavailable: bool,
    /// At the last look it was on its way.
    pending: bool,
}

/// When a request was sent, and in which round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) at: Duration,
    round: u64,
}

impl Destination {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Unknown { look_at: Duration::ZERO },
            look_backoff: Backoff::new(ENSURE_PAUSE),
            pending_pause: PENDING_PAUSE.0,
            round: 0,
            put_backoff: Backoff::new(PUT_PAUSE),
            not_before: Duration::ZERO,
            failing: None,
            last_stored: None,
            unavailable: false,
            pending: false,
        }
    }

    /// Whether to look at the stream now. Then one call of [`Self::looked`] is due.
    pub(crate) fn begin_look(&mut self, now: Duration) -> bool {
        let due = matches!(self.state, State::Unknown { look_at } if look_at <= now);
        if due {
            self.state = State::Looking;
        }
        due
    }

    pub(crate) fn looked(
        &mut self,
        found: Result<StreamStatus, Failure>,
        now: Duration,
        jitter: &mut Jitter,
        told: &mut Told,
    ) {
        self.pending = matches!(found, Ok(StreamStatus::Pending(_)));
        let pause = match found {
            Ok(StreamStatus::Usable { warning }) => {
                told.warning(Topic::Stream, warning, now);
                self.state = State::Usable;
                self.look_backoff.reset();
                self.pending_pause = PENDING_PAUSE.0;
                // After requests failed it takes one that does not.
                self.unavailable &= self.failing.is_some();
                return;
            }
            Ok(StreamStatus::Pending(state)) => {
                self.unavailable = true;
                told.stream_pending(state, now);
                self.look_backoff.reset();
                let pause = self.pending_pause;
                self.pending_pause = (pause * 3 / 2).min(PENDING_PAUSE.1);
                pause
            }
            Err(Failure { message, hint, .. }) => {
                self.unavailable = true;
                told.stream_unavailable(message, hint, now);
                self.look_backoff.fail(jitter)
            }
        };
        self.state = State::Unknown { look_at: now.saturating_add(pause) };
    }

    /// The stream is not there any more. Whether that is news.
    pub(crate) fn gone(&mut self, now: Duration) -> bool {
        let news = self.state == State::Usable;
        if news {
            self.state = State::Unknown { look_at: now };
            self.unavailable = true;
        }
        news
    }

    /// It is there, as far as known.
    pub(crate) fn is_usable(&self) -> bool {
        self.state == State::Usable
    }

    /// Requests can be sent.
    pub(crate) fn is_open(&self, now: Duration) -> bool {
        self.is_usable() && self.not_before <= now
    }

    /// When the last record was stored.
    pub(crate) fn last_stored(&self) -> Option<Duration> {
        self.last_stored
    }

    /// It takes nothing, and not only for a moment.
    pub(crate) fn is_unavailable(&self) -> bool {
        self.unavailable
    }

    /// It takes nothing, and nobody knows when it will.
    pub(crate) fn fails(&self) -> bool {
        self.unavailable && !self.pending
    }

    /// It is there, and the last requests stored something.
    pub(crate) fn works(&self) -> bool {
        self.is_usable() && self.failing.is_none()
    }

    pub(crate) fn send(&self, now: Duration) -> Sent {
        Sent { at: now, round: self.round }
    }

    /// A request stored something.
    pub(crate) fn stored(&mut self, now: Duration) {
        self.put_backoff.reset();
        self.failing = None;
        self.unavailable = false;
        self.last_stored = Some(now);
    }

    /// Records of a request are to be sent again: pauses.
    pub(crate) fn pause(&mut self, sent: Sent, now: Duration, jitter: &mut Jitter) {
        if sent.round == self.round {
            self.round += 1;
            self.not_before = now.saturating_add(self.put_backoff.fail(jitter));
        }
    }

    /// A request stored nothing that it should have: pauses. Whether the stream counts as unavailable now.
    pub(crate) fn failed(&mut self, sent: Sent, now: Duration, jitter: &mut Jitter) -> bool {
        // That a request took long says nothing if others were stored meanwhile.
        let since = if self.last_stored.is_some_and(|stored| stored > sent.at) { now } else { sent.at };
        let mut failing = self.failing.unwrap_or(Failing { rounds: 0, since });
        failing.since = failing.since.min(since);
        failing.rounds = failing.rounds.saturating_add(u32::from(sent.round == self.round));
        self.failing = Some(failing);
        self.pause(sent, now, jitter);
        let lasts = failing.rounds >= UNAVAILABLE_AFTER_ROUNDS
            || now.saturating_sub(failing.since) >= UNAVAILABLE_AFTER;
        self.unavailable |= lasts;
        lasts
    }

    /// When something is to be done again here.
    pub(crate) fn deadline(&self, now: Duration) -> Option<Duration> {
        match self.state {
            State::Unknown { look_at } => Some(look_at),
            State::Usable if self.not_before > now => Some(self.not_before),
            State::Looking | State::Usable => None,
        }
    }
}
