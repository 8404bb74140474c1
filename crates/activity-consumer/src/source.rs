//! What following a stream needs of the outside, so that tests can stand in for it.

use std::future::Future;

use activity_aws::{AwsError, KmsUnwrap, Page, Shard, ShardIterator, StartAt, StreamReader};
use activity_seal::esdk::WrappingKey;

/// A stream to read: see [`StreamReader`] for each call.
pub(crate) trait Source: Send + Sync + 'static {
    /// All shards that there are.
    fn list_shards(&self) -> impl Future<Output = Result<Vec<Shard>, AwsError>> + Send;

    /// The position in a shard from which to read.
    fn iterator(
        &self,
        shard_id: &str,
        start: &StartAt,
    ) -> impl Future<Output = Result<ShardIterator, AwsError>> + Send;

    /// The next records.
    fn get_records(
        &self,
        iterator: &ShardIterator,
        limit: u32,
    ) -> impl Future<Output = Result<Page, AwsError>> + Send;
}

/// Where the plaintext of a data key comes from: see [`KmsUnwrap`].
pub(crate) trait Unwrap: Send + Sync + 'static {
    /// The key that an envelope's `key` encrypts.
    fn unwrap(&self, ciphertext_blob: &[u8]) -> impl Future<Output = Result<WrappingKey, AwsError>> + Send;
}

impl Source for StreamReader {
    async fn list_shards(&self) -> Result<Vec<Shard>, AwsError> {
        self.list_shards().await
    }

    async fn iterator(&self, shard_id: &str, start: &StartAt) -> Result<ShardIterator, AwsError> {
        self.iterator(shard_id, start).await
    }

    async fn get_records(&self, iterator: &ShardIterator, limit: u32) -> Result<Page, AwsError> {
        self.get_records(iterator, limit).await
    }
}

impl Unwrap for KmsUnwrap {
    async fn unwrap(&self, ciphertext_blob: &[u8]) -> Result<WrappingKey, AwsError> {
        self.unwrap(ciphertext_blob).await
    }
}
