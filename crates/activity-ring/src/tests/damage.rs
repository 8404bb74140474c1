//! Damage of one kind at a time, and what is said of it.

use std::sync::atomic::Ordering;

use super::hostile::{CAPACITY, Guarded};
use super::{SECRET, drain};
use crate::layout::{
    ACKED_THROUGH, FREE_THROUGH, HEADER_BYTES, MIN_TEST_CAPACITY_BYTES, RECOVER_THROUGH, RESERVED, SLOTS,
    stamp,
};
use crate::memory::{Memory, RawMemory};
use crate::record::{self, Head};
use crate::{Consumer, Corrupt, Position, PublishError, Ring};

/// Above a crash nothing that is wrong is passed over.
#[test]
fn a_record_that_changed_after_its_commit_stops_the_consumer_until_a_crash() {
    let guarded = Guarded::new();
    for word in 0..4 {
        let (ring, mut consumer) = guarded.lived_in();
        let Position(position) = consumer.drained();
        let at = ring.word_at(position) + word;
        ring.memory.store(at, ring.memory.load(at, Ordering::Relaxed) ^ (1 << 40), Ordering::SeqCst);
        let damaged = consumer.next(&mut Vec::new());
        assert!(matches!(damaged, Err(Corrupt::Record { position: p, .. }) if p == position), "word {word}");
        assert_eq!(consumer.next(&mut Vec::new()), damaged, "it stays so");

        ring.note_crash();
        let events = drain(&mut Consumer::resume(ring).unwrap()).unwrap();
        let lengths: Vec<usize> = events.iter().map(|(_, event)| event.len()).collect();
        assert_eq!(lengths, [150, 0, 40, 60, 80, 100], "without the one of 20 bytes");
        assert_eq!(ring.skipped(), 1);
    }
}

/// Were the kind not part of the check sum, this event would pass for a pad and vanish uncounted.
#[test]
fn an_event_up_to_the_end_of_the_data_that_is_called_a_pad_is_damage() {
    let ring = super::ring(CAPACITY);
    let mut consumer = super::resume(&ring);
    let quarter = CAPACITY as u64 / 4;
    for _ in 0..4 {
        ring.publish(&[0; CAPACITY / 4 - 24]).unwrap();
    }
    for _ in 0..3 {
        assert!(consumer.next(&mut Vec::new()).unwrap().is_some());
    }
    let position = 3 * quarter;
    ring.memory.store(ring.word_at(position) + 2, record::Kind::Pad as u64, Ordering::Relaxed);
    let what = "its check sum is wrong";
    assert_eq!(consumer.next(&mut Vec::new()), Err(Corrupt::Record { position, what }));
}

/// Stamp, kind and check sum are right, for a payload of zeroes.
fn forge_event(ring: &Ring<RawMemory>, position: u64, len: usize) {
    let head = Head::of_event(&vec![0; len]).unwrap();
    let at = ring.word_at(position);
    ring.memory.store(at + 1, u64::from(head.len) | u64::from(head.check) << 32, Ordering::Relaxed);
    ring.memory.store(at + 2, head.kind as u64, Ordering::Relaxed);
    ring.memory.store(at, stamp(position, SECRET), Ordering::Release);
}

#[test]
fn a_record_that_is_right_in_all_but_its_length_is_damage() {
    let guarded = Guarded::new();
    let limit = CAPACITY / 4 - 24;
    // Where the record is, its length, and what is claimed: one too large for the ring, one beyond the claim, one over the
    // end of the data.
    for (position, len, reserved) in [(0, limit + 1, 512), (0, limit, 248), (960, 100, 1024 + 128)] {
        guarded.lived_in();
        for word in 0..guarded.words {
            guarded.inner.store(word, 0, Ordering::Relaxed);
        }
        let bytes = HEADER_BYTES + CAPACITY;
        let ring = Ring::format_in(guarded.inner, bytes, SECRET, MIN_TEST_CAPACITY_BYTES).unwrap();
        let mut consumer = Consumer::resume(ring).unwrap();
        for sequence in 1..=position / 240 {
            let end = ring.publish(&[1; 240 - 24]).unwrap();
            assert!(consumer.next(&mut Vec::new()).unwrap().is_some());
            consumer.ack_through(end, sequence).unwrap();
        }
        forge_event(&ring, position, len);
        ring.memory.store(RESERVED, reserved, Ordering::SeqCst);
        let what = "its length is impossible";
        assert_eq!(consumer.next(&mut Vec::new()), Err(Corrupt::Record { position, what }), "{len}");
    }
}

#[test]
fn a_pad_that_is_not_at_the_end_is_damage() {
    let guarded = Guarded::new();
    let (ring, mut consumer) = guarded.lived_in();
    let Position(position) = consumer.drained();
    let pad = Head::of_pad(48).unwrap();
    record::write(&ring.memory, ring.word_at(position), stamp(position, SECRET), pad, &[]);
    assert!(matches!(consumer.next(&mut Vec::new()), Err(Corrupt::Record { .. })));
}

#[test]
fn impossible_positions_are_told_and_what_is_refused_is_counted() {
    let guarded = Guarded::new();
    let (ring, mut consumer) = guarded.lived_in();
    let reserved = ring.reserved().0;
    for wrong in [0, 8, reserved + 8 * CAPACITY as u64, reserved + 4, u64::MAX] {
        ring.memory.store(RESERVED, wrong, Ordering::SeqCst);
        assert!(matches!(consumer.next(&mut Vec::new()), Err(Corrupt::Positions { .. })), "{wrong}");
        assert!(matches!(Consumer::resume(ring), Err(Corrupt::Positions { .. })), "{wrong}");
        assert_eq!(ring.publish(b"x"), Err(PublishError::Corrupt), "{wrong}");
    }
    assert_eq!(ring.dropped_corrupt(), 5);
    ring.memory.store(RESERVED, consumer.drained().0 - 8, Ordering::SeqCst);
    assert!(
        matches!(consumer.next(&mut Vec::new()), Err(Corrupt::Positions { .. })),
        "less than was drained"
    );
    ring.memory.store(RESERVED, reserved, Ordering::SeqCst);
    ring.memory.store(RECOVER_THROUGH, reserved + 8, Ordering::SeqCst);
    assert!(matches!(Consumer::resume(ring), Err(Corrupt::Recovery { .. })));
    ring.memory.store(RECOVER_THROUGH, 0, Ordering::SeqCst);
    let acked = ring.acked_through().0;
    ring.memory.store(ACKED_THROUGH, acked + 8, Ordering::SeqCst);
    assert!(
        matches!(Consumer::resume(ring), Err(Corrupt::Checkpoint)),
        "sessions were told more than it says"
    );
    ring.memory.store(ACKED_THROUGH, acked, Ordering::SeqCst);
    assert!(consumer.next(&mut Vec::new()).unwrap().is_some());
}

#[test]
fn a_checkpoint_whose_newest_slot_is_destroyed_is_damage_and_the_older_slot_is_not_missed() {
    let guarded = Guarded::new();
    for slot in SLOTS {
        let (ring, _) = guarded.lived_in();
        let newest = ring.acked_through();
        let is_newest = ring.memory.load(slot, Ordering::SeqCst) == newest.0;
        ring.memory.store(slot, 8, Ordering::SeqCst);
        match Consumer::resume(ring) {
            Ok(consumer) => assert!(!is_newest && consumer.drained() == newest),
            Err(_) => assert!(is_newest, "the older one contradicts what was freed"),
        }
    }
    let (ring, _) = guarded.lived_in();
    for slot in SLOTS {
        ring.memory.store(slot, 8, Ordering::SeqCst);
    }
    assert!(matches!(Consumer::resume(ring), Err(Corrupt::Checkpoint)));
}

/// The consumer's own position is its own: what is written over it is mended by the next acknowledgement.
#[test]
fn free_through_is_mended_by_the_consumer() {
    let guarded = Guarded::new();
    let (ring, mut consumer) = guarded.lived_in();
    ring.memory.store(FREE_THROUGH, u64::MAX, Ordering::SeqCst);
    assert_eq!(ring.publish(b"x"), Err(PublishError::Corrupt));
    let reserved = ring.reserved().0;
    ring.memory.store(RESERVED, u64::MAX - 7, Ordering::SeqCst);
    ring.memory.store(FREE_THROUGH, u64::MAX - 7, Ordering::SeqCst);
    assert_eq!(ring.publish(b"x"), Err(PublishError::Corrupt), "the last position is never reached");
    ring.memory.store(RESERVED, reserved, Ordering::SeqCst);
    let events = drain(&mut consumer).unwrap();
    let last = events.last().unwrap().0;
    consumer.ack_through(last.end, last.sequence).unwrap();
    assert_eq!(ring.fill(), 0);
    assert!(ring.publish(b"x").is_ok());
}

/// The record behind a hole is looked at to find the hole's end; where that is no longer so, nothing of it is given.
#[test]
fn an_error_behind_a_hole_comes_without_an_event() {
    let guarded = Guarded::new();
    let (ring, consumer) = guarded.lived_in();
    let Position(hole) = consumer.drained();
    ring.memory.store(ring.word_at(hole), 0, Ordering::SeqCst);
    ring.note_crash();
    let mut consumer = Consumer::resume(ring).unwrap();
    let mut event = Vec::new();
    while consumer.drained() < Position(hole) {
        assert!(consumer.next(&mut event).unwrap().is_some());
    }
    ring.memory.store(RESERVED, hole + 8, Ordering::SeqCst);
    assert!(matches!(consumer.next(&mut event), Err(Corrupt::Positions { .. })));
    assert!(consumer.drained() > Position(hole) && event.is_empty());
}
