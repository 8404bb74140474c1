//! Credentials that are replaced at their source under a running connection: the call that is refused is the last with the
//! old ones.

use std::path::Path;

use super::{STS_ANSWER, file, outcomes};
use crate::canned::{Answer, Canned};

/// Refuses the first call and takes the second.
fn refusing() -> Canned {
    Canned::start([
        Answer::error(400, "ExpiredTokenException", "The security token included in the request is expired"),
        Answer::ok(r#"{"Shards":[]}"#),
    ])
}

/// Two calls, between which the new file is moved over the old one.
fn call_twice(server: &Canned, old: &Path, new: &Path, environment: &[(&str, &str)]) -> Vec<String> {
    let (old, new) = (old.to_str().expect("a path"), new.to_str().expect("a path"));
    let common = [
        ("TEST_ENDPOINT", server.url.as_str()),
        ("AWS_REGION", "eu-north-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("TEST_ROTATE", old),
        ("TEST_ROTATE_TO", new),
    ];
    outcomes(&[&common, environment].concat())
}

/// The first call is refused, once; the second is made with the new key and succeeds.
fn assert_rotated(outcomes: &[String], server: &Canned, old_key: &str, new_key: &str) {
    let [first, second] = outcomes else { panic!("{outcomes:?}") };
    assert!(first.contains("ExpiredTokenException") && first.contains("(hint: renew"), "{first}");
    assert_eq!(second, "called in eu-north-1");
    let asked = server.asked();
    assert_eq!(asked.len(), 2, "a refused call is not repeated by itself");
    assert!(asked[0].authorization.contains(old_key), "{}", asked[0].authorization);
    assert!(asked[1].authorization.contains(new_key), "{}", asked[1].authorization);
}

fn profile(key: &str) -> String {
    format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = s\n")
}

fn process_answer(key: &str) -> String {
    format!(
        r#"{{"Version":1,"AccessKeyId":"{key}","SecretAccessKey":"s","Expiration":"2099-01-01T00:00:00Z"}}"#
    )
}

#[test]
fn access_keys_in_the_credentials_file() {
    let server = refusing();
    let (old, new) = (file("keys.old", &profile("AKIAOLD")), file("keys.new", &profile("AKIANEW")));
    let path = ("AWS_SHARED_CREDENTIALS_FILE", old.to_str().expect("a path"));
    assert_rotated(&call_twice(&server, &old, &new, &[path]), &server, "AKIAOLD/", "AKIANEW/");
}

#[test]
fn what_a_credential_process_says_although_it_said_that_it_holds_for_long() {
    let server = refusing();
    let (old, new) =
        (file("says.old", &process_answer("AKIAOLD")), file("says.new", &process_answer("AKIANEW")));
    let config = format!("[default]\ncredential_process = /bin/cat {}\n", old.display());
    let config = file("says.config", &config);
    let path = ("AWS_CONFIG_FILE", config.to_str().expect("a path"));
    assert_rotated(&call_twice(&server, &old, &new, &[path]), &server, "AKIAOLD/", "AKIANEW/");
}

#[test]
fn a_web_identity_token() {
    let server = refusing();
    let session = |key: &str| Answer::Send {
        status: 200,
        content_type: "text/xml",
        body: STS_ANSWER.replace("{op}", "AssumeRoleWithWebIdentity").replace("ASIAROLE", key),
    };
    let sts = Canned::start([session("ASIAOLD"), session("ASIANEW")]);
    let (old, new) = (file("web.old", "the-old-token"), file("web.new", "the-new-token"));
    let environment = [
        ("AWS_ENDPOINT_URL_STS", sts.url.as_str()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", old.to_str().expect("a path")),
    ];
    assert_rotated(&call_twice(&server, &old, &new, &environment), &server, "ASIAOLD/", "ASIANEW/");
    let tokens = sts.asked();
    assert!(tokens[0].body.contains("the-old-token") && tokens[1].body.contains("the-new-token"));
}

#[test]
fn credentials_that_come_after_the_first_call_are_found() {
    let server = Canned::start([Answer::ok(r#"{"Shards":[]}"#)]);
    let (old, new) = (file("later.old", ""), file("later.new", &profile("AKIANEW")));
    let path = ("AWS_SHARED_CREDENTIALS_FILE", old.to_str().expect("a path"));
    let outcomes = call_twice(&server, &old, &new, &[path]);
    let [first, second] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(first.contains("no credentials found"), "{first}");
    assert_eq!(second, "called in eu-north-1");
    assert!(server.asked()[0].authorization.contains("AKIANEW/"));
}

#[test]
fn a_profile_that_assumes_a_role_with_a_key_that_is_replaced() {
    let refused = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>\
        <Message>The security token included in the request is invalid.</Message></Error></ErrorResponse>";
    let session = STS_ANSWER.replace("{op}", "AssumeRole");
    let sts = Canned::start([
        Answer::Send { status: 403, content_type: "text/xml", body: refused.to_owned() },
        Answer::Send { status: 200, content_type: "text/xml", body: session },
    ]);
    let server = Canned::start([Answer::ok(r#"{"Shards":[]}"#)]);
    let role = "[profile app]\nrole_arn = arn:aws:iam::123456789012:role/app\nsource_profile = default\n";
    let config = file("role.config", role);
    let (old, new) = (file("role.old", &profile("AKIAOLD")), file("role.new", &profile("AKIANEW")));
    let outcomes = call_twice(
        &server,
        &old,
        &new,
        &[
            ("TEST_PROFILE", "app"),
            ("AWS_ENDPOINT_URL_STS", &sts.url),
            ("AWS_CONFIG_FILE", config.to_str().expect("a path")),
            ("AWS_SHARED_CREDENTIALS_FILE", old.to_str().expect("a path")),
        ],
    );
    let [first, second] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(first.contains("cannot get credentials"), "{first}");
    assert_eq!(second, "called in eu-north-1");
    assert!(sts.asked()[1].authorization.contains("AKIANEW/"));
}
