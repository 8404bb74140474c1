//! What the stream says was lost: windows with a beginning and an end, each of which may be told more than once.

use std::collections::BTreeMap;

use super::told::{Lost, LostRange, Window};

/// Most windows that are kept; a producer opens a few a day.
pub(crate) const MAX_WINDOWS: usize = 65_536;

/// The reason of the window that an unclean stop is told with.
pub(crate) const UNCLEAN_STOP: &str = "unclean stop";

/// A window, from all that was told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) reason: String,
    pub(crate) from: String,
    pub(crate) has_begun: bool,
    /// The latest that was told.
    pub(crate) end: Option<WindowEnd>,
    /// Index of the epoch in which it was told last.
    pub(crate) told_in: usize,
}

/// How a window ended. The later one is the greater one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WindowEnd {
    pub(crate) to: String,
    pub(crate) lost: Lost,
    /// From the lowest to the highest lost number: what lies between need not all be lost.
    pub(crate) range: Option<LostRange>,
}

/// Numbers among which so many were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LostAmong {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) lost: Lost,
}

/// All windows of a stream.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    known: BTreeMap<String, Known>,
    has_overflowed: bool,
}

impl Windows {
    /// A beginning.
    pub(crate) fn begun(&mut self, window: &Window, told_in: usize) {
        if let Some(known) = self.known(window, told_in) {
            known.has_begun = true;
        }
    }

    /// An end. Of ends that differ the latest counts, since windows that follow each other closely are made one.
    pub(crate) fn ended(&mut self, window: &Window, told_in: usize) {
        let Some(known) = self.known(window, told_in) else { return };
        let end = WindowEnd { to: window.to.clone(), lost: window.lost, range: window.range.clone() };
        known.end = known.end.take().max(Some(end));
    }

    /// By id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Known)> {
        self.known.iter()
    }

    /// The numbers of each epoch that were told as lost, in order.
    pub(crate) fn lost_by_epoch(&self) -> BTreeMap<&str, Vec<LostAmong>> {
        let mut by_epoch: BTreeMap<&str, Vec<LostAmong>> = BTreeMap::new();
        for WindowEnd { lost, range, .. } in self.known.values().filter_map(|known| known.end.as_ref()) {
            if let Some(LostRange { epoch, first, last }) = range {
                let among = LostAmong { first: *first, last: *last, lost: *lost };
                by_epoch.entry(epoch).or_default().push(among);
            }
        }
        by_epoch.values_mut().for_each(|ranges| ranges.sort_unstable());
        by_epoch
    }

    /// There were more than are kept.
    pub(crate) fn has_overflowed(&self) -> bool {
        self.has_overflowed
    }

    fn known(&mut self, window: &Window, told_in: usize) -> Option<&mut Known> {
        if !self.known.contains_key(&window.id) && self.known.len() >= MAX_WINDOWS {
            self.has_overflowed = true;
            return None;
        }
        let known = self.known.entry(window.id.clone()).or_insert_with(|| Known {
            reason: window.reason.clone(),
            from: window.from.clone(),
            has_begun: false,
            end: None,
            told_in,
        });
        if window.from < known.from {
            known.from.clone_from(&window.from);
        }
        known.told_in = told_in;
        Some(known)
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn window(id: &str, to: &str, lost: Lost, range: Option<(&str, u64, u64)>) -> Window {
        Window {
            id: id.into(),
            reason: "ring full".into(),
            from: "a".into(),
            to: to.into(),
            lost,
            range: range.map(|(epoch, first, last)| LostRange { epoch: epoch.into(), first, last }),
        }
    }

    #[test]
    fn a_window_that_is_told_twice_is_one_and_its_latest_end_counts() {
        let mut windows = Windows::default();
        windows.begun(&window("e-1", "", Lost::Unknown, None), 0);
        windows.ended(&window("e-1", "c", Lost::Known(7), None), 0);
        windows.ended(&window("e-1", "b", Lost::Known(9), None), 1);
        windows.ended(&window("e-1", "c", Lost::Known(6), None), 1);
        windows.begun(&window("e-1", "", Lost::Unknown, None), 1);
        let all: Vec<_> = windows.iter().collect();
        let [(id, known)] = all[..] else { panic!("{all:?}") };
        let end = WindowEnd { to: "c".into(), lost: Lost::Known(7), range: None };
        assert_eq!((id.as_str(), &known.end), ("e-1", &Some(end)));
        assert!(known.has_begun);
    }

    #[test]
    fn lost_numbers_are_those_of_their_epoch_in_order() {
        let mut windows = Windows::default();
        for (id, epoch, first, last) in [
            ("e-1", "e", 5, 9),
            ("e-2", "e", 1, 2),
            ("e-3", "d", 1, 9),
            ("e-4", "f", 1, 9),
            ("e-1", "e", 5, 9),
        ] {
            windows.ended(&window(id, "t", Lost::Unknown, Some((epoch, first, last))), 0);
        }
        let lost = windows.lost_by_epoch();
        let numbers =
            |epoch: &str| lost[epoch].iter().map(|lost| (lost.first, lost.last)).collect::<Vec<_>>();
        assert_eq!(numbers("e"), [(1, 2), (5, 9)]);
        assert_eq!(lost.keys().copied().collect::<Vec<_>>(), ["d", "e", "f"]);
    }

    #[test]
    fn windows_beyond_the_limit_are_not_kept_and_noticed() {
        let mut windows = Windows::default();
        for number in 0..=MAX_WINDOWS {
            assert!(!windows.has_overflowed());
            windows.begun(&window(&format!("e-{number}"), "", Lost::Unknown, None), 0);
        }
        assert!(windows.has_overflowed());
        assert_eq!(windows.iter().count(), MAX_WINDOWS);
    }
}
