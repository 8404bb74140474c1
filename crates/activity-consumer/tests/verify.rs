//! `verify` from outside: its report and its exit codes.

mod aws;

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use activity_seal::inner::{InnerRecord, Place};
use activity_seal::{Chain, DataKey};
use aws::{Aws, CLUSTER, STREAM, Shard};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const EPOCH: &str = "00112233aabbccdd";

/// Longer than anything takes that works.
const SOON: Duration = Duration::from_secs(20);

/// A whole epoch of four events, a record for each.
fn records() -> Vec<Vec<u8>> {
    let told = |sequence: u64, command: &str, params: &str| {
        format!(
            r#"{{"command":"{command}","dbUserName":"activity_stream","paramList":[{params}],"class":"MISC","sequence":{sequence}}}"#
        )
    };
    let start = format!(r#""epoch={EPOCH}","previousEpoch=none","previousEnd=none""#);
    let events = [
        told(1, "STREAM START", &start),
        r#"{"command":"SELECT","sequence":2}"#.to_owned(),
        r#"{"command":"SELECT","sequence":3}"#.to_owned(),
        told(4, "STREAM STOP", &format!(r#""epoch={EPOCH}""#)),
    ];
    let mut chain = Chain::begin(EPOCH);
    let sealed = (1..).zip(&events).map(|(first_sequence, event)| {
        let mut record = InnerRecord::new(CLUSTER, "db-A", 0);
        record.push(event.as_bytes());
        let inner = record.finish(Some(Place { epoch: EPOCH, first_sequence, chain }));
        chain = chain.then(event.as_bytes());
        let key = DataKey::new(&[7; 32], b"wrapped".to_vec()).expect("a data key");
        activity_seal::seal(&inner, &key).expect("sealed")
    });
    sealed.collect()
}

/// A stream that was split: the records of the parent and of its child.
fn split(mut records: Vec<Vec<u8>>) -> Aws {
    let of_child = records.split_off(2);
    let parent = Shard { id: "s-0", closed: true, records, ..Shard::default() };
    Aws::start(vec![Shard { id: "s-1", parent: Some("s-0"), records: of_child, ..Shard::default() }, parent])
}

fn program(aws: &Aws, more: &[&str]) -> Command {
    let mut command = aws.program("verify");
    command.args(more);
    command
}

fn run(aws: &Aws, more: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = program(aws, more).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn a_complete_stream_is_exit_code_0_across_a_split() {
    let aws = split(records());
    let (code, out, err) = run(&aws, &["--stream", STREAM, "--poll-interval-ms", "20"]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert_eq!(
        out,
        "epoch 00112233aabbccdd of db-A: events 4, 1 to 4, sent again 0; stopped\n\
         records 4 (heartbeats 0), events 4, sent again 0\nALL ACCOUNTED FOR\n"
    );
    assert_eq!(aws.state().asked.iter().filter(|operation| *operation == "Decrypt").count(), 1);
}

#[test]
fn what_is_missing_is_exit_code_1_and_in_the_json() {
    let mut records = records();
    records.remove(1);
    let more = ["--cluster-id", CLUSTER, "--settle", "0.1", "--json"];
    let (code, out, err) = run(&split(records), &more);
    assert_eq!((code, err.as_str()), (Some(1), ""), "{out}");
    let report: serde_json::Value = serde_json::from_str(&out).expect("one object");
    assert_eq!(report["problems"]["list"][0]["kind"], "gap");
    assert_eq!(report["problems"]["list"][0]["epoch"], EPOCH);
}

#[test]
fn what_cannot_work_is_exit_code_2_without_a_verdict() {
    let aws = split(records());
    aws.state().failures.extend([("GetRecords", "AccessDeniedException")]);
    for more in [&["--stream", STREAM][..], &["--stream", "aws-rds-das-missing"], &["--from", "latest"]] {
        let (code, out, err) = run(&aws, more);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        assert!(!err.is_empty(), "{more:?}");
    }
}

#[test]
fn a_signal_ends_it_without_a_verdict() {
    let mut records = records();
    records.remove(2);
    let aws = split(records);
    let child = program(&aws, &["--stream", STREAM, "--settle", "60"]).spawn().expect("it starts");
    aws.wait_for("Decrypt", SOON);
    let killed = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(130), 0));
}

#[test]
fn files_are_read_as_kinesis_its_command_line_and_firehose_write_them() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("verify");
    std::fs::create_dir_all(&folder).expect("a folder");
    let (firehose, answer) = (folder.join("firehose"), folder.join("get-records.json"));
    let records = records();
    std::fs::write(&firehose, records[..2].concat()).expect("written");
    let got: Vec<_> =
        records[2..].iter().map(|data| serde_json::json!({"Data": STANDARD.encode(data)})).collect();
    std::fs::write(&answer, serde_json::json!({"Records": got}).to_string()).expect("written");
    let [firehose, answer] = [firehose, answer].map(|path| path.to_str().expect("text").to_owned());
    let aws = Aws::start(vec![]);
    let (code, out, err) = run(&aws, &["--cluster-id", CLUSTER, "--files", &answer, &firehose]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let (code, out, err) = run(&aws, &["--cluster-id", CLUSTER, "--files", &answer]);
    assert_eq!((code, err.as_str()), (Some(1), ""), "{out}");
    assert!(out.contains("--allow-trimmed-start accepts that"), "{out}");
    let accepting = ["--cluster-id", CLUSTER, "--allow-trimmed-start", "--files", &answer];
    assert_eq!(run(&aws, &accepting).0, Some(0));
    let (code, _, err) = run(&aws, &["--cluster-id", "another", "--files", &answer]);
    assert_eq!(code, Some(1));
    assert!(err.contains("record 1: KMS Decrypt: "), "{err}");
}
