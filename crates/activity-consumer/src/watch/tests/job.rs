//! The command over a stream, with a fake Kinesis and KMS.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use activity_aws::{Endpoint, ErrorKind, StartAt};
use clap::ValueEnum as _;
use tokio::time::Instant;

use super::super::alarm::Kind;
use super::super::{OnAlarm, Watch};
use crate::args::WatchOptions;
use crate::exit::Exit;
use crate::fake::{FakeKms, FakeStream, Shared, error, inner, sealed};
use crate::print::Style;
use crate::print::test::Written;
use crate::verify::tests::producer::Epoch;

fn options() -> WatchOptions {
    WatchOptions {
        stream: "s".into(),
        cluster_id: "c".into(),
        endpoint: Endpoint::default(),
        max_silence: Duration::from_secs(10),
        settle: Duration::from_secs(10),
        expected_at_start: Vec::new(),
        alarms: Kind::value_variants().iter().copied().collect(),
        on_alarm: None,
        from: StartAt::TrimHorizon,
        style: Style::Json,
        poll_interval: Duration::from_millis(250),
        verbose: false,
    }
}

fn stream(records: &[Vec<u8>]) -> FakeStream {
    let stream = FakeStream::with("a", &[]);
    for (number, json) in records.iter().enumerate() {
        stream.put("a", sealed(&number.to_string(), b"key", std::str::from_utf8(json).expect("JSON")));
    }
    stream
}

/// An epoch whose events end with these words of the stream.
fn told(commands: &[&str]) -> Vec<Vec<u8>> {
    let mut epoch = Epoch::new(1);
    epoch.start(None, "").events(3);
    for command in commands {
        epoch.told(command, &[]);
    }
    epoch.records(100)
}

struct Ended {
    exit: Exit,
    out: String,
    complaints: String,
}

impl Ended {
    fn kinds(&self) -> Vec<String> {
        let lines = self.out.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        lines.map(|line: serde_json::Value| line["alarm"].as_str().expect("a kind").to_owned()).collect()
    }
}

async fn run(options: WatchOptions, stream: FakeStream, kms: &'static FakeKms) -> Ended {
    let (out, complaints) = (Written::default(), Written::default());
    let mut watch = Watch::new(options, Box::new(out.clone()), Box::new(complaints.clone()));
    let end = watch.run(stream, kms).await;
    Ended { exit: watch.finish(&end).await, out: out.text(), complaints: complaints.text() }
}

fn kms() -> &'static FakeKms {
    Box::leak(Box::default())
}

#[tokio::test(start_paused = true)]
async fn the_first_alarm_is_a_line_and_ends_it_with_a_code_of_its_own() {
    let ended = run(options(), stream(&told(&["STREAM INTENT"])), kms()).await;
    assert_eq!((ended.exit.code(), ended.kinds(), ended.complaints.as_str()), (3, vec!["intent".into()], ""));
    let line: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!((&line["stream"], &line["count"]), (&"s".into(), &1.into()));
    assert_eq!(line["findings"][0]["event"]["command"], "STREAM INTENT");
}

#[tokio::test(start_paused = true)]
async fn silence_from_the_start_is_an_alarm_in_time() {
    let begun = Instant::now();
    let ended = run(options(), stream(&[]), kms()).await;
    assert_eq!((ended.exit, ended.kinds()), (Exit::Alarm, vec!["silence".to_owned()]));
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn silence_is_told_although_reading_hangs_in_an_outage() {
    let kms = kms();
    for _ in 0..1_000 {
        kms.fail(error(ErrorKind::Connection));
    }
    let ended = run(options(), stream(&[inner(&[r#"{"type":"heartbeat"}"#]).into_bytes()]), kms).await;
    assert_eq!((ended.exit, ended.kinds()), (Exit::Alarm, vec!["silence".to_owned()]));
    assert!(ended.out.contains("the stream cannot be read: Fake Call: Connection"), "{}", ended.out);
    assert!(ended.complaints.contains("trying again"), "{}", ended.complaints);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_asked_for_raises_nothing() {
    let alarms = BTreeSet::from([Kind::Silence]);
    let ended =
        run(WatchOptions { alarms, ..options() }, stream(&told(&["STREAM INTENT", "STREAM STOP"])), kms())
            .await;
    assert_eq!(ended.kinds(), ["silence"]);
}

#[tokio::test(start_paused = true)]
async fn a_missing_record_is_told_across_a_split() {
    let mut epoch = Epoch::new(1);
    epoch.start(None, "").events(9);
    let mut records = epoch.records(2);
    records.remove(2);
    let stream = stream(&records[..2]);
    stream.add("b", &["a"]);
    for (number, json) in records[2..].iter().enumerate() {
        stream.put("b", sealed(&number.to_string(), b"key", std::str::from_utf8(json).expect("JSON")));
    }
    stream.close("a");
    let alarms = BTreeSet::from([Kind::Missing]);
    let ended = run(WatchOptions { alarms, ..options() }, stream, kms()).await;
    assert_eq!((ended.exit, ended.kinds()), (Exit::Alarm, vec!["missing".to_owned()]));
    assert!(ended.out.contains("5 to 6"), "{}", ended.out);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_cannot_be_read_is_exit_code_2() {
    let missing = stream(&[]);
    missing.fail("ListShards", error(ErrorKind::NotFound));
    let ended = run(options(), missing, kms()).await;
    assert_eq!((ended.exit, ended.out.as_str()), (Exit::Fatal, ""));
    assert_eq!(ended.complaints, "activity-consumer: cannot read stream s: Fake Call: NotFound\n");
}

/// A command that appends the kind and the count to a file, and the file.
fn noting(name: &str, more: &str) -> (OnAlarm, PathBuf) {
    let file = std::env::temp_dir().join(format!("activity-watch-{name}-{}", std::process::id()));
    let _ = std::fs::remove_file(&file);
    let script = format!("echo $ACTIVITY_ALARM $ACTIVITY_ALARM_COUNT >> {}; {more}", file.display());
    let command = OnAlarm {
        program: "sh".into(),
        arguments: vec!["-c".into(), script],
        limit: Duration::from_secs(20),
    };
    (command, file)
}

fn noted(file: &PathBuf) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    std::fs::remove_file(file).expect("removed");
    lines
}

/// Time is real here: the commands are.
#[tokio::test]
async fn with_a_command_it_goes_on_and_a_flood_is_one_alarm_with_a_count() {
    let (command, file) = noting("flood", "exit 3");
    let intents = ["STREAM INTENT"; 500];
    let source = Arc::new(stream(&told(&[&intents[..], &["STREAM STOP"]].concat())));
    let kms = kms();
    let options = WatchOptions { on_alarm: Some(command), max_silence: Duration::from_secs(1), ..options() };
    let (out, complaints) = (Written::default(), Written::default());
    let mut watch = Watch::new(options, Box::new(out.clone()), Box::new(complaints.clone()));
    // It goes on until what it waits for is there; that it cannot read any more ends it, with a last alarm.
    let until_denied = async {
        while std::fs::read_to_string(&file).unwrap_or_default().lines().count() < 4 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        source.fail("GetRecords", error(ErrorKind::AccessDenied));
    };
    let (end, ()) = tokio::join!(watch.run(Shared(Arc::clone(&source)), kms), until_denied);
    assert_eq!(watch.finish(&end).await, Exit::Fatal);
    let noted = noted(&file);
    let intents = noted.iter().filter_map(|line| line.strip_prefix("intent ")?.parse::<u64>().ok());
    let intents: Vec<u64> = intents.collect();
    assert_eq!((intents.len(), intents.iter().sum()), (2, 500), "the first at once, the rest a second later");
    for kind in ["stop 1", "silence 1", "blind 1"] {
        assert!(noted.contains(&kind.to_owned()), "{noted:?}");
    }
    assert!(
        complaints.text().contains("the command for the alarm intent: failed: exit status: 3"),
        "{}",
        complaints.text()
    );
}
