//! `PutRecords`: one request, and what became of each of its records.

use aws_sdk_kinesis::operation::put_records::PutRecordsOutput;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, PutRecordsResultEntry};

use crate::error::{AwsError, Call, bounded};
use crate::kind::ErrorKind;

const PUT_RECORDS: Call = Call::kinesis("PutRecords");

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Put {
    /// Kinesis keeps it.
    Stored,
    /// Kinesis does not keep it.
    Refused { kind: ErrorKind, code: String, message: String },
}

/// Sends the records, each a partition key and its data, and tells what became of them, by position.
///
/// An error means that any of them may have been stored, or none.
pub(crate) async fn put<'a>(
    client: &aws_sdk_kinesis::Client,
    stream_name: &str,
    records: impl ExactSizeIterator<Item = (&'a str, &'a [u8])>,
) -> Result<Vec<Put>, AwsError> {
    let sent = records.len();
    let entries = records
        .map(|(key, data)| PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(data)).build())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| PUT_RECORDS.nonsense(error.to_string()))?;
    let request = client.put_records().stream_name(stream_name).set_records(Some(entries));
    let answer = request.send().await.map_err(|error| PUT_RECORDS.failed(&error))?;
    outcomes(answer, sent)
}

/// `FailedRecordCount` is not looked at: some services count wrong, and the entries say it all.
fn outcomes(answer: PutRecordsOutput, sent: usize) -> Result<Vec<Put>, AwsError> {
    let answered = answer.records.len();
    if answered != sent {
        return Err(PUT_RECORDS.nonsense(format!("the answer has {answered} entries for {sent} records")));
    }
    Ok(answer.records.into_iter().map(outcome).collect())
}

fn outcome(entry: PutRecordsResultEntry) -> Put {
    let code = entry.error_code.filter(|code| !code.is_empty());
    match (code, entry.sequence_number) {
        (Some(code), _) => Put::Refused {
            kind: ErrorKind::of(Some(&code), None),
            code: bounded(code),
            message: bounded(entry.error_message.unwrap_or_default()),
        },
        (None, Some(_)) => Put::Stored,
        // Neither stored nor refused: sent again, a duplicate is better than a gap.
        (None, None) => Put::Refused {
            kind: ErrorKind::Other,
            code: "NoSequenceNumber".to_owned(),
            message: "the answer says neither that the record was stored nor why not".to_owned(),
        },
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::canned::{Answer, Canned};
    use crate::connect::Retries;
    use crate::connect::test::aws;

    async fn put_two(answer: Answer) -> (Result<Vec<Put>, AwsError>, Canned) {
        let server = Canned::start([answer]);
        let client = aws(&server.url).await.kinesis(Retries::Caller);
        let records = [("key-a", &b"first"[..]), ("key-b", &b"second"[..])];
        (put(&client, "the-stream", records.into_iter()).await, server)
    }

    fn entry(code: &str) -> String {
        format!(r#"{{"ErrorCode":"{code}","ErrorMessage":"m"}}"#)
    }

    const STORED: &str = r#"{"SequenceNumber":"1","ShardId":"s-0"}"#;

    async fn second_of(entry: &str) -> Put {
        let answer = format!(r#"{{"FailedRecordCount":0,"Records":[{STORED},{entry}]}}"#);
        let (puts, _) = put_two(Answer::ok(&answer)).await;
        puts.expect("an answer by position").pop().expect("two")
    }

    #[tokio::test]
    async fn records_are_sent_in_order_with_their_keys() {
        let (puts, server) = put_two(Answer::ok(&format!(r#"{{"Records":[{STORED},{STORED}]}}"#))).await;
        assert_eq!(puts, Ok(vec![Put::Stored, Put::Stored]));
        let body = &server.asked()[0].body;
        assert!(body.contains(r#""StreamName":"the-stream""#), "{body}");
        let (first, second) = (body.find("Zmlyc3Q=").expect("first"), body.find("c2Vjb25k").expect("second"));
        assert!(first < second && body.contains("key-a") && body.contains("key-b"), "{body}");
    }

    #[tokio::test]
    async fn the_entries_count_and_not_the_failed_record_count() {
        let answer = format!(
            r#"{{"FailedRecordCount":0,"Records":[{},{STORED}]}}"#,
            entry("ProvisionedThroughputExceededException")
        );
        let (puts, _) = put_two(Answer::ok(&answer)).await;
        let puts = puts.expect("an answer");
        assert!(matches!(puts[0], Put::Refused { kind: ErrorKind::Throttled, .. }), "{puts:?}");
        assert_eq!(puts[1], Put::Stored);
        let (puts, _) =
            put_two(Answer::ok(&format!(r#"{{"FailedRecordCount":2,"Records":[{STORED},{STORED}]}}"#))).await;
        assert_eq!(puts, Ok(vec![Put::Stored, Put::Stored]));
    }

    #[tokio::test]
    async fn each_entrys_code_has_its_kind() {
        for (code, expected) in [
            ("ProvisionedThroughputExceededException", ErrorKind::Throttled),
            ("InternalFailure", ErrorKind::Unavailable),
            ("KMSThrottlingException", ErrorKind::Throttled),
            ("KMSDisabledException", ErrorKind::NotActive),
            ("ValidationException", ErrorKind::Invalid),
            ("InvalidArgumentException", ErrorKind::Invalid),
            ("NeverHeardOf", ErrorKind::Other),
        ] {
            let put = second_of(&entry(code)).await;
            assert!(matches!(put, Put::Refused { kind, .. } if kind == expected), "{code}: {put:?}");
        }
    }

    #[tokio::test]
    async fn an_entry_that_says_nothing_is_not_taken_for_stored() {
        assert!(matches!(second_of("{}").await, Put::Refused { kind: ErrorKind::Other, .. }));
        assert_eq!(second_of(r#"{"SequenceNumber":"1","ErrorCode":""}"#).await, Put::Stored);
        assert_eq!(second_of(r#"{"SequenceNumber":"1","ErrorCode":null}"#).await, Put::Stored);
    }

    #[tokio::test]
    async fn an_answer_with_another_number_of_entries_says_nothing_about_any() {
        for records in ["", STORED, &[STORED; 3].join(",")] {
            let (puts, _) = put_two(Answer::ok(&format!(r#"{{"Records":[{records}]}}"#))).await;
            let error = puts.expect_err(records);
            assert!(error.to_string().contains("entries for 2 records"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_failed_call_is_one_attempt() {
        let (puts, server) = put_two(Answer::error(500, "InternalFailure", "m")).await;
        assert_eq!(puts.expect_err("failed").kind, ErrorKind::Unavailable);
        assert_eq!(server.operations(), ["PutRecords"]);
    }
}
