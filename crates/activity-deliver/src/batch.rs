//! Events to batches, on the caller's thread: no clock, no lock.
//!
//! A batch is closed when the next event would make its record too large, when it has
//! `MAX_EVENTS_PER_BATCH` events, or at a gap in the sequence (the events of a batch are numbered from its first one); it
//! is closed before that when it has lingered long enough.
//!
//! Closed batches leave together, so that they can share a request: when the oldest has lingered long enough, when they hold
//! `BURST_BYTES`, or at once when somebody waits.
//!
//! Size is an estimate of the inner JSON: the encoded bytes and a constant for each event's field names. Text that needs
//! escapes takes more, up to six times; what then does not fit a record is split when it is sealed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::limits::{BURST_BYTES, EVENT_JSON_OVERHEAD_BYTES, MAX_EVENTS_PER_BATCH};

/// Consecutive events that travel in one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Sequence number of the first event; those that follow have the next ones.
    pub first_sequence: u64,
    /// Sequence number of the last event.
    pub last_sequence: u64,
    /// How many events there are.
    pub events: u32,
    /// Position in the ring behind the last event.
    pub through: u64,
    /// For each event its length (`u32`, little-endian) and its wire form.
    pub payload: Vec<u8>,
}

#[derive(Debug)]
struct Open {
    batch: Batch,
    since: Instant,
    estimate: usize,
}

/// Fills batches.
#[derive(Debug)]
pub struct Batcher {
    max_bytes: usize,
    linger: Duration,
    /// Full ones. A push adds at most two, so a caller that polls between pushes keeps them to `BURST_BYTES` and a few.
    closed: VecDeque<(Instant, Batch)>,
    closed_bytes: usize,
    /// Closed ones leave until none is left.
    leaving: bool,
    open: Option<Open>,
}

impl Batcher {
    /// Batches of an estimated `max_bytes` of inner JSON that wait for company at most `linger`.
    #[must_use]
    pub fn new(max_bytes: usize, linger: Duration) -> Self {
        Self { max_bytes, linger, closed: VecDeque::new(), closed_bytes: 0, leaving: false, open: None }
    }

    /// Other limits, for the open batch too.
    pub fn reconfigure(&mut self, max_bytes: usize, linger: Duration) {
        self.max_bytes = max_bytes;
        self.linger = linger;
    }

    /// Adds the event of that number, which ends at `end` in the ring. May close a batch, which [`Self::poll`] then
    /// returns. An event larger than a batch may be travels alone.
    pub fn push(&mut self, sequence: u64, end: u64, event: &[u8], now: Instant) {
        // A length beyond 4 GiB cannot be written, nor come out of a ring; an empty frame is counted as unreadable.
        let (length, event) = u32::try_from(event.len()).map_or((0, &[][..]), |length| (length, event));
        let estimate = event.len().saturating_add(EVENT_JSON_OVERHEAD_BYTES);
        let fits = self.open.as_ref().is_none_or(|open| {
            open.estimate.saturating_add(estimate) <= self.max_bytes
                && open.batch.last_sequence.checked_add(1) == Some(sequence)
        });
        if !fits {
            self.close();
        }
        let open = self.open.get_or_insert_with(|| Open::new(sequence, now));
        open.batch.payload.extend_from_slice(&length.to_le_bytes());
        open.batch.payload.extend_from_slice(event);
        open.batch.last_sequence = sequence;
        open.batch.through = end;
        open.batch.events = open.batch.events.saturating_add(1);
        open.estimate = open.estimate.saturating_add(estimate);
        if open.estimate >= self.max_bytes || open.batch.events >= MAX_EVENTS_PER_BATCH {
            self.close();
        }
    }

    /// The oldest batch that is to go. Closed ones leave together, see the module; else the open one if it has lingered long
    /// enough. If it is `urgent`, all go now.
    pub fn poll(&mut self, now: Instant, urgent: bool) -> Option<Batch> {
        let linger = self.linger;
        let due = |since: Instant| urgent || now.saturating_duration_since(since) >= linger;
        if let Some((since, _)) = self.closed.front() {
            self.leaving |= due(*since) || self.closed_bytes >= BURST_BYTES;
            return if self.leaving { self.pop_closed() } else { None };
        }
        self.open.take_if(|open| due(open.since)).map(|open| open.batch)
    }

    /// What is closed leaves at the next polls without lingering: somebody waits, and the open batch is not worth a request
    /// of its own yet.
    pub fn release_closed(&mut self) {
        self.leaving = !self.closed.is_empty();
    }

    fn pop_closed(&mut self) -> Option<Batch> {
        let (_, batch) = self.closed.pop_front()?;
        self.closed_bytes = self.closed_bytes.saturating_sub(batch.payload.len());
        self.leaving = !self.closed.is_empty();
        Some(batch)
    }

    /// When [`Self::poll`] next has something to return: in the past for a closed batch that is due already.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let oldest = self.closed.front().map(|(since, _)| *since);
        if oldest.is_some() && (self.leaving || self.closed_bytes >= BURST_BYTES) {
            return oldest;
        }
        // A linger beyond what the clock can count never ends.
        oldest.or(self.open.as_ref().map(|open| open.since))?.checked_add(self.linger)
    }

    /// Nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_none() && self.closed.is_empty()
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.closed_bytes = self.closed_bytes.saturating_add(open.batch.payload.len());
            self.closed.push_back((open.since, open.batch));
        }
    }
}

impl Open {
    fn new(sequence: u64, now: Instant) -> Self {
        let batch = Batch {
            first_sequence: sequence,
            last_sequence: sequence,
            events: 0,
            through: 0,
            payload: Vec::new(),
        };
        Self { batch, since: now, estimate: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINGER: Duration = Duration::from_millis(100);

    /// Pushes events of that many bytes with consecutive numbers from `first` on; event `n` ends at `10 * n`.
    fn push(batcher: &mut Batcher, first: u64, lengths: &[usize], now: Instant) {
        for (sequence, length) in (first..).zip(lengths) {
            batcher.push(sequence, sequence * 10, &vec![7; *length], now);
        }
    }

    fn numbers(batch: &Batch) -> (u64, u64, u32, u64) {
        (batch.first_sequence, batch.last_sequence, batch.events, batch.through)
    }

    #[test]
    fn a_batch_leaves_when_it_has_lingered() {
        let (mut batcher, now) = (Batcher::new(100_000, LINGER), Instant::now());
        assert!(batcher.is_empty() && batcher.deadline().is_none());
        push(&mut batcher, 5, &[3, 0], now);
        push(&mut batcher, 7, &[1], now + LINGER / 2);
        assert_eq!(batcher.deadline(), Some(now + LINGER), "counted from the first event");
        assert_eq!(batcher.poll(now + LINGER - Duration::from_nanos(1), false), None);
        let batch = batcher.poll(now + LINGER, false).unwrap();
        assert_eq!(numbers(&batch), (5, 7, 3, 70));
        assert_eq!(batch.payload, [3, 0, 0, 0, 7, 7, 7, 0, 0, 0, 0, 1, 0, 0, 0, 7]);
        assert!(batcher.is_empty() && batcher.deadline().is_none());
    }

    #[test]
    fn somebody_who_waits_gets_what_is_there_at_once() {
        let (mut batcher, now) = (Batcher::new(100_000, LINGER), Instant::now());
        assert_eq!(batcher.poll(now, true), None);
        push(&mut batcher, 1, &[3], now);
        assert_eq!(numbers(&batcher.poll(now, true).unwrap()), (1, 1, 1, 10));
        assert!(batcher.is_empty());
    }

    #[test]
    fn full_batches_leave_together_when_the_oldest_has_lingered() {
        let (mut batcher, now) = (Batcher::new(3000, LINGER), Instant::now());
        push(&mut batcher, 1, &[800, 799, 800, 799, 1], now);
        assert_eq!(batcher.deadline(), Some(now + LINGER));
        assert_eq!(batcher.poll(now, false), None);
        push(&mut batcher, 6, &[1], now + LINGER / 2);
        assert_eq!(numbers(&batcher.poll(now + LINGER, false).unwrap()), (1, 2, 2, 20));
        assert_eq!(batcher.deadline(), Some(now), "the rest of the burst is due");
        assert_eq!(numbers(&batcher.poll(now + LINGER, false).unwrap()), (3, 4, 2, 40));
        assert_eq!(numbers(&batcher.poll(now + LINGER, false).unwrap()), (5, 6, 2, 60));
    }

    #[test]
    fn full_batches_leave_at_once_where_they_are_released() {
        let (mut batcher, now) = (Batcher::new(3000, LINGER), Instant::now());
        push(&mut batcher, 1, &[800, 799, 1], now);
        batcher.release_closed();
        assert_eq!(batcher.deadline(), Some(now));
        assert_eq!(numbers(&batcher.poll(now, false).unwrap()), (1, 2, 2, 20));
        assert_eq!((batcher.poll(now, false), batcher.deadline()), (None, Some(now + LINGER)));
    }

    #[test]
    fn many_bytes_leave_without_lingering_and_the_next_event_begins_another_burst() {
        let (mut batcher, now) = (Batcher::new(1024 * 1024, LINGER), Instant::now());
        push(&mut batcher, 1, &[1024 * 1024], now);
        assert_eq!(batcher.poll(now, false), None);
        push(&mut batcher, 2, &[1024 * 1024], now);
        assert_eq!(batcher.deadline(), Some(now));
        assert!(batcher.poll(now, false).is_some() && batcher.poll(now, false).is_some());
        push(&mut batcher, 3, &[1024 * 1024], now);
        assert_eq!((batcher.poll(now, false), batcher.deadline()), (None, Some(now + LINGER)));
        assert_eq!(numbers(&batcher.poll(now, true).unwrap()), (3, 3, 1, 30));
    }

    #[test]
    fn an_event_larger_than_a_batch_travels_alone() {
        let (mut batcher, now) = (Batcher::new(3000, LINGER), Instant::now());
        push(&mut batcher, 1, &[10, 50_000, 10], now);
        let batches: Vec<_> = std::iter::from_fn(|| batcher.poll(now, true)).map(|b| numbers(&b)).collect();
        assert_eq!(batches, [(1, 1, 1, 10), (2, 2, 1, 20), (3, 3, 1, 30)]);
    }

    #[test]
    fn a_gap_in_the_sequence_ends_a_batch() {
        let (mut batcher, now) = (Batcher::new(100_000, LINGER), Instant::now());
        push(&mut batcher, 1, &[1, 1], now);
        push(&mut batcher, 4, &[1], now);
        assert_eq!(numbers(&batcher.poll(now, true).unwrap()), (1, 2, 2, 20));
        assert_eq!(numbers(&batcher.poll(now, true).unwrap()), (4, 4, 1, 40));
    }

    #[test]
    fn the_number_of_events_is_bounded_whatever_their_size() {
        let (mut batcher, now) = (Batcher::new(usize::MAX, LINGER), Instant::now());
        push(&mut batcher, 1, &vec![0; 10_001], now);
        assert_eq!(batcher.poll(now, true).unwrap().events, 10_000);
        assert_eq!(batcher.poll(now, true).unwrap().events, 1);
    }

    #[test]
    fn new_limits_hold_for_the_open_batch() {
        let (mut batcher, now) = (Batcher::new(100_000, Duration::MAX), Instant::now());
        push(&mut batcher, 1, &[10], now);
        assert_eq!((batcher.deadline(), batcher.poll(now + LINGER * 1000, false)), (None, None));
        batcher.reconfigure(1000, LINGER);
        assert_eq!(batcher.deadline(), Some(now + LINGER));
        push(&mut batcher, 2, &[10], now);
        assert_eq!(batcher.poll(now + LINGER, false).unwrap().events, 1);
        assert_eq!(batcher.poll(now + LINGER, false).unwrap().events, 1);
    }
}
