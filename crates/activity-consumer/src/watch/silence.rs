//! Who was heard when: each instance that writes to the stream, and the stream as a whole until there is one.
//!
//! A primary and its standbys share a stream, and each sends its own heartbeats: one that is alive must not hide
//! that another is not.

use std::collections::BTreeMap;
use std::time::Duration;

/// Most instances that are watched.
pub(crate) const MAX_INSTANCES: usize = 1024;

/// When an instance was heard last.
#[derive(Debug, Clone, Copy)]
struct Heard {
    at: Duration,
    is_told: bool,
}

/// Who is silent, and for how long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Silent {
    /// `None` where nobody was heard since the watch began.
    pub(crate) instance: Option<String>,
    pub(crate) since: Duration,
}

/// All instances.
#[derive(Debug)]
pub(crate) struct Silence {
    limit: Duration,
    nobody: Heard,
    instances: BTreeMap<String, Heard>,
}

/// What hearing an instance means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Nothing new.
    Alive,
    /// It was told as silent, and is back after so long.
    Back(Duration),
    /// It is one more than are watched.
    TooMany,
}

impl Silence {
    /// From now on, which is 0.
    pub(crate) fn new(limit: Duration) -> Self {
        let nobody = Heard { at: Duration::ZERO, is_told: false };
        Self { limit, nobody, instances: BTreeMap::new() }
    }

    /// A sign of life.
    pub(crate) fn heard(&mut self, instance: &str, now: Duration) -> Sign {
        let heard = Heard { at: now, is_told: false };
        let is_full = self.instances.len() >= MAX_INSTANCES;
        let before = match self.instances.get_mut(instance) {
            Some(before) => std::mem::replace(before, heard),
            None if is_full => return Sign::TooMany,
            None => {
                let before = std::mem::replace(&mut self.nobody, heard);
                self.instances.insert(instance.to_owned(), heard);
                before
            }
        };
        if before.is_told { Sign::Back(now.saturating_sub(before.at)) } else { Sign::Alive }
    }

    /// Who has been silent for too long by now, each once.
    pub(crate) fn due(&mut self, now: Duration) -> Vec<Silent> {
        let limit = self.limit;
        let is_due = |heard: &mut Heard| {
            let is_due = !heard.is_told && heard.at + limit <= now;
            heard.is_told |= is_due;
            is_due
        };
        if self.instances.is_empty() {
            let since = self.nobody.at;
            return if is_due(&mut self.nobody) {
                vec![Silent { instance: None, since }]
            } else {
                Vec::new()
            };
        }
        let silent = self.instances.iter_mut().filter_map(|(instance, heard)| {
            is_due(heard).then(|| Silent { instance: Some(instance.clone()), since: heard.at })
        });
        silent.collect()
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Duration> {
        let nobody = self.instances.is_empty().then_some(&self.nobody);
        let all = self.instances.values().chain(nobody);
        all.filter(|heard| !heard.is_told).map(|heard| heard.at + self.limit).min()
    }
}

#[cfg(test)]
mod test {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn silent(silence: &mut Silence, now: u64) -> Vec<(Option<String>, u64)> {
        silence.due(s(now)).into_iter().map(|silent| (silent.instance, silent.since.as_secs())).collect()
    }

    #[test]
    fn nobody_heard_since_the_beginning_is_told_once() {
        let mut silence = Silence::new(s(10));
        assert_eq!((silence.next(), silent(&mut silence, 9)), (Some(s(10)), vec![]));
        assert_eq!(silent(&mut silence, 10), [(None, 0)]);
        assert_eq!((silence.next(), silent(&mut silence, 30)), (None, vec![]));
        assert_eq!(silence.heard("a", s(40)), Sign::Back(s(40)));
        assert_eq!(silence.next(), Some(s(50)));
    }

    #[test]
    fn one_instance_that_is_alive_does_not_hide_another() {
        let mut silence = Silence::new(s(10));
        assert_eq!(silence.heard("a", s(1)), Sign::Alive);
        assert_eq!(silence.heard("b", s(1)), Sign::Alive);
        assert_eq!(silence.heard("a", s(9)), Sign::Alive);
        assert_eq!(silent(&mut silence, 11), [(Some("b".into()), 1)]);
        assert_eq!(silence.heard("b", s(31)), Sign::Back(s(30)));
        assert_eq!(silent(&mut silence, 41), [(Some("a".into()), 9), (Some("b".into()), 31)]);
    }

    #[test]
    fn more_instances_than_are_watched_are_noticed() {
        let mut silence = Silence::new(s(10));
        for number in 0..MAX_INSTANCES {
            assert_eq!(silence.heard(&number.to_string(), s(1)), Sign::Alive);
        }
        assert_eq!(silence.heard("one more", s(1)), Sign::TooMany);
        assert_eq!(silence.heard("7", s(1)), Sign::Alive);
    }
}
