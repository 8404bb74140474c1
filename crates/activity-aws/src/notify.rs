//! Notices to operators: `deliver::Notify` on SNS and EventBridge.
//!
//! ```text
//!   Sink::Topic   one Publish      message and subject; on a FIFO topic, group = cluster, deduplication id = notice id
//!   Sink::Bus     one PutEvents    one entry; refused within an answer of success it is a failure, too
//! ```
//!
//! Each is one attempt in the region of the topic's or bus's ARN, or for a plain name in that of the connection. What a failure
//! means is told as for data keys: what is invalid is rejected, everything else can be tried again. A notice that is sent
//! again after an attempt whose answer was lost arrives twice, under the same id, except on a FIFO topic.

use activity_deliver::{Failure, Notice, Notify, Sink};
use aws_config::Region;
use aws_sdk_eventbridge::operation::put_events::PutEventsOutput;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_smithy_types::DateTime;

use crate::connect::{Aws, Retries};
use crate::error::{AwsError, Call, bounded};
use crate::kind::ErrorKind;
use crate::notice_text::{Origin, bus_detail, subject, topic_message};
use crate::producer::{failure, key_failure};

const PUBLISH: Call = Call::sns("Publish");
const PUT_EVENTS: Call = Call::event_bridge("PutEvents");

/// The source of our events. EventBridge keeps those that begin with `aws.` to itself.
const EVENT_SOURCE: &str = "activity_stream";

/// As RDS has it, so that rules for its events need another source only.
const DETAIL_TYPE: &str = "RDS DB Cluster Event";

/// How the name of a FIFO topic ends (SNS API reference, CreateTopic).
const FIFO_SUFFIX: &str = ".fifo";

/// Notifies operators over SNS and EventBridge.
#[derive(Debug, Clone)]
pub struct AwsNotifier {
    sns: aws_sdk_sns::Client,
    event_bridge: aws_sdk_eventbridge::Client,
    region: String,
}

impl AwsNotifier {
    /// Over this connection. No call is made.
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        Self {
            sns: aws.sns(Retries::Caller),
            event_bridge: aws.event_bridge(Retries::Caller),
            region: aws.region().to_owned(),
        }
    }

    async fn publish(&self, topic_arn: &str, notice: &Notice) -> Result<(), AwsError> {
        let origin = Origin::of(topic_arn, &self.region);
        let message = topic_message(notice, &origin).map_err(|why| PUBLISH.invalid(why))?;
        let request = self.sns.publish().topic_arn(topic_arn).subject(subject(notice)).message(message);
        let request = if topic_arn.ends_with(FIFO_SUFFIX) {
            request.message_group_id(&notice.cluster_id).message_deduplication_id(&notice.id)
        } else {
            request
        };
        let region = aws_sdk_sns::config::Builder::new().region(Region::new(origin.region));
        let answer = request.customize().config_override(region).send().await;
        answer.map(drop).map_err(|error| PUBLISH.failed(&error))
    }

    async fn put_event(&self, bus: &str, notice: &Notice) -> Result<(), AwsError> {
        let origin = Origin::of(bus, &self.region);
        let detail = bus_detail(notice, &origin).map_err(|why| PUT_EVENTS.invalid(why))?;
        let entry = PutEventsRequestEntry::builder()
            .time(
                DateTime::from_nanos(i128::from(notice.at) * 1000)
                    .map_err(|why| PUT_EVENTS.invalid(why.to_string()))?,
            )
            .source(EVENT_SOURCE)
            .detail_type(DETAIL_TYPE)
            .resources(origin.cluster_arn(&notice.cluster_id))
            .detail(detail)
            .event_bus_name(bus)
            .build();
        let region = aws_sdk_eventbridge::config::Builder::new().region(Region::new(origin.region));
        let request = self.event_bridge.put_events().entries(entry);
        let answer = request.customize().config_override(region).send().await;
        taken(answer.map_err(|error| PUT_EVENTS.failed(&error))?)
    }
}

impl Notify for AwsNotifier {
    async fn notify(&self, sink: &Sink, notice: &Notice) -> Result<(), Failure> {
        let sent = match sink {
            Sink::Topic(arn) => self.publish(arn, notice).await,
            Sink::Bus(bus) => self.put_event(bus, notice).await,
        };
        sent.map_err(|error| failure(&error, key_failure(error.kind)))
    }
}

/// What became of the one entry. `FailedEntryCount` is not looked at: the entry says it all.
fn taken(answer: PutEventsOutput) -> Result<(), AwsError> {
    let mut entries = answer.entries.unwrap_or_default();
    let (Some(entry), true) = (entries.pop(), entries.is_empty()) else {
        return Err(PUT_EVENTS.nonsense("the answer does not have one entry for one event"));
    };
    match (entry.error_code.filter(|code| !code.is_empty()), entry.event_id) {
        (Some(code), _) => Err(AwsError {
            kind: ErrorKind::of(Some(&code), None),
            code: Some(bounded(code)),
            ..PUT_EVENTS.nonsense(bounded(entry.error_message.unwrap_or_default()))
        }),
        (None, Some(_)) => Ok(()),
        (None, None) => Err(PUT_EVENTS.nonsense("the answer has neither an event id nor an error")),
    }
}

#[cfg(test)]
mod test {
    use activity_deliver::{FailureKind, NoticeKind};

    use super::*;
    use crate::canned::{Answer, Canned};
    use crate::connect::test::aws;
    use crate::notice_text::test::notice;

    const TOPIC: &str = "arn:aws:sns:us-west-2:100026411130:alerts";
    const ENTRY: &str = r#"{"FailedEntryCount":0,"Entries":[{"EventId":"e"}]}"#;

    fn xml(status: u16, body: &str) -> Answer {
        Answer::Send { status, content_type: "text/xml", body: body.to_owned() }
    }

    fn published() -> Answer {
        xml(200, "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>")
    }

    fn sns_error(status: u16, code: &str) -> Answer {
        let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>why</Message></Error>");
        xml(status, &format!("<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>"))
    }

    async fn notify(sink: Sink, answer: Answer) -> (Result<(), Failure>, Canned) {
        let server = Canned::start([answer]);
        let notifier = AwsNotifier::new(&aws(&server.url).await);
        (notifier.notify(&sink, &notice(NoticeKind::Stopped)).await, server)
    }

    fn topic(arn: &str) -> Sink {
        Sink::Topic(arn.to_owned())
    }

    fn bus(name: &str) -> Sink {
        Sink::Bus(name.to_owned())
    }

    #[tokio::test]
    async fn a_topic_gets_message_and_subject_in_its_own_region() {
        let (sent, server) = notify(topic(TOPIC), published()).await;
        assert_eq!(sent, Ok(()));
        let asked = &server.asked()[0];
        for part in [
            "Action=Publish",
            "TopicArn=arn%3Aaws%3Asns%3Aus-west-2%3A100026411130%3Aalerts",
            "Subject=Activity%20stream%20stopped%3A%20cluster-A",
            "%22Event%20Source%22%3A%22db-cluster%22",
            "RDS-EVENT-0180",
        ] {
            assert!(asked.body.contains(part), "{part} in {}", asked.body);
        }
        assert!(!asked.body.contains("MessageGroupId"), "{}", asked.body);
        assert!(asked.authorization.contains("/us-west-2/sns/"), "{}", asked.authorization);
    }

    #[tokio::test]
    async fn a_fifo_topic_gets_the_cluster_as_group_and_the_notice_as_deduplication_id() {
        let (sent, server) = notify(topic(&format!("{TOPIC}.fifo")), published()).await;
        assert_eq!(sent, Ok(()));
        let body = &server.asked()[0].body;
        assert!(body.contains("MessageGroupId=cluster-A"), "{body}");
        assert!(body.contains("MessageDeduplicationId=0198-a"), "{body}");
    }

    #[tokio::test]
    async fn a_bus_gets_one_event_of_our_source() {
        let (sent, server) = notify(bus("default"), Answer::ok(ENTRY)).await;
        assert_eq!(sent, Ok(()));
        let asked = &server.asked()[0];
        for part in [
            r#""Source":"activity_stream""#,
            r#""DetailType":"RDS DB Cluster Event""#,
            r#""EventBusName":"default""#,
            r#""Resources":["arn:aws:rds:eu-central-1::cluster:cluster-A"]"#,
            r#""Time":1620842808.70"#,
            r#""Detail":"{\"EventCategories\":[\"configuration change\"]"#,
        ] {
            assert!(asked.body.contains(part), "{part} in {}", asked.body);
        }
        assert!(asked.authorization.contains("/eu-central-1/events/"), "{}", asked.authorization);
    }

    #[tokio::test]
    async fn a_bus_of_another_region_and_partition_is_asked_there() {
        let arn = "arn:aws-cn:events:cn-north-1:123456789012:event-bus/audit";
        let (sent, server) = notify(bus(arn), Answer::ok(ENTRY)).await;
        assert_eq!(sent, Ok(()));
        let asked = &server.asked()[0];
        assert!(asked.authorization.contains("/cn-north-1/events/"), "{}", asked.authorization);
        assert!(
            asked.body.contains("arn:aws-cn:rds:cn-north-1:123456789012:cluster:cluster-A"),
            "{}",
            asked.body
        );
        assert!(asked.body.contains(arn), "{}", asked.body);
    }

    #[tokio::test]
    async fn an_entry_that_is_refused_within_an_answer_of_success_is_a_failure() {
        for (entries, kind, part) in [
            (
                r#"{"ErrorCode":"ThrottlingException","ErrorMessage":"why"}"#,
                FailureKind::Retry,
                "ThrottlingException: why",
            ),
            (r#"{"ErrorCode":"InternalFailure"}"#, FailureKind::Retry, "InternalFailure"),
            (r#"{"ErrorCode":"MalformedDetail"}"#, FailureKind::Rejected, "MalformedDetail"),
            ("{}", FailureKind::Retry, "neither"),
            ("", FailureKind::Retry, "one entry"),
            (r#"{"EventId":"e"},{"EventId":"f"}"#, FailureKind::Retry, "one entry"),
        ] {
            let answer = Answer::ok(&format!(r#"{{"FailedEntryCount":0,"Entries":[{entries}]}}"#));
            let failure = notify(bus("default"), answer).await.0.expect_err(entries);
            assert_eq!(failure.kind, kind, "{failure}");
            assert!(
                failure.message.starts_with("EventBridge PutEvents: ") && failure.message.contains(part),
                "{failure}"
            );
        }
    }

    #[tokio::test]
    async fn what_a_topic_says_is_told_apart_in_one_attempt() {
        for (status, code, kind, hint) in [
            (404, "NotFound", FailureKind::Retry, "create the topic"),
            (403, "AuthorizationError", FailureKind::Retry, "sns:Publish"),
            (400, "KMSAccessDenied", FailureKind::Retry, "KMS key"),
            (403, "ExpiredToken", FailureKind::Retry, "renew"),
            (400, "Throttled", FailureKind::Retry, ""),
            (500, "InternalError", FailureKind::Retry, ""),
            (400, "InvalidParameter", FailureKind::Rejected, ""),
        ] {
            let (sent, server) = notify(topic(TOPIC), sns_error(status, code)).await;
            let failure = sent.expect_err(code);
            assert_eq!(failure.kind, kind, "{code}");
            assert!(failure.message.starts_with(&format!("SNS Publish: {code}: why")), "{failure}");
            assert!(failure.hint.as_deref().unwrap_or_default().contains(hint), "{code}: {:?}", failure.hint);
            assert_eq!(server.asked().len(), 1, "{code}");
        }
    }

    #[tokio::test]
    async fn a_bus_that_fails_is_told_in_one_attempt() {
        for (status, code, kind) in [
            (400, "ResourceNotFoundException", FailureKind::Retry),
            (400, "AccessDeniedException", FailureKind::Retry),
            (400, "ThrottlingException", FailureKind::Retry),
            (500, "InternalException", FailureKind::Retry),
            (413, "NeverHeardOf", FailureKind::Rejected),
        ] {
            let (sent, server) = notify(bus("default"), Answer::error(status, code, "why")).await;
            assert_eq!(sent.expect_err(code).kind, kind, "{code}");
            assert_eq!(server.operations(), ["PutEvents"], "{code}");
        }
    }

    #[tokio::test]
    async fn a_notice_of_no_possible_time_is_rejected_without_a_call() {
        let server = Canned::start([]);
        let notifier = AwsNotifier::new(&aws(&server.url).await);
        let notice = Notice { at: i64::MAX, ..notice(NoticeKind::Started) };
        for sink in [topic(TOPIC), bus("default")] {
            let failure = notifier.notify(&sink, &notice).await.expect_err("no such year");
            assert_eq!(failure.kind, FailureKind::Rejected, "{failure}");
        }
        assert!(server.asked().is_empty());
    }
}
