use activity_aws::ShardIterator;

use super::*;
use crate::fake::{FakeStream, error, record};

async fn follow(stream: FakeStream, start: StartAt) -> Follow<FakeStream> {
    Follow::start(stream, &start, Duration::from_millis(250)).await.expect("shards")
}

/// The next so many records as `<shard> <sequence number>`.
async fn records(follow: &mut Follow<FakeStream>, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    while all.len() < count {
        if let Step::Records { shard, records, .. } = follow.next().await.expect("a step") {
            all.extend(records.into_iter().map(|record| format!("{shard} {}", record.sequence_number)));
        }
    }
    all
}

/// Why following ends.
async fn end(follow: &mut Follow<FakeStream>) -> FollowError {
    loop {
        if let Err(error) = follow.next().await {
            return error;
        }
    }
}

/// Steps until one that is not about records, nor their end.
async fn other(follow: &mut Follow<FakeStream>) -> Result<Step, FollowError> {
    loop {
        match follow.next().await {
            Ok(Step::Records { .. } | Step::CaughtUp) => {}
            other => return other,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_split_and_a_merge_are_followed_in_order_whether_children_are_named_or_not() {
    for tells_children in [true, false] {
        let stream = FakeStream::with("a", &[]);
        for (shard, parents) in [("b", &["a"][..]), ("c", &["a"]), ("d", &["b", "c"])] {
            stream.add(shard, parents);
        }
        for (shard, number) in [("d", "6"), ("c", "5"), ("b", "3"), ("b", "4"), ("a", "1"), ("a", "2")] {
            stream.put(shard, record(number));
        }
        for shard in ["a", "b", "c"] {
            stream.close(shard);
        }
        if tells_children {
            stream.tell_children();
        }
        let mut follow = follow(stream, StartAt::TrimHorizon).await;
        let mut all = records(&mut follow, 6).await;
        assert_eq!(all[..2], ["a 1", "a 2"]);
        all[2..5].sort();
        assert_eq!(all[2..], ["b 3", "b 4", "c 5", "d 6"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_is_split_while_it_is_read_from_latest_loses_nothing() {
    let stream = FakeStream::with("a", &[]);
    stream.put("a", record("before"));
    let mut follow = follow(stream, StartAt::Latest).await;
    assert!(matches!(follow.next().await, Ok(Step::Positioned(1))));
    let stream = Arc::clone(&follow.source);
    stream.put("a", record("1"));
    stream.add("b", &["a"]);
    stream.put("b", record("2"));
    stream.close("a");
    assert_eq!(records(&mut follow, 2).await, ["a 1", "b 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_appears_without_a_known_parent_is_found() {
    let mut follow = follow(FakeStream::with("a", &[]), StartAt::Latest).await;
    let stream = Arc::clone(&follow.source);
    stream.add("b", &["gone"]);
    stream.put("b", record("1"));
    assert_eq!(records(&mut follow, 1).await, ["b 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_the_service_forgot_counts_as_read_and_a_stream_is_missed() {
    let stream = FakeStream::with("a", &[]);
    stream.add("b", &["a"]);
    stream.put("b", record("1"));
    let mut follow = follow(stream, StartAt::TrimHorizon).await;
    let stream = Arc::clone(&follow.source);
    stream.remove("a");
    assert_eq!(records(&mut follow, 1).await, ["b 1"]);
    stream.fail("ListShards", error(ErrorKind::NotFound));
    stream.remove("b");
    assert_eq!(end(&mut follow).await, error(ErrorKind::NotFound).into());
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_is_listed_and_not_known_ends_following() {
    let stream = FakeStream::with("a", &[]);
    stream.fail("GetShardIterator", error(ErrorKind::NotFound));
    let mut follow = follow(stream, StartAt::TrimHorizon).await;
    assert_eq!(end(&mut follow).await, error(ErrorKind::NotFound).into());
}

#[tokio::test(start_paused = true)]
async fn at_the_start_every_failure_is_final() {
    for kind in [ErrorKind::NotFound, ErrorKind::Connection] {
        let stream = FakeStream::with("a", &[]);
        stream.fail("ListShards", error(kind));
        let started = Follow::start(stream, &StartAt::Latest, Duration::from_millis(250)).await;
        assert_eq!(started.err(), Some(error(kind)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_once_and_its_end_too() {
    let stream = FakeStream::with("a", &[]);
    stream.add("b", &[]);
    let mut follow = follow(stream, StartAt::Latest).await;
    assert!(matches!(other(&mut follow).await, Ok(Step::Positioned(2))));
    for _ in 0..6 {
        follow.source.fail("GetRecords", error(ErrorKind::Connection));
    }
    follow.source.fail("ListShards", error(ErrorKind::Connection));
    assert!(matches!(other(&mut follow).await, Ok(Step::Trouble(_))));
    assert!(matches!(other(&mut follow).await, Ok(Step::Recovered)));
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_ends_following() {
    let stream = FakeStream::with("a", &[]);
    stream.fail("GetRecords", error(ErrorKind::AccessDenied));
    let mut follow = follow(stream, StartAt::Latest).await;
    assert_eq!(end(&mut follow).await, error(ErrorKind::AccessDenied).into());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_being_created_is_waited_for_and_not_for_ever() {
    let stream = FakeStream::with("a", &[]);
    stream.put("a", record("1"));
    for _ in 0..30 {
        stream.fail("ListShards", error(ErrorKind::NotActive));
    }
    let mut follow = follow(stream, StartAt::TrimHorizon).await;
    assert_eq!(records(&mut follow, 1).await, ["a 1"]);
    let stream = FakeStream::default();
    for _ in 0..1_000 {
        stream.fail("ListShards", error(ErrorKind::NotActive));
    }
    let begun = Instant::now();
    let started = Follow::start(stream, &StartAt::Latest, Duration::from_millis(250)).await;
    assert_eq!(started.err(), Some(error(ErrorKind::NotActive)));
    assert_eq!(begun.elapsed(), CREATION_LIMIT);
}

/// The records that come before following has caught up.
async fn records_until_caught_up(follow: &mut Follow<impl Source>) -> usize {
    let mut count = 0;
    loop {
        match follow.next().await.expect("a step") {
            Step::CaughtUp => return count,
            Step::Records { records, .. } => count += records.len(),
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_has_caught_up_when_every_shard_is_read_whether_children_are_named_or_listed() {
    for tells_children in [true, false] {
        let stream = FakeStream::with("a", &[]);
        stream.add("b", &["a"]);
        stream.add("c", &[]);
        for (shard, number) in [("a", "1"), ("b", "2"), ("c", "3"), ("b", "4")] {
            stream.put(shard, record(number));
        }
        stream.close("a");
        stream.close("b");
        if tells_children {
            stream.tell_children();
        }
        let mut follow = follow(stream, StartAt::TrimHorizon).await;
        assert_eq!(records_until_caught_up(&mut follow).await, 4);
        assert!(matches!(follow.next().await, Ok(Step::Records { .. })), "told once, and it goes on");
    }
}

#[tokio::test(start_paused = true)]
async fn it_has_not_caught_up_while_a_shard_cannot_be_read() {
    let stream = FakeStream::with("a", &[]);
    stream.put("a", record("1"));
    for _ in 0..3 {
        stream.fail("GetRecords", error(ErrorKind::Unavailable));
    }
    let mut follow = follow(stream, StartAt::TrimHorizon).await;
    assert_eq!(records_until_caught_up(&mut follow).await, 1);
}

/// A stream that is written to all the time: every answer is this far behind its end.
struct Busy(FakeStream, Duration);

impl Source for Busy {
    async fn list_shards(&self) -> Result<Vec<Shard>, AwsError> {
        self.0.list_shards().await
    }

    async fn iterator(&self, shard: &str, start: &StartAt) -> Result<ShardIterator, AwsError> {
        self.0.iterator(shard, start).await
    }

    async fn get_records(&self, iterator: &ShardIterator, limit: u32) -> Result<Page, AwsError> {
        let page = self.0.get_records(iterator, limit).await?;
        Ok(Page { behind: Some(self.1), ..page })
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_written_to_all_the_time_is_read_up_to_when_it_began() {
    let behind = Duration::from_secs(7);
    let begun = Instant::now();
    let source = Busy(FakeStream::with("a", &[]), behind);
    let mut follow =
        Follow::start(source, &StartAt::TrimHorizon, Duration::from_millis(250)).await.expect("shards");
    assert_eq!(records_until_caught_up(&mut follow).await, 0);
    assert!((behind..behind * 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_full_page_is_never_the_last_whatever_the_service_says() {
    let stream = FakeStream::with("a", &[]);
    for number in 0..=RECORDS_PER_PAGE {
        stream.put("a", record(&number.to_string()));
    }
    let source = Busy(stream, Duration::ZERO);
    let mut follow =
        Follow::start(source, &StartAt::TrimHorizon, Duration::from_millis(250)).await.expect("shards");
    assert_eq!(records_until_caught_up(&mut follow).await, RECORDS_PER_PAGE as usize + 1);
}
