//! Ranges of events that something was found out about, and lists that stay short.

use serde::Serialize;

/// Most findings of one kind that are listed, for one epoch; more are counted.
pub(crate) const MAX_LISTED: usize = 100;

/// Sequence numbers, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Range {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Range {
    pub(crate) const fn one(sequence: u64) -> Self {
        Self { first: sequence, last: sequence }
    }
}

/// As people write it: `7`, `7 to 9`.
impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{} to {}", self.first, self.last)
        }
    }
}

/// The first [`MAX_LISTED`] of some things, and how many there were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Listed<T> {
    pub(crate) count: u64,
    pub(crate) list: Vec<T>,
}

/// Ranges, in the order in which they were found.
pub(crate) type Ranges = Listed<Range>;

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { count: 0, list: Vec::new() }
    }
}

impl<T> Listed<T> {
    pub(crate) fn add(&mut self, found: T) {
        self.count += 1;
        if self.list.len() < MAX_LISTED {
            self.list.push(found);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<T> FromIterator<T> for Listed<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        let mut listed = Self::default();
        all.into_iter().for_each(|found| listed.add(found));
        listed
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn a_list_stays_short_and_counts_all() {
        let listed: Ranges = (0..5_000).map(Range::one).collect();
        assert_eq!((listed.count, listed.list.len()), (5_000, MAX_LISTED));
        assert!(!listed.is_empty() && Ranges::default().is_empty());
        assert_eq!(Range { first: 2, last: 9 }.to_string() + &Range::one(4).to_string(), "2 to 94");
    }
}
