//! The ordinary life of a ring.

use super::{assert_empty, assert_free_space_is_zero, drain, payloads, resume, ring};
use crate::layout::{HEADER_BYTES, RECORD_HEADER_BYTES};
use crate::{Corrupt, Position, PublishError, Record};

const HEADER: usize = RECORD_HEADER_BYTES as usize;

#[test]
fn an_event_comes_out_as_it_went_in_with_its_number_and_end() {
    let ring = ring(1024);
    let mut consumer = resume(&ring);
    let lengths = [0, 1, 7, 8, 9, 100];
    let mut ends = Vec::new();
    for len in lengths {
        ends.push(ring.publish(&vec![len as u8 + 1; len]).unwrap());
    }
    for (i, (record, event)) in drain(&mut consumer).unwrap().into_iter().enumerate() {
        assert_eq!(record, Record { sequence: i as u64 + 1, end: ends[i] });
        assert_eq!(event, vec![lengths[i] as u8 + 1; lengths[i]]);
    }
    assert_eq!(consumer.drained(), *ends.last().unwrap());
    assert_eq!((ring.published(), ring.dropped(), ring.skipped()), (6, 0, 0));
}

#[test]
fn an_event_of_any_length_comes_out_whole() {
    for len in 0..=200 {
        let ring = ring(1024);
        let event: Vec<u8> = (1..=len).collect();
        ring.publish(&event).unwrap();
        assert_eq!(payloads(&mut resume(&ring)), [event]);
    }
}

#[test]
fn space_is_free_when_acknowledged_not_when_drained() {
    let ring = ring(128);
    let mut consumer = resume(&ring);
    for i in 0..4u8 {
        ring.publish(&[i; 8]).unwrap();
    }
    assert_eq!(ring.fill(), 128);
    let events = drain(&mut consumer).unwrap();
    assert_eq!(ring.publish(&[4; 8]), Err(PublishError::Full));
    consumer.ack_through(events[0].0.end, events[0].0.sequence).unwrap();
    assert_eq!(ring.fill(), 96);
    assert_eq!(ring.publish(&[5; 8]), Ok(Position(160)));
    assert_eq!((ring.published(), ring.dropped()), (5, 1));
    assert_eq!(payloads(&mut consumer), [vec![5; 8]]);
    consumer.ack_through(Position(160), 5).unwrap();
    assert_empty(&ring);
}

#[test]
fn an_event_over_a_quarter_of_the_ring_is_refused_and_counted() {
    let ring = ring(1024);
    assert_eq!(ring.max_event_bytes(), 256 - HEADER);
    assert_eq!(ring.publish(&vec![1; 256 - HEADER + 1]), Err(PublishError::TooLarge));
    assert_eq!((ring.dropped_too_large(), ring.dropped(), ring.published(), ring.fill()), (1, 0, 0, 0));
    ring.publish(&vec![1; 256 - HEADER]).unwrap();
    assert_eq!(ring.fill(), 256);
}

/// Brings the end of the data to every distance that a record can meet, so every kind of pad occurs.
#[test]
fn a_record_that_does_not_fit_at_the_end_goes_to_the_start_behind_any_pad() {
    for to_end in (0..256).step_by(8) {
        let ring = ring(1024);
        let mut consumer = resume(&ring);
        let mut left = 1024 - to_end;
        let mut sequence = 0;
        while left > 0 {
            let size = if left > 256 + HEADER { 256 } else { left.min(256) };
            let size = if left - size > 0 && left - size < HEADER { size - HEADER } else { size };
            sequence += 1;
            let end = ring.publish(&vec![0xEE; size - HEADER]).unwrap();
            payloads(&mut consumer);
            consumer.ack_through(end, sequence).unwrap();
            left -= size;
        }
        assert_eq!(ring.reserved().0 as usize, 1024 - to_end);
        let end = ring.publish(&[0x77; 256 - HEADER]).unwrap();
        assert_eq!(end.0 as usize, 1024 + 256, "{to_end} bytes to the end");
        assert_eq!(ring.fill(), to_end + 256);
        let events = drain(&mut consumer).unwrap();
        assert_eq!(events, [(Record { sequence: sequence + 1, end }, vec![0x77; 256 - HEADER])]);
        consumer.ack_through(end, sequence + 1).unwrap();
        assert_empty(&ring);
    }
}

#[test]
fn a_restarted_worker_drains_what_was_not_acknowledged_under_the_same_numbers() {
    let ring = ring(1024);
    let mut first = resume(&ring);
    for i in 0..10u8 {
        ring.publish(&[i; 5]).unwrap();
    }
    let before = drain(&mut first).unwrap();
    first.ack_through(before[3].0.end, before[3].0.sequence).unwrap();
    drop(first);
    let mut second = resume(&ring);
    assert_eq!(second.drained(), before[3].0.end);
    assert_eq!(drain(&mut second).unwrap(), before[4..]);
    assert_free_space_is_zero(&ring);
}

#[test]
fn a_note_is_kept_with_its_acknowledgement() {
    let ring = ring(1024);
    let mut first = resume(&ring);
    assert_eq!((first.acked_sequence(), first.note()), (0, [0; 4]));
    for i in 0..3u8 {
        ring.publish(&[i; 5]).unwrap();
    }
    let events = drain(&mut first).unwrap();
    first.ack_with(events[0].0.end, 1, [1, 2, 3, u64::MAX]).unwrap();
    first.ack_with(events[0].0.end, 1, [9; 4]).unwrap();
    assert_eq!(first.note(), [1, 2, 3, u64::MAX], "what was acknowledged before changes nothing");
    first.ack_through(events[1].0.end, 2).unwrap();
    let second = resume(&ring);
    assert_eq!((second.acked_sequence(), second.note()), (2, [1, 2, 3, u64::MAX]));
}

#[test]
fn acknowledging_again_or_less_is_harmless() {
    let ring = ring(1024);
    let mut consumer = resume(&ring);
    for i in 0..3u8 {
        ring.publish(&[i; 5]).unwrap();
    }
    let events = drain(&mut consumer).unwrap();
    consumer.ack_through(events[1].0.end, 2).unwrap();
    consumer.ack_through(events[1].0.end, 2).unwrap();
    consumer.ack_through(events[0].0.end, 1).unwrap();
    assert_eq!(ring.acked_through(), events[1].0.end);
    assert_eq!(drain(&mut resume(&ring)).unwrap(), events[2..]);
}

#[test]
fn an_acknowledgement_of_what_was_not_drained_is_refused_and_frees_nothing() {
    let ring = ring(1024);
    let mut consumer = resume(&ring);
    for i in 0..3u8 {
        ring.publish(&[i; 8]).unwrap();
    }
    let mut event = Vec::new();
    let first = consumer.next(&mut event).unwrap().unwrap();
    let second = consumer.next(&mut event).unwrap().unwrap();
    let wrong = [
        (ring.reserved(), 3),
        (Position(u64::MAX), 2),
        (Position(second.end.0 + 8), 2),
        (Position(first.end.0 + 1), 1),
        (first.end, 0),
        (first.end, 2),
        (second.end, 1),
        (second.end, 3),
    ];
    for (position, sequence) in wrong {
        let refused = consumer.ack_through(position, sequence);
        assert!(matches!(refused, Err(Corrupt::Acknowledgement { .. })), "{position:?} {sequence}");
        assert_eq!((ring.acked_through(), ring.fill()), (Position(0), 96));
    }
    consumer.ack_through(second.end, 2).unwrap();
    assert_eq!(ring.fill(), 32);
}

#[test]
fn many_laps_leave_every_byte_zero() {
    let ring = ring(256);
    let mut consumer = resume(&ring);
    for i in 1..=1000u64 {
        let event = vec![i as u8; (i * 7 % 41) as usize];
        let end = ring.publish(&event).unwrap();
        assert_eq!(drain(&mut consumer).unwrap(), [(Record { sequence: i, end }, event)]);
        consumer.ack_through(end, i).unwrap();
        assert_empty(&ring);
    }
    assert!(ring.reserved().0 > 50 * 256);
}

mod making {
    use std::ptr::NonNull;

    use super::HEADER_BYTES;
    use crate::tests::stress::pages;
    use crate::{FormatError, RawMemory, Ring};

    #[expect(unsafe_code, reason = "memory of the test")]
    fn format(base: NonNull<u8>, len: usize) -> Result<Ring<RawMemory>, FormatError> {
        // SAFETY: every caller passes a part of pages that are zeroed and never given back.
        unsafe { Ring::format(base, len, 1) }
    }

    #[test]
    fn only_a_power_of_two_of_at_least_64_kib_makes_a_ring() {
        let base = pages(HEADER_BYTES + (1 << 17));
        for capacity in [0, 1, 1 << 15, (1 << 16) - 1, (1 << 16) + 8, 3 << 15] {
            let refused = format(base, Ring::<RawMemory>::required_bytes(capacity));
            assert!(matches!(refused, Err(FormatError::Capacity { .. })), "{capacity}");
        }
        assert!(matches!(format(base, 0), Err(FormatError::Capacity { .. })));
        let ring = format(base, Ring::<RawMemory>::required_bytes(1 << 17)).unwrap();
        assert_eq!((ring.capacity(), ring.max_event_bytes()), (1 << 17, (1 << 15) - 24));
    }

    #[test]
    #[expect(unsafe_code, reason = "an address inside of the pages")]
    fn memory_that_is_misaligned_or_in_use_is_refused() {
        let bytes = Ring::<RawMemory>::required_bytes(1 << 16);
        let base = pages(bytes + HEADER_BYTES);
        // SAFETY: 8 bytes are inside.
        let inside = unsafe { base.add(8) };
        assert_eq!(format(inside, bytes).unwrap_err(), FormatError::Misaligned);
        format(base, bytes).unwrap();
        assert_eq!(format(base, bytes).unwrap_err(), FormatError::NotZeroed);
    }
}
