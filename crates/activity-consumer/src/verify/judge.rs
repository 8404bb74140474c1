//! The verdict: what all that was read proves, and what is not accounted for.

use std::collections::BTreeMap;

use activity_seal::Chain;

use super::epoch::Epoch;
use super::findings::{Listed, Range};
use super::gaps::{Accounts, exceeded, gaps, joined};
use super::lineage::{Lineage, previous};
use super::report::{End, EpochReport, Gap, Kind, Losses, Problem, Report, WindowReport};
use super::told::{Lost, Previous};
use super::verifier::Verifier;
use super::windows::LostAmong;

/// What is accepted, or is not, by the user's wish.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accept {
    /// The beginning of the first epoch, and what came before, is not in the input.
    pub(crate) trimmed_start: bool,
    /// The epoch that is still running has losses that have not ended.
    pub(crate) open_window: bool,
    /// Losses that the stream tells are not.
    pub(crate) no_loss: bool,
}

/// Judges.
pub(crate) fn judge(verifier: &Verifier, accept: Accept) -> Report {
    judge_and_hear(verifier, accept, &mut |_| {})
}

/// Judges; every problem is heard, also those beyond what a report lists.
pub(crate) fn judge_and_hear(verifier: &Verifier, accept: Accept, hear: &mut dyn FnMut(&Problem)) -> Report {
    let lineage = Lineage::of(verifier);
    let lost = verifier.windows.lost_by_epoch();
    let mut judge =
        Judge { verifier, lineage, lost, accept, hear, problems: Listed::default(), ends: BTreeMap::new() };
    judge.input();
    let epochs = judge.epochs();
    let (windows, losses) = judge.windows();
    Report {
        accounted: judge.problems.is_empty(),
        records: verifier.records,
        heartbeats: verifier.heartbeats,
        unreadable: verifier.unreadable.clone(),
        events: epochs.iter().map(|epoch| epoch.events).sum(),
        duplicates: epochs.iter().map(|epoch| epoch.duplicates).sum(),
        epochs,
        windows,
        losses,
        problems: judge.problems,
    }
}

struct Judge<'a> {
    verifier: &'a Verifier,
    lineage: Lineage,
    lost: BTreeMap<&'a str, Vec<LostAmong>>,
    accept: Accept,
    hear: &'a mut dyn FnMut(&Problem),
    problems: Listed<Problem>,
    ends: BTreeMap<usize, End>,
}

impl<'a> Judge<'a> {
    fn problem(&mut self, kind: Kind, epoch: Option<&Epoch>, text: String) {
        self.add(Problem { kind, epoch: epoch.map(|epoch| epoch.name.clone()), text, missing: None });
    }

    fn add(&mut self, problem: Problem) {
        (self.hear)(&problem);
        self.problems.add(problem);
    }

    fn input(&mut self) {
        if self.verifier.epochs.is_empty() {
            self.problem(Kind::Nothing, None, "no event was found: nothing is proven".into());
        }
        let unreadable = self.verifier.unreadable.count;
        if unreadable > 0 {
            self.problem(Kind::Unreadable, None, format!("records that cannot be read: {unreadable}"));
        }
        if self.verifier.has_overflowed || self.verifier.windows.has_overflowed() {
            let text =
                "the input has more epochs, holes or losses than are kept: it was not checked as a whole";
            self.problem(Kind::TooMuch, None, text.into());
        }
    }

    /// The reports of all epochs, in order of time.
    fn epochs(&mut self) -> Vec<EpochReport> {
        let verifier = self.verifier;
        let mut order: Vec<(usize, &Epoch)> = verifier.epochs.iter().enumerate().collect();
        order.sort_by_key(|(_, epoch)| (&epoch.logged, &epoch.name));
        order.into_iter().map(|(index, epoch)| self.epoch(index, epoch)).collect()
    }

    fn epoch(&mut self, index: usize, epoch: &'a Epoch) -> EpochReport {
        self.beginning(index, epoch);
        let named = self.named_end(index, epoch);
        let end = match named {
            Some(previous) if !previous.clean => End::Unclean,
            _ if epoch.stop == Some(epoch.last()) => End::Stop,
            Some(_) => End::Clean,
            None => End::Open,
        };
        self.ends.insert(index, end);
        let gaps = self.gaps(index, epoch, named);
        let broken_links = epoch.runs.broken_links(Chain::begin(&epoch.name));
        for at in &broken_links {
            let text = format!("the chain is broken before event {at}");
            self.problem(Kind::BrokenLink, Some(epoch), text);
        }
        self.events(epoch);
        EpochReport {
            epoch: epoch.name.clone(),
            instance: epoch.instance.clone(),
            previous: previous(self.verifier, index).map(|previous| previous.epoch.clone()),
            events: epoch.runs.events(),
            first_sequence: epoch.first(),
            last_sequence: epoch.last(),
            duplicates: epoch.duplicates,
            gaps: gaps.into_iter().collect(),
            broken_links: broken_links.into_iter().collect(),
            conflicts: epoch.conflicts.clone(),
            not_compared: epoch.uncompared.clone(),
            end,
        }
    }

    /// Where the epoch begins, and what it follows.
    fn beginning(&mut self, index: usize, epoch: &Epoch) {
        if epoch.contradicts_its_start {
            let text = "STREAM START is told in two ways, or of another epoch".into();
            self.problem(Kind::StartContradiction, Some(epoch), text);
        }
        if self.lineage.circling.contains(&index) {
            let text = "the epochs before it name each other in a circle".into();
            self.problem(Kind::Circle, Some(epoch), text);
        }
        let follows = match epoch.start.as_ref().map(|start| &start.previous) {
            None => "what came before is not told (no STREAM START)".to_owned(),
            Some(None) => "it says that there is none before it".to_owned(),
            Some(Some(previous)) => format!("the epoch before it, {}, is not in the input", previous.epoch),
        };
        // One that ended so soon that nothing of it is known to be delivered may have left nothing.
        let left_nothing = epoch
            .start
            .as_ref()
            .and_then(|start| start.previous.as_ref())
            .is_some_and(|previous| previous.last_sequence == 0 && !previous.clean)
            && self.verifier.tells_unclean_stop(&epoch.name);
        if self.lineage.strays.contains(&index) && !left_nothing {
            let text = format!("{follows}, and others are earlier");
            self.problem(Kind::PreviousMissing, Some(epoch), text);
        }
        let is_the_very_first =
            epoch.first() == 1 && epoch.start.as_ref().is_some_and(|start| start.previous.is_none());
        if self.lineage.firsts.contains(&index) && !is_the_very_first && !self.accept.trimmed_start {
            let begins = epoch.first();
            let text = format!("it begins at event {begins}; {follows}: --allow-trimmed-start accepts that");
            self.problem(Kind::TrimmedStart, Some(epoch), text);
        }
    }

    /// The end that the next epoch names, checked.
    fn named_end(&mut self, index: usize, epoch: &Epoch) -> Option<&'a Previous> {
        let next = self.lineage.successor(index)?;
        if self.lineage.successors.get(&index).is_some_and(|successors| successors.len() > 1) {
            let text = "two epochs name it as the one before".into();
            self.problem(Kind::TwoSuccessors, Some(epoch), text);
        }
        let named = previous(self.verifier, next)?;
        if named.clean && epoch.last() > named.last_sequence {
            let (last, end) = (epoch.last(), named.last_sequence);
            let text = format!("it goes on to event {last}, and the next epoch says that it ended at {end}");
            self.problem(Kind::EndDiffers, Some(epoch), text);
        }
        let at = named.last_sequence;
        match self.verifier.holds(next) {
            Some(true) => {}
            Some(false) => {
                let text = format!("the chain after event {at} is not the one that the next epoch names");
                self.problem(Kind::EndDiffers, Some(epoch), text);
            }
            None if epoch.runs.find(at).is_some() => {
                let text = format!("the next epoch names the chain after event {at} too late to compare it");
                self.problem(Kind::NotCompared, Some(epoch), text);
            }
            // Then it is in a gap, which is judged as such.
            None => {}
        }
        let epochs = &self.verifier.epochs;
        let is_told = epochs.get(next).is_some_and(|next| self.verifier.tells_unclean_stop(&next.name));
        if !named.clean && !is_told {
            let text = "it ended unclean, and the next epoch did not tell the loss (\"unclean stop\")".into();
            self.problem(Kind::UncleanEndNotTold, Some(epoch), text);
        }
        Some(named)
    }

    fn gaps(&mut self, index: usize, epoch: &Epoch, named: Option<&Previous>) -> Vec<Gap> {
        let accounts = Accounts {
            lost: self.lost.get(&*epoch.name).map(|lost| joined(lost)).unwrap_or_default(),
            unclean_above: named.filter(|named| !named.clean).map(|named| named.last_sequence),
            // Without the flag that is one problem, told already.
            trimmed: self.lineage.firsts.contains(&index),
            last: named.map_or(0, |named| named.last_sequence),
        };
        let gaps = gaps(epoch, &accounts);
        for gap in gaps.iter().filter(|gap| gap.accounted_by.is_none()) {
            let text = format!("missing, and nothing accounts for it: {}", gap.range);
            let (kind, missing) = (Kind::Gap, Some(gap.range));
            self.add(Problem { kind, epoch: Some(epoch.name.clone()), text, missing });
        }
        for (LostAmong { first, last, .. }, missing) in exceeded(epoch, &accounts, &gaps) {
            let range = Range { first, last };
            let text = format!("more is missing than the stream tells as lost among {range}: {missing}");
            self.problem(Kind::LossExceeded, Some(epoch), text);
        }
        gaps
    }

    /// What was found out about single events.
    fn events(&mut self, epoch: &Epoch) {
        for (kind, ranges, text) in [
            (Kind::Conflict, &epoch.conflicts, "came twice and not the same, or in another chain: "),
            (Kind::NotCompared, &epoch.uncompared, "came again too late to be compared: "),
            (Kind::MalformedEvent, &epoch.malformed, "an event of the stream itself that makes no sense: "),
        ] {
            for range in &ranges.list {
                self.problem(kind, Some(epoch), format!("{text}{range}"));
            }
            let (count, listed) = (ranges.count, ranges.list.len() as u64);
            if count > listed {
                self.problem(kind, Some(epoch), format!("{text}{} more", count - listed));
            }
        }
    }

    fn windows(&mut self) -> (Vec<WindowReport>, Losses) {
        let (mut reports, mut losses) = (Vec::new(), Losses::default());
        for (id, window) in self.verifier.windows.iter() {
            let to = window.end.as_ref().map(|end| end.to.clone());
            let count = window.end.as_ref().map_or(Lost::Unknown, |end| end.lost);
            if to.is_none() {
                self.open_window(id, window.told_in);
            } else {
                losses.windows += 1;
                match count {
                    Lost::Known(events) => losses.events = losses.events.saturating_add(events),
                    Lost::Unknown => losses.unknown += 1,
                }
            }
            let (reason, from) = (window.reason.clone(), window.from.clone());
            reports.push(WindowReport { window: id.clone(), reason, from, to, count });
        }
        // A window can end without a loss, when nothing happened while something could be lost.
        if self.accept.no_loss && (losses.events > 0 || losses.unknown > 0) {
            let text = format!("losses that the stream tells: {} (--fail-on-loss)", losses.windows);
            self.problem(Kind::Loss, None, text);
        }
        (reports, losses)
    }

    fn open_window(&mut self, id: &str, told_in: usize) {
        let is_running = self.ends.get(&told_in) == Some(&End::Open);
        if is_running && self.accept.open_window {
            return;
        }
        let hint =
            if is_running { "; its epoch is still running: --allow-open-window accepts that" } else { "" };
        let text = format!("a loss that has no end: {id}{hint}");
        self.problem(Kind::OpenWindow, self.verifier.epochs.get(told_in), text);
    }
}
