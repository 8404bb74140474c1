//! Which epoch follows which: the STREAM START of each names the one before.
//!
//! Each instance has one epoch without an epoch before it in the input: where its reading began. An earlier one
//! cannot be told from one that was taken out, so another epoch without a predecessor is not accounted for, whatever it says.

use std::collections::{BTreeMap, BTreeSet};

use super::told::Previous;
use super::verifier::Verifier;

/// The order of the epochs, by index.
#[derive(Debug, Default)]
pub(crate) struct Lineage {
    /// The first epoch of each instance.
    pub(crate) firsts: BTreeSet<usize>,
    /// Others that follow none.
    pub(crate) strays: BTreeSet<usize>,
    /// Those that follow, by the one before.
    pub(crate) successors: BTreeMap<usize, Vec<usize>>,
    /// Those that follow none but each other.
    pub(crate) circling: BTreeSet<usize>,
}

impl Lineage {
    pub(crate) fn of(verifier: &Verifier) -> Self {
        let mut lineage = Self::default();
        let mut roots: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, epoch) in verifier.epochs.iter().enumerate() {
            match previous(verifier, index).and_then(|previous| verifier.index(&previous.epoch)) {
                Some(before) => lineage.successors.entry(before).or_default().push(index),
                None => roots.entry(&epoch.instance).or_default().push(index),
            }
        }
        let logged = |index: &usize| verifier.epochs.get(*index).and_then(|epoch| epoch.logged.as_deref());
        for mut of_instance in roots.into_values() {
            of_instance.sort_by_key(logged);
            let mut of_instance = of_instance.into_iter();
            lineage.firsts.extend(of_instance.next());
            lineage.strays.extend(of_instance);
        }
        lineage.circling = lineage.unreached(verifier.epochs.len());
        lineage
    }

    fn unreached(&self, epochs: usize) -> BTreeSet<usize> {
        let mut unreached: BTreeSet<usize> = (0..epochs).collect();
        let mut next: Vec<usize> = self.firsts.iter().chain(&self.strays).copied().collect();
        while let Some(index) = next.pop() {
            if unreached.remove(&index) {
                next.extend(self.successors.get(&index).into_iter().flatten());
            }
        }
        unreached
    }

    /// The epoch that follows, where there is one.
    pub(crate) fn successor(&self, index: usize) -> Option<usize> {
        self.successors.get(&index).and_then(|successors| successors.first()).copied()
    }
}

/// What an epoch says of the one before.
pub(crate) fn previous(verifier: &Verifier, index: usize) -> Option<&Previous> {
    verifier.epochs.get(index)?.start.as_ref()?.previous.as_ref()
}
