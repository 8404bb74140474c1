//! Amazon Kinesis, KMS, SNS and EventBridge: the only crate that knows the AWS SDK.
//!
//! ```text
//!   worker:    deliver::Stream ◄── KinesisStream   PutRecords, DescribeStreamSummary, CreateStream
//!              deliver::Keys   ◄── KmsKeys         GenerateDataKey
//!              deliver::Notify ◄── AwsNotifier     Publish, PutEvents
//!   consumer:  StreamReader                        ListShards, GetShardIterator, GetRecords
//!              KmsUnwrap                           Decrypt
//!                     └───────── all from one [`Aws`]: configuration, credentials, connection pool
//! ```
//!
//! # Rules
//!
//! * One HTTP client per process side, made by [`Aws::connect`] and shared by every service client.
//! * The producer's calls are **one attempt each**: delivery owns the retries, because only it knows which records
//!   of a request are still wanted. The consumer's calls retry as the SDK does by default.
//! * `PutRecords`, which is made thousands of times a second, is the SDK's only until it has been seen how the SDK sends (see `put/`).
//! * Every call ends: a connect timeout and an attempt timeout bound it, the latter including the fetch of
//!   credentials.
//! * Credentials come from the SDK's standard chain (environment, profile with assumed roles or a credential process,
//!   web identity, ECS and EKS containers, EC2 instance metadata), are fetched at the first call and refreshed as
//!   they expire or are refused (see `credentials.rs`). Nothing here prints one (see `scrub.rs`).
//! * Plain HTTP does not leave this host unless that is allowed, whoever named the endpoint (see `plain_http.rs`); certificates
//!   are verified by the system's store or by a CA file.
//! * An error says what an operator can act on: service, operation, code, message, request id, and a hint where the
//!   usual cause is known. It is one line of bounded length. See [`AwsError`].
//!
//! # What it does not
//!
//! It decides nothing: no retry, no backoff, no order. It does not use interactive sign-in (SSO), nor an HTTP
//! proxy.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod arn;
mod ca_file;
#[cfg(test)]
mod canned;
mod connect;
mod credentials;
mod endpoint;
mod error;
#[cfg(test)]
mod faults;
mod generate;
mod hint;
mod kind;
mod notice_text;
mod notify;
mod plain_http;
mod producer;
mod provision;
mod put;
mod reader;
mod scrub;
mod standard;
#[cfg(test)]
mod standard_chain;
mod unwrap;

pub use ca_file::{CaFileError, check_ca_file};
pub use connect::{Aws, ConnectError, Timeouts};
pub use endpoint::{Endpoint, ServiceEndpoints, Transport};
pub use error::AwsError;
pub use kind::ErrorKind;
pub use notify::AwsNotifier;
pub use plain_http::is_insecure;
pub use producer::{KinesisStream, KmsKeys};
pub use provision::{StreamMode, StreamPlan};
pub use reader::{ChildShard, Page, ReceivedRecord, Shard, ShardIterator, StartAt, StreamReader};
pub use unwrap::KmsUnwrap;
