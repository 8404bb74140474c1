//! The standard chains of region, endpoint and credentials, as a process with a known environment finds them.
//!
//! Each test starts the test binary again with an environment of its own and reads what `the_child` prints: the
//! environment of a running process is shared by its threads and cannot be changed safely.
//!
//! Sources that never answer are in [`silence`], sources that change while the process lives in [`rotation`],
//! certificates in [`trust`], which host is asked in [`endpoints`].

mod endpoints;
mod rotation;
mod silence;
mod trust;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::canned::{Answer, Canned};
use crate::{Aws, Endpoint, ServiceEndpoints, StreamReader, Timeouts, Transport};

const STS_ANSWER: &str = "<{op}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{op}Result><Credentials>\
    <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
    <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></{op}Result></{op}Response>";

#[tokio::test]
#[ignore = "run by the other tests, each with its environment"]
async fn the_child() {
    let setting = |name: &str| std::env::var(name).ok();
    let endpoint = Endpoint {
        region: setting("TEST_REGION"),
        endpoint_url: setting("TEST_ENDPOINT"),
        services: ServiceEndpoints {
            kinesis: setting("TEST_KINESIS_ENDPOINT"),
            ..ServiceEndpoints::default()
        },
        profile: setting("TEST_PROFILE"),
        transport: Transport {
            allow_insecure: setting("TEST_ALLOW_INSECURE").is_some(),
            ca_file: setting("TEST_CA_FILE").map(PathBuf::from),
        },
    };
    match Aws::connect(&endpoint, Timeouts::default()).await {
        Err(error) => println!("\noutcome: connect: {error}"),
        Ok(aws) => {
            let reader = StreamReader::new(&aws, "s");
            println!("\noutcome: {}", call(&aws, &reader).await);
            if let (Some(new), Some(old)) = (setting("TEST_ROTATE_TO"), setting("TEST_ROTATE")) {
                fs::rename(new, old).expect("the file is replaced");
                println!("\noutcome: {}", call(&aws, &reader).await);
            }
        }
    }
    // A thread that a silent file system holds is not waited for.
    std::process::exit(0);
}

async fn call(aws: &Aws, reader: &StreamReader) -> String {
    match reader.list_shards().await {
        Err(error) => format!("call: {error}"),
        Ok(_) => format!("called in {}", aws.region()),
    }
}

/// What the child says with this environment and no other.
fn child(environment: &[(&str, &str)]) -> String {
    outcomes(environment).pop().expect("an outcome")
}

/// What the child says of each of its calls; at least one.
fn outcomes(environment: &[(&str, &str)]) -> Vec<String> {
    let output = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "standard_chain::the_child", "--ignored", "--nocapture"])
        .env_clear()
        .env("HOME", "/nonexistent")
        .envs(environment.iter().copied())
        .output()
        .expect("the child runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let outcomes = text.lines().filter_map(|line| line.strip_prefix("outcome: ")).map(str::to_owned);
    let outcomes = outcomes.collect::<Vec<_>>();
    assert!(!outcomes.is_empty(), "no outcome in {text}\n{}", String::from_utf8_lossy(&output.stderr));
    outcomes
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("activity-aws-{}-{name}", std::process::id()));
    fs::write(&path, text).expect("a writable folder");
    path
}

fn kinesis() -> Canned {
    Canned::start([Answer::ok(r#"{"Shards":[]}"#)])
}

fn sts(operation: &str) -> Canned {
    let body = STS_ANSWER.replace("{op}", operation);
    Canned::start([Answer::Send { status: 200, content_type: "text/xml", body }])
}

#[test]
fn without_a_region_the_error_says_so() {
    let outcome = child(&[("TEST_ENDPOINT", "http://127.0.0.1:1"), ("AWS_EC2_METADATA_DISABLED", "true")]);
    assert!(outcome.starts_with("connect: no AWS region is configured (hint: "), "{outcome}");
}

#[test]
fn without_credentials_the_first_call_says_so() {
    let outcome = child(&[
        ("TEST_ENDPOINT", "http://127.0.0.1:1"),
        ("TEST_REGION", "eu-central-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]);
    assert!(outcome.starts_with("call: Kinesis ListShards: no credentials found: "), "{outcome}");
    assert!(outcome.contains("(hint: "), "{outcome}");
}

#[test]
fn the_environment_names_region_endpoint_and_credentials() {
    let server = kinesis();
    let outcome = child(&[
        ("AWS_ENDPOINT_URL_KINESIS", &server.url),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_REGION", "eu-west-3"),
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ]);
    assert_eq!(outcome, "called in eu-west-3");
    let authorization = &server.asked()[0].authorization;
    assert!(
        authorization.contains("AKIAENV/") && authorization.contains("/eu-west-3/kinesis/"),
        "{authorization}"
    );
}

#[test]
fn explicit_settings_go_before_the_environment() {
    let server = kinesis();
    let outcome = child(&[
        ("TEST_ENDPOINT", &server.url),
        ("TEST_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL_KINESIS", "http://127.0.0.1:1"),
        ("AWS_REGION", "eu-west-3"),
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ]);
    assert_eq!(outcome, "called in eu-central-1");
    assert_eq!(server.operations(), ["ListShards"]);
}

#[test]
fn a_bad_endpoint_of_the_environment_is_named() {
    let outcome = child(&[("AWS_ENDPOINT_URL", "localhost:4566"), ("AWS_REGION", "eu-west-3")]);
    assert!(outcome.starts_with("connect: invalid AWS endpoint URL \"localhost:4566\""), "{outcome}");
}

#[test]
fn a_profile_that_assumes_a_role_works() {
    let (kinesis, sts) = (kinesis(), sts("AssumeRole"));
    let config = file(
        "assume-role.config",
        "[profile app]\nregion = eu-north-1\nrole_arn = arn:aws:iam::123456789012:role/app\nsource_profile = base\n\
         [profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n",
    );
    let outcome = child(&[
        ("TEST_PROFILE", "app"),
        ("TEST_ENDPOINT", &kinesis.url),
        ("AWS_ENDPOINT_URL_STS", &sts.url),
        ("AWS_CONFIG_FILE", config.to_str().expect("a path")),
    ]);
    assert_eq!(outcome, "called in eu-north-1");
    assert!(sts.asked()[0].authorization.contains("AKIABASE/"));
    assert!(kinesis.asked()[0].authorization.contains("ASIAROLE/"));
}

#[test]
fn a_web_identity_token_works() {
    let (kinesis, sts) = (kinesis(), sts("AssumeRoleWithWebIdentity"));
    let token = file("token", "the-token");
    let outcome = child(&[
        ("TEST_ENDPOINT", &kinesis.url),
        ("AWS_REGION", "eu-north-1"),
        ("AWS_ENDPOINT_URL_STS", &sts.url),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().expect("a path")),
    ]);
    assert_eq!(outcome, "called in eu-north-1");
    assert!(sts.asked()[0].body.contains("the-token"));
    assert!(kinesis.asked()[0].authorization.contains("ASIAROLE/"));
}

#[test]
fn a_containers_credentials_work() {
    let kinesis = kinesis();
    let agent = Canned::start([Answer::Send {
        status: 200,
        content_type: "application/json",
        body: r#"{"AccessKeyId":"ASIATASK","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}"#
            .to_owned(),
    }]);
    let outcome = child(&[
        ("TEST_ENDPOINT", &kinesis.url),
        ("AWS_REGION", "eu-north-1"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{}/credentials", agent.url)),
    ]);
    assert_eq!(outcome, "called in eu-north-1");
    assert!(kinesis.asked()[0].authorization.contains("ASIATASK/"));
}

#[test]
fn an_explicit_profile_that_is_not_there_or_not_readable_is_named() {
    let broken = file("broken.config", "[profile app\nregion");
    for (config, part) in
        [("/nonexistent/config", "does not exist"), (broken.to_str().expect("a path"), "cannot read")]
    {
        let outcome =
            child(&[("TEST_PROFILE", "app"), ("AWS_REGION", "eu-north-1"), ("AWS_CONFIG_FILE", config)]);
        assert!(outcome.starts_with("connect: ") && outcome.contains("\"app\""), "{outcome}");
        assert!(outcome.contains(part), "{outcome}");
    }
}

#[test]
fn a_profile_that_runs_a_credential_process_works() {
    let kinesis = kinesis();
    let answer = file(
        "process.json",
        r#"{"Version":1,"AccessKeyId":"ASIAPROCESS","SecretAccessKey":"s","SessionToken":"t",
            "Expiration":"2099-01-01T00:00:00Z"}"#,
    );
    let config = file(
        "process.config",
        &format!("[default]\nregion = eu-north-1\ncredential_process = /bin/cat {}\n", answer.display()),
    );
    let outcome =
        child(&[("TEST_ENDPOINT", &kinesis.url), ("AWS_CONFIG_FILE", config.to_str().expect("a path"))]);
    assert_eq!(outcome, "called in eu-north-1");
    assert!(kinesis.asked()[0].authorization.contains("ASIAPROCESS/"));
}
