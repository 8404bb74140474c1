//! The command over a stream or files, with a fake Kinesis and KMS.

use std::time::Duration;

use activity_aws::{Endpoint, ErrorKind, StartAt};
use tokio::time::Instant;

use super::super::Verify;
use super::producer::Epoch;
use super::*;
use crate::args::{Input, VerifyOptions};
use crate::exit::{End, Exit};
use crate::fake::{FakeKms, FakeStream, error, sealed};
use crate::print::test::Written;

fn options() -> VerifyOptions {
    VerifyOptions {
        input: Input::Stream("s".into()),
        cluster_id: "c".into(),
        endpoint: Endpoint::default(),
        from: StartAt::TrimHorizon,
        settle: Duration::from_secs(10),
        poll_interval: Duration::from_millis(250),
        json: false,
        accept: Accept::default(),
    }
}

fn epoch() -> Epoch {
    let mut epoch = Epoch::new(1);
    epoch.start(None, "").events(9).stop();
    epoch
}

fn put(stream: &FakeStream, shard: &str, number: usize, json: &[u8]) {
    let json = std::str::from_utf8(json).expect("JSON");
    stream.put(shard, sealed(&number.to_string(), b"key", json));
}

struct Ended {
    exit: Exit,
    out: String,
    complaints: String,
}

async fn run(options: VerifyOptions, stream: FakeStream, kms: FakeKms) -> Ended {
    let (out, complaints) = (Written::default(), Written::default());
    let kms: &'static FakeKms = Box::leak(Box::new(kms));
    let mut verify = Verify::new(options, kms, Box::new(out.clone()), Box::new(complaints.clone()));
    let end = verify.run(|_| stream).await;
    Ended { exit: verify.finish(&end), out: out.text(), complaints: complaints.text() }
}

#[tokio::test(start_paused = true)]
async fn all_shards_are_read_to_their_ends_closed_ones_and_children_too() {
    for tells_children in [true, false] {
        let stream = FakeStream::with("a", &[]);
        stream.add("b", &["a"]);
        stream.add("c", &["b"]);
        for (number, json) in epoch().records(2).iter().enumerate() {
            put(&stream, ["c", "a", "b"][number % 3], number, json);
        }
        stream.close("a");
        stream.close("b");
        if tells_children {
            stream.tell_children();
        }
        let ended = run(options(), stream, FakeKms::default()).await;
        assert_eq!((ended.exit, ended.complaints.as_str()), (Exit::Success, ""), "{}", ended.out);
        assert!(
            ended.out.contains("events 11, 1 to 11") && ended.out.ends_with("\nALL ACCOUNTED FOR\n"),
            "{}",
            ended.out
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_closed_shards_alone_ends_too() {
    let stream = FakeStream::with("a", &[]);
    put(&stream, "a", 1, &epoch().records(20)[0]);
    stream.close("a");
    assert_eq!(run(options(), stream, FakeKms::default()).await.exit, Exit::Success);
}

#[tokio::test(start_paused = true)]
async fn a_hole_is_waited_for_and_then_reported() {
    let stream = FakeStream::with("a", &[]);
    let records = epoch().records(3);
    put(&stream, "a", 1, &records[0]);
    put(&stream, "a", 2, &records[2]);
    let begun = Instant::now();
    let ended = run(VerifyOptions { json: true, ..options() }, stream, FakeKms::default()).await;
    assert_eq!(ended.exit, Exit::NotAccounted);
    assert!(begun.elapsed() >= Duration::from_secs(10));
    let report: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(report["accounted"], false);
    assert_eq!(report["problems"]["list"][0]["kind"], "gap");
    assert_eq!(
        report["epochs"][0]["gaps"]["list"][0],
        serde_json::json!({"first": 4, "last": 6, "accounted_by": null})
    );
}

#[tokio::test(start_paused = true)]
async fn records_that_cannot_be_read_are_named_and_not_passed_over() {
    let stream = FakeStream::with("a", &[]);
    put(&stream, "a", 1, &epoch().records(20)[0]);
    put(&stream, "a", 2, b"{}");
    stream.put("a", crate::fake::record("3"));
    let ended = run(options(), stream, FakeKms::default()).await;
    assert_eq!(ended.exit, Exit::NotAccounted);
    for number in [2, 3] {
        let line = format!("activity-consumer: unreadable record: shard a, sequence number {number}: ");
        assert!(ended.complaints.contains(&line), "{}", ended.complaints);
    }
    assert!(ended.out.contains("records that cannot be read: 2"), "{}", ended.out);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_waited_out_and_what_cannot_work_is_no_verdict() {
    let stream = FakeStream::with("a", &[]);
    put(&stream, "a", 1, &epoch().records(20)[0]);
    let kms = FakeKms::default();
    kms.fail(error(ErrorKind::Throttled));
    stream.fail("GetRecords", error(ErrorKind::Unavailable));
    let ended = run(options(), stream, kms).await;
    assert_eq!(ended.exit, Exit::Success);
    assert_eq!(ended.complaints.matches("trying again").count(), 2, "{}", ended.complaints);

    let stream = FakeStream::with("a", &[]);
    stream.fail("GetRecords", error(ErrorKind::AccessDenied));
    let ended = run(options(), stream, FakeKms::default()).await;
    assert_eq!((ended.exit, ended.out.as_str()), (Exit::Fatal, ""));
    assert!(
        ended.complaints.starts_with("activity-consumer: cannot read stream s: "),
        "{}",
        ended.complaints
    );
}

#[tokio::test(start_paused = true)]
async fn files_are_read_instead_and_one_that_is_not_there_is_no_verdict() {
    let folder = std::env::temp_dir().join(format!("activity-verify-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let files = [folder.join("one"), folder.join("two"), folder.join("missing")];
    let records = epoch().records(4);
    let envelope = |json: &Vec<u8>| sealed("1", b"key", std::str::from_utf8(json).expect("JSON")).data;
    std::fs::write(&files[0], [envelope(&records[2]), envelope(&records[0])].concat()).expect("written");
    std::fs::write(&files[1], envelope(&records[1])).expect("written");
    let with =
        |files: &[std::path::PathBuf]| VerifyOptions { input: Input::Files(files.to_vec()), ..options() };
    let whole = run(with(&files[..2]), FakeStream::default(), FakeKms::default()).await;
    assert_eq!((whole.exit, whole.complaints.as_str()), (Exit::Success, ""), "{}", whole.out);
    let half = run(with(&files[..1]), FakeStream::default(), FakeKms::default()).await;
    assert_eq!(half.exit, Exit::NotAccounted);
    let missing = run(with(&files), FakeStream::default(), FakeKms::default()).await;
    assert_eq!((missing.exit, missing.out.as_str()), (Exit::Fatal, ""));
    assert!(missing.complaints.contains("missing: "), "{}", missing.complaints);
    std::fs::write(&files[2], "rubbish").expect("written");
    let rubbish = run(with(&files), FakeStream::default(), FakeKms::default()).await;
    assert_eq!(rubbish.exit, Exit::NotAccounted);
    assert!(rubbish.complaints.contains("missing, record 1: byte 0: no JSON"), "{}", rubbish.complaints);
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[tokio::test]
async fn a_reader_of_the_report_that_goes_leaves_the_verdict() {
    struct Gone;
    impl std::io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let kms: &'static FakeKms = Box::leak(Box::default());
    let mut verify = Verify::new(options(), kms, Box::new(Gone), Box::new(Written::default()));
    assert_eq!(verify.finish(&End::Enough), Exit::NotAccounted, "nothing is proven by nothing");
}
