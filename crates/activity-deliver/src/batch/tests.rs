use activity_event::{Class, Params, Session};

use super::*;

const LINGER: Duration = Duration::from_millis(100);

fn identity() -> Identity {
    Identity {
        cluster_id: "cluster-A".to_owned(),
        instance_id: "db-B".to_owned(),
        server_version: "15.1".to_owned(),
        server_type: "PostgreSQL".to_owned(),
        service_name: "PostgreSQL".to_owned(),
        epoch: 1,
    }
}

fn batcher(max_bytes: usize, linger: Duration) -> Batcher {
    Batcher::new(max_bytes, linger, identity(), Chain::begin("1"))
}

/// The wire form of an event with a text of so many bytes.
fn wire(text: usize) -> Vec<u8> {
    let text = "x".repeat(text);
    let event = Event {
        start_time: 0,
        log_time: 0,
        statement_id: 1,
        substatement_id: 1,
        class: Class::Read,
        command: "SELECT",
        object_type: None,
        object_name: None,
        row_count: None,
        command_text: Some(&text),
        command_text_length: None,
        params: Params::EMPTY,
        exit_code: None,
        error_message: None,
        effective_user: None,
        transaction_id: None,
        query_id: None,
        session: Session::UNSAID,
    };
    let mut wire = Vec::new();
    event.encode(&mut wire);
    wire
}

/// Bytes of an event's JSON with a text of so many bytes.
fn json_bytes(text: usize) -> usize {
    let mut batcher = batcher(usize::MAX, LINGER);
    let now = Instant::now();
    batcher.push(1, 10, &wire(text), now);
    batcher.poll(now, true).unwrap().json.len()
}

/// Pushes events with texts of that many bytes and consecutive numbers from `first` on; event `n` ends at `10 * n`.
fn push(batcher: &mut Batcher, first: u64, texts: &[usize], now: Instant) {
    for (sequence, text) in (first..).zip(texts) {
        batcher.push(sequence, sequence * 10, &wire(*text), now);
    }
}

/// The numbers of its events, and where it ends.
fn numbers(batch: &Batch) -> (Vec<u64>, u64) {
    (batch.marks.iter().map(|mark| mark.sequence).collect(), batch.through)
}

/// Everything, as it is closed.
fn all(batcher: &mut Batcher, now: Instant) -> Vec<Batch> {
    std::iter::from_fn(|| batcher.poll(now, true)).collect()
}

#[test]
fn a_batch_leaves_when_it_has_lingered() {
    let (mut batcher, now) = (batcher(100_000, LINGER), Instant::now());
    assert!(batcher.is_empty() && batcher.deadline().is_none());
    push(&mut batcher, 5, &[3, 0], now);
    push(&mut batcher, 7, &[1], now + LINGER / 2);
    assert_eq!(batcher.deadline(), Some(now + LINGER), "counted from the first event");
    assert_eq!(batcher.poll(now + LINGER - Duration::from_nanos(1), false), None);
    let batch = batcher.poll(now + LINGER, false).unwrap();
    assert_eq!(numbers(&batch), (vec![5, 6, 7], 70));
    assert!(batcher.is_empty() && batcher.deadline().is_none());
}

#[test]
fn the_events_stand_in_a_batch_as_in_a_record_and_its_marks_tell_them_apart() {
    let (mut batcher, now) = (batcher(100_000, LINGER), Instant::now());
    push(&mut batcher, 1, &[3, 0, 7], now);
    let batch = batcher.poll(now, true).unwrap();
    let list = [b"[", &batch.json[..], b"]"].concat();
    let events: Vec<serde_json::Value> = serde_json::from_slice(&list).unwrap();
    assert_eq!(events.iter().map(|event| event["sequence"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    let mut start = 0;
    for (mark, event) in batch.marks.iter().zip(&events) {
        assert_eq!(
            &serde_json::from_slice::<serde_json::Value>(&batch.json[start..mark.end]).unwrap(),
            event
        );
        start = mark.end + 1;
    }
    assert_eq!(start, batch.json.len() + 1);
}

#[test]
fn the_chain_goes_through_the_events_however_they_are_batched() {
    let now = Instant::now();
    let whole = {
        let mut batcher = batcher(usize::MAX, LINGER);
        push(&mut batcher, 1, &[10, 900, 20, 30], now);
        batcher.poll(now, true).unwrap()
    };
    let mut start = 0;
    let mut chain = Chain::begin("1");
    assert_eq!(whole.chain, chain);
    let mut places = vec![chain];
    for mark in &whole.marks {
        chain = chain.then(&whole.json[start..mark.end]);
        places.push(chain);
        start = mark.end + 1;
    }
    assert_eq!(whole.chain_after, chain);

    for max_bytes in [1, json_bytes(900) + 700, 2000] {
        let mut batcher = batcher(max_bytes, LINGER);
        push(&mut batcher, 1, &[10, 900, 20, 30], now);
        let batches = all(&mut batcher, now);
        assert!(batches.len() > 1);
        let mut events = 0;
        for batch in batches {
            assert_eq!(batch.chain, places[events], "{max_bytes}");
            events += batch.marks.len();
            assert_eq!(batch.chain_after, places[events], "{max_bytes}");
        }
    }
}

#[test]
fn an_event_that_cannot_be_read_is_counted_and_left_out_of_the_chain() {
    let (mut batcher, now) = (batcher(100_000, LINGER), Instant::now());
    batcher.push(1, 10, b"nonsense", now);
    let nothing = batcher.poll(now, true).unwrap();
    assert_eq!(numbers(&nothing), (vec![], 10));
    assert_eq!(nothing.unreadable, Unreadable { events: 1, first_sequence: 1, last_sequence: 1 });
    assert_eq!(
        (nothing.chain, nothing.chain_after, nothing.last_sequence),
        (Chain::begin("1"), Chain::begin("1"), 1)
    );

    push(&mut batcher, 2, &[5], now);
    batcher.push(3, 30, b"", now);
    batcher.push(4, 40, &[], now);
    push(&mut batcher, 5, &[5], now);
    let batch = batcher.poll(now, true).unwrap();
    assert_eq!(numbers(&batch), (vec![2, 5], 50));
    assert_eq!(batch.unreadable, Unreadable { events: 2, first_sequence: 3, last_sequence: 4 });
    let (first, second) = (&batch.json[..batch.marks[0].end], &batch.json[batch.marks[0].end + 1..]);
    assert_eq!(batch.chain_after, batch.chain.then(first).then(second));
}

#[test]
fn somebody_who_waits_gets_what_is_there_at_once() {
    let (mut batcher, now) = (batcher(100_000, LINGER), Instant::now());
    assert_eq!(batcher.poll(now, true), None);
    push(&mut batcher, 1, &[3], now);
    assert_eq!(numbers(&batcher.poll(now, true).unwrap()), (vec![1], 10));
    assert!(batcher.is_empty());
}

#[test]
fn full_batches_leave_together_when_the_oldest_has_lingered() {
    let two = json_bytes(800) + 1 + json_bytes(799);
    let (mut batcher, now) = (batcher(two, LINGER), Instant::now());
    push(&mut batcher, 1, &[800, 799, 800, 799, 1], now);
    assert_eq!(batcher.deadline(), Some(now + LINGER));
    assert_eq!(batcher.poll(now, false), None);
    push(&mut batcher, 6, &[1], now + LINGER / 2);
    assert_eq!(numbers(&batcher.poll(now + LINGER, false).unwrap()), (vec![1, 2], 20));
    assert_eq!(batcher.deadline(), Some(now), "the rest of the burst is due");
    assert_eq!(numbers(&batcher.poll(now + LINGER, false).unwrap()), (vec![3, 4], 40));
    assert_eq!(numbers(&batcher.poll(now + LINGER, false).unwrap()), (vec![5, 6], 60));
}

#[test]
fn full_batches_leave_at_once_where_they_are_released() {
    let two = json_bytes(800) + 1 + json_bytes(799);
    let (mut batcher, now) = (batcher(two, LINGER), Instant::now());
    push(&mut batcher, 1, &[800, 799, 1], now);
    batcher.release_closed();
    assert_eq!(batcher.deadline(), Some(now));
    assert_eq!(numbers(&batcher.poll(now, false).unwrap()), (vec![1, 2], 20));
    assert_eq!((batcher.poll(now, false), batcher.deadline()), (None, Some(now + LINGER)));
}

#[test]
fn many_bytes_leave_without_lingering_and_the_next_event_begins_another_burst() {
    let many = BURST_BYTES / 2;
    let (mut batcher, now) = (batcher(many, LINGER), Instant::now());
    push(&mut batcher, 1, &[many], now);
    assert_eq!(batcher.poll(now, false), None);
    push(&mut batcher, 2, &[many], now);
    assert_eq!(batcher.deadline(), Some(now));
    assert!(batcher.poll(now, false).is_some() && batcher.poll(now, false).is_some());
    push(&mut batcher, 3, &[many], now);
    assert_eq!((batcher.poll(now, false), batcher.deadline()), (None, Some(now + LINGER)));
    assert_eq!(numbers(&batcher.poll(now, true).unwrap()), (vec![3], 30));
}

#[test]
fn an_event_larger_than_a_batch_travels_alone() {
    let (mut batcher, now) = (batcher(3000, LINGER), Instant::now());
    push(&mut batcher, 1, &[10, 50_000, 10], now);
    let batches: Vec<_> = all(&mut batcher, now).iter().map(numbers).collect();
    assert_eq!(batches, [(vec![1], 10), (vec![2], 20), (vec![3], 30)]);
}

#[test]
fn the_number_of_events_is_bounded_whether_they_can_be_read_or_not() {
    let (mut batcher, now) = (batcher(usize::MAX, LINGER), Instant::now());
    for sequence in 1..=MAX_EVENTS_PER_BATCH + 1 {
        let event = if sequence % 2 == 0 { wire(0) } else { Vec::new() };
        batcher.push(sequence, sequence * 10, &event, now);
    }
    let covers: Vec<_> = all(&mut batcher, now).iter().map(Batch::covers).collect();
    assert_eq!(covers, [MAX_EVENTS_PER_BATCH, 1]);
}

#[test]
fn new_limits_hold_for_the_open_batch() {
    let (mut batcher, now) = (batcher(100_000, Duration::MAX), Instant::now());
    push(&mut batcher, 1, &[10], now);
    assert_eq!((batcher.deadline(), batcher.poll(now + LINGER * 1000, false)), (None, None));
    batcher.reconfigure(1000, LINGER);
    assert_eq!(batcher.deadline(), Some(now + LINGER));
    push(&mut batcher, 2, &[10], now);
    assert_eq!(numbers(&batcher.poll(now + LINGER, false).unwrap()), (vec![1], 10));
    assert_eq!(numbers(&batcher.poll(now + LINGER, false).unwrap()), (vec![2], 20));
}
