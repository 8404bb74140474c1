//! Sealed records that wait: for a request, or for the spool. In the order of their events, those from the spool in its order.
//!
//! What has to be sent again goes back to its old place: in front of what came later.

use std::collections::BTreeMap;

use super::piece::{Piece, Place};
use crate::limits::{
    MAX_BYTES_PER_APPEND, MAX_BYTES_PER_REQUEST, MAX_RECORDS_PER_APPEND, MAX_RECORDS_PER_REQUEST,
};
use crate::ports::OutRecord;
use crate::spool::Meta;

/// What a record holds.
#[derive(Debug)]
pub(crate) enum Content {
    /// These events.
    Events(Piece),
    /// Those of a record of the spool.
    Spooled { ordinal: u64, meta: Meta },
    /// None.
    Heartbeat,
}

/// A record that can be sent.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) content: Content,
    pub(crate) record: OutRecord,
    pub(crate) standing: Standing,
}

/// What is held against a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Standing {
    /// Not with others: a request that held it was refused.
    pub(crate) alone: bool,
    /// How often it was refused alone though others were stored in between.
    pub(crate) refusals: u8,
}

impl Ready {
    pub(crate) fn bytes(&self) -> usize {
        record_bytes(&self.record)
    }

    fn place(&self) -> Place {
        match &self.content {
            Content::Events(piece) => piece.place,
            Content::Spooled { ordinal, .. } => Place { batch: *ordinal, first_sequence: 0 },
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
        if let Some(same) = self.ready.insert(ready.place(), ready) {
            self.bytes = self.bytes.saturating_sub(same.bytes());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is here does not all fit one request.
    pub(crate) fn fills_a_request(&self) -> bool {
        self.ready.len() >= MAX_RECORDS_PER_REQUEST || self.bytes >= MAX_BYTES_PER_REQUEST
    }

    /// The records of the next request: as many as it may hold beside so many bytes; only the first one to see whether the
    /// stream takes anything.
    pub(crate) fn take_request(&mut self, beside_bytes: usize, only_one: bool) -> Vec<Ready> {
        let records = match (only_one, beside_bytes > 0) {
            (true, _) => 1,
            // One place is left for what stands beside them.
            (false, true) => MAX_RECORDS_PER_REQUEST - 1,
            (false, false) => MAX_RECORDS_PER_REQUEST,
        };
        self.take(records, MAX_BYTES_PER_REQUEST.saturating_sub(beside_bytes), true)
    }

    /// The records of the next append to the spool.
    pub(crate) fn take_append(&mut self) -> Vec<Ready> {
        self.take(MAX_RECORDS_PER_APPEND, MAX_BYTES_PER_APPEND, false)
    }

    /// The first ones, at least one; one that goes alone ends a request.
    fn take(&mut self, max_records: usize, max_bytes: usize, heed_alone: bool) -> Vec<Ready> {
        let mut taken: Vec<Ready> = Vec::new();
        let mut bytes = 0;
        while taken.len() < max_records
            && let Some(next) = self.ready.first_entry()
        {
            let alone = heed_alone && next.get().standing.alone;
            bytes += next.get().bytes();
            if !taken.is_empty() && (alone || bytes > max_bytes) {
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
    use crate::machine::tests::{GOOD, batch};

    fn ready(number: u64, bytes: usize, alone: bool) -> Ready {
        let record = OutRecord { partition_key: "p".repeat(36), data: vec![0; bytes - 36] };
        let piece = Piece::whole(number, batch(number, &[GOOD])).unwrap();
        Ready { content: Content::Events(piece), record, standing: Standing { alone, refusals: 0 } }
    }

    fn requests(mut outbox: Outbox) -> Vec<Vec<u64>> {
        let taken =
            std::iter::from_fn(|| Some(outbox.take_request(0, false)).filter(|taken| !taken.is_empty()));
        taken.map(|request| request.iter().map(|ready| ready.place().batch).collect()).collect()
    }

    #[test]
    fn requests_are_filled_in_order_whatever_the_order_of_sealing() {
        let mut outbox = Outbox::default();
        for batch in [3, 1, 2] {
            outbox.put(ready(batch, 100, false));
        }
        assert_eq!((outbox.bytes(), requests(outbox)), (300, vec![vec![1, 2, 3]]));
    }

    #[test]
    fn a_request_has_at_most_500_records_with_what_stands_beside_them() {
        let mut outbox = Outbox::default();
        (1..=1501).for_each(|batch| outbox.put(ready(batch, 40, false)));
        assert_eq!((outbox.take_request(100, false).len(), outbox.take_request(0, true).len()), (499, 1));
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
        let mut outbox = Outbox::default();
        (1..=3).for_each(|batch| outbox.put(ready(batch, MAX_BYTES_PER_REQUEST / 3, false)));
        assert_eq!(outbox.take_request(100, false).len(), 2);
    }

    #[test]
    fn a_record_that_goes_alone_has_no_company_in_a_request_and_has_in_the_spool() {
        let mut outbox = Outbox::default();
        (1..=5).for_each(|batch| outbox.put(ready(batch, 100, batch == 3)));
        assert_eq!(requests(outbox), [vec![1, 2], vec![3], vec![4, 5]]);
        let mut outbox = Outbox::default();
        (1..=5).for_each(|batch| outbox.put(ready(batch, 100, batch == 3)));
        assert_eq!(outbox.take_append().len(), 5);
    }
}
