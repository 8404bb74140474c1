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

/// Most pages of one listing: a million shards; an emulator that pages in a circle must not hold us for ever.
const MAX_PAGES: usize = 1000;

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

/// A position in a shard. Good for one call within five minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardIterator(String);

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
