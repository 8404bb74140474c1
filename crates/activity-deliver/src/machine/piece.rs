//! A piece of a batch: the events that one record is to hold.

use std::sync::Arc;

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

/// Consecutive events of one batch. Pieces of a batch share its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) place: Place,
    events: u32,
    payload: Arc<Vec<u8>>,
    from: usize,
    to: usize,
    /// How often the task that sealed it panicked.
    pub(crate) panics: u8,
}

impl Piece {
    /// All of a batch.
    pub(crate) fn whole(batch: u64, of: Batch) -> Self {
        let place = Place { batch, first_sequence: of.first_sequence };
        let to = of.payload.len();
        Self { place, events: of.events, payload: Arc::new(of.payload), from: 0, to, panics: 0 }
    }

    /// How many events there should be.
    pub(crate) fn event_count(&self) -> usize {
        usize::try_from(self.events).unwrap_or(usize::MAX)
    }

    /// The same as a count.
    pub(crate) fn count(&self) -> u64 {
        u64::from(self.events)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.to.saturating_sub(self.from)
    }

    pub(crate) fn last_sequence(&self) -> u64 {
        self.place.first_sequence.saturating_add(self.count().saturating_sub(1))
    }

    /// Every event with its sequence number; no bytes where the payload is damaged or ends early.
    pub(crate) fn events(&self) -> impl Iterator<Item = (u64, Option<&[u8]>)> {
        let mut rest = self.payload.get(self.from..self.to).unwrap_or_default();
        (self.place.first_sequence..).take(self.event_count()).map(move |sequence| {
            let frame = split_frame(rest);
            rest = frame.map_or(&[][..], |(_, after)| after);
            (sequence, frame.map(|(event, _)| event))
        })
    }

    /// Both halves, or the piece itself if it has one event.
    pub(crate) fn split(self) -> Result<(Self, Self), Self> {
        let first = self.events / 2;
        if first == 0 {
            return Err(self);
        }
        let half = usize::try_from(first).unwrap_or(usize::MAX);
        let bytes: usize = self.events().take(half).map(|(_, event)| event.map_or(0, |e| 4 + e.len())).sum();
        let middle = self.from.saturating_add(bytes).min(self.to);
        let second_place = Place {
            first_sequence: self.place.first_sequence.saturating_add(u64::from(first)),
            ..self.place
        };
        let second = Self {
            place: second_place,
            events: self.events - first,
            payload: Arc::clone(&self.payload),
            from: middle,
            to: self.to,
            panics: 0,
        };
        Ok((Self { events: first, to: middle, panics: 0, ..self }, second))
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
    /// Payload bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Piece(piece) => piece.bytes(),
            Self::Heartbeat => 0,
        }
    }
}

/// Events of a piece that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Unreadable {
    pub(crate) events: u64,
    pub(crate) first_sequence: u64,
    pub(crate) last_sequence: u64,
}

impl Unreadable {
    /// Counts the next one.
    pub(crate) fn add(&mut self, sequence: u64) {
        if self.events == 0 {
            self.first_sequence = sequence;
        }
        self.last_sequence = sequence;
        self.events += 1;
    }
}

fn split_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(lengths: &[usize]) -> Piece {
        let mut payload = Vec::new();
        for (i, length) in lengths.iter().enumerate() {
            payload.extend_from_slice(&u32::try_from(*length).unwrap().to_le_bytes());
            payload.extend(std::iter::repeat_n(u8::try_from(i).unwrap(), *length));
        }
        let events = u32::try_from(lengths.len()).unwrap();
        let last_sequence = 99 + u64::from(events);
        Piece::whole(1, Batch { first_sequence: 100, last_sequence, events, through: 0, payload })
    }

    fn numbered(piece: &Piece) -> Vec<(u64, Option<Vec<u8>>)> {
        piece.events().map(|(sequence, bytes)| (sequence, bytes.map(<[u8]>::to_vec))).collect()
    }

    #[test]
    fn halves_have_the_events_of_the_whole_in_order() {
        let whole = piece(&[2, 0, 3, 1, 1]);
        let whole = Piece { panics: 2, ..whole };
        let expected = numbered(&whole);
        assert_eq!(expected[2], (102, Some(vec![2, 2, 2])));
        let (first, second) = whole.split().unwrap();
        assert_eq!((first.count(), second.count()), (2, 3));
        assert_eq!((first.last_sequence(), second.last_sequence()), (101, 104));
        assert!(first.place < second.place);
        assert_eq!((first.panics, second.panics), (0, 0));
        assert_eq!([numbered(&first), numbered(&second)].concat(), expected);
        let (_, last) = second.split().unwrap();
        assert_eq!(numbered(&last.split().unwrap().1), [(104, Some(vec![4]))]);
        assert!(first.split().unwrap().0.split().is_err(), "one event stays whole");
    }

    #[test]
    fn a_damaged_payload_gives_events_without_bytes_and_still_splits() {
        let mut damaged = piece(&[2, 2, 2, 2]);
        Arc::get_mut(&mut damaged.payload).unwrap()[6] = 200;
        let expected = [(100, Some(vec![0, 0])), (101, None), (102, None), (103, None)];
        assert_eq!(numbered(&damaged), expected);
        let (first, second) = damaged.split().unwrap();
        assert_eq!((numbered(&first), numbered(&second)[1].clone()), (expected[..2].to_vec(), (103, None)));
    }
}
