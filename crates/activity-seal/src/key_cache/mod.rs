//! When a data key is used, replaced and given up: a state machine without clock or I/O.
//!
//! The caller asks [`KeyCache::poll`] before sealing and does what it answers; it tells how its calls to KMS
//! ended by [`KeyCache::generated`] and [`KeyCache::failed`], and what it sealed by [`KeyCache::sealed`]. At most one
//! call is ever wanted at a time.
//!
//! ```text
//!  age or bytes   0 ─────────────── max_age, max_bytes ─────────────── hard_max_age ──►
//!  poll answers     Use              UseAndRefresh once per attempt,      Need, Wait
//!                                    Use while it runs or backs off
//! ```
//!
//! A key that is due for rotation serves on while KMS is out of reach: collection does not stop for it. Beyond the
//! hard limit it is dropped, and zeroized with its last user: records then wait where they are.

use std::sync::Arc;
use std::time::Duration;

use crate::data_key::DataKey;
use crate::limits::MAX_MESSAGES_PER_KEY;

/// How long and how far a data key serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Age at which a new key is asked for.
    pub max_age: Duration,
    /// Plaintext bytes after which a new key is asked for.
    pub max_bytes: u64,
    /// Age at which the key is no longer used even if there is no other; at least `max_age` counts.
    pub hard_max_age: Duration,
}

/// What to do now.
#[derive(Debug, Clone)]
pub enum Decision {
    /// Seal with this key.
    Use(Arc<DataKey>),
    /// Seal with this key, and begin to generate the next one.
    UseAndRefresh(Arc<DataKey>),
    /// There is no key: begin to generate one.
    Need,
    /// There is no key. One is being generated, or the last attempt failed: ask again when it ended, and not
    /// before `until` if that is given.
    Wait {
        /// End of the pause after a failure.
        until: Option<Duration>,
    },
}

/// The key in use.
#[derive(Debug)]
struct Held {
    key: Arc<DataKey>,
    since: Duration,
    bytes: u64,
    messages: u64,
    /// The source of keys was changed: due whatever its age.
    superseded: bool,
}

/// The attempt to get a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    Idle,
    /// Begun and not ended. `superseded`: its key will come from a source that was changed meanwhile.
    Running {
        superseded: bool,
    },
    /// Failed; not again before `until`.
    Pausing {
        until: Duration,
    },
}

/// Holds one data key. Times are durations since any fixed moment of a monotonic clock.
#[derive(Debug)]
pub struct KeyCache {
    policy: Policy,
    held: Option<Held>,
    attempt: Attempt,
}

impl KeyCache {
    /// An empty cache.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy, held: None, attempt: Attempt::Idle }
    }

    /// Which key to seal with at `now`, and whether to begin generating one.
    ///
    /// After [`Decision::UseAndRefresh`] and [`Decision::Need`] exactly one call of [`Self::generated`] or
    /// [`Self::failed`] is due.
    pub fn poll(&mut self, now: Duration) -> Decision {
        let policy = self.policy;
        self.held.take_if(|held| held.is_spent(&policy, now));
        let Some((key, due)) =
            self.held.as_ref().map(|held| (Arc::clone(&held.key), held.is_due(&policy, now)))
        else {
            return if self.begin(now) { Decision::Need } else { Decision::Wait { until: self.pause_end() } };
        };
        if due && self.begin(now) { Decision::UseAndRefresh(key) } else { Decision::Use(key) }
    }

    /// The attempt gave `key`.
    pub fn generated(&mut self, key: DataKey, now: Duration) {
        let superseded = self.attempt == Attempt::Running { superseded: true };
        self.held = Some(Held { key: Arc::new(key), since: now, bytes: 0, messages: 0, superseded });
        self.attempt = Attempt::Idle;
    }

    /// The attempt failed; the next one begins no sooner than `pause` from `now`.
    pub fn failed(&mut self, now: Duration, pause: Duration) {
        self.attempt = Attempt::Pausing { until: now.saturating_add(pause) };
    }

    /// One record of `bytes` inner JSON was sealed with the key of the last decision.
    pub fn sealed(&mut self, bytes: usize) {
        if let Some(held) = &mut self.held {
            held.bytes = held.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
            held.messages = held.messages.saturating_add(1);
        }
    }

    /// Another policy from now on.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Keys come from elsewhere from now on (another KMS key): the one in use is due at once, and so is the one
    /// that is being generated; a pause after a failure ends.
    pub fn source_changed(&mut self) {
        if let Some(held) = &mut self.held {
            held.superseded = true;
        }
        self.attempt = match self.attempt {
            Attempt::Running { .. } => Attempt::Running { superseded: true },
            Attempt::Idle | Attempt::Pausing { .. } => Attempt::Idle,
        };
    }

    /// Age of the key in use, if there is one.
    #[must_use]
    pub fn age(&self, now: Duration) -> Option<Duration> {
        self.held.as_ref().map(|held| now.saturating_sub(held.since))
    }

    /// Marks an attempt as begun, if none runs and no pause is on.
    fn begin(&mut self, now: Duration) -> bool {
        let may = match self.attempt {
            Attempt::Idle => true,
            Attempt::Running { .. } => false,
            Attempt::Pausing { until } => now >= until,
        };
        if may {
            self.attempt = Attempt::Running { superseded: false };
        }
        may
    }

    fn pause_end(&self) -> Option<Duration> {
        match self.attempt {
            Attempt::Pausing { until } => Some(until),
            Attempt::Idle | Attempt::Running { .. } => None,
        }
    }
}

impl Held {
    fn is_due(&self, policy: &Policy, now: Duration) -> bool {
        self.superseded
            || now.saturating_sub(self.since) >= policy.max_age
            || self.bytes >= policy.max_bytes
            || self.messages >= MAX_MESSAGES_PER_KEY / 2
    }

    fn is_spent(&self, policy: &Policy, now: Duration) -> bool {
        now.saturating_sub(self.since) >= policy.hard_max_age.max(policy.max_age)
            || self.messages >= MAX_MESSAGES_PER_KEY
    }
}

#[cfg(test)]
mod tests;
