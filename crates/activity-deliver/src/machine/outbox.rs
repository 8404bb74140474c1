//! Sealed records that wait for a request, in the order of their events.
//!
//! What has to be sent again goes back to its old place: in front of what came later.

use std::collections::BTreeMap;

use super::piece::{Piece, Place, Unreadable};
use crate::limits::{MAX_BYTES_PER_REQUEST, MAX_RECORDS_PER_REQUEST};
use crate::ports::OutRecord;

/// What a record holds.
#[derive(Debug)]
pub(crate) enum Content {
    /// These events, without those that could not be read.
    Events(Piece, Unreadable),
    /// None.
    Heartbeat,
}

/// A record that can be sent.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) content: Content,
    pub(crate) record: OutRecord,
    /// Not with others: a request that held it was refused.
    pub(crate) alone: bool,
}

impl Ready {
    pub(crate) fn bytes(&self) -> usize {
        record_bytes(&self.record)
    }

    fn place(&self) -> Place {
        match &self.content {
            Content::Events(piece, _) => piece.place,
            Content::Heartbeat => Place::HEARTBEAT,
        }
    }
}

/// What the stream counts: data and partition key.
pub(crate) fn record_bytes(record: &OutRecord) -> usize {
    record.data.len() + record.partition_key.len()
}

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    ready: BTreeMap<Place, Ready>,
    /// Of all of them.
    bytes: usize,
}

impl Outbox {
    pub(crate) fn put(&mut self, ready: Ready) {
        self.bytes += ready.bytes();
        self.ready.insert(ready.place(), ready);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// What is here does not all fit one request.
    pub(crate) fn fills_a_request(&self) -> bool {
        self.ready.len() >= MAX_RECORDS_PER_REQUEST || self.bytes >= MAX_BYTES_PER_REQUEST
    }

    /// The records of the next request: as many as it may hold.
    pub(crate) fn take_request(&mut self) -> Vec<Ready> {
        let mut taken: Vec<Ready> = Vec::new();
        let mut bytes = 0;
        while taken.len() < MAX_RECORDS_PER_REQUEST
            && let Some(next) = self.ready.first_entry()
        {
            let alone = next.get().alone;
            bytes += next.get().bytes();
            if !taken.is_empty() && (alone || bytes > MAX_BYTES_PER_REQUEST) {
                break;
            }
            let next = next.remove();
            self.bytes = self.bytes.saturating_sub(next.bytes());
            taken.push(next);
            if alone {
                break;
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;

    fn ready(batch: u64, bytes: usize, alone: bool) -> Ready {
        let empty =
            Batch { first_sequence: batch, last_sequence: batch, events: 1, through: 0, payload: Vec::new() };
        let record = OutRecord { partition_key: "p".repeat(36), data: vec![0; bytes - 36] };
        Ready { content: Content::Events(Piece::whole(batch, empty), Unreadable::default()), record, alone }
    }

    fn requests(mut outbox: Outbox) -> Vec<Vec<u64>> {
        let taken = std::iter::from_fn(|| Some(outbox.take_request()).filter(|taken| !taken.is_empty()));
        taken.map(|request| request.iter().map(|ready| ready.place().batch).collect()).collect()
    }

    #[test]
    fn requests_are_filled_in_order_whatever_the_order_of_sealing() {
        let mut outbox = Outbox::default();
        for batch in [3, 1, 2] {
            outbox.put(ready(batch, 100, false));
        }
        assert_eq!(requests(outbox), [[1, 2, 3]]);
    }

    #[test]
    fn a_request_has_at_most_500_records() {
        let mut outbox = Outbox::default();
        (1..=1001).for_each(|batch| outbox.put(ready(batch, 40, false)));
        let counts: Vec<_> = requests(outbox).iter().map(Vec::len).collect();
        assert_eq!(counts, [500, 500, 1]);
    }

    #[test]
    fn a_request_has_at_most_its_bytes_partition_keys_included() {
        let mut outbox = Outbox::default();
        (1..=6).for_each(|batch| outbox.put(ready(batch, MAX_BYTES_PER_REQUEST / 3, false)));
        assert_eq!(requests(outbox), [[1, 2, 3], [4, 5, 6]]);
        let mut outbox = Outbox::default();
        (1..=3).for_each(|batch| outbox.put(ready(batch, MAX_BYTES_PER_REQUEST / 3 + 1, false)));
        assert_eq!(requests(outbox), [vec![1, 2], vec![3]]);
    }

    #[test]
    fn a_record_that_goes_alone_has_no_company_on_either_side() {
        let mut outbox = Outbox::default();
        (1..=5).for_each(|batch| outbox.put(ready(batch, 100, batch == 3)));
        assert_eq!(requests(outbox), [vec![1, 2], vec![3], vec![4, 5]]);
    }
}
