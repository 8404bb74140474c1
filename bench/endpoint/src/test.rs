//! Over real connections, with what the AWS SDK sends.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::Server;

/// Longer than any answer of these tests takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn start(delay: Duration) -> u16 {
    let server = Server::bind(0, delay).expect("a port");
    let port = server.port();
    thread::spawn(move || server.serve());
    port
}

/// A client's connection.
struct Client(TcpStream);

impl Client {
    fn to(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Self(stream)
    }

    fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).expect("sent");
    }

    /// The status and the body of the next answer.
    fn answer(&mut self) -> (u16, Value) {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).expect("the head of an answer");
            text.push(byte[0]);
        }
        let head = String::from_utf8(text).expect("text");
        let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.lines().next());
        let mut body = vec![0; length.expect("a length").parse().expect("a number")];
        self.0.read_exact(&mut body).expect("the body of an answer");
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        (status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("JSON") })
    }

    fn call(&mut self, target: &str, body: &str) -> (u16, Value) {
        self.send(&request(target, body));
        self.answer()
    }

    fn control(&mut self, method: &str, query: &str) -> (u16, Value) {
        self.send(&format!("{method} /control{query} HTTP/1.1\r\nHost: x\r\n\r\n"));
        self.answer()
    }

    fn is_closed(&mut self) -> bool {
        self.0.read(&mut [0]).is_ok_and(|count| count == 0)
    }
}

fn request(target: &str, body: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\ncontent-type: application/x-amz-json-1.1\r\nx-amz-target: {target}\r\n\
         content-length: {}\r\nhost: 127.0.0.1\r\n\r\n{body}",
        body.len()
    )
}

const PUT: &str = "Kinesis_20131202.PutRecords";
const TWO: &str =
    r#"{"Records":[{"Data":"AAAA","PartitionKey":"a"},{"Data":"AAA=","PartitionKey":"b"}],"StreamName":"s"}"#;

#[test]
fn a_stream_is_missing_until_it_is_made_and_then_active() {
    let mut client = Client::to(start(Duration::ZERO));
    let named = r#"{"StreamName":"s","StreamModeDetails":{"StreamMode":"ON_DEMAND"}}"#;
    let (status, error) = client.call("Kinesis_20131202.DescribeStreamSummary", named);
    assert_eq!((status, &error["__type"]), (400, &Value::from("ResourceNotFoundException")));
    assert_eq!(client.call("Kinesis_20131202.CreateStream", named), (200, Value::Null));
    assert_eq!(client.call("Kinesis_20131202.CreateStream", named).1["__type"], "ResourceInUseException");
    let (status, summary) = client.call("Kinesis_20131202.DescribeStreamSummary", named);
    assert_eq!((status, &summary["StreamDescriptionSummary"]["StreamStatus"]), (200, &Value::from("ACTIVE")));
    assert_eq!(client.call("Kinesis_20131202.IncreaseStreamRetentionPeriod", named).0, 200);
    assert_eq!(client.call("Kinesis_20131202.AddTagsToStream", named).0, 200);
    let (_, shards) = client.call("Kinesis_20131202.ListShards", named);
    assert_eq!(shards["Shards"].as_array().map(Vec::len), Some(1));
    assert_eq!(client.call("Kinesis_20131202.DeleteStream", named).1["__type"], "UnknownOperationException");
}

#[test]
fn records_are_stored_and_counted() {
    let mut client = Client::to(start(Duration::ZERO));
    let (status, answer) = client.call(PUT, TWO);
    assert_eq!((status, answer["Records"].as_array().map(Vec::len)), (200, Some(2)));
    client.call(PUT, TWO);
    let (_, counters) = client.control("GET", "");
    assert_eq!(counters["requests"], 2);
    assert_eq!(counters["records"], 4);
    assert_eq!(counters["data_bytes"], 10);
    assert_eq!(counters["body_bytes"], 2 * TWO.len());
    assert!(counters["last_stored_us"].as_u64() > Some(0), "{counters}");
}

#[test]
fn two_data_keys_have_nothing_in_common() {
    let mut client = Client::to(start(Duration::ZERO));
    let asked = r#"{"EncryptionContext":{"aws:rds:dbc-id":"c"},"KeyId":"alias/a","KeySpec":"AES_256"}"#;
    let (status, first) = client.call("TrentService.GenerateDataKey", asked);
    let (_, second) = client.call("TrentService.GenerateDataKey", asked);
    assert_eq!(status, 200);
    // Thirty-two bytes in base64.
    assert_eq!(first["Plaintext"].as_str().map(str::len), Some(44));
    assert_ne!(first["Plaintext"], second["Plaintext"]);
    assert_ne!(first["CiphertextBlob"], second["CiphertextBlob"]);
    assert_eq!(client.call("TrentService.GenerateDataKey", "{}").1["__type"], "ValidationException");
}

#[test]
fn the_delay_is_of_each_request_and_changes_while_it_runs() {
    let delay = Duration::from_millis(200);
    let port = start(Duration::ZERO);
    let (status, told) = Client::to(port).control("POST", "?delay_ms=200");
    assert_eq!((status, told["delay_us"].as_f64()), (200, Some(200_000.0)));
    let mut clients: Vec<Client> = (0..8).map(|_| Client::to(port)).collect();
    let begin = Instant::now();
    for client in &mut clients {
        client.send(&request(PUT, TWO));
    }
    assert_eq!(Client::to(port).control("GET", "").1["records"], 0, "none is stored yet");
    for client in &mut clients {
        assert_eq!(client.answer().0, 200);
    }
    let took = begin.elapsed();
    assert!(took >= delay && took < 8 * delay, "{took:?}");
    let (_, counters) = Client::to(port).control("GET", "");
    assert_eq!((&counters["records"], &counters["held_answers"]), (&Value::from(16), &Value::from(8)));
}

#[test]
fn a_delay_that_makes_no_sense_changes_nothing() {
    let mut client = Client::to(start(Duration::from_millis(1)));
    assert_eq!(client.control("POST", "?delay_ms=-1").0, 400);
    assert_eq!(client.control("GET", "?delay_ms=5").0, 400);
    assert_eq!(client.control("GET", "").1["delay_us"].as_f64(), Some(1000.0));
}

#[test]
fn requests_that_come_in_pieces_or_together_are_answered_in_order() {
    let mut client = Client::to(start(Duration::ZERO));
    let whole = request(PUT, TWO);
    let (begin, end) = whole.split_at(whole.len() - 30);
    client.send(begin);
    assert_eq!(Client::to(client.0.peer_addr().unwrap().port()).control("GET", "").1["requests"], 0);
    client.send(&format!("{end}{whole}GET /control HTTP/1.1\r\n\r\n"));
    assert_eq!(client.answer().1["Records"].as_array().map(Vec::len), Some(2));
    assert_eq!(client.answer().1["Records"].as_array().map(Vec::len), Some(2));
    assert_eq!(client.answer().1["records"], 4);
}

#[test]
fn a_large_request_is_taken_whole() {
    let mut client = Client::to(start(Duration::ZERO));
    let body = format!(r#"{{"Records":[{{"Data":"{}","PartitionKey":"a"}}]}}"#, "A".repeat(4_000_000));
    assert_eq!(client.call(PUT, &body).0, 200);
    assert_eq!(client.control("GET", "").1["data_bytes"], 3_000_000);
}

#[test]
fn what_is_not_understood_ends_its_own_connection_only() {
    let port = start(Duration::ZERO);
    let mut other = Client::to(port);
    for wrong in [
        "nonsense\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
    ] {
        let mut client = Client::to(port);
        client.send(wrong);
        assert!(client.is_closed(), "{wrong}");
    }
    assert_eq!(other.call(PUT, TWO).0, 200);
    let mut closing = Client::to(port);
    closing.send("GET /control HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_eq!(closing.answer().1["records"], 2);
    assert!(closing.is_closed());
}
