//! The producer's side as delivery sees it: `deliver::Stream` on Kinesis, `deliver::Keys` on KMS.
//!
//! ```text
//!   Stream::put       one PutRecords                        an outcome for each record, by position
//!   Stream::ensure    one provisioning step                 usable, or the state to wait for
//!   Keys::generate    one GenerateDataKey
//! ```
//!
//! Each is one attempt; what a failure means for the next one is told as a [`FailureKind`]:
//!
//! | kind of error | Kinesis call | KMS call | a single record |
//! |---|---|---|---|
//! | not found, not active | the stream is gone | try again | failed |
//! | invalid, too large | rejected | rejected | rejected |
//! | throttled | try again | try again | throttled |
//! | all others | try again | try again | failed |
//!
//! A missing key is tried again because only its owner can bring it back, and no step of ours would.
//! A message is one line without the hint, which stands beside it.

use activity_deliver::{Failure, FailureKind, Keys, OutRecord, Outcome, Stream, StreamStatus};
use activity_seal::DataKey;

use crate::connect::{Aws, Retries};
use crate::error::AwsError;
use crate::generate;
use crate::kind::ErrorKind;
use crate::provision::{Provision, Step, StreamPlan};
use crate::put::{Put, PutClient};

/// A Kinesis stream to deliver to.
#[derive(Debug)]
pub struct KinesisStream {
    client: PutClient,
    provision: Provision,
}

impl KinesisStream {
    /// The stream of this plan. No call is made.
    #[must_use]
    pub fn new(aws: &Aws, plan: StreamPlan) -> Self {
        Self { client: PutClient::new(aws), provision: Provision::new(plan) }
    }
}

impl Stream for KinesisStream {
    async fn put(&self, records: &[OutRecord]) -> Result<Vec<Outcome>, Failure> {
        let entries = records.iter().map(|record| (record.partition_key.as_str(), record.data.as_slice()));
        match self.client.put(self.provision.name(), entries).await {
            Ok(puts) => Ok(puts.into_iter().map(outcome).collect()),
            Err(error) => Err(failure(&error, stream_failure(error.kind))),
        }
    }

    async fn ensure(&self) -> Result<StreamStatus, Failure> {
        match self.provision.step(self.client.sdk()).await {
            Ok(Step::Usable(warning)) => {
                Ok(StreamStatus::Usable { warning: warning.map(|error| error.to_string()) })
            }
            Ok(Step::Wait(state)) => Ok(StreamStatus::Pending(state)),
            Err(error) => Err(failure(&error, stream_failure(error.kind))),
        }
    }
}

/// Data keys of one cluster from one KMS key.
#[derive(Debug, Clone)]
pub struct KmsKeys {
    client: aws_sdk_kms::Client,
    key_id: String,
    cluster_id: String,
}

impl KmsKeys {
    /// `key_id` is a key id, an alias (`alias/…`) or the ARN of either. No call is made.
    #[must_use]
    pub fn new(aws: &Aws, key_id: impl Into<String>, cluster_id: impl Into<String>) -> Self {
        Self { client: aws.kms(Retries::Caller), key_id: key_id.into(), cluster_id: cluster_id.into() }
    }
}

impl Keys for KmsKeys {
    async fn generate(&self) -> Result<DataKey, Failure> {
        let key = generate::data_key(&self.client, &self.key_id, &self.cluster_id).await;
        key.map_err(|error| failure(&error, key_failure(error.kind)))
    }
}

fn outcome(put: Put) -> Outcome {
    match put {
        Put::Stored => Outcome::Stored,
        Put::Refused { kind, code, message } => {
            let text = if message.is_empty() { code } else { format!("{code}: {message}") };
            match kind {
                ErrorKind::Throttled => Outcome::Throttled(text),
                ErrorKind::Invalid => Outcome::Rejected(text),
                _ => Outcome::Failed(text),
            }
        }
    }
}

fn stream_failure(kind: ErrorKind) -> FailureKind {
    match kind {
        ErrorKind::NotFound | ErrorKind::NotActive => FailureKind::StreamGone,
        other => key_failure(other),
    }
}

pub(crate) fn key_failure(kind: ErrorKind) -> FailureKind {
    match kind {
        ErrorKind::Invalid => FailureKind::Rejected,
        _ => FailureKind::Retry,
    }
}

pub(crate) fn failure(error: &AwsError, kind: FailureKind) -> Failure {
    Failure { kind, message: error.without_hint(), hint: error.hint().map(str::to_owned) }
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::StreamMode;
    use crate::canned::{Answer, Canned};
    use crate::connect::test::{aws, aws_without_credentials};

    const KEY: &str = r#"{"KeyId":"k","CiphertextBlob":"d3JhcHBlZA==",
        "Plaintext":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}"#;

    fn plan(create: bool) -> StreamPlan {
        StreamPlan { name: "the-stream".into(), create, mode: StreamMode::OnDemand, retention_hours: 48 }
    }

    async fn stream(answers: impl IntoIterator<Item = Answer>) -> (KinesisStream, Canned) {
        let server = Canned::start(answers);
        (KinesisStream::new(&aws(&server.url).await, plan(true)), server)
    }

    fn records(count: usize) -> Vec<OutRecord> {
        (0..count).map(|i| OutRecord { partition_key: format!("key-{i}"), data: b"data".to_vec() }).collect()
    }

    fn refused(code: &str) -> String {
        format!(r#"{{"ErrorCode":"{code}","ErrorMessage":"why"}}"#)
    }

    fn summary(status: &str) -> Answer {
        Answer::ok(&format!(
            r#"{{"StreamDescriptionSummary":{{"StreamName":"s","StreamARN":"a","StreamStatus":"{status}",
                "RetentionPeriodHours":24,"StreamCreationTimestamp":1,"EnhancedMonitoring":[],
                "OpenShardCount":1}}}}"#
        ))
    }

    #[tokio::test]
    async fn each_record_of_a_request_has_its_own_outcome_at_its_own_position() {
        let entries = [
            refused("ProvisionedThroughputExceededException"),
            r#"{"SequenceNumber":"1","ShardId":"s-0"}"#.to_owned(),
            refused("InternalFailure"),
            refused("ValidationException"),
            r#"{"ErrorCode":"NeverHeardOf"}"#.to_owned(),
        ];
        let answer = format!(r#"{{"FailedRecordCount":1,"Records":[{}]}}"#, entries.join(","));
        let (stream, server) = stream([Answer::ok(&answer)]).await;
        assert_eq!(
            stream.put(&records(5)).await,
            Ok(vec![
                Outcome::Throttled("ProvisionedThroughputExceededException: why".into()),
                Outcome::Stored,
                Outcome::Failed("InternalFailure: why".into()),
                Outcome::Rejected("ValidationException: why".into()),
                Outcome::Failed("NeverHeardOf".into()),
            ])
        );
        assert!(server.asked()[0].body.contains(r#""StreamName":"the-stream""#));
    }

    #[tokio::test]
    async fn a_record_that_is_refused_for_its_size_is_rejected_however_the_service_words_it() {
        for code in [
            "InvalidArgumentException",
            "InvalidArgument",
            "ValidationException",
            "ValidationError",
            "com.amazonaws.kinesis#InvalidArgumentException",
            "RecordTooLargeException",
        ] {
            let (stream, _) = stream([Answer::ok(&format!(r#"{{"Records":[{}]}}"#, refused(code)))]).await;
            let outcomes = stream.put(&records(1)).await.expect("an answer");
            assert!(matches!(outcomes[..], [Outcome::Rejected(_)]), "{code}: {outcomes:?}");
        }
    }

    #[tokio::test]
    async fn a_failed_put_says_what_to_do_in_one_attempt() {
        for (status, code, kind) in [
            (400, "ResourceNotFoundException", FailureKind::StreamGone),
            (400, "ResourceInUseException", FailureKind::StreamGone),
            (400, "InvalidArgumentException", FailureKind::Rejected),
            (400, "ValidationException", FailureKind::Rejected),
            (413, "NeverHeardOf", FailureKind::Rejected),
            (400, "ProvisionedThroughputExceededException", FailureKind::Retry),
            (400, "AccessDeniedException", FailureKind::Retry),
            (400, "ExpiredTokenException", FailureKind::Retry),
            (400, "LimitExceededException", FailureKind::Retry),
            (500, "InternalFailure", FailureKind::Retry),
            (418, "NeverHeardOf", FailureKind::Retry),
        ] {
            let (stream, server) = stream([Answer::error(status, code, "why")]).await;
            let failure = stream.put(&records(2)).await.expect_err(code);
            assert_eq!(failure.kind, kind, "{code}");
            let begin = format!("Kinesis PutRecords: {code}: why (request id ");
            assert!(failure.message.starts_with(&begin), "{failure}");
            assert_eq!(server.operations(), ["PutRecords"], "{code}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_off_or_does_not_fit_leaves_all_records_to_be_sent_again() {
        for answer in [Answer::CutOff, Answer::Close, Answer::ok(r#"{"Records":[]}"#)] {
            let (stream, _) = stream([answer.clone()]).await;
            let failure = stream.put(&records(2)).await.expect_err("no outcomes");
            assert_eq!(failure.kind, FailureKind::Retry, "{answer:?}: {failure}");
        }
    }

    #[tokio::test]
    async fn the_hint_stands_beside_the_message_and_not_in_it() {
        let server = Canned::start([]);
        let aws = aws_without_credentials(&server.url).await;
        let failure =
            KinesisStream::new(&aws, plan(true)).put(&records(1)).await.expect_err("no credentials");
        assert_eq!(failure.kind, FailureKind::Retry);
        assert!(!failure.message.contains("hint"), "{failure}");
        assert!(failure.hint.is_some_and(|hint| hint.contains("credentials")));
        assert!(server.asked().is_empty());
    }

    #[tokio::test]
    async fn a_missing_stream_is_made_waited_for_and_used() {
        let absent = Answer::error(400, "ResourceNotFoundException", "no");
        let denied = Answer::error(400, "AccessDeniedException", "no retention for you");
        let (stream, server) =
            stream([absent, Answer::ok(""), summary("CREATING"), summary("ACTIVE"), denied]).await;
        let creating = Ok(StreamStatus::Pending("CREATING".into()));
        assert_eq!(stream.ensure().await, creating);
        assert_eq!(stream.ensure().await, creating);
        let Ok(StreamStatus::Usable { warning: Some(warning) }) = stream.ensure().await else {
            panic!("usable, with a warning");
        };
        assert!(warning.contains("no retention for you"), "{warning}");
        assert_eq!(server.asked().len(), 5);
    }

    #[tokio::test]
    async fn a_stream_that_is_missing_and_not_to_be_made_is_told_as_gone() {
        let server = Canned::start([Answer::error(400, "ResourceNotFoundException", "no")]);
        let stream = KinesisStream::new(&aws(&server.url).await, plan(false));
        let failure = stream.ensure().await.expect_err("missing");
        assert_eq!(failure.kind, FailureKind::StreamGone);
        assert_eq!(server.operations(), ["DescribeStreamSummary"]);
    }

    #[tokio::test]
    async fn a_data_key_is_made_with_the_key_and_for_the_cluster_of_the_settings() {
        let server = Canned::start([Answer::ok(KEY)]);
        let keys = KmsKeys::new(&aws(&server.url).await, "alias/audit", "cluster-A");
        assert_eq!(keys.generate().await.expect("a key").ciphertext_blob(), b"wrapped");
        let body = &server.asked()[0].body;
        assert!(body.contains("alias/audit") && body.contains("cluster-A"), "{body}");
    }

    #[tokio::test]
    async fn a_key_that_is_missing_disabled_or_out_of_reach_is_tried_again() {
        for (status, code, kind) in [
            (400, "NotFoundException", FailureKind::Retry),
            (400, "DisabledException", FailureKind::Retry),
            (400, "AccessDeniedException", FailureKind::Retry),
            (400, "ThrottlingException", FailureKind::Retry),
            (500, "KMSInternalException", FailureKind::Retry),
            (400, "InvalidKeyUsageException", FailureKind::Rejected),
            (400, "ValidationException", FailureKind::Rejected),
        ] {
            let server = Canned::start([Answer::error(status, code, "why")]);
            let keys = KmsKeys::new(&aws(&server.url).await, "k", "c");
            let failure = keys.generate().await.expect_err(code);
            assert_eq!(failure.kind, kind, "{code}: {failure}");
            assert_eq!(server.operations(), ["GenerateDataKey"]);
        }
    }
}
