//! The data key: when one is asked for, and whether one may be used.

use std::sync::Arc;
use std::time::Duration;

use activity_seal::DataKey;
use activity_seal::key_cache::{Decision, KeyCache, Policy};

use super::backoff::{Backoff, Jitter};
use super::told::{Told, Topic};
use crate::limits::{KEY_GRACE, KEY_MAX_BYTES, KEY_PAUSE};
use crate::ports::Failure;

/// A key cache, and where its keys come from.
#[derive(Debug)]
pub(crate) struct KeyKeeper {
    cache: KeyCache,
    policy: Policy,
    /// Counts the sources: an answer of a former one is not used.
    source: u64,
    backoff: Backoff,
    /// End of the pause after a failure, while there is no key.
    pause_end: Option<Duration>,
}

/// What there is, and whether to begin getting a key from the source of that number.
pub(crate) struct Keys {
    pub(crate) key: Option<Arc<DataKey>>,
    pub(crate) generate: Option<u64>,
}

impl KeyKeeper {
    pub(crate) fn new(max_age: Duration) -> Self {
        let policy = policy(max_age);
        Self {
            cache: KeyCache::new(policy),
            policy,
            source: 0,
            backoff: Backoff::new(KEY_PAUSE),
            pause_end: None,
        }
    }

    pub(crate) fn poll(&mut self, now: Duration) -> Keys {
        self.pause_end = None;
        match self.cache.poll(now) {
            Decision::Use(key) => Keys { key: Some(key), generate: None },
            Decision::UseAndRefresh(key) => Keys { key: Some(key), generate: Some(self.source) },
            Decision::Need => Keys { key: None, generate: Some(self.source) },
            Decision::Wait { until } => {
                self.pause_end = until;
                Keys { key: None, generate: None }
            }
        }
    }

    /// How asking the source of that number ended.
    pub(crate) fn generated(
        &mut self,
        source: u64,
        answer: Result<DataKey, Failure>,
        now: Duration,
        jitter: &mut Jitter,
        told: &mut Told,
    ) {
        if source != self.source {
            return;
        }
        match answer {
            Ok(key) => {
                self.cache.generated(key, now);
                self.backoff.reset();
                told.key_available();
            }
            Err(Failure { message, hint, .. }) => {
                self.cache.failed(now, self.backoff.fail(jitter));
                if self.is_usable(now) {
                    let warning =
                        format!("no new data key could be had, the one in use serves on: {message}");
                    told.warning(Topic::Key, Some(warning), now);
                } else {
                    told.key_unavailable(message, hint, now);
                }
            }
        }
    }

    /// A record of that much plaintext was sealed.
    pub(crate) fn sealed(&mut self, bytes: usize) {
        self.cache.sealed(bytes);
    }

    pub(crate) fn set_max_age(&mut self, max_age: Duration) {
        self.policy = policy(max_age);
        self.cache.set_policy(self.policy);
    }

    /// Keys come from elsewhere: drops the one in use.
    pub(crate) fn source_changed(&mut self) {
        self.cache = KeyCache::new(self.policy);
        self.source += 1;
        self.backoff.reset();
        self.pause_end = None;
    }

    pub(crate) fn is_usable(&self, now: Duration) -> bool {
        self.cache.age(now).is_some_and(|age| age < self.policy.hard_max_age)
    }

    pub(crate) fn age(&self, now: Duration) -> Option<Duration> {
        self.cache.age(now)
    }

    pub(crate) fn pause_end(&self) -> Option<Duration> {
        self.pause_end
    }
}

fn policy(max_age: Duration) -> Policy {
    Policy { max_age, max_bytes: KEY_MAX_BYTES, hard_max_age: max_age.saturating_add(KEY_GRACE) }
}
