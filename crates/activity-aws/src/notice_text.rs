//! The texts of a notice: as RDS words its events for SNS and for EventBridge.
//!
//! Programs that listen to RDS events find every key where they expect it. Keys of our own come last: an id that stays the same
//! when a notice is sent twice, and its kind.
//!
//! RDS publishes ids for the start and the end of a stream alone (RDS-EVENT-0179, RDS-EVENT-0180). The other kinds have a word
//! of ours in that place.

use activity_deliver::{Notice, NoticeKind};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::Serialize;

use crate::arn::{Arn, console_of, partition_of};
use crate::error::cut;

/// Longest message of a notice, in bytes. SNS and EventBridge both take 256 KiB with everything around it.
const MAX_NOTICE_MESSAGE_BYTES: usize = 16 * 1024;

/// Longest subject that SNS takes, in characters (SNS API reference, Publish: ASCII, no line breaks, up to 100).
const MAX_SUBJECT_CHARS: usize = 100;

const EVENTS_PAGE: &str = "http://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.html";

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_MILLISECOND: i64 = 1_000;

/// Where a notice comes from, as far as the place that it goes to tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    partition: String,
    pub(crate) region: String,
    /// Empty where the place is named without an account.
    account: String,
}

impl Origin {
    /// By the ARN of the topic or bus, or where that is a plain name, by the region of the connection.
    pub(crate) fn of(place: &str, region: &str) -> Self {
        match Arn::parse(place) {
            Some(arn) => Self {
                partition: arn.partition.to_owned(),
                region: if arn.region.is_empty() { region } else { arn.region }.to_owned(),
                account: arn.account.to_owned(),
            },
            None => Self {
                partition: partition_of(region).to_owned(),
                region: region.to_owned(),
                account: String::new(),
            },
        }
    }

    /// The ARN that the cluster would have in RDS.
    pub(crate) fn cluster_arn(&self, cluster_id: &str) -> String {
        let Self { partition, region, account } = self;
        format!("arn:{partition}:rds:{region}:{account}:cluster:{cluster_id}")
    }

    fn console_link(&self, cluster_id: &str) -> String {
        let (host, region) = (console_of(&self.partition), &self.region);
        format!("https://{host}/rds/home?region={region}#dbclusters:id={cluster_id}")
    }
}

/// The message that RDS sends to a topic.
#[derive(Serialize)]
struct TopicMessage<'a> {
    #[serde(rename = "Event Source")]
    event_source: &'static str,
    #[serde(rename = "Event Time")]
    event_time: String,
    #[serde(rename = "Identifier Link")]
    identifier_link: String,
    #[serde(rename = "Source ID")]
    source_id: &'a str,
    #[serde(rename = "Source ARN")]
    source_arn: String,
    #[serde(rename = "Event ID")]
    event_id: String,
    #[serde(rename = "Event Message")]
    event_message: String,
    #[serde(rename = "Notice ID")]
    notice_id: &'a str,
    #[serde(rename = "Notice Kind")]
    notice_kind: &'static str,
}

/// The `detail` of an RDS event on a bus.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BusDetail<'a> {
    event_categories: [&'static str; 1],
    source_type: &'static str,
    source_arn: String,
    date: String,
    message: String,
    source_identifier: &'a str,
    #[serde(rename = "EventID")]
    event_id: &'static str,
    notice_id: &'a str,
    notice_kind: &'static str,
}

/// The body of an SNS message; an error says what of the notice cannot be told.
pub(crate) fn topic_message(notice: &Notice, origin: &Origin) -> Result<String, String> {
    let (date, milliseconds) = moment(notice.at)?;
    let message = TopicMessage {
        event_source: "db-cluster",
        event_time: format!("{}.{milliseconds:03}", date.replace('T', " ")),
        identifier_link: origin.console_link(&notice.cluster_id),
        source_id: &notice.cluster_id,
        source_arn: origin.cluster_arn(&notice.cluster_id),
        event_id: format!("{EVENTS_PAGE}#{}", event_id(notice.kind)),
        event_message: message_of(notice),
        notice_id: &notice.id,
        notice_kind: word(notice.kind),
    };
    serde_json::to_string(&message).map_err(|error| error.to_string())
}

/// The `detail` of an event; an error says what of the notice cannot be told.
pub(crate) fn bus_detail(notice: &Notice, origin: &Origin) -> Result<String, String> {
    let (date, milliseconds) = moment(notice.at)?;
    let detail = BusDetail {
        event_categories: [category(notice.kind)],
        source_type: "CLUSTER",
        source_arn: origin.cluster_arn(&notice.cluster_id),
        date: format!("{date}.{milliseconds:03}Z"),
        message: message_of(notice),
        source_identifier: &notice.cluster_id,
        event_id: event_id(notice.kind),
        notice_id: &notice.id,
        notice_kind: word(notice.kind),
    };
    serde_json::to_string(&detail).map_err(|error| error.to_string())
}

/// The subject of an SNS message, which e-mail shows.
pub(crate) fn subject(notice: &Notice) -> String {
    let what = match notice.kind {
        NoticeKind::Started => "Activity stream started",
        NoticeKind::Stopped => "Activity stream stopped",
        NoticeKind::Changed => "Activity stream changed",
        NoticeKind::LossBegan => "Activity stream may lose records",
        NoticeKind::LossEnded => "Activity stream no longer loses records",
    };
    let ascii = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    format!("{what}: {}", notice.cluster_id).chars().map(ascii).take(MAX_SUBJECT_CHARS).collect()
}

fn message_of(notice: &Notice) -> String {
    cut(notice.message.clone(), MAX_NOTICE_MESSAGE_BYTES)
}

fn event_id(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Started => "RDS-EVENT-0179",
        NoticeKind::Stopped => "RDS-EVENT-0180",
        NoticeKind::Changed => "ACTIVITY-STREAM-CONFIGURATION-CHANGED",
        NoticeKind::LossBegan => "ACTIVITY-STREAM-LOSS-BEGAN",
        NoticeKind::LossEnded => "ACTIVITY-STREAM-LOSS-ENDED",
    }
}

fn category(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Started | NoticeKind::Stopped | NoticeKind::Changed => "configuration change",
        NoticeKind::LossBegan | NoticeKind::LossEnded => "notification",
    }
}

fn word(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Started => "started",
        NoticeKind::Stopped => "stopped",
        NoticeKind::Changed => "configuration-changed",
        NoticeKind::LossBegan => "loss-began",
        NoticeKind::LossEnded => "loss-ended",
    }
}

/// `2021-05-12T18:06:48` in UTC, and the milliseconds behind it.
fn moment(at_micros: i64) -> Result<(String, i64), String> {
    let seconds = at_micros.div_euclid(MICROS_PER_SECOND);
    let milliseconds = at_micros.rem_euclid(MICROS_PER_SECOND) / MICROS_PER_MILLISECOND;
    let date = DateTime::from_secs(seconds).fmt(Format::DateTime).map_err(|error| error.to_string())?;
    Ok((date.trim_end_matches('Z').to_owned(), milliseconds))
}

#[cfg(test)]
pub(crate) mod test {
    use super::*;

    /// 2021-05-12 18:06:48.701.
    const AT_MICROS: i64 = 1_620_842_808_701_999;

    pub(crate) fn notice(kind: NoticeKind) -> Notice {
        Notice {
            id: "0198-a".to_owned(),
            kind,
            at: AT_MICROS,
            cluster_id: "cluster-A".to_owned(),
            message: "It is \"so\".".to_owned(),
        }
    }

    #[test]
    fn a_topics_message_is_that_of_rds_with_two_keys_more() {
        let origin = Origin::of("arn:aws:sns:us-west-2:100026411130:alerts", "eu-central-1");
        assert_eq!(
            topic_message(&notice(NoticeKind::Started), &origin).expect("a message"),
            concat!(
                r#"{"Event Source":"db-cluster","Event Time":"2021-05-12 18:06:48.701","#,
                r#""Identifier Link":"https://console.aws.amazon.com/rds/home?region=us-west-2#dbclusters:id=cluster-A","#,
                r#""Source ID":"cluster-A","Source ARN":"arn:aws:rds:us-west-2:100026411130:cluster:cluster-A","#,
                r#""Event ID":"http://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.html#RDS-EVENT-0179","#,
                r#""Event Message":"It is \"so\".","Notice ID":"0198-a","Notice Kind":"started"}"#,
            )
        );
    }

    #[test]
    fn an_events_detail_is_that_of_rds_with_two_keys_more() {
        let origin = Origin::of("default", "us-gov-west-1");
        assert_eq!(
            bus_detail(&notice(NoticeKind::LossBegan), &origin).expect("a detail"),
            concat!(
                r#"{"EventCategories":["notification"],"SourceType":"CLUSTER","#,
                r#""SourceArn":"arn:aws-us-gov:rds:us-gov-west-1::cluster:cluster-A","Date":"2021-05-12T18:06:48.701Z","#,
                r#""Message":"It is \"so\".","SourceIdentifier":"cluster-A","EventID":"ACTIVITY-STREAM-LOSS-BEGAN","#,
                r#""NoticeId":"0198-a","NoticeKind":"loss-began"}"#,
            )
        );
    }

    #[test]
    fn each_kind_has_its_id_and_category() {
        let origin = Origin::of("default", "cn-north-1");
        for (kind, id, category) in [
            (NoticeKind::Started, "RDS-EVENT-0179", "configuration change"),
            (NoticeKind::Stopped, "RDS-EVENT-0180", "configuration change"),
            (NoticeKind::Changed, "ACTIVITY-STREAM-CONFIGURATION-CHANGED", "configuration change"),
            (NoticeKind::LossBegan, "ACTIVITY-STREAM-LOSS-BEGAN", "notification"),
            (NoticeKind::LossEnded, "ACTIVITY-STREAM-LOSS-ENDED", "notification"),
        ] {
            let detail = bus_detail(&notice(kind), &origin).expect("a detail");
            assert!(
                detail.contains(&format!(r#""EventID":"{id}""#)) && detail.contains(category),
                "{detail}"
            );
            let message = topic_message(&notice(kind), &origin).expect("a message");
            assert!(message.contains(&format!("#{id}\"")), "{message}");
            assert!(message.contains("https://console.amazonaws.cn/"), "{message}");
        }
    }

    #[test]
    fn a_subject_is_a_hundred_ascii_characters_at_most() {
        let long = Notice { cluster_id: "clüster\n".repeat(40), ..notice(NoticeKind::LossEnded) };
        let subject = subject(&long);
        assert!(
            subject.len() == MAX_SUBJECT_CHARS && subject.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        );
        assert!(subject.starts_with("Activity stream no longer loses records: cl?ster?"), "{subject}");
    }

    #[test]
    fn a_time_before_1970_is_told_and_one_beyond_the_calendar_is_an_error() {
        assert_eq!(moment(-1), Ok(("1969-12-31T23:59:59".to_owned(), 999)));
        assert!(moment(i64::MAX).is_err());
    }
}
