//! What delivery needs of the outside: a stream, data keys, and a way to notify operators. `activity-aws` has the real ones.

use std::fmt;
use std::future::Future;

use activity_seal::DataKey;

/// One record of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutRecord {
    /// A random UUID in its text form: spreads records over the shards.
    pub partition_key: String,
    /// The envelope, at most [`activity_seal::limits::MAX_ENVELOPE_BYTES`] bytes.
    pub data: Vec<u8>,
}

/// What became of one record of a request, by its position in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The stream keeps it.
    Stored,
    /// The shard takes no more for now.
    Throttled(String),
    /// Not kept for a reason that can pass.
    Failed(String),
    /// Never kept, however often it is sent: too large, or not valid.
    Rejected(String),
}

/// What a failed call means for the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// Sending the same later can work: throttled, out of reach, an outage, credentials that expired, a missing right.
    Retry,
    /// The stream is missing or not in a state that takes records: it is looked after before the next attempt.
    StreamGone,
    /// The request itself is refused and always will be, because of one of its records or of all together.
    Rejected,
}

/// Why a whole call failed: any of its records may have been stored, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What to do about it.
    pub kind: FailureKind,
    /// One line for an operator: service, operation, code, message.
    pub message: String,
    /// What usually helps, where that is known.
    pub hint: Option<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What a look at the stream found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamStatus {
    /// It takes records. What could not be had, although it does, is told as a warning.
    Usable {
        /// One line, where something that was asked for could not be had.
        warning: Option<String>,
    },
    /// Not yet: the state that the service names, such as `CREATING`.
    Pending(String),
}

/// Where records go.
pub trait Stream: Send + Sync + 'static {
    /// Sends records in order. The answer has as many outcomes as there were records.
    fn put(&self, records: &[OutRecord]) -> impl Future<Output = Result<Vec<Outcome>, Failure>> + Send;

    /// One step towards a stream that takes records: looks, and makes it where it is missing and that is wanted.
    fn ensure(&self) -> impl Future<Output = Result<StreamStatus, Failure>> + Send;
}

/// Where data keys come from.
pub trait Keys: Send + Sync + 'static {
    /// A new data key under the configured KMS key and the cluster's encryption context.
    fn generate(&self) -> impl Future<Output = Result<DataKey, Failure>> + Send;
}

/// Where notices go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Sink {
    /// An SNS topic, by its ARN.
    Topic(String),
    /// An EventBridge event bus, by its name or ARN.
    Bus(String),
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// The stream began: RDS-EVENT-0179.
    Started,
    /// The stream ended: RDS-EVENT-0180.
    Stopped,
    /// A setting of the stream was changed.
    Changed,
    /// From a moment on, records might be lost.
    LossBegan,
    /// Records are no longer lost.
    LossEnded,
}

/// Something that operators are told beside the server log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Names it for ever, also when it is sent twice: up to 64 characters of `[0-9a-z-]`.
    pub id: String,
    /// What it is about.
    pub kind: NoticeKind,
    /// When that was, microseconds since the Unix epoch.
    pub at: i64,
    /// `cluster-…`
    pub cluster_id: String,
    /// One line for people.
    pub message: String,
}

/// How operators are notified.
pub trait Notify: Send + Sync + 'static {
    /// Sends one notice to one place, in one attempt.
    fn notify(&self, sink: &Sink, notice: &Notice) -> impl Future<Output = Result<(), Failure>> + Send;
}
