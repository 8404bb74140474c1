//! Kinesis, KMS, SNS and EventBridge in a bad state, as delivery hears of it: in one attempt, with something to do about it.

use activity_deliver::{
    Failure, FailureKind, Keys, NoticeKind, Notify, OutRecord, Outcome, Sink, Stream, StreamStatus,
};

use crate::canned::{Answer, Canned};
use crate::connect::test::aws;
use crate::notice_text::test::notice;
use crate::{Aws, AwsNotifier, KinesisStream, KmsKeys, StreamMode, StreamPlan};

fn stream(aws: &Aws) -> KinesisStream {
    let name = "s".to_owned();
    KinesisStream::new(
        aws,
        StreamPlan { name, create: false, mode: StreamMode::OnDemand, retention_hours: 24 },
    )
}

fn records(count: usize) -> Vec<OutRecord> {
    (0..count).map(|i| OutRecord { partition_key: format!("key-{i}"), data: b"data".to_vec() }).collect()
}

fn assert_failure(failure: &Failure, kind: FailureKind, hint: &str) {
    assert_eq!(failure.kind, kind, "{failure}");
    assert!(failure.hint.as_deref().unwrap_or_default().contains(hint), "{failure}: {:?}", failure.hint);
}

#[tokio::test]
async fn a_stream_that_takes_no_records_says_what_to_do() {
    for (code, kind, hint) in [
        ("ResourceNotFoundException", FailureKind::StreamGone, "create the stream"),
        ("ResourceInUseException", FailureKind::StreamGone, "ACTIVE"),
        ("ProvisionedThroughputExceededException", FailureKind::Retry, "shards"),
        ("LimitExceededException", FailureKind::Retry, "quota"),
        ("AccessDeniedException", FailureKind::Retry, "IAM policy"),
        ("KMSDisabledException", FailureKind::StreamGone, "enable the KMS key"),
        ("KMSAccessDeniedException", FailureKind::Retry, "key's policy"),
    ] {
        let server = Canned::start([Answer::error(400, code, "why")]);
        let failure = stream(&aws(&server.url).await).put(&records(1)).await.expect_err(code);
        assert_failure(&failure, kind, hint);
        assert_eq!(server.operations(), ["PutRecords"], "{code}");
    }
}

#[tokio::test]
async fn a_stream_that_is_made_is_waited_for_and_one_that_changes_is_used() {
    for (state, expected) in [
        ("CREATING", StreamStatus::Pending("CREATING".to_owned())),
        ("DELETING", StreamStatus::Pending("DELETING".to_owned())),
        ("UPDATING", StreamStatus::Usable { warning: None }),
    ] {
        let server = Canned::start([Answer::ok(&format!(
            r#"{{"StreamDescriptionSummary":{{"StreamName":"s","StreamARN":"a","StreamStatus":"{state}",
                "RetentionPeriodHours":24,"StreamCreationTimestamp":1,"EnhancedMonitoring":[],"OpenShardCount":1}}}}"#
        ))]);
        assert_eq!(stream(&aws(&server.url).await).ensure().await, Ok(expected));
        assert_eq!(server.operations(), ["DescribeStreamSummary"]);
    }
}

#[tokio::test]
async fn records_that_a_shard_throttles_are_told_one_by_one_and_sent_once() {
    let throttled =
        r#"{"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"Rate exceeded"}"#;
    let stored = r#"{"SequenceNumber":"1","ShardId":"s-0"}"#;
    let answer = format!(r#"{{"FailedRecordCount":2,"Records":[{throttled},{stored},{throttled}]}}"#);
    let server = Canned::start([Answer::ok(&answer)]);
    let outcomes = stream(&aws(&server.url).await).put(&records(3)).await.expect("an answer");
    let told = Outcome::Throttled("ProvisionedThroughputExceededException: Rate exceeded".to_owned());
    assert_eq!(outcomes, [told.clone(), Outcome::Stored, told]);
    assert_eq!(server.operations(), ["PutRecords"]);
}

#[tokio::test]
async fn a_key_that_cannot_be_used_says_what_to_do() {
    for (status, code, kind, hint) in [
        (400, "DisabledException", FailureKind::Retry, "enable"),
        (400, "KMSInvalidStateException", FailureKind::Retry, "deletion"),
        (400, "NotFoundException", FailureKind::Retry, "alias"),
        (400, "AccessDeniedException", FailureKind::Retry, "key's policy"),
        (400, "ThrottlingException", FailureKind::Retry, "quota"),
        (400, "InvalidKeyUsageException", FailureKind::Rejected, "symmetric"),
        (500, "KeyUnavailableException", FailureKind::Retry, ""),
    ] {
        let server = Canned::start([Answer::error(status, code, "why")]);
        let keys = KmsKeys::new(&aws(&server.url).await, "k", "c");
        assert_failure(&keys.generate().await.expect_err(code), kind, hint);
        assert_eq!(server.operations(), ["GenerateDataKey"], "{code}");
    }
}

#[tokio::test]
async fn services_that_are_out_of_reach_are_tried_again_by_the_caller_alone() {
    let aws = aws("https://no-such-host.invalid").await;
    let key = KmsKeys::new(&aws, "k", "c").generate().await.expect_err("no KMS");
    let put = stream(&aws).put(&records(1)).await.expect_err("no Kinesis");
    let notifier = AwsNotifier::new(&aws);
    let topic = Sink::Topic("arn:aws:sns:eu-central-1:123456789012:t".to_owned());
    let published = notifier.notify(&topic, &notice(NoticeKind::Started)).await.expect_err("no SNS");
    for failure in [key, put, published] {
        assert_failure(&failure, FailureKind::Retry, "DNS");
    }
}

/// Whatever the failure, the producer's clients ask once: no retry of the SDK hides behind a call.
#[tokio::test]
async fn no_call_of_the_producer_is_more_than_one_request() {
    for answer in [
        Answer::error(500, "InternalFailure", "m"),
        Answer::error(503, "ServiceUnavailable", "m"),
        Answer::error(400, "ThrottlingException", "m"),
        Answer::error(403, "RequestTimeTooSkewed", "m"),
        Answer::error(400, "ExpiredTokenException", "m"),
        Answer::Close,
        Answer::CutOff,
    ] {
        let server = Canned::start(vec![answer.clone(); 100]);
        let aws = aws(&server.url).await;
        let (stream, keys, notifier) = (stream(&aws), KmsKeys::new(&aws, "k", "c"), AwsNotifier::new(&aws));
        stream.put(&records(1)).await.expect_err("put");
        stream.ensure().await.expect_err("ensure");
        keys.generate().await.expect_err("generate");
        let topic = Sink::Topic("arn:aws:sns:eu-central-1:123456789012:t".to_owned());
        for sink in [topic, Sink::Bus("default".to_owned())] {
            notifier.notify(&sink, &notice(NoticeKind::LossBegan)).await.expect_err("notify");
        }
        assert_eq!(server.asked().len(), 5, "{answer:?}: {:?}", server.operations());
    }
}
