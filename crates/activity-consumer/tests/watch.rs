//! `watch` from outside: its exit codes, its command, signals.

mod aws;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::Duration;

use activity_seal::DataKey;
use activity_seal::inner::InnerRecord;
use aws::{Aws, STREAM, Shard};

/// Longer than anything takes that works.
const SOON: Duration = Duration::from_secs(20);

fn heartbeat() -> Vec<u8> {
    let mut record = InnerRecord::new("cluster-A", "db-A", 0);
    record.push(br#"{"type":"heartbeat"}"#);
    let key = DataKey::new(&[7; 32], b"wrapped".to_vec()).expect("a data key");
    activity_seal::seal(&record.finish(None), &key).expect("sealed")
}

fn stream(records: Vec<Vec<u8>>) -> Aws {
    Aws::start(vec![Shard { id: "s-0", records, ..Shard::default() }])
}

fn program(aws: &Aws, more: &[&str]) -> Command {
    let mut command = aws.program("watch");
    command.args(["--stream", STREAM, "--from", "trim-horizon", "--poll-interval-ms", "20"]).args(more);
    command
}

fn ended(child: Child) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

fn start(aws: &Aws, more: &[&str]) -> Child {
    program(aws, more).spawn().expect("it starts")
}

/// A file that a command of a test's makes.
fn file(name: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("watch-{name}"));
    // It may be there from the last time.
    let _ = std::fs::remove_file(&file);
    file
}

#[test]
fn an_alarm_is_exit_code_3_and_a_line_of_json_or_for_people() {
    let aws = stream(vec![heartbeat()]);
    let (code, out, err) = ended(start(&aws, &["--max-silence", "100ms"]));
    assert_eq!((code, err.as_str()), (Some(3), ""));
    let line: serde_json::Value = serde_json::from_str(&out).expect("one object");
    assert_eq!((&line["alarm"], &line["findings"][0]["instance"]), (&"silence".into(), &"db-A".into()));
    let aws = stream(vec![b"rubbish".to_vec()]);
    let (code, out, _) = ended(start(&aws, &["--pretty"]));
    assert_eq!(code, Some(3));
    assert!(out.contains(" ALARM unreadable  unreadable record: shard s-0, sequence number 0: "), "{out}");
}

#[test]
fn what_cannot_work_is_exit_code_2() {
    let aws = stream(vec![]);
    let (code, out, err) = ended(start(&aws, &["--on-alarm", "/no/such/command"]));
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert_eq!(err, "activity-consumer: the command of --on-alarm is not there: /no/such/command\n");
    aws.state().failures.extend([("GetRecords", "AccessDeniedException")]);
    assert_eq!(ended(start(&aws, &[])).0, Some(2));
    assert_eq!(ended(start(&aws, &["--alarm", "everything"])).0, Some(2));
}

#[test]
fn the_end_of_reading_is_the_commands_last_alarm() {
    let aws = stream(vec![heartbeat()]);
    let told = file("blind");
    let command = format!("/bin/sh -c 'echo $ACTIVITY_ALARM: $ACTIVITY_ALARM_TEXT > {}'", told.display());
    let child = start(&aws, &["--max-silence", "1h", "--on-alarm", &command]);
    aws.wait_for("Decrypt", SOON);
    aws.state().failures.extend([("GetRecords", "AccessDeniedException")]);
    let (code, out, err) = ended(child);
    assert_eq!(code, Some(2), "{err}");
    assert!(out.starts_with(r#"{"alarm":"blind","#), "{out}");
    let told = std::fs::read_to_string(told).expect("the command ran to its end");
    assert!(told.starts_with("blind: cannot read stream aws-rds-das-cluster-A: "), "{told}");
}

#[test]
fn a_signal_ends_it_and_the_command_that_runs() {
    let aws = stream(vec![b"rubbish".to_vec()]);
    let id = file("hanging");
    // The file is there when it is whole.
    let script = format!("echo $$ > {0}.new && mv {0}.new {0}; exec sleep 1000", id.display());
    let child = start(&aws, &["--on-alarm", &format!("/bin/sh -c '{script}'")]);
    let deadline = std::time::Instant::now() + SOON;
    while !id.exists() {
        assert!(std::time::Instant::now() < deadline, "the command does not run");
        std::thread::yield_now();
    }
    let killed = Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    assert_eq!(ended(child).0, Some(143));
    let pid = std::fs::read_to_string(&id).expect("a number");
    let folder = Path::new("/proc").join(pid.trim());
    let is_alive = || std::fs::read_to_string(folder.join("comm")).is_ok_and(|name| name.trim() == "sleep");
    while is_alive() {
        assert!(std::time::Instant::now() < deadline, "the command is left behind");
        std::thread::yield_now();
    }
}
