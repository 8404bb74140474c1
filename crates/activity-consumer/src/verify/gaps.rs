//! The numbers of an epoch that are not there, each with what accounts for it.
//!
//! A loss tells the lowest and the highest number that was lost, and how many were. Between them may be events that are
//! there: so the missing ones are counted, and must not be more than the loss tells.

use super::epoch::Epoch;
use super::findings::Range;
use super::report::{Account, Gap};
use super::told::Lost;
use super::windows::LostAmong;

/// What may account for missing events of an epoch.
pub(crate) struct Accounts {
    /// Numbers that were told as lost, in order, those that overlap or touch made one.
    pub(crate) lost: Vec<LostAmong>,
    /// Events above this number may have been under way at an unclean end.
    pub(crate) unclean_above: Option<u64>,
    /// What lies before the first event that is there need not be.
    pub(crate) trimmed: bool,
    /// The last number that the epoch is known to have had.
    pub(crate) last: u64,
}

/// All gaps from 1 to the last number, in order.
pub(crate) fn gaps(epoch: &Epoch, accounts: &Accounts) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for (first, last) in epoch.runs.holes(1, accounts.last.max(epoch.last())) {
        let mut next = first;
        let from = accounts.lost.partition_point(|lost| lost.last < first);
        for lost in accounts.lost.iter().skip(from).take_while(|lost| lost.first <= last) {
            if lost.first > next {
                rest(epoch, accounts, next, lost.first - 1, &mut gaps);
            }
            let range = Range { first: next.max(lost.first), last: last.min(lost.last) };
            gaps.push(Gap { range, accounted_by: Some(Account::Window) });
            next = range.last.saturating_add(1);
        }
        if next <= last {
            rest(epoch, accounts, next, last, &mut gaps);
        }
    }
    gaps
}

/// Losses that overlap or touch made one; given in order.
pub(crate) fn joined(losses: &[LostAmong]) -> Vec<LostAmong> {
    let mut joined: Vec<LostAmong> = Vec::new();
    for loss in losses {
        match joined.last_mut() {
            Some(before) if loss.first <= before.last.saturating_add(1) => {
                before.last = before.last.max(loss.last);
                before.lost = match (before.lost, loss.lost) {
                    (Lost::Known(one), Lost::Known(two)) => Lost::Known(one.saturating_add(two)),
                    _ => Lost::Unknown,
                };
            }
            _ => joined.push(*loss),
        }
    }
    joined
}

/// The losses that tell fewer events than are missing among their numbers, and how many those are.
pub(crate) fn exceeded(epoch: &Epoch, accounts: &Accounts, gaps: &[Gap]) -> Vec<(LostAmong, u64)> {
    // What is missing for another reason, too, counts for that one.
    let lowest = if accounts.trimmed { epoch.first() } else { 1 };
    let highest = accounts.unclean_above.unwrap_or(u64::MAX);
    let missing = |loss: &LostAmong| {
        let (first, last) = (loss.first.max(lowest), loss.last.min(highest));
        let from = gaps.partition_point(|gap| gap.range.last < first);
        let within = gaps.iter().skip(from).take_while(|gap| gap.range.first <= last);
        let events = within.map(|gap| gap.range.last.min(last) - gap.range.first.max(first) + 1);
        events.fold(0, u64::saturating_add)
    };
    let counted = accounts.lost.iter().map(|loss| (*loss, missing(loss)));
    counted.filter(|(loss, missing)| matches!(loss.lost, Lost::Known(lost) if lost < *missing)).collect()
}

/// A gap that no loss covers.
fn rest(epoch: &Epoch, accounts: &Accounts, first: u64, last: u64, gaps: &mut Vec<Gap>) {
    let mut push = |first, last, accounted_by| gaps.push(Gap { range: Range { first, last }, accounted_by });
    if accounts.trimmed && last < epoch.first() {
        return push(first, last, Some(Account::TrimmedStart));
    }
    let Some(above) = accounts.unclean_above.filter(|above| *above < last) else {
        return push(first, last, None);
    };
    if first <= above {
        push(first, above, None);
    }
    push(first.max(above.saturating_add(1)), last, Some(Account::UncleanEnd));
}

#[cfg(test)]
mod test {
    use activity_seal::Chain;

    use super::super::runs::Run;
    use super::*;

    fn epoch() -> Epoch {
        let mut epoch = Epoch::new("e", "i");
        for (first, last) in [(11, 20), (31, 40), (51, 60)] {
            let chain = Chain::begin("x");
            epoch.runs.add(Run { first, last, before: chain, after: Chain::begin("y") });
        }
        epoch
    }

    fn found(accounts: &Accounts) -> Vec<(u64, u64, Option<Account>)> {
        let gaps = gaps(&epoch(), accounts).into_iter();
        gaps.map(|gap| (gap.range.first, gap.range.last, gap.accounted_by)).collect()
    }

    fn lost(losses: &[(u64, u64, Lost)]) -> Vec<LostAmong> {
        let losses = losses.iter().map(|&(first, last, lost)| LostAmong { first, last, lost });
        joined(&losses.collect::<Vec<_>>())
    }

    fn nothing() -> Accounts {
        Accounts { lost: Vec::new(), unclean_above: None, trimmed: false, last: 0 }
    }

    #[test]
    fn each_part_of_a_gap_has_its_own_account() {
        let known = Lost::Known(9);
        let lost = lost(&[(1, 4, known), (22, 25, known), (24, 27, known), (30, 45, known)]);
        let (window, none) = (Some(Account::Window), None);
        assert_eq!(
            found(&Accounts { lost, ..nothing() }),
            [
                (1, 4, window),
                (5, 10, none),
                (21, 21, none),
                (22, 27, window),
                (28, 29, none),
                (30, 30, window),
                (41, 45, window),
                (46, 50, none)
            ]
        );
    }

    #[test]
    fn an_unclean_end_accounts_for_what_is_above_it_and_a_trimmed_start_for_what_is_before_the_first() {
        let accounts = Accounts { unclean_above: Some(25), trimmed: true, ..nothing() };
        let unclean = Some(Account::UncleanEnd);
        assert_eq!(
            found(&accounts),
            [(1, 10, Some(Account::TrimmedStart)), (21, 25, None), (26, 30, unclean), (41, 50, unclean)]
        );
    }

    #[test]
    fn an_end_that_is_named_and_not_there_is_a_gap() {
        let gaps = found(&Accounts { last: 65, ..nothing() });
        assert_eq!(gaps.last(), Some(&(61, 65, None)));
    }

    #[test]
    fn a_loss_accounts_for_no_more_events_than_it_tells() {
        let exceeded = |losses: &[(u64, u64, Lost)], trimmed, unclean_above| {
            let accounts = Accounts { lost: lost(losses), trimmed, unclean_above, ..nothing() };
            let epoch = epoch();
            let found = super::exceeded(&epoch, &accounts, &gaps(&epoch, &accounts));
            found.into_iter().map(|(loss, missing)| (loss.first, missing)).collect::<Vec<_>>()
        };
        assert_eq!(exceeded(&[(21, 45, Lost::Known(15))], false, None), []);
        assert_eq!(exceeded(&[(21, 45, Lost::Known(14))], false, None), [(21, 15)]);
        assert_eq!(exceeded(&[(21, 45, Lost::Unknown)], false, None), []);
        assert_eq!(exceeded(&[(21, 30, Lost::Known(2)), (25, 30, Lost::Known(8))], false, None), []);
        assert_eq!(exceeded(&[(21, 45, Lost::Known(10))], false, Some(40)), []);
        assert_eq!(exceeded(&[(5, 22, Lost::Known(2))], true, None), []);
    }
}
