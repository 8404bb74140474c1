//! Sources of configuration and credentials that never answer hold up neither connect nor a call for long.

use std::process::Command;
use std::time::{Duration, Instant};

use super::{child, file, kinesis, outcomes};
use crate::canned::{Answer, Canned};

/// Longer than the time limits of connect and of one call together, and much shorter than for ever.
const SOON: Duration = Duration::from_secs(25);

/// What the child says, and that it says it soon.
fn child_soon(environment: &[(&str, &str)]) -> String {
    let begun = Instant::now();
    let outcome = child(environment);
    assert!(begun.elapsed() < SOON, "{:?}: {outcome}", begun.elapsed());
    outcome
}

fn assert_no_credentials(outcome: &str) {
    let reason = outcome.strip_prefix("call: Kinesis ListShards: ").expect("a failed call");
    let said =
        ["no credentials found: ", "cannot get credentials: "].iter().any(|begin| reason.starts_with(begin));
    assert!(said && reason.contains("(hint: "), "{outcome}");
}

#[test]
fn instance_metadata_that_never_answers() {
    let metadata = Canned::start(vec![Answer::Hang; 100]);
    let silent = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url.as_str());
    let outcome = child_soon(&[silent, ("TEST_ENDPOINT", "http://127.0.0.1:1")]);
    assert!(outcome.starts_with("connect: no AWS region is configured (hint: "), "{outcome}");
    let region = ("TEST_REGION", "eu-central-1");
    assert_no_credentials(&child_soon(&[silent, ("TEST_ENDPOINT", "http://127.0.0.1:1"), region]));
}

#[test]
fn a_credential_process_that_never_ends() {
    let server = kinesis();
    // It outlives the test, but not for ever.
    let config = file("hang.config", "[default]\nregion = eu-north-1\ncredential_process = sleep 60\n");
    let outcome =
        child_soon(&[("TEST_ENDPOINT", &server.url), ("AWS_CONFIG_FILE", config.to_str().expect("a path"))]);
    assert_no_credentials(&outcome);
    assert!(server.asked().is_empty());
}

#[test]
fn a_credential_process_that_is_slower_than_one_call_is_run_once_and_serves_the_next() {
    let server = kinesis();
    let answer = file("slow.answer", r#"{"Version":1,"AccessKeyId":"AKIASLOW","SecretAccessKey":"s"}"#);
    let starts = file("slow.starts", "");
    let config = file(
        "slow.config",
        &format!(
            "[default]\nregion = eu-north-1\ncredential_process = echo begun >> {}; sleep 7; cat {}\n",
            starts.display(),
            answer.display()
        ),
    );
    let (old, new) = (file("slow.old", ""), file("slow.new", ""));
    let outcomes = outcomes(&[
        ("TEST_ENDPOINT", &server.url),
        ("AWS_CONFIG_FILE", config.to_str().expect("a path")),
        ("TEST_ROTATE", old.to_str().expect("a path")),
        ("TEST_ROTATE_TO", new.to_str().expect("a path")),
    ]);
    let [first, second] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert_no_credentials(first);
    assert_eq!(second, "called in eu-north-1");
    assert!(server.asked()[0].authorization.contains("AKIASLOW/"));
    assert_eq!(std::fs::read_to_string(&starts).expect("the starts"), "begun\n");
}

#[test]
fn a_token_service_that_never_answers() {
    let (server, sts) = (kinesis(), Canned::start(vec![Answer::Hang; 100]));
    let token = file("hang.token", "the-token");
    let outcome = child_soon(&[
        ("TEST_ENDPOINT", &server.url),
        ("AWS_REGION", "eu-north-1"),
        ("AWS_ENDPOINT_URL_STS", &sts.url),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().expect("a path")),
    ]);
    assert_no_credentials(&outcome);
}

/// A pipe that nobody writes into, as a file on a file system whose server is gone.
fn assert_connect_times_out(name: &str, profile: &str) {
    let pipe = std::env::temp_dir().join(format!("activity-aws-{}-{name}", std::process::id()));
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let path = pipe.to_str().expect("a path");
    let settings = [("TEST_REGION", "eu-north-1"), ("TEST_PROFILE", profile), ("AWS_CONFIG_FILE", path)];
    let outcome = child_soon(&settings);
    assert!(outcome.starts_with("connect: loading the AWS configuration took longer than"), "{outcome}");
    std::fs::remove_file(&pipe).expect("the pipe is removed");
}

#[test]
fn a_profile_file_that_cannot_be_read_to_its_end() {
    assert_connect_times_out("pipe", "");
}

#[test]
fn a_profile_file_with_the_wanted_profile_that_cannot_be_read_to_its_end() {
    assert_connect_times_out("pipe.app", "app");
}
