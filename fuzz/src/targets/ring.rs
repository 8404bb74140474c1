//! The ring, of which any process of the server that went wild can write any word.
//!
//! The input is a program: publish, drain, acknowledge, crash, write here or there.
//!
//! * Until something was written that does not belong there, what is drained is what was published, in order and numbered.
//! * After that: nothing outside of the memory is written, an event is not larger than events can be, numbers and positions
//!   rise, there are no more events than fit, and no call goes on for ever.

use std::collections::VecDeque;

use activity_ring::{Consumer, Corrupt, RawMemory, Ring};

use super::ring_memory::RingMemory;
use crate::input::Input;

/// The smallest ring that is offered.
pub(super) const CAPACITY: usize = 64 * 1024;
const SECRET: u64 = 0x5EED_0123_4567_89AB;
/// A record has at least its header.
const MAX_RECORDS: usize = CAPACITY / 24;
/// Most steps of one program.
const MAX_STEPS: usize = 256;

pub(super) fn check(bytes: &[u8]) {
    RingMemory::with(|memory| {
        let ring = memory.format(SECRET);
        let mut world = World {
            memory,
            ring,
            consumer: Consumer::resume(ring).ok(),
            in_ring: VecDeque::new(),
            unacknowledged: VecDeque::new(),
            damaged: false,
            last: (0, 0),
        };
        let mut input = Input::new(bytes);
        for _ in 0..MAX_STEPS {
            if input.is_empty() {
                break;
            }
            world.step(&mut input);
        }
        world.drain(usize::MAX);
        memory.assert_guards();
    });
}

/// A ring, and what is known to be in it as long as nobody wrote into it.
struct World<'m> {
    memory: &'m RingMemory,
    ring: Ring<RawMemory>,
    consumer: Option<Consumer<RawMemory>>,
    /// Published and not drained.
    in_ring: VecDeque<Vec<u8>>,
    /// Drained and not acknowledged: these come again with the next consumer.
    unacknowledged: VecDeque<Vec<u8>>,
    damaged: bool,
    /// Sequence number and end of the last event that was drained.
    last: (u64, u64),
}

impl World<'_> {
    fn step(&mut self, input: &mut Input<'_>) {
        match input.u8() % 8 {
            0 | 1 => self.publish(input),
            2 => self.drain(usize::from(input.u8())),
            3 => self.acknowledge(),
            4 => self.start_again(input.flag()),
            5 => self.write_a_word(input),
            6 => self.write_almost(input),
            _ => self.ask(),
        }
    }

    fn publish(&mut self, input: &mut Input<'_>) {
        let length = input.below(self.ring.max_event_bytes() + 2);
        let pattern = input.bytes(8);
        let event: Vec<u8> = pattern.iter().chain(b"x").copied().cycle().take(length).collect();
        if self.ring.publish(&event).is_ok() {
            assert!(event.len() <= self.ring.max_event_bytes());
            self.in_ring.push_back(event);
        }
    }

    fn drain(&mut self, most: usize) {
        let Some(consumer) = &mut self.consumer else { return };
        let mut event = Vec::new();
        for drained in 0..most {
            assert!(drained <= MAX_RECORDS, "more records than fit");
            match consumer.next(&mut event) {
                Ok(Some(record)) => {
                    assert!(event.len() <= self.ring.max_event_bytes());
                    assert_eq!(record.sequence, self.last.0 + 1);
                    assert!(record.end.0 > self.last.1 && record.end == consumer.drained());
                    self.last = (record.sequence, record.end.0);
                    let published = self.in_ring.pop_front();
                    assert!(
                        self.damaged || published.as_ref() == Some(&event),
                        "another event was published"
                    );
                    self.unacknowledged.push_back(std::mem::take(&mut event));
                }
                Ok(None) => {
                    assert!(self.damaged || self.in_ring.is_empty(), "an event does not come");
                    return;
                }
                Err(corrupt) => {
                    assert!(self.damaged && event.is_empty(), "{corrupt}");
                    assert_eq!(consumer.next(&mut event), Err(corrupt), "the same ring, another answer");
                    return;
                }
            }
        }
    }

    fn acknowledge(&mut self) {
        let Some(consumer) = &mut self.consumer else { return };
        let (sequence, end) = self.last;
        match consumer.ack_with(activity_ring::Position(end), sequence, [sequence; 4]) {
            Ok(()) => self.unacknowledged.clear(),
            Err(refused) => panic!("{refused}"),
        }
        assert!(consumer.acked_sequence() <= sequence);
    }

    /// Another worker, after the whole server has crashed or without that.
    fn start_again(&mut self, crash: bool) {
        if crash {
            self.ring.note_crash();
        }
        match Consumer::resume(self.ring) {
            Ok(consumer) => {
                let acked = consumer.acked_sequence();
                assert!(self.damaged || acked + self.unacknowledged.len() as u64 == self.last.0);
                self.last = (acked, consumer.drained().0);
                while let Some(event) = self.unacknowledged.pop_back() {
                    self.in_ring.push_front(event);
                }
                self.consumer = Some(consumer);
            }
            Err(corrupt) => {
                assert!(self.damaged, "{corrupt}");
                assert!(!matches!(corrupt, Corrupt::Record { .. } | Corrupt::Acknowledgement { .. }));
                self.consumer = None;
            }
        }
    }

    fn write_a_word(&mut self, input: &mut Input<'_>) {
        let at = usize::from(input.u16()) % self.memory.words();
        self.damaged = true;
        self.memory.write(at, |_| input.u64());
    }

    /// A word in use, a little beside what it was.
    fn write_almost(&mut self, input: &mut Input<'_>) {
        // The words of the header that are used are the first ninety.
        let at = if input.flag() {
            input.below(90)
        } else {
            let used = self.ring.reserved().0 as usize % CAPACITY / 8;
            512 + used.saturating_sub(input.below(2048)) % (CAPACITY / 8)
        };
        self.damaged = true;
        let by = input.pick(&[1, 8, 24, 1 << 32, CAPACITY as u64, u64::MAX, u64::MAX - 7, 1 << 63]);
        self.memory.write(at, |word| word.wrapping_add(by));
    }

    fn ask(&self) {
        assert!(self.ring.fill() <= CAPACITY && self.ring.capacity() == CAPACITY);
        if self.damaged {
            return;
        }
        let counted = self.ring.published() + self.ring.dropped() + self.ring.dropped_too_large();
        assert!(counted <= MAX_STEPS as u64);
        assert_eq!((self.ring.dropped_corrupt(), self.ring.skipped()), (0, 0));
        assert!(self.ring.acked_through() <= self.ring.reserved());
    }
}
