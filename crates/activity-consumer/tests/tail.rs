//! The program from outside: its output, its exit codes, signals and pipes.

mod aws;

use std::fs::OpenOptions;
use std::io::Read;
use std::process::{Child, Command};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use activity_seal::DataKey;
use aws::{Aws, CLUSTER, STREAM, Shard};

/// Longer than anything takes that works.
const SOON: Duration = Duration::from_secs(20);

fn sealed(events: &[String]) -> Vec<u8> {
    let inner = format!(
        r#"{{"type":"DatabaseActivityMonitoringRecord","clusterId":"c","instanceId":"i","databaseActivityEventList":[{}]}}"#,
        events.join(",")
    );
    let key = DataKey::new(&[7; 32], b"wrapped".to_vec()).expect("a data key");
    activity_seal::seal(inner.as_bytes(), &key).expect("sealed")
}

fn event(text: &str) -> String {
    format!(r#"{{"type":"record","commandText":"{text}","rowCount":1.0}}"#)
}

fn heartbeat() -> String {
    r#"{"type":"heartbeat"}"#.to_owned()
}

fn shard(id: &'static str, records: Vec<Vec<u8>>) -> Shard {
    Shard { id, records, ..Shard::default() }
}

/// The program, with this server for AWS, reading from the beginning.
fn program(aws: &Aws, more: &[&str]) -> Command {
    let mut command = aws.program("tail");
    command.args(["--poll-interval-ms", "20"]).args(more);
    command
}

struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

fn run(aws: &Aws, more: &[&str]) -> Ended {
    let from = ["--cluster-id", CLUSTER, "--from", "trim-horizon"];
    let output = program(aws, &[&from, more].concat()).output().expect("it runs");
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// The exit code, or a panic when there is none soon.
fn wait(mut child: Child) -> Option<i32> {
    let id = child.id();
    let (sender, ended) = sync_channel(1);
    thread::spawn(move || sender.send(child.wait()));
    match ended.recv_timeout(SOON) {
        Ok(status) => status.expect("a child of ours").code(),
        Err(_) => {
            signal(id, "KILL");
            panic!("it did not end");
        }
    }
}

fn signal(process: u32, name: &str) {
    let status = Command::new("kill").args(["-s", name, &process.to_string()]).status();
    assert!(status.expect("kill runs").success());
}

#[test]
fn events_are_printed_unchanged_and_it_ends_when_idle() {
    let records =
        vec![sealed(&[event("a"), event("\\u00e9")]), sealed(&[heartbeat()]), sealed(&[event("b")])];
    let aws = Aws::start(vec![shard("s-0", records)]);
    let ended = run(&aws, &["--idle-timeout", "0.5"]);
    assert_eq!(ended.out, format!("{}\n{}\n{}\n", event("a"), event("\\u00e9"), event("b")));
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let decrypts = aws.state().asked.iter().filter(|operation| *operation == "Decrypt").count();
    assert_eq!(decrypts, 1);
}

#[test]
fn a_split_is_followed_and_an_expired_iterator_renewed() {
    let parent = Shard { closed: true, ..shard("s-0", vec![sealed(&[event("first")])]) };
    let child = Shard { parent: Some("s-0"), ..shard("s-1", vec![sealed(&[event("second")])]) };
    let aws = Aws::start(vec![child, parent]);
    aws.state().failures.extend([("GetRecords", "ExpiredIteratorException")]);
    let ended = run(&aws, &["--until-events", "2"]);
    assert_eq!(ended.out, format!("{}\n{}\n", event("first"), event("second")));
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn a_record_that_cannot_be_read_is_named_and_makes_the_exit_code_1() {
    let records = vec![b"not an envelope".to_vec(), sealed(&[event("a")])];
    let aws = Aws::start(vec![shard("s-0", records)]);
    let ended = run(&aws, &["--until-events", "1", "--stats"]);
    assert_eq!((ended.code, ended.out), (Some(1), format!("{}\n", event("a"))));
    let (complaint, stats) = ended.err.split_once('\n').expect("two lines");
    assert_eq!(
        complaint,
        "activity-consumer: unreadable record: shard s-0, sequence number 0: the record is no activity stream envelope"
    );
    let stats: serde_json::Value = serde_json::from_str(stats).expect("JSON");
    assert_eq!((&stats["records"], &stats["unreadable_records"]), (&2.into(), &1.into()));
}

#[test]
fn the_key_of_another_cluster_is_told_as_such() {
    let aws = Aws::start(vec![shard("s-0", vec![sealed(&[event("a")])])]);
    let more =
        ["--stream", STREAM, "--cluster-id", "another", "--from", "trim-horizon", "--idle-timeout", "0.5"];
    let output = program(&aws, &more).output().expect("it runs");
    let err = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("sequence number 0: KMS Decrypt: ") && err.contains("cluster id"), "{err}");
}

#[test]
fn what_cannot_work_is_said_in_one_line_with_exit_code_2() {
    let aws = Aws::start(vec![shard("s-0", vec![])]);
    let missing = program(&aws, &["--stream", "aws-rds-das-missing"]).output().expect("it runs");
    let denied = Aws::start(vec![shard("s-0", vec![])]);
    denied.state().failures.extend([("GetShardIterator", "AccessDeniedException")]);
    let denied = program(&denied, &["--stream", STREAM]).output().expect("it runs");
    let mut nowhere = aws.clone();
    nowhere.url = "localhost:1".into();
    let nowhere = program(&nowhere, &["--stream", STREAM]).output().expect("it runs");
    for (output, part) in [
        (missing, "Kinesis ListShards: ResourceNotFoundException"),
        (denied, "Kinesis GetShardIterator: AccessDeniedException"),
        (nowhere, "invalid AWS endpoint URL"),
    ] {
        let err = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.starts_with("activity-consumer: ") && err.contains(part), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
}

#[test]
fn wrong_usage_is_exit_code_2_and_help_is_0() {
    let aws = Aws::start(vec![]);
    for (more, code) in
        [(&["--from", "yesterday"][..], 2), (&[], 2), (&["--stream", "x"], 2), (&["--help"], 0)]
    {
        assert_eq!(program(&aws, more).output().expect("it runs").status.code(), Some(code), "{more:?}");
    }
}

#[test]
fn a_signal_ends_it_soon_with_whole_lines() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let aws = Aws::start(vec![shard("s-0", vec![sealed(&[event("a")])])]);
        let mut child =
            program(&aws, &["--stream", STREAM, "--from", "trim-horizon"]).spawn().expect("it starts");
        let mut first = [0];
        let mut out = child.stdout.take().expect("a pipe");
        out.read_exact(&mut first).expect("the first line is written at once");
        signal(child.id(), name);
        assert_eq!(wait(child), Some(code));
        let mut rest = String::new();
        out.read_to_string(&mut rest).expect("text");
        assert_eq!(format!("{{{rest}"), format!("{}\n", event("a")));
    }
}

#[test]
fn a_signal_before_anything_is_read_ends_it_too() {
    let aws = Aws::start(vec![shard("s-0", vec![])]);
    let child = program(&aws, &["--stream", STREAM]).spawn().expect("it starts");
    aws.wait_for("GetRecords", SOON);
    signal(child.id(), "INT");
    assert_eq!(wait(child), Some(130));
}

/// More than the buffer of a pipe takes.
fn too_much() -> Vec<Vec<u8>> {
    (0..20).map(|_| sealed(&[event(&"x".repeat(100_000))])).collect()
}

#[test]
fn a_reader_that_goes_ends_it_quietly() {
    let aws = Aws::start(vec![shard("s-0", too_much())]);
    let mut child =
        program(&aws, &["--stream", STREAM, "--from", "trim-horizon"]).spawn().expect("it starts");
    let mut out = child.stdout.take().expect("a pipe");
    out.read_exact(&mut [0]).expect("a first byte");
    drop(out);
    let mut stderr = child.stderr.take().expect("a pipe");
    assert_eq!(wait(child), Some(0));
    let mut err = String::new();
    stderr.read_to_string(&mut err).expect("text");
    assert_eq!(err, "");
}

#[test]
fn a_reader_that_does_not_read_does_not_hold_up_the_end() {
    let aws = Aws::start(vec![shard("s-0", too_much())]);
    let mut child =
        program(&aws, &["--stream", STREAM, "--from", "trim-horizon"]).spawn().expect("it starts");
    let mut out = child.stdout.take().expect("a pipe");
    out.read_exact(&mut [0]).expect("a first byte");
    signal(child.id(), "TERM");
    assert_eq!(wait(child), Some(143));
}

#[test]
fn output_that_cannot_be_written_is_exit_code_2() {
    let aws = Aws::start(vec![shard("s-0", vec![sealed(&[event("a")])])]);
    let full = OpenOptions::new().write(true).open("/dev/full").expect("Linux");
    let more = ["--stream", STREAM, "--from", "trim-horizon"];
    let output = program(&aws, &more).stdout(full).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let err = String::from_utf8(output.stderr).expect("text");
    assert!(err.starts_with("activity-consumer: cannot write to standard output: "), "{err}");
}

#[test]
fn from_latest_only_what_comes_is_printed() {
    let aws = Aws::start(vec![shard("s-0", vec![sealed(&[event("before")])])]);
    let mut child = program(&aws, &["--stream", STREAM, "--until-events", "1"]).spawn().expect("it starts");
    aws.wait_for("GetRecords", SOON);
    aws.state().shards[0].records.push(sealed(&[event("after")]));
    let mut stdout = child.stdout.take().expect("a pipe");
    assert_eq!(wait(child), Some(0));
    let mut out = String::new();
    stdout.read_to_string(&mut out).expect("text");
    assert_eq!(out, format!("{}\n", event("after")));
}
