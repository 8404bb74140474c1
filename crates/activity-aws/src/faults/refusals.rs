//! AWS does not accept who we are or when we say that it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, future};

use crate::canned::{Answer, Asked, Canned};
use crate::connect::test::{aws, aws_with};
use crate::error::test::{error_from, error_of};
use crate::{Aws, ErrorKind};

const ATTEMPT: Duration = Duration::from_secs(10);

/// Gives other credentials each time it is asked: AKIA1, AKIA2, …
#[derive(Debug, Clone, Default)]
pub(crate) struct Rotating(Arc<AtomicUsize>);

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let fetch = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        future::ProvideCredentials::ready(Ok(Credentials::new(
            format!("AKIA{fetch}"),
            "s",
            None,
            None,
            "test",
        )))
    }
}

/// The access keys that as many calls were signed with as there are answers.
async fn keys_used(answers: Vec<Answer>) -> Vec<String> {
    let (calls, server) = (answers.len(), Canned::start(answers));
    let aws: Aws = aws_with(&server.url, ATTEMPT, Rotating::default()).await;
    let client = aws.kinesis(crate::connect::Retries::Caller);
    for _ in 0..calls {
        // Whether it fails is the server's matter; who signed it is looked at.
        drop(client.describe_limits().send().await);
    }
    server.asked().iter().map(Asked::access_key).collect()
}

#[tokio::test]
async fn credentials_that_were_refused_are_fetched_again_at_the_next_call() {
    for code in ["ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"] {
        let keys = keys_used(vec![
            Answer::limits(),
            Answer::limits(),
            Answer::error(400, code, "m"),
            Answer::limits(),
            Answer::limits(),
        ])
        .await;
        assert_eq!(keys, ["AKIA1", "AKIA1", "AKIA1", "AKIA2", "AKIA2"], "{code}");
    }
}

#[tokio::test]
async fn other_failures_leave_the_credentials_as_they_are() {
    let keys = keys_used(vec![
        Answer::error(400, "AccessDeniedException", "m"),
        Answer::error(400, "ProvisionedThroughputExceededException", "m"),
        Answer::error(500, "InternalFailure", "m"),
        Answer::Close,
        Answer::limits(),
    ])
    .await;
    assert_eq!(keys, ["AKIA1"; 5]);
}

#[tokio::test]
async fn a_refusal_in_xml_drops_the_credentials_of_all_services() {
    let expired = "<ErrorResponse><Error><Code>ExpiredToken</Code></Error></ErrorResponse>".to_owned();
    let server = Canned::start([
        Answer::Send { status: 403, content_type: "text/xml", body: expired },
        Answer::error(400, "AccessDeniedException", "m"),
    ]);
    let aws = aws_with(&server.url, ATTEMPT, Rotating::default()).await;
    let sns = aws.sns(crate::connect::Retries::Caller);
    drop(sns.publish().topic_arn("arn:aws:sns:eu-central-1:1:t").message("m").send().await);
    let kms = aws.kms(crate::connect::Retries::Caller);
    drop(kms.generate_data_key().key_id("k").send().await);
    let asked = server.asked();
    assert!(asked[0].authorization.contains("AKIA1/"), "{}", asked[0].authorization);
    assert!(asked[1].authorization.contains("AKIA2/"), "{}", asked[1].authorization);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_named() {
    for (status, code, message) in [
        (
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        ),
        (400, "RequestExpired", "Request has expired."),
        (
            403,
            "InvalidSignatureException",
            "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z",
        ),
        (
            403,
            "SignatureDoesNotMatch",
            "Signature not yet current: 20260101T001500Z is still later than 20260101T000500Z",
        ),
    ] {
        let error = error_from(Answer::error(status, code, message)).await;
        assert_eq!(error.kind, ErrorKind::Credentials, "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("set this server's clock")), "{error}");
    }
}

#[tokio::test]
async fn after_a_refusal_for_the_clock_the_next_call_is_signed_by_the_clock_of_aws() {
    let expired = Answer::error(403, "InvalidSignatureException", "Signature expired");
    let server = Canned::start_at("Fri, 01 Jan 2100 00:00:00 GMT", [expired, Answer::limits()]);
    let client = aws(&server.url).await.kinesis(crate::connect::Retries::Caller);
    client.describe_limits().send().await.expect_err("refused");
    client.describe_limits().send().await.expect("accepted");
    let dates = server.asked().into_iter().map(|asked| asked.date).collect::<Vec<_>>();
    assert!(!dates[0].starts_with("2100") && dates[1].starts_with("21000101T0000"), "{dates:?}");
}

#[tokio::test]
async fn expired_credentials_are_to_be_renewed_at_their_source() {
    for (code, message) in [
        ("ExpiredTokenException", "The security token included in the request is expired"),
        ("ExpiredToken", "The provided token has expired."),
    ] {
        let error = error_from(Answer::error(400, code, message)).await;
        assert_eq!(error.kind, ErrorKind::Credentials, "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("renew")), "{error}");
        assert!(error.message.contains("expired"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_echoes_secrets_is_shown_without_them() {
    let signature = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
    let message = format!(
        "Authorization=AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/x, Signature={signature} \\n\
         x-amz-security-token:IQoJb3JpZ2luX2Vj and {signature} of ASIAIOSFODNN7EXAMPLE"
    );
    let page = format!("<html>Authorization: AWS4-HMAC-SHA256 Signature={signature}</html>");
    for answer in [
        Answer::error(403, "IncompleteSignatureException", &message),
        Answer::error(403, &format!("Code {signature}"), "m"),
        Answer::Send { status: 407, content_type: "text/html", body: page },
    ] {
        let server = Canned::start([answer]);
        let error = error_of(&aws(&server.url).await).await;
        let shown = format!("{error} {error:?}");
        for secret in [signature, "IQoJ", "AKIA", "ASIA"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
