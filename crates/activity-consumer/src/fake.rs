//! A stream and a KMS for tests.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use activity_aws::{AwsError, ChildShard, ErrorKind, Page, ReceivedRecord, Shard, ShardIterator, StartAt};
use activity_seal::DataKey;
use activity_seal::esdk::WrappingKey;

use crate::source::{Source, Unwrap};

/// An error of this kind.
pub(crate) fn error(kind: ErrorKind) -> AwsError {
    AwsError {
        kind,
        service: "Fake",
        operation: "Call",
        code: None,
        message: format!("{kind:?}"),
        request_id: None,
    }
}

/// A record with nothing in it.
pub(crate) fn record(sequence_number: &str) -> ReceivedRecord {
    ReceivedRecord {
        sequence_number: sequence_number.to_owned(),
        partition_key: String::new(),
        arrived: None,
        data: Vec::new(),
    }
}

/// A record sealed under the key that [`FakeKms`] knows by this blob.
pub(crate) fn sealed(sequence_number: &str, key_blob: &[u8], inner_json: &str) -> ReceivedRecord {
    let key = DataKey::new(&[7; 32], key_blob.to_vec()).expect("a data key");
    let data = activity_seal::seal(inner_json.as_bytes(), &key).expect("sealed");
    ReceivedRecord { data, ..record(sequence_number) }
}

/// The inner JSON around these events.
pub(crate) fn inner(events: &[&str]) -> String {
    format!(
        r#"{{"type":"DatabaseActivityMonitoringRecord","clusterId":"c","instanceId":"i","databaseActivityEventList":[{}]}}"#,
        events.join(",")
    )
}

/// A stream in memory.
#[derive(Debug, Default)]
pub(crate) struct FakeStream(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    shards: BTreeMap<String, FakeShard>,
    failures: BTreeMap<&'static str, VecDeque<AwsError>>,
    iterators: Vec<StartAt>,
    tells_children: bool,
}

#[derive(Debug, Default)]
struct FakeShard {
    parents: Vec<String>,
    records: Vec<ReceivedRecord>,
    closed: bool,
}

impl FakeStream {
    /// A stream of one shard.
    pub(crate) fn with(shard: &str, parents: &[&str]) -> Self {
        let stream = Self::default();
        stream.add(shard, parents);
        stream
    }

    pub(crate) fn add(&self, shard: &str, parents: &[&str]) {
        let parents = parents.iter().map(|parent| (*parent).to_owned()).collect();
        self.inside().shards.insert(shard.to_owned(), FakeShard { parents, ..FakeShard::default() });
    }

    pub(crate) fn put(&self, shard: &str, record: ReceivedRecord) {
        self.inside().shards.get_mut(shard).expect("the shard").records.push(record);
    }

    pub(crate) fn close(&self, shard: &str) {
        self.inside().shards.get_mut(shard).expect("the shard").closed = true;
    }

    pub(crate) fn remove(&self, shard: &str) {
        self.inside().shards.remove(shard);
    }

    /// The last page of a closed shard names the shards that follow.
    pub(crate) fn tell_children(&self) {
        self.inside().tells_children = true;
    }

    /// The next such call fails so.
    pub(crate) fn fail(&self, operation: &'static str, error: AwsError) {
        self.inside().failures.entry(operation).or_default().push_back(error);
    }

    /// All starts for which an iterator was given.
    pub(crate) fn iterators(&self) -> Vec<StartAt> {
        self.inside().iterators.clone()
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.0.lock().expect("no panic elsewhere")
    }
}

impl Inside {
    fn failure(&mut self, operation: &'static str) -> Result<(), AwsError> {
        self.failures.get_mut(operation).and_then(VecDeque::pop_front).map_or(Ok(()), Err)
    }

    fn shard(&self, id: &str) -> Result<&FakeShard, AwsError> {
        self.shards.get(id).ok_or_else(|| error(ErrorKind::NotFound))
    }

    fn children(&self, parent: &str) -> Vec<ChildShard> {
        let follows = |(_, shard): &(&String, &FakeShard)| shard.parents.iter().any(|id| id == parent);
        let children = self.shards.iter().filter(follows);
        children.map(|(id, shard)| ChildShard { id: id.clone(), parents: shard.parents.clone() }).collect()
    }
}

/// An iterator is `<shard> <index of the next record>`.
impl Source for FakeStream {
    async fn list_shards(&self) -> Result<Vec<Shard>, AwsError> {
        let mut inside = self.inside();
        inside.failure("ListShards")?;
        let shards = inside.shards.iter();
        Ok(shards
            .map(|(id, shard)| Shard { id: id.clone(), parents: shard.parents.clone(), closed: shard.closed })
            .collect())
    }

    async fn iterator(&self, shard_id: &str, start: &StartAt) -> Result<ShardIterator, AwsError> {
        let mut inside = self.inside();
        inside.failure("GetShardIterator")?;
        let records = &inside.shard(shard_id)?.records;
        let index = match start {
            StartAt::Latest => records.len(),
            StartAt::TrimHorizon | StartAt::AtTimestamp(_) => 0,
            StartAt::AfterSequenceNumber(number) => {
                1 + records.iter().position(|record| record.sequence_number == *number).expect("the record")
            }
        };
        inside.iterators.push(start.clone());
        Ok(ShardIterator(format!("{shard_id} {index}")))
    }

    async fn get_records(&self, iterator: &ShardIterator, limit: u32) -> Result<Page, AwsError> {
        let mut inside = self.inside();
        inside.failure("GetRecords")?;
        let (id, index) = iterator.0.split_once(' ').expect("an iterator of ours");
        let shard = inside.shard(id)?;
        let from = index.parse::<usize>().expect("an index");
        let records: Vec<_> = shard.records.iter().skip(from).take(limit as usize).cloned().collect();
        let next = from + records.len();
        let is_end = shard.closed && next == shard.records.len();
        Ok(Page {
            records,
            next: (!is_end).then(|| ShardIterator(format!("{id} {next}"))),
            behind: None,
            children: if is_end && inside.tells_children { inside.children(id) } else { Vec::new() },
        })
    }
}

/// A stream that a test can add to while it is read.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) Arc<FakeStream>);

impl Source for Shared {
    async fn list_shards(&self) -> Result<Vec<Shard>, AwsError> {
        self.0.list_shards().await
    }

    async fn iterator(&self, shard_id: &str, start: &StartAt) -> Result<ShardIterator, AwsError> {
        self.0.iterator(shard_id, start).await
    }

    async fn get_records(&self, iterator: &ShardIterator, limit: u32) -> Result<Page, AwsError> {
        self.0.get_records(iterator, limit).await
    }
}

/// A KMS that knows one key, by any blob.
#[derive(Debug, Default)]
pub(crate) struct FakeKms(Mutex<(Vec<Vec<u8>>, VecDeque<AwsError>)>);

impl FakeKms {
    /// The next call fails so.
    pub(crate) fn fail(&self, error: AwsError) {
        self.0.lock().expect("no panic elsewhere").1.push_back(error);
    }

    /// The blobs of all calls.
    pub(crate) fn asked(&self) -> Vec<Vec<u8>> {
        self.0.lock().expect("no panic elsewhere").0.clone()
    }
}

impl Unwrap for &'static FakeKms {
    async fn unwrap(&self, ciphertext_blob: &[u8]) -> Result<WrappingKey, AwsError> {
        let mut inside = self.0.lock().expect("no panic elsewhere");
        inside.0.push(ciphertext_blob.to_vec());
        inside.1.pop_front().map_or_else(|| Ok(WrappingKey::new(&[7; 32])), Err)
    }
}
