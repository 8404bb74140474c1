//! A piece of a batch: the events that one record is to hold.

use std::sync::Arc;

use activity_seal::Chain;

use crate::batch::Batch;

/// Names a piece, and orders pieces as their events: number of the batch since the start, sequence of the first event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) batch: u64,
    pub(crate) first_sequence: u64,
}

impl Place {
    /// A heartbeat: before all events. Batches are numbered from 1.
    pub(crate) const HEARTBEAT: Self = Self { batch: 0, first_sequence: 0 };
}

/// Consecutive events of one batch, at least one. Pieces of a batch share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) place: Place,
    of: Arc<Batch>,
    /// Indices into its marks.
    from: usize,
    to: usize,
    /// Before its first event.
    pub(crate) chain: Chain,
    /// How often the task that sealed it panicked.
    pub(crate) panics: u8,
}

impl Piece {
    /// All of a batch; `None` where no event of it can be read.
    pub(crate) fn whole(batch: u64, of: Batch) -> Option<Self> {
        let place = Place { batch, first_sequence: of.marks.first()?.sequence };
        let (to, chain) = (of.marks.len(), of.chain);
        Some(Self { place, of: Arc::new(of), from: 0, to, chain, panics: 0 })
    }

    /// How many events there are.
    pub(crate) fn event_count(&self) -> usize {
        self.to.saturating_sub(self.from)
    }

    /// The same as a count.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.event_count()).unwrap_or(u64::MAX)
    }

    pub(crate) fn last_sequence(&self) -> u64 {
        let last = self.to.checked_sub(1).and_then(|at| self.of.marks.get(at));
        last.map_or(self.place.first_sequence, |mark| mark.sequence)
    }

    /// Where the JSON of the event with that index begins.
    fn start_of(&self, index: usize) -> usize {
        // Behind the comma that follows the event before it.
        index.checked_sub(1).and_then(|before| self.of.marks.get(before)).map_or(0, |mark| mark.end + 1)
    }

    /// The events' JSON, with commas between them.
    pub(crate) fn json(&self) -> &[u8] {
        let end = self.to.checked_sub(1).and_then(|last| self.of.marks.get(last)).map_or(0, |mark| mark.end);
        self.of.json.get(self.start_of(self.from)..end).unwrap_or_default()
    }

    /// Every event with its sequence number.
    pub(crate) fn events(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let marks = self.of.marks.get(self.from..self.to).unwrap_or_default();
        marks.iter().zip(self.from..).map(|(mark, index)| {
            (mark.sequence, self.of.json.get(self.start_of(index)..mark.end).unwrap_or_default())
        })
    }

    /// Both halves, or the piece itself if it has one event.
    pub(crate) fn split(self) -> Result<(Self, Self), Self> {
        let half = self.event_count() / 2;
        let middle = self.from.saturating_add(half);
        let Some(mark) = self.of.marks.get(middle).filter(|_| half > 0) else { return Err(self) };
        let place = Place { first_sequence: mark.sequence, ..self.place };
        let chain = self.events().take(half).fold(self.chain, |chain, (_, event)| chain.then(event));
        let second = Self { place, of: Arc::clone(&self.of), from: middle, to: self.to, chain, panics: 0 };
        Ok((Self { to: middle, panics: 0, ..self }, second))
    }
}

/// What is sealed into one record.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    Piece(Piece),
    /// A sign of life.
    Heartbeat,
}

impl Work {
    /// Bytes of events.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Piece(piece) => piece.json().len(),
            Self::Heartbeat => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::tests::{BAD, GOOD, batch};

    fn numbered(piece: &Piece) -> Vec<(u64, Vec<u8>)> {
        piece.events().map(|(sequence, event)| (sequence, event.to_vec())).collect()
    }

    #[test]
    fn halves_have_the_events_of_the_whole_in_order_and_continue_its_chain() {
        let whole = Piece::whole(1, batch(100, &[GOOD, GOOD, BAD, GOOD, GOOD, GOOD])).unwrap();
        let whole = Piece { panics: 2, ..whole };
        let (expected, json) = (numbered(&whole), whole.json().to_vec());
        assert_eq!(
            expected.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>(),
            [100, 101, 103, 104, 105]
        );
        let chain_after = whole.of.chain_after;
        let (first, second) = whole.split().unwrap();
        assert_eq!((first.count(), second.count()), (2, 3));
        assert_eq!((first.last_sequence(), second.last_sequence()), (101, 105));
        assert!(first.place < second.place);
        assert_eq!((first.panics, second.panics), (0, 0));
        assert_eq!([numbered(&first), numbered(&second)].concat(), expected);
        assert_eq!([first.json(), b",", second.json()].concat(), json);
        let through = |piece: &Piece| piece.events().fold(piece.chain, |chain, (_, event)| chain.then(event));
        assert_eq!((through(&first), through(&second)), (second.chain, chain_after));
        let (_, last) = second.split().unwrap();
        assert_eq!(numbered(&last.split().unwrap().1)[0].0, 105);
        assert!(first.split().unwrap().0.split().is_err(), "one event stays whole");
    }

    #[test]
    fn of_a_batch_that_cannot_be_read_there_is_no_piece() {
        assert!(Piece::whole(1, batch(1, &[BAD, BAD])).is_none());
    }
}
