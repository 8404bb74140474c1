use std::sync::{Arc, Mutex};

use activity_aws::{Endpoint, ErrorKind, StartAt};

use super::*;
use crate::fake::{FakeKms, FakeStream, Shared, error, inner, sealed};
use crate::print::Style;
use crate::print::test::Written;

const FIRST: &str = r#"{"type":"record","commandText":"SELECT 1","logTime":"2019-05-24 00:36:54.403455+00"}"#;
const SECOND: &str = r#"{"type":"record", "commandText":"SELECT '\u00e9'"}"#;
const HEARTBEAT: &str = r#"{"type":"heartbeat"}"#;

fn options() -> Options {
    Options {
        stream: "s".into(),
        cluster_id: "c".into(),
        endpoint: Endpoint::default(),
        from: StartAt::TrimHorizon,
        style: Style::Json,
        heartbeats: false,
        idle_timeout: Some(Duration::from_secs(60)),
        until_events: None,
        poll_interval: Duration::from_millis(250),
        stats: false,
        verbose: false,
    }
}

/// A stream of one shard with a record for each of these inner texts.
fn stream(records: &[&str]) -> FakeStream {
    let stream = FakeStream::with("s-0", &[]);
    for (i, json) in records.iter().enumerate() {
        stream.put("s-0", sealed(&i.to_string(), b"key", json));
    }
    stream
}

fn kms() -> &'static FakeKms {
    Box::leak(Box::default())
}

struct Ended {
    exit: Exit,
    out: String,
    complaints: String,
}

async fn run(options: Options, stream: FakeStream, kms: &'static FakeKms) -> Ended {
    let (out, complaints) = (Written::default(), Written::default());
    let mut tail = Tail::new(options, kms, Box::new(out.clone()), Box::new(complaints.clone()));
    let end = tail.run(stream).await;
    let exit = tail.finish(end);
    Ended { exit, out: out.text(), complaints: complaints.text() }
}

#[tokio::test(start_paused = true)]
async fn events_are_printed_as_they_were_sent_and_heartbeats_are_not() {
    let records = [inner(&[FIRST, SECOND]), inner(&[HEARTBEAT]), inner(&[SECOND])];
    let ended = run(options(), stream(&records.each_ref().map(String::as_str)), kms()).await;
    assert_eq!(ended.out, format!("{FIRST}\n{SECOND}\n{SECOND}\n"));
    assert_eq!((ended.exit, ended.complaints.as_str()), (Exit::Success, ""));
}

#[tokio::test(start_paused = true)]
async fn heartbeats_are_printed_when_asked_for_and_still_count_as_nothing() {
    let records = [inner(&[HEARTBEAT]), inner(&[FIRST]), inner(&[HEARTBEAT])];
    let options = Options { heartbeats: true, until_events: Some(2), ..options() };
    let ended = run(options, stream(&records.each_ref().map(String::as_str)), kms()).await;
    assert_eq!(ended.out, format!("{HEARTBEAT}\n{FIRST}\n{HEARTBEAT}\n"));
    assert_eq!(ended.exit, Exit::Success, "idle, since heartbeats are no events");
}

#[tokio::test(start_paused = true)]
async fn it_ends_at_the_wanted_event_in_the_middle_of_a_record() {
    let options = Options { until_events: Some(2), idle_timeout: None, ..options() };
    let ended = run(options, stream(&[&inner(&[FIRST, SECOND, FIRST])]), kms()).await;
    assert_eq!(ended.out, format!("{FIRST}\n{SECOND}\n"));
    assert_eq!(ended.exit, Exit::Success);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_named_and_the_others_are_printed() {
    let kms = kms();
    let stream = stream(&[&inner(&[FIRST]), r#"{"type":"another"}"#]);
    stream.put("s-0", crate::fake::record("2"));
    stream.put("s-0", sealed("3", b"foreign", &inner(&[FIRST])));
    stream.put("s-0", sealed("4", b"key", &inner(&[SECOND])));
    // The first call is for the first record's key, which works.
    let failing = Box::leak(Box::new(FailsFor(kms, b"foreign")));
    let (out, complaints) = (Written::default(), Written::default());
    let mut tail = Tail::new(options(), &*failing, Box::new(out.clone()), Box::new(complaints.clone()));
    let end = tail.run(stream).await;
    assert_eq!(tail.finish(end), Exit::Unreadable);
    assert_eq!(out.text(), format!("{FIRST}\n{SECOND}\n"));
    let complaints = complaints.text();
    let lines: Vec<&str> = complaints.lines().collect();
    assert_eq!(lines.len(), 3, "{complaints}");
    for (line, number) in lines.iter().zip(1..) {
        let begin = format!("activity-consumer: unreadable record: shard s-0, sequence number {number}: ");
        assert!(line.starts_with(&begin), "{line}");
    }
}

/// A KMS that refuses one blob.
struct FailsFor(&'static FakeKms, &'static [u8]);

impl Unwrap for &'static FailsFor {
    async fn unwrap(
        &self,
        ciphertext_blob: &[u8],
    ) -> Result<activity_seal::esdk::WrappingKey, activity_aws::AwsError> {
        if ciphertext_blob == self.1 {
            Err(error(ErrorKind::Ciphertext))
        } else {
            self.0.unwrap(ciphertext_blob).await
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_kms_is_waited_out_and_told_once() {
    let kms = kms();
    for _ in 0..3 {
        kms.fail(error(ErrorKind::Unavailable));
    }
    let ended = run(options(), stream(&[&inner(&[FIRST])]), kms).await;
    assert_eq!(ended.out, format!("{FIRST}\n"));
    assert_eq!(ended.exit, Exit::Success);
    assert_eq!(
        ended.complaints,
        "activity-consumer: Fake Call: Unavailable; trying again\nactivity-consumer: reading again\n"
    );
}

#[tokio::test(start_paused = true)]
async fn to_be_idle_because_of_an_outage_is_no_success() {
    let kms = kms();
    for _ in 0..1_000 {
        kms.fail(error(ErrorKind::Connection));
    }
    let ended = run(options(), stream(&[&inner(&[FIRST])]), kms).await;
    assert_eq!(ended.exit, Exit::Fatal);
    assert!(
        ended.complaints.ends_with("activity-consumer: gave up: Fake Call: Connection\n"),
        "{}",
        ended.complaints
    );
    let stream = stream(&[]);
    for _ in 0..1_000 {
        stream.fail("GetRecords", error(ErrorKind::Connection));
    }
    let ended = run(options(), stream, kms).await;
    assert_eq!(ended.exit, Exit::Fatal, "{}", ended.complaints);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_work_is_said_and_ends_it() {
    let missing = FakeStream::default();
    missing.fail("ListShards", error(ErrorKind::NotFound));
    let ended = run(options(), missing, kms()).await;
    assert_eq!(
        (ended.exit, ended.complaints.as_str()),
        (Exit::Fatal, "activity-consumer: cannot read stream s: Fake Call: NotFound\n")
    );
    let kms = kms();
    kms.fail(error(ErrorKind::AccessDenied));
    let ended = run(options(), stream(&[&inner(&[FIRST])]), kms).await;
    assert_eq!(ended.exit, Exit::Fatal);
    assert!(ended.complaints.contains("AccessDenied"), "{}", ended.complaints);
}

#[tokio::test(start_paused = true)]
async fn the_idle_time_begins_anew_with_each_event() {
    let stream = stream(&[]);
    let source = Shared(Arc::new(stream));
    let later = source.clone();
    tokio::spawn(async move {
        for i in 0..5 {
            tokio::time::sleep(Duration::from_secs(50)).await;
            later.0.put("s-0", sealed(&i.to_string(), b"key", &inner(&[FIRST])));
        }
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            later.0.put("s-0", sealed("h", b"key", &inner(&[HEARTBEAT])));
        }
    });
    let begun = Instant::now();
    let out = Written::default();
    let mut tail = Tail::new(options(), kms(), Box::new(out.clone()), Box::new(Written::default()));
    assert_eq!(tail.run(source).await, End::Idle);
    assert_eq!(out.text().lines().count(), 5);
    let elapsed = begun.elapsed().as_secs();
    assert!((310..=312).contains(&elapsed), "{elapsed}");
}

/// Output that fails after so many bytes.
struct Fails(Arc<Mutex<usize>>, io::ErrorKind);

impl Write for Fails {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut left = self.0.lock().expect("no panic elsewhere");
        let taken = bytes.len().min(*left);
        *left -= taken;
        if taken == 0 && !bytes.is_empty() { Err(self.1.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_goes_ends_it_quietly_and_a_full_disk_does_not() {
    for (kind, expected) in
        [(io::ErrorKind::BrokenPipe, Exit::Success), (io::ErrorKind::StorageFull, Exit::Fatal)]
    {
        let out = Fails(Arc::new(Mutex::new(10)), kind);
        let complaints = Written::default();
        let mut tail = Tail::new(options(), kms(), Box::new(out), Box::new(complaints.clone()));
        let end = tail.run(stream(&[&inner(&[FIRST])])).await;
        assert_eq!(tail.finish(end), expected);
        assert_eq!(complaints.text().is_empty(), kind == io::ErrorKind::BrokenPipe, "{}", complaints.text());
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_line_of_the_complaints_has_the_counts() {
    let options = Options { stats: true, verbose: true, ..options() };
    let ended = run(options, stream(&[&inner(&[FIRST, SECOND]), &inner(&[HEARTBEAT]), "x"]), kms()).await;
    let lines: Vec<&str> = ended.complaints.lines().collect();
    assert_eq!(lines[0], "activity-consumer: reading s, shards: 1");
    let stats: serde_json::Value = serde_json::from_str(lines.last().expect("a line")).expect("JSON");
    for (name, count) in
        [("records", 3), ("events", 2), ("heartbeats", 1), ("unreadable_records", 1), ("kms_calls", 1)]
    {
        assert_eq!(stats[name], count, "{name} in {stats}");
    }
    assert!(stats["lag_ms"]["max"].as_u64().expect("a lag") > 0);
    assert_eq!(ended.exit, Exit::Unreadable);
}
