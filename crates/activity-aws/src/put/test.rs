use super::*;
use crate::canned::{Answer, Canned, LIMITS, read_request};
use crate::connect::test::{aws, aws_with, impatient_aws};
use crate::faults::refusals::Rotating;
use std::collections::VecDeque;
use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const ATTEMPT: Duration = Duration::from_secs(10);

const RECORDS: [(&str, &[u8]); 2] = [("key-a", b"first"), ("key-b", b"second")];

/// A client that has seen how the SDK sends. The server's first answer is to be [`Answer::limits`].
async fn learned(aws: &Aws, server: &Canned) -> PutClient {
    let client = PutClient::new(aws);
    client.sdk().describe_limits().send().await.expect("limits");
    assert!(client.learned.get().is_some(), "nothing was learned");
    server.forget();
    client
}

async fn put_by(client: &PutClient) -> Result<Vec<Put>, AwsError> {
    client.put("the-stream", RECORDS.into_iter()).await
}

/// What the SDK makes of an answer, and that nothing else is made of it without the SDK.
async fn put_two(answer: Answer) -> (Result<Vec<Put>, AwsError>, Canned) {
    let server = Canned::start([answer.clone()]);
    let by_sdk = put_by(&PutClient::new(&aws(&server.url).await)).await;
    let again = Canned::start([Answer::limits(), answer.clone()]);
    let direct = put_by(&learned(&aws(&again.url).await, &again).await).await;
    match (&by_sdk, &direct) {
        // What happened to a connection is told in the words of whoever noticed.
        (Err(by_sdk), Err(direct)) if by_sdk.code.is_none() => assert_eq!(
            (by_sdk.kind, by_sdk.hint(), &by_sdk.request_id),
            (direct.kind, direct.hint(), &direct.request_id),
            "{answer:?}: {by_sdk} and {direct}"
        ),
        _ => assert_eq!(by_sdk, direct, "{answer:?}"),
    }
    assert_eq!(server.operations(), ["PutRecords"], "{answer:?}");
    assert_eq!(again.operations(), ["PutRecords"], "{answer:?}");
    let bodies = [server.asked()[0].body.clone(), again.asked()[0].body.clone()];
    let [by_sdk_body, direct_body] =
        bodies.map(|body| serde_json::from_str::<serde_json::Value>(&body).expect("JSON"));
    assert_eq!(by_sdk_body, direct_body);
    (direct, again)
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

#[tokio::test]
async fn a_refusal_is_told_as_the_sdk_tells_it() {
    for (status, code, message) in [
        (400, "ResourceNotFoundException", "Stream x under account 1 not found."),
        (400, "com.amazonaws.kinesis#ValidationException", "m"),
        (400, "aws.kinesis#LimitExceededException:http://internal.amazon.com/coral/", "m"),
        (400, "ExpiredTokenException", "The security token included in the request is expired"),
        (403, "RequestTimeTooSkewed", "m"),
        (400, "KMSDisabledException", ""),
        (400, "NeverHeardOf", "m"),
        (503, "ServiceUnavailable", "m"),
    ] {
        let (puts, _) = put_two(Answer::error(status, code, message)).await;
        let error = puts.expect_err(code);
        assert!(code.contains(error.code.as_deref().expect("a code")), "{error}");
        assert_eq!(error.request_id.as_deref(), Some("canned-request"));
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_as_the_sdk_tells_it() {
    let page = "<html>".repeat(1000);
    for answer in [
        Answer::Close,
        Answer::CutOff,
        Answer::ok("{"),
        Answer::json(400, ""),
        Answer::json(500, "[]"),
        Answer::Send { status: 502, content_type: "text/html", body: page.clone() },
        Answer::Send { status: 200, content_type: "text/html", body: page },
        Answer::Redirect { status: 302, location: "http://127.0.0.1:1/".to_owned() },
    ] {
        let (puts, _) = put_two(answer.clone()).await;
        puts.expect_err(&format!("{answer:?}"));
    }
}

/// The SDK takes it for an answer without entries.
#[tokio::test]
async fn an_answer_without_a_body_is_unreadable() {
    let server = Canned::start([Answer::limits(), Answer::ok("")]);
    let error = put_by(&learned(&aws(&server.url).await, &server).await).await.expect_err("nothing");
    assert_eq!(error.kind, ErrorKind::Connection, "{error}");
}

#[tokio::test]
async fn names_and_keys_are_escaped() {
    let server = Canned::start([Answer::limits(), Answer::ok(r#"{"Records":[]}"#)]);
    let client = learned(&aws(&server.url).await, &server).await;
    let records = [("a\"\\\n\u{1}é", &b"x"[..])];
    client.put("s\"", records.into_iter()).await.expect_err("no entries");
    let body: serde_json::Value = serde_json::from_str(&server.asked()[0].body).expect("JSON");
    assert_eq!(body["StreamName"], "s\"");
    assert_eq!(body["Records"][0]["PartitionKey"], "a\"\\\n\u{1}é");
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_the_end() {
    let body = format!(r#"{{"Records":[],"x":"{}"}}"#, "x".repeat(2 << 20));
    let server = Canned::start([Answer::limits(), Answer::ok(&body)]);
    let error = put_by(&learned(&aws(&server.url).await, &server).await).await.expect_err("too long");
    assert!(error.to_string().contains("the answer is longer than 1048576 bytes"), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_given_up_with_the_attempt() {
    for answer in [Answer::Hang, Answer::HangInBody] {
        let server = Canned::start([Answer::limits(), answer.clone()]);
        let aws = impatient_aws(&server.url, Duration::from_millis(500)).await;
        let client = learned(&aws, &server).await;
        let begun = Instant::now();
        let error = put_by(&client).await.expect_err("no answer");
        assert_eq!(error.kind, ErrorKind::Timeout, "{answer:?}: {error}");
        assert!(begun.elapsed() < ATTEMPT, "{answer:?}");
        assert!(error.to_string().contains("no answer within 0.5 seconds"), "{error}");
    }
}

#[tokio::test]
async fn credentials_that_were_refused_are_fetched_again_for_the_next_request() {
    let stored = Answer::ok(&format!(r#"{{"Records":[{STORED},{STORED}]}}"#));
    let refused = Answer::error(400, "ExpiredTokenException", "m");
    let other = Answer::error(400, "AccessDeniedException", "m");
    let server = Canned::start([Answer::limits(), other, refused, stored.clone(), stored]);
    let client = learned(&aws_with(&server.url, ATTEMPT, Rotating::default()).await, &server).await;
    for _ in 0..4 {
        // Whether it fails is the server's matter; who signed it is looked at.
        drop(put_by(&client).await);
    }
    let keys = server.asked().into_iter().map(|asked| asked.access_key()).collect::<Vec<_>>();
    assert_eq!(keys, ["AKIA1", "AKIA1", "AKIA2", "AKIA2"]);
}

#[tokio::test]
async fn after_a_refusal_for_the_clock_the_next_request_is_signed_by_the_clock_of_aws() {
    let expired = Answer::error(403, "InvalidSignatureException", "Signature expired");
    let stored = Answer::ok(&format!(r#"{{"Records":[{STORED},{STORED}]}}"#));
    for (date, signed) in [("", "20"), ("Fri, 01 Jan 2100 00:00:00 GMT", "21000101T0000")] {
        let server = Canned::start_at(date, [Answer::limits(), expired.clone(), stored.clone()]);
        let client = learned(&aws(&server.url).await, &server).await;
        put_by(&client).await.expect_err("refused");
        put_by(&client).await.expect("stored");
        let dates = server.asked().into_iter().map(|asked| asked.date).collect::<Vec<_>>();
        assert!(dates[0].starts_with("20") && dates[1].starts_with(signed), "{dates:?}");
    }
}

#[tokio::test]
async fn a_client_that_is_gone_leaves_nothing_behind() {
    let server = Canned::start([Answer::limits()]);
    let client = learned(&aws(&server.url).await, &server).await;
    let left = Arc::downgrade(&client.learned);
    drop(client);
    assert!(left.upgrade().is_none(), "what was learned keeps itself alive");
}

/// Answers on connections that stay open, in this order, and tells how many there were.
fn lasting(answers: &[(u16, &str)]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let answers = Arc::new(Mutex::new(
        answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect::<VecDeque<_>>(),
    ));
    let connections = Arc::new(AtomicUsize::new(0));
    let opened = Arc::clone(&connections);
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            opened.fetch_add(1, Ordering::SeqCst);
            let answers = Arc::clone(&answers);
            std::thread::spawn(move || {
                while read_request(&connection).is_some() {
                    let next = answers.lock().expect("no panic elsewhere").pop_front();
                    let (status, body) = next.expect("an answer");
                    let length = body.len();
                    write!(&connection, "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\n\r\n{body}")
                        .expect("a client that reads");
                }
            });
        }
    });
    (url, connections)
}

#[tokio::test]
async fn a_connection_is_used_again_unless_what_is_behind_it_fails() {
    let stored = format!(r#"{{"Records":[{STORED},{STORED}]}}"#);
    let throttled = r#"{"__type":"ProvisionedThroughputExceededException"}"#;
    let (url, connections) = lasting(&[
        (200, LIMITS),
        (200, &stored),
        (400, throttled),
        (200, &stored),
        (500, "{}"),
        (200, &stored),
        (200, &stored),
    ]);
    let client = PutClient::new(&aws(&url).await);
    client.sdk().describe_limits().send().await.expect("limits");
    let mut seen = Vec::new();
    for stored in [true, false, true, false, true, true] {
        assert_eq!(put_by(&client).await.is_ok(), stored, "{seen:?}");
        seen.push(connections.load(Ordering::SeqCst));
    }
    assert_eq!(seen, [1, 1, 1, 1, 2, 2]);
}
