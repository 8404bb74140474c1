//! The consumer's Kinesis: shards, iterators, records.

use std::time::{Duration, SystemTime};

use aws_sdk_kinesis::types::{self, ShardIteratorType};
use aws_smithy_types::DateTime;

use crate::connect::{Aws, Retries};
use crate::error::{AwsError, Call};

const LIST_SHARDS: Call = Call::kinesis("ListShards");
const GET_SHARD_ITERATOR: Call = Call::kinesis("GetShardIterator");
const GET_RECORDS: Call = Call::kinesis("GetRecords");

/// Most records of one `GetRecords` (API reference).
const MAX_RECORDS_PER_CALL: u32 = 10_000;

/// Most pages of one listing, each up to 10 000 shards: an emulator that pages in a circle must not hold us for ever.
const MAX_PAGES: usize = 100;

/// Where reading a shard begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartAt {
    /// Behind the last record there is now.
    Latest,
    /// At the oldest record still kept.
    TrimHorizon,
    /// At the first record that arrived at this time or later. A time to come is as good as [`StartAt::Latest`].
    AtTimestamp(SystemTime),
    /// Behind this record: where a reader whose iterator expired goes on.
    AfterSequenceNumber(String),
}

/// A shard of the stream, open or closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its id.
    pub id: String,
    /// The shards it was split or merged from: none, one or two. They may be gone from the listing already.
    pub parents: Vec<String>,
    /// Whether it takes records no more.
    pub closed: bool,
}

/// A shard that follows on a shard that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildShard {
    /// Its id.
    pub id: String,
    /// One parent after a split, two after a merge; all are to be read to their ends before the child.
    pub parents: Vec<String>,
}

/// A position in a shard, as the service words it. Good for one call within five minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardIterator(pub String);

/// A record as Kinesis kept it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedRecord {
    /// Its number in the shard; ascending.
    pub sequence_number: String,
    /// The key that chose the shard; empty where the service does not say.
    pub partition_key: String,
    /// When Kinesis took it, to about a millisecond.
    pub arrived: Option<SystemTime>,
    /// The envelope.
    pub data: Vec<u8>,
}

/// An answer to [`StreamReader::get_records`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In order; may be empty although there is more.
    pub records: Vec<ReceivedRecord>,
    /// Where to go on; `None` when the shard is closed and read to its end.
    pub next: Option<ShardIterator>,
    /// How far behind the end of the stream this answer is, in time.
    pub behind: Option<Duration>,
    /// The shards that follow, at the end of a closed shard, where the service names them; else list the shards.
    pub children: Vec<ChildShard>,
}

/// Reads one stream. The SDK retries passing failures three times; what is still throttled then is told as
/// [`ErrorKind::Throttled`](crate::ErrorKind::Throttled).
#[derive(Debug, Clone)]
pub struct StreamReader {
    client: aws_sdk_kinesis::Client,
    stream_name: String,
}

impl StreamReader {
    /// For the stream of this name. No call is made.
    #[must_use]
    pub fn new(aws: &Aws, stream_name: impl Into<String>) -> Self {
        Self { client: aws.kinesis(Retries::Sdk), stream_name: stream_name.into() }
    }

    /// All shards that still have records or may get some, all pages of them.
    ///
    /// # Errors
    /// [`AwsError`]; of kind `NotFound` when there is no such stream, `NotActive` while it is being created.
    pub async fn list_shards(&self) -> Result<Vec<Shard>, AwsError> {
        let mut shards = Vec::new();
        let mut next_token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let request = self.client.list_shards();
            // The name and the token exclude each other (API reference).
            let request = match next_token.take() {
                Some(token) => request.next_token(token),
                None => request.stream_name(&self.stream_name),
            };
            let answer = request.send().await.map_err(|error| LIST_SHARDS.failed(&error))?;
            shards.extend(answer.shards.unwrap_or_default().into_iter().map(Shard::from));
            next_token = answer.next_token.filter(|token| !token.is_empty());
            if next_token.is_none() {
                return Ok(shards);
            }
        }
        Err(LIST_SHARDS.nonsense(format!("the listing did not end after {MAX_PAGES} pages")))
    }

    /// The position in a shard from which to read.
    ///
    /// # Errors
    /// [`AwsError`]; of kind `NotFound` when the stream or the shard is gone.
    pub async fn iterator(&self, shard_id: &str, start: &StartAt) -> Result<ShardIterator, AwsError> {
        let request = self.client.get_shard_iterator().stream_name(&self.stream_name).shard_id(shard_id);
        let request = match start {
            StartAt::Latest => request.shard_iterator_type(ShardIteratorType::Latest),
            StartAt::TrimHorizon => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
            StartAt::AtTimestamp(time) => {
                request.shard_iterator_type(ShardIteratorType::AtTimestamp).timestamp(DateTime::from(*time))
            }
            StartAt::AfterSequenceNumber(number) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(number),
        };
        let answer = request.send().await.map_err(|error| GET_SHARD_ITERATOR.failed(&error))?;
        answer
            .shard_iterator
            .map(ShardIterator)
            .ok_or_else(|| GET_SHARD_ITERATOR.nonsense("the answer has no iterator"))
    }

    /// The next records of a shard, at most `limit` of them (1 to 10 000; Kinesis itself stops at 10 MiB).
    /// Kinesis allows five calls a second for each shard, for all consumers together.
    ///
    /// # Errors
    /// [`AwsError`]; of kind `ExpiredIterator` when the iterator is too old, `Throttled` when the shard is read
    /// too often.
    pub async fn get_records(&self, iterator: &ShardIterator, limit: u32) -> Result<Page, AwsError> {
        let limit = i32::try_from(limit.clamp(1, MAX_RECORDS_PER_CALL)).unwrap_or(i32::MAX);
        let answer = self
            .client
            .get_records()
            .shard_iterator(&iterator.0)
            .limit(limit)
            .send()
            .await
            .map_err(|error| GET_RECORDS.failed(&error))?;
        Ok(Page {
            records: answer.records.into_iter().map(ReceivedRecord::from).collect(),
            next: answer.next_shard_iterator.filter(|next| !next.is_empty()).map(ShardIterator),
            behind: answer
                .millis_behind_latest
                .and_then(|ms| u64::try_from(ms).ok())
                .map(Duration::from_millis),
            children: answer.child_shards.unwrap_or_default().into_iter().map(ChildShard::from).collect(),
        })
    }
}

impl From<types::Shard> for Shard {
    fn from(shard: types::Shard) -> Self {
        let closed = shard.sequence_number_range.is_some_and(|range| range.ending_sequence_number.is_some());
        let parents = [shard.parent_shard_id, shard.adjacent_parent_shard_id];
        Self { id: shard.shard_id, parents: parents.into_iter().flatten().collect(), closed }
    }
}

impl From<types::ChildShard> for ChildShard {
    fn from(shard: types::ChildShard) -> Self {
        Self { id: shard.shard_id, parents: shard.parent_shards }
    }
}

impl From<types::Record> for ReceivedRecord {
    fn from(record: types::Record) -> Self {
        Self {
            sequence_number: record.sequence_number,
            partition_key: record.partition_key.unwrap_or_default(),
            arrived: record.approximate_arrival_timestamp.and_then(|time| SystemTime::try_from(time).ok()),
            data: record.data.into_inner(),
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::ErrorKind;
    use crate::canned::{Answer, Canned};
    use crate::connect::test::aws;

    async fn reader(server: &Canned) -> StreamReader {
        StreamReader::new(&aws(&server.url).await, "the-stream")
    }

    fn shard_json(id: &str, more: &str) -> String {
        format!(
            r#"{{"ShardId":"{id}","HashKeyRange":{{"StartingHashKey":"0","EndingHashKey":"9"}},
                "SequenceNumberRange":{{"StartingSequenceNumber":"1"{more}}}}}"#
        )
    }

    #[tokio::test]
    async fn shards_are_listed_to_the_last_page_and_the_name_is_sent_with_the_first_alone() {
        let closed = shard_json("s-0", r#","EndingSequenceNumber":"5""#);
        let merged = shard_json("s-1", "").replacen(
            '{',
            r#"{"ParentShardId":"s-0","AdjacentParentShardId":"s-9","#,
            1,
        );
        let server = Canned::start([
            Answer::ok(&format!(r#"{{"Shards":[{closed}],"NextToken":"page-2"}}"#)),
            Answer::ok(&format!(r#"{{"Shards":[{merged}]}}"#)),
        ]);
        let shards = reader(&server).await.list_shards().await.expect("shards");
        assert_eq!(
            shards,
            [
                Shard { id: "s-0".into(), parents: vec![], closed: true },
                Shard { id: "s-1".into(), parents: vec!["s-0".into(), "s-9".into()], closed: false },
            ]
        );
        let asked = server.asked();
        assert!(asked[0].body.contains("the-stream") && !asked[0].body.contains("NextToken"));
        assert!(asked[1].body.contains("page-2") && !asked[1].body.contains("the-stream"));
    }

    #[tokio::test]
    async fn a_listing_that_never_ends_is_given_up() {
        let page = Answer::ok(r#"{"Shards":[],"NextToken":"again"}"#);
        let server = Canned::start(vec![page; MAX_PAGES + 1]);
        let error = reader(&server).await.list_shards().await.expect_err("no end");
        assert_eq!(error.kind, ErrorKind::Other);
        assert_eq!(server.asked().len(), MAX_PAGES);
    }

    #[tokio::test]
    async fn each_start_asks_for_its_kind_of_iterator() {
        let starts = [
            (StartAt::Latest, r#""ShardIteratorType":"LATEST""#),
            (StartAt::TrimHorizon, r#""ShardIteratorType":"TRIM_HORIZON""#),
            (
                StartAt::AtTimestamp(SystemTime::UNIX_EPOCH + Duration::from_millis(1_500)),
                r#""Timestamp":1.5"#,
            ),
            (StartAt::AfterSequenceNumber("77".into()), r#""StartingSequenceNumber":"77""#),
        ];
        let server = Canned::start(vec![Answer::ok(r#"{"ShardIterator":"it"}"#); starts.len()]);
        let reader = reader(&server).await;
        for (start, _) in &starts {
            assert_eq!(reader.iterator("s-0", start).await, Ok(ShardIterator("it".into())));
        }
        for (asked, (_, part)) in server.asked().iter().zip(&starts) {
            assert!(asked.body.contains(part), "{part} in {}", asked.body);
        }
    }

    #[tokio::test]
    async fn a_page_has_its_records_and_where_to_go_on() {
        let server = Canned::start([Answer::ok(
            r#"{"Records":[{"SequenceNumber":"1","ApproximateArrivalTimestamp":1.25,"Data":"aGk=","PartitionKey":"p"}],
                "NextShardIterator":"next","MillisBehindLatest":40}"#,
        )]);
        let page = reader(&server).await.get_records(&ShardIterator("it".into()), 100).await.expect("a page");
        assert_eq!(page.records.len(), 1);
        assert_eq!(page.records[0].data, b"hi");
        assert_eq!(page.records[0].arrived, Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1_250)));
        assert_eq!(page.next, Some(ShardIterator("next".into())));
        assert_eq!(page.behind, Some(Duration::from_millis(40)));
        assert!(server.asked()[0].body.contains(r#""Limit":100"#));
    }

    #[tokio::test]
    async fn the_end_of_a_closed_shard_names_its_children() {
        let child = r#"{"ShardId":"s-2","ParentShards":["s-0"],"HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"9"}}"#;
        let server = Canned::start([Answer::ok(&format!(
            r#"{{"Records":[],"MillisBehindLatest":0,"ChildShards":[{child}]}}"#
        ))]);
        let page = reader(&server).await.get_records(&ShardIterator("it".into()), 0).await.expect("a page");
        assert_eq!(page.next, None);
        assert_eq!(page.children, [ChildShard { id: "s-2".into(), parents: vec!["s-0".into()] }]);
        assert!(server.asked()[0].body.contains(r#""Limit":1"#), "a limit of 0 is none that Kinesis takes");
    }

    #[tokio::test]
    async fn an_expired_iterator_and_throttling_are_told_apart_from_failures() {
        let throttled = Answer::error(400, "ProvisionedThroughputExceededException", "Rate exceeded");
        let server = Canned::start([
            Answer::error(400, "ExpiredIteratorException", "Iterator expired"),
            throttled.clone(),
            throttled.clone(),
            throttled,
        ]);
        let reader = reader(&server).await;
        let iterator = ShardIterator("it".into());
        let expired = reader.get_records(&iterator, 100).await.expect_err("expired");
        assert_eq!(expired.kind, ErrorKind::ExpiredIterator);
        let throttled = reader.get_records(&iterator, 100).await.expect_err("throttled");
        assert_eq!(throttled.kind, ErrorKind::Throttled);
    }
}
