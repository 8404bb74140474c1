//! The core: records in, in whatever order and however often, a report out. No I/O, no clock.

use std::collections::{HashMap, HashSet};

use activity_seal::Chain;

use super::epoch::Epoch;
use super::findings::Listed;
use super::recent::Recent;
use super::record::{self, Placed, PlacedEvent, Record, RecordError};
use super::told::Told;
use super::windows::{UNCLEAN_STOP, Windows};

/// Most runs that are kept, over all epochs. There is one more for every hole, and for every record that was read ahead of
/// what comes before it. Looked at before each record, whose own may come on top.
pub(crate) const MAX_RUNS: usize = 262_144;

/// Most epochs: starts of the server.
pub(crate) const MAX_EPOCHS: usize = 16_384;

/// Longest `instanceId` in bytes that is kept.
const MAX_INSTANCE_BYTES: usize = 256;

/// A record that is no evidence: where it was, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Unreadable {
    pub(crate) place: String,
    pub(crate) reason: String,
}

/// What was read, and what follows from it.
#[derive(Debug, Default)]
pub(crate) struct Verifier {
    /// Records that were read, readable or not.
    pub(crate) records: u64,
    pub(crate) heartbeats: u64,
    pub(crate) unreadable: Listed<Unreadable>,
    pub(crate) epochs: Vec<Epoch>,
    pub(crate) windows: Windows,
    /// Records were left out because of [`MAX_RUNS`] or [`MAX_EPOCHS`].
    pub(crate) has_overflowed: bool,
    by_name: HashMap<String, usize>,
    /// Whether what an epoch says of the one before is true, by the epoch's index, as far as that was found out.
    holds: HashMap<usize, bool>,
    /// Epochs with such a statement that was not found out yet.
    unchecked: Vec<usize>,
    /// Epochs that opened a window with the reason of an unclean stop, which has ended; at most [`MAX_EPOCHS`].
    unclean_stops: HashSet<String>,
    runs: isize,
    recent: Recent,
    is_frozen: bool,
}

impl Verifier {
    /// Fingerprints take at most so many bytes.
    #[cfg(test)]
    pub(crate) fn with_recent_bytes(limit_bytes: usize) -> Self {
        Self { recent: Recent::with_limit(limit_bytes), ..Self::default() }
    }

    /// Takes a record's inner JSON. One that is no evidence is to be told by [`Verifier::unreadable`].
    pub(crate) fn take(&mut self, inner_json: &[u8]) -> Result<(), RecordError> {
        self.take_record(&record::parse(inner_json)?, |_| {});
        Ok(())
    }

    /// Takes a record; `news` hears of each of its events that is new.
    pub(crate) fn take_record(&mut self, record: &Record<'_>, news: impl FnMut(&PlacedEvent<'_>)) {
        self.records += 1;
        match record {
            Record::Heartbeat(_) => self.heartbeats += 1,
            Record::Events(placed) => self.place(placed, news),
        }
    }

    /// Counts a record that is no evidence; its place is for people.
    pub(crate) fn unreadable(&mut self, place: String, reason: String) {
        self.records += 1;
        self.unreadable.add(Unreadable { place, reason });
    }

    /// From now on only what belongs to the events up to here counts: those that other records were ahead of.
    pub(crate) fn freeze(&mut self) {
        self.is_frozen = true;
        for epoch in &mut self.epochs {
            epoch.limit = Some(epoch.last());
        }
    }

    /// Whether events are missing between others, which may yet come.
    pub(crate) fn has_holes(&self) -> bool {
        self.epochs.iter().any(|epoch| epoch.runs.iter().nth(1).is_some())
    }

    /// The index of an epoch that is in the input.
    pub(crate) fn index(&self, epoch: &str) -> Option<usize> {
        self.by_name.get(epoch).copied()
    }

    /// Whether what this epoch says of the one before is true: that one's chain. `None` where it cannot be found out.
    pub(crate) fn holds(&self, index: usize) -> Option<bool> {
        self.holds.get(&index).copied()
    }

    /// Whether an epoch told the loss of the unclean stop before it.
    pub(crate) fn tells_unclean_stop(&self, epoch: &str) -> bool {
        self.unclean_stops.contains(epoch)
    }

    fn place(&mut self, record: &Placed<'_>, mut news: impl FnMut(&PlacedEvent<'_>)) {
        let Some(index) = self.epoch(record) else { return };
        if self.runs.cast_unsigned() >= MAX_RUNS {
            self.has_overflowed = true;
            return;
        }
        let Some(epoch) = self.epochs.get_mut(index) else { return };
        let had_start = epoch.start.is_some();
        let (windows, unclean_stops) = (&mut self.windows, &mut self.unclean_stops);
        self.runs += epoch.take(index, record, &mut self.recent, |event| {
            news(event);
            match &event.told {
                Some(Ok(Told::Begin(window))) => windows.begun(window, index),
                Some(Ok(Told::End(window))) => {
                    // Told by the epoch that opened it, or by a later one where that ended too soon.
                    if let Some((epoch, _)) =
                        window.id.rsplit_once('-').filter(|_| window.reason == UNCLEAN_STOP)
                        && unclean_stops.len() < MAX_EPOCHS
                    {
                        unclean_stops.insert(epoch.to_owned());
                    }
                    windows.ended(window, index);
                }
                Some(Ok(Told::Start(_) | Told::Stop(_)) | Err(_)) | None => {}
            }
        });
        if !had_start && epoch.start.as_ref().is_some_and(|start| start.previous.is_some()) {
            self.unchecked.push(index);
        }
        self.check(&record.epoch);
    }

    fn epoch(&mut self, record: &Placed<'_>) -> Option<usize> {
        if let Some(index) = self.by_name.get(&*record.epoch) {
            return Some(*index);
        }
        if self.is_frozen {
            return None;
        }
        if self.epochs.len() >= MAX_EPOCHS {
            self.has_overflowed = true;
            return None;
        }
        let end = record.instance.floor_char_boundary(MAX_INSTANCE_BYTES);
        let instance = record.instance.get(..end).unwrap_or_default();
        self.epochs.push(Epoch::new(&record.epoch, instance));
        let index = self.epochs.len() - 1;
        self.by_name.insert(record.epoch.clone().into_owned(), index);
        Some(index)
    }

    /// Looks at what epochs say of the ones before: now, since the events that it concerns may be the ones just read.
    fn check(&mut self, just_read: &str) {
        let mut unchecked = std::mem::take(&mut self.unchecked);
        unchecked.retain(|index| match self.is_true_of_previous(*index, just_read) {
            Some(is_true) => {
                self.holds.insert(*index, is_true);
                false
            }
            None => true,
        });
        self.unchecked = unchecked;
    }

    fn is_true_of_previous(&self, index: usize, just_read: &str) -> Option<bool> {
        let epoch = self.epochs.get(index)?;
        let previous = epoch.start.as_ref()?.previous.as_ref()?;
        if previous.epoch != just_read && epoch.name != just_read {
            return None;
        }
        if previous.last_sequence == 0 {
            return Some(previous.chain == Chain::begin(&previous.epoch));
        }
        let before = self.index(&previous.epoch)?;
        self.epochs.get(before)?.compare(before, previous.last_sequence, previous.chain, &self.recent)?
    }
}
