//! Alarms on their way out: of each kind at most one a second, and at most one at a time where a command is run for it. What comes
//! meanwhile is gathered in one alarm with a count. So a flood of one kind neither starts a process for each, nor holds up
//! another kind.

use std::collections::BTreeMap;
use std::time::Duration;

use super::alarm::{Alarm, Finding, Kind};

/// Time between two alarms of a kind.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// One kind.
#[derive(Debug, Default)]
struct Slot {
    waiting: Option<Alarm>,
    not_before: Duration,
    is_running: bool,
}

/// All kinds.
#[derive(Debug, Default)]
pub(crate) struct Outbox(BTreeMap<Kind, Slot>);

impl Outbox {
    /// Something was found.
    pub(crate) fn put(&mut self, kind: Kind, finding: Finding) {
        let slot = self.0.entry(kind).or_default();
        match &mut slot.waiting {
            Some(alarm) => alarm.add(finding),
            None => slot.waiting = Some(Alarm::new(kind, finding)),
        }
    }

    /// The alarms that go out now. Each holds up its kind until [`Outbox::done`].
    pub(crate) fn take(&mut self, now: Duration) -> Vec<Alarm> {
        let ready = self.0.values_mut().filter(|slot| !slot.is_running && slot.not_before <= now);
        let taken = ready.filter_map(|slot| {
            let alarm = slot.waiting.take()?;
            (slot.not_before, slot.is_running) = (now + INTERVAL, true);
            Some(alarm)
        });
        taken.collect()
    }

    /// All that waits, for the end of the program.
    pub(crate) fn take_all(&mut self) -> Vec<Alarm> {
        self.0.values_mut().filter_map(|slot| slot.waiting.take()).collect()
    }

    /// The last alarm of this kind is dealt with.
    pub(crate) fn done(&mut self, kind: Kind) {
        if let Some(slot) = self.0.get_mut(&kind) {
            slot.is_running = false;
        }
    }

    /// When the next alarm goes out.
    pub(crate) fn next(&self) -> Option<Duration> {
        let ready = self.0.values().filter(|slot| slot.waiting.is_some() && !slot.is_running);
        ready.map(|slot| slot.not_before).min()
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn sent(outbox: &mut Outbox, ms: u64) -> Vec<(Kind, u64)> {
        outbox.take(Duration::from_millis(ms)).iter().map(|alarm| (alarm.kind, alarm.count)).collect()
    }

    #[test]
    fn a_flood_of_one_kind_is_one_alarm_a_second_and_delays_no_other() {
        let mut outbox = Outbox::default();
        outbox.put(Kind::Intent, Finding::new("first"));
        assert_eq!(sent(&mut outbox, 0), [(Kind::Intent, 1)], "the first at once");
        outbox.done(Kind::Intent);
        for ms in 1..1_000 {
            outbox.put(Kind::Intent, Finding::new("more"));
            assert_eq!(sent(&mut outbox, ms), []);
        }
        assert_eq!(outbox.next(), Some(INTERVAL));
        outbox.put(Kind::Stop, Finding::new("stop"));
        assert_eq!(sent(&mut outbox, 999), [(Kind::Stop, 1)]);
        assert_eq!(sent(&mut outbox, 1_000), [(Kind::Intent, 999)]);
    }

    #[test]
    fn while_a_command_runs_its_kind_waits() {
        let mut outbox = Outbox::default();
        outbox.put(Kind::Intent, Finding::new("first"));
        assert_eq!(sent(&mut outbox, 0).len(), 1);
        outbox.put(Kind::Intent, Finding::new("second"));
        outbox.put(Kind::Intent, Finding::new("third"));
        assert_eq!((sent(&mut outbox, 60_000), outbox.next()), (vec![], None));
        outbox.done(Kind::Intent);
        assert_eq!(sent(&mut outbox, 60_000), [(Kind::Intent, 2)]);
    }
}
