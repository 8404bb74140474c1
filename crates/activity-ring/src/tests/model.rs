//! Random lives of a ring against a list: publishes, acknowledgements, restarts, deaths at random stores, crashes.

use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::mortal::{MortalMemory, die_after};
use super::{assert_empty, assert_free_space_is_zero, ring};
use crate::layout::RECOVER_THROUGH;
use crate::memory::Memory;
use crate::{Consumer, PublishError, Ring};

#[derive(Debug, Clone)]
enum Step {
    Publish { len: usize },
    PublishKilled { len: usize, stores: u64 },
    Next { times: usize },
    NextKilled { stores: u64 },
    Ack { events: usize },
    AckKilled { events: usize, stores: u64 },
    Restart,
    RestartKilled { stores: u64 },
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let len = || 0..70usize;
    prop_oneof![
        8 => len().prop_map(|len| Step::Publish { len }),
        2 => (len(), 0..20u64).prop_map(|(len, stores)| Step::PublishKilled { len, stores }),
        6 => (1..6usize).prop_map(|times| Step::Next { times }),
        1 => (0..30u64).prop_map(|stores| Step::NextKilled { stores }),
        4 => (0..6usize).prop_map(|events| Step::Ack { events }),
        1 => (0..6usize, 0..40u64).prop_map(|(events, stores)| Step::AckKilled { events, stores }),
        1 => Just(Step::Restart),
        1 => (0..40u64).prop_map(|stores| Step::RestartKilled { stores }),
        1 => Just(Step::Crash),
    ]
}

/// A record as the model knows it.
struct Entry {
    bytes: Vec<u8>,
    start: u64,
    end: u64,
    torn: bool,
    /// Where it has one: torn records have none.
    sequence: u64,
}

struct Model {
    ring: Ring<MortalMemory>,
    consumer: Option<Consumer<MortalMemory>>,
    log: Vec<Entry>,
    /// The next entry to be drained.
    next: usize,
    /// Entries drained and not acknowledged, by index.
    outstanding: Vec<usize>,
    /// Deaths in which a hole may have been counted and that forgotten.
    miscounts: u64,
}

impl Model {
    fn new(capacity: usize) -> Self {
        let ring = ring(capacity);
        let consumer = Consumer::resume(ring.clone()).unwrap();
        Self {
            ring,
            consumer: Some(consumer),
            log: Vec::new(),
            next: 0,
            outstanding: Vec::new(),
            miscounts: 0,
        }
    }

    fn publish(&mut self, len: usize, killed_at: Option<u64>) {
        let len = len.min(self.ring.max_event_bytes());
        let bytes: Vec<u8> = (0..len).map(|i| (self.log.len() * 31 + i * 7) as u8 | 1).collect();
        let capacity = self.ring.capacity() as u64;
        let start = self.ring.reserved().0;
        let size = 24 + (len as u64).next_multiple_of(8);
        let to_end = capacity - start % capacity;
        let pad = if to_end < size { to_end } else { 0 };
        let fits = pad + size <= capacity - self.ring.fill() as u64;
        let (published, dropped) = (self.ring.published(), self.ring.dropped());

        let result = die_after(killed_at.unwrap_or(u64::MAX), || self.ring.publish(&bytes));
        let end = start + pad + size;
        if !fits {
            assert!(result.is_none() || result == Some(Err(PublishError::Full)));
            assert_eq!(self.ring.dropped(), dropped + u64::from(result.is_some()));
            assert_eq!(self.ring.reserved().0, start);
            return;
        }
        // Claim, the counter, three for a pad record, three for a header, and the payload.
        let stores = 1 + 1 + if pad >= 24 { 3 } else { 0 } + 3 + (len as u64).div_ceil(8);
        match killed_at.filter(|at| *at < stores) {
            None => assert_eq!(result.map(|r| r.map(|p| p.0)), Some(Ok(end))),
            Some(at) => assert!(result.is_none(), "it stores {stores} times, not {at}"),
        }
        let killed_at = killed_at.unwrap_or(u64::MAX);
        if killed_at == 0 {
            assert_eq!(self.ring.reserved().0, start);
            return;
        }
        assert_eq!(self.ring.reserved().0, end);
        assert_eq!(self.ring.published(), published + u64::from(killed_at >= 2));
        let torn = killed_at < stores;
        let sequence = self.log.last().map_or(0, |e| e.sequence) + u64::from(!torn);
        self.log.push(Entry { bytes, start, end, torn, sequence });
    }

    /// The entry that the consumer must give next.
    fn expected(&self) -> Option<usize> {
        let recover_through = self.ring.memory.load(RECOVER_THROUGH, Ordering::Relaxed);
        (self.next..self.log.len())
            .find(|i| !(self.log[*i].torn && self.log[*i].start < recover_through))
            .filter(|i| !self.log[*i].torn)
    }

    fn next(&mut self, killed_at: Option<u64>) {
        let expected = self.expected();
        let Some(consumer) = &mut self.consumer else { return };
        let mut out = vec![0xFF; 3];
        let Some(found) = die_after(killed_at.unwrap_or(u64::MAX), || consumer.next(&mut out)) else {
            self.miscounts += 1;
            self.consumer = None;
            return;
        };
        match (found.unwrap(), expected) {
            (None, None) => {}
            (Some(record), Some(index)) => {
                let entry = &self.log[index];
                assert_eq!(out, entry.bytes);
                assert_eq!((record.sequence, record.end.0), (entry.sequence, entry.end));
                self.next = index + 1;
                self.outstanding.push(index);
            }
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    fn ack(&mut self, events: usize, killed_at: Option<u64>) {
        let events = events.min(self.outstanding.len());
        let Some(consumer) = &mut self.consumer else { return };
        let Some(index) = events.checked_sub(1).map(|i| self.outstanding[i]) else { return };
        let entry = &self.log[index];
        let before = self.ring.acked_through();
        let end = crate::Position(entry.end);
        let died =
            die_after(killed_at.unwrap_or(u64::MAX), || consumer.ack_through(end, entry.sequence).unwrap())
                .is_none();
        let after = self.ring.acked_through();
        let is_last = events == self.outstanding.len();
        let expected = if is_last { consumer.drained() } else { end };
        if died {
            assert!(after == before || after == expected);
            self.consumer = None;
            return;
        }
        assert_eq!(after, expected);
        assert_eq!(self.ring.fill() as u64, self.ring.reserved().0 - expected.0);
        assert_free_space_is_zero(&self.ring);
        self.outstanding.drain(..events);
    }

    fn restart(&mut self, killed_at: Option<u64>) {
        self.consumer = None;
        let ring = self.ring.clone();
        let Some(resumed) = die_after(killed_at.unwrap_or(u64::MAX), || Consumer::resume(ring)) else {
            return;
        };
        self.consumer = Some(resumed.unwrap());
        assert_free_space_is_zero(&self.ring);
        let acked = self.ring.acked_through().0;
        // A position may lie behind a pad or a hole, never inside of an event.
        self.next = self.log.iter().position(|e| e.end > acked).unwrap_or(self.log.len());
        self.outstanding.clear();
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Publish { len } => self.publish(len, None),
            Step::PublishKilled { len, stores } => self.publish(len, Some(stores)),
            Step::Next { times } => (0..times).for_each(|_| self.next(None)),
            Step::NextKilled { stores } => self.next(Some(stores)),
            Step::Ack { events } => self.ack(events, None),
            Step::AckKilled { events, stores } => self.ack(events, Some(stores)),
            Step::Restart => self.restart(None),
            Step::RestartKilled { stores } => self.restart(Some(stores)),
            Step::Crash => {
                self.ring.note_crash();
                self.restart(None);
            }
        }
    }

    /// Drains and acknowledges everything there is; nothing may be left.
    fn end(&mut self) {
        self.apply(&Step::Crash);
        while self.expected().is_some() {
            self.next(None);
        }
        self.next(None);
        self.ack(self.outstanding.len(), None);
        assert_empty(&self.ring);
        let torn = self.log.iter().filter(|e| e.torn).count() as u64;
        assert!(self.ring.skipped() <= torn + self.miscounts);
        assert_eq!(self.ring.skipped() > 0, torn > 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_ring_behaves_as_a_list_of_events(
        capacity in prop_oneof![Just(128usize), Just(256), Just(512), Just(1024)],
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let mut model = Model::new(capacity);
        for step in &steps {
            model.apply(step);
        }
        model.end();
    }
}
