//! What does not add up, and since when: some of it settles, since records overtake one another.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::alarm::{Finding, Kind};
use crate::verify::{self, Problem};

/// What became of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is an alarm at this time.
    Due(Duration),
    Told,
}

/// The problems of the last judgement.
#[derive(Debug)]
pub(crate) struct Suspicions {
    settle: Duration,
    /// Not all of the stream is read as far as the rest: nothing settles.
    is_held: bool,
    known: HashMap<Problem, State>,
}

impl Suspicions {
    pub(crate) fn new(settle: Duration) -> Self {
        Self { settle, is_held: false, known: HashMap::new() }
    }

    /// What is wrong now. Returned is what was told and is right after all.
    pub(crate) fn judged(&mut self, now: Duration, found: HashSet<Problem>) -> Vec<Problem> {
        let settled =
            self.known.iter().filter(|(problem, state)| **state == State::Told && !found.contains(*problem));
        let settled = settled.map(|(problem, _)| problem.clone()).collect();
        self.known.retain(|problem, _| found.contains(problem));
        for problem in found {
            if let Some((_, patience)) = alarm_of(problem.kind, self.settle) {
                self.known.entry(problem).or_insert(State::Due(now + patience));
            }
        }
        settled
    }

    /// Whether what is missing may stand in a part of the stream that is not read yet. When that is over, it has its time to settle.
    pub(crate) fn hold(&mut self, now: Duration, is_held: bool) {
        if self.is_held && !is_held {
            let settled = now + self.settle;
            for (problem, state) in &mut self.known {
                let can_settle =
                    alarm_of(problem.kind, self.settle).is_some_and(|(_, patience)| !patience.is_zero());
                if let State::Due(at) = state
                    && can_settle
                {
                    *at = (*at).max(settled);
                }
            }
        }
        self.is_held = is_held;
    }

    /// What is an alarm by now, each once.
    pub(crate) fn due(&mut self, now: Duration) -> Vec<(Kind, Finding)> {
        let mut due = Vec::new();
        for (problem, state) in &mut self.known {
            let is_due = matches!(state, State::Due(at) if *at <= now);
            let is_alarm = |(_, patience): &(Kind, Duration)| is_due && (patience.is_zero() || !self.is_held);
            if let Some((kind, _)) = alarm_of(problem.kind, self.settle).filter(is_alarm) {
                *state = State::Told;
                let mut finding = Finding::new(&problem.text);
                finding.epoch.clone_from(&problem.epoch);
                finding.sequence = problem.missing.map(|range| range.first);
                due.push((kind, finding));
            }
        }
        due.sort_by(|(_, one), (_, other)| (&one.epoch, one.sequence).cmp(&(&other.epoch, other.sequence)));
        due
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Duration> {
        let due = self.known.iter().filter_map(|(problem, state)| match state {
            State::Due(at) => {
                let (_, patience) = alarm_of(problem.kind, self.settle)?;
                (patience.is_zero() || !self.is_held).then_some(*at)
            }
            State::Told => None,
        });
        due.min()
    }
}

/// The alarm that a problem is, and how long it may take to settle. `None` for what is none.
fn alarm_of(kind: verify::Kind, settle: Duration) -> Option<(Kind, Duration)> {
    use verify::Kind as Of;
    let at_once = Duration::ZERO;
    match kind {
        Of::Gap | Of::LossExceeded => Some((Kind::Missing, settle)),
        Of::BrokenLink | Of::Conflict | Of::NotCompared | Of::MalformedEvent => Some((Kind::Chain, at_once)),
        Of::PreviousMissing | Of::UncleanEndNotTold => Some((Kind::Epoch, settle)),
        Of::StartContradiction | Of::Circle | Of::TwoSuccessors | Of::EndDiffers => {
            Some((Kind::Epoch, at_once))
        }
        Of::TooMuch => Some((Kind::Limit, at_once)),
        // A watch begins in the middle; unreadable records and losses are told as they come.
        Of::Nothing | Of::TrimmedStart | Of::Unreadable | Of::OpenWindow | Of::Loss => None,
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn problem(kind: verify::Kind, text: &str) -> Problem {
        Problem { kind, epoch: None, text: text.into(), missing: None }
    }

    fn told(suspicions: &mut Suspicions, now: u64) -> Vec<(Kind, String)> {
        let due = suspicions.due(Duration::from_secs(now)).into_iter();
        due.map(|(kind, finding)| (kind, finding.text)).collect()
    }

    #[test]
    fn a_gap_has_time_to_settle_and_a_broken_chain_has_none() {
        let mut suspicions = Suspicions::new(Duration::from_secs(10));
        let (gap, broken) = (problem(verify::Kind::Gap, "gap"), problem(verify::Kind::BrokenLink, "broken"));
        suspicions.judged(Duration::from_secs(1), HashSet::from([gap.clone(), broken.clone()]));
        assert_eq!(told(&mut suspicions, 1), [(Kind::Chain, "broken".into())]);
        assert_eq!(suspicions.next(), Some(Duration::from_secs(11)));
        suspicions.judged(Duration::from_secs(5), HashSet::from([gap.clone(), broken.clone()]));
        assert_eq!(told(&mut suspicions, 10), []);
        assert_eq!(told(&mut suspicions, 11), [(Kind::Missing, "gap".into())]);
        assert_eq!((told(&mut suspicions, 99), suspicions.next()), (vec![], None));
        let settled = suspicions.judged(Duration::from_secs(100), HashSet::from([broken]));
        assert_eq!(settled, [gap]);
    }

    #[test]
    fn nothing_settles_while_a_part_of_the_stream_is_not_read() {
        let mut suspicions = Suspicions::new(Duration::from_secs(10));
        suspicions.hold(Duration::ZERO, true);
        let found = [problem(verify::Kind::Gap, "gap"), problem(verify::Kind::BrokenLink, "broken")];
        suspicions.judged(Duration::from_secs(1), HashSet::from(found));
        assert_eq!(told(&mut suspicions, 50), [(Kind::Chain, "broken".into())]);
        assert_eq!(suspicions.next(), None);
        suspicions.hold(Duration::from_secs(60), false);
        assert_eq!(suspicions.next(), Some(Duration::from_secs(70)));
        assert_eq!(told(&mut suspicions, 69), []);
        assert_eq!(told(&mut suspicions, 70), [(Kind::Missing, "gap".into())]);
    }

    #[test]
    fn a_gap_that_is_filled_in_time_is_never_told() {
        let mut suspicions = Suspicions::new(Duration::from_secs(10));
        suspicions.judged(Duration::from_secs(1), HashSet::from([problem(verify::Kind::Gap, "gap")]));
        assert_eq!(suspicions.judged(Duration::from_secs(9), HashSet::new()), []);
        assert_eq!(told(&mut suspicions, 50), []);
    }

    #[test]
    fn what_a_watch_cannot_know_is_none_of_its_alarms() {
        let mut suspicions = Suspicions::new(Duration::ZERO);
        let found = [verify::Kind::TrimmedStart, verify::Kind::Nothing, verify::Kind::OpenWindow];
        suspicions.judged(Duration::ZERO, found.into_iter().map(|kind| problem(kind, "")).collect());
        assert_eq!((told(&mut suspicions, 9), suspicions.next()), (vec![], None));
    }
}
