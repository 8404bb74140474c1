//! One error for every call: what failed, why, and what usually helps, on one line of bounded length.
//!
//! What AWS or the SDK says is shown as it is, less control characters and secrets (see `scrub.rs`).

use std::error::Error;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_kinesis::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::hint;
use crate::kind::ErrorKind;
use crate::scrub::scrubbed;

/// Longest message, in bytes: a log line, not a dump of what a proxy in between may have answered.
const MAX_MESSAGE_BYTES: usize = 600;

/// How a message begins where no source has credentials.
pub(crate) const NO_CREDENTIALS: &str = "no credentials found";

/// A call to AWS that failed.
///
/// Shown as `Kinesis PutRecords: ResourceNotFoundException: Stream x not found (request id …)`, with a hint behind it
/// where the usual cause is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError {
    /// What it means for the caller.
    pub kind: ErrorKind,
    /// `Kinesis`, `KMS`, `SNS` or `EventBridge`.
    pub service: &'static str,
    /// The API operation.
    pub operation: &'static str,
    /// The service's own error code, where it answered with one.
    pub code: Option<String>,
    /// The service's message, or what went wrong before there was one.
    pub message: String,
    /// What AWS support asks for.
    pub request_id: Option<String>,
}

/// Which call an error belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
}

impl Call {
    pub(crate) const fn kinesis(operation: &'static str) -> Self {
        Self { service: "Kinesis", operation }
    }

    pub(crate) const fn kms(operation: &'static str) -> Self {
        Self { service: "KMS", operation }
    }

    pub(crate) const fn sns(operation: &'static str) -> Self {
        Self { service: "SNS", operation }
    }

    pub(crate) const fn event_bridge(operation: &'static str) -> Self {
        Self { service: "EventBridge", operation }
    }

    /// A request that cannot be worded.
    pub(crate) fn invalid(self, message: impl Into<String>) -> AwsError {
        AwsError { kind: ErrorKind::Invalid, ..self.nonsense(message) }
    }

    /// An answer that breaks the API's own rules.
    pub(crate) fn nonsense(self, message: impl Into<String>) -> AwsError {
        AwsError {
            kind: ErrorKind::Other,
            service: self.service,
            operation: self.operation,
            code: None,
            message: message.into(),
            request_id: None,
        }
    }

    /// The SDK's error as ours.
    pub(crate) fn failed<E>(self, error: &SdkError<E, HttpResponse>) -> AwsError
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let metadata = error.as_service_error();
        let code = metadata.and_then(ProvideErrorMetadata::code).map(bounded);
        let status = error.raw_response().map(|response| response.status().as_u16());
        let (kind, message) = match error {
            SdkError::ServiceError(service) => {
                let kind = ErrorKind::of(code.as_deref(), status);
                (kind, service_message(service.err(), status))
            }
            SdkError::ResponseError(_) => {
                // A body that ended too soon comes under the status of success.
                let kind = match status {
                    None | Some(200..=299) => ErrorKind::Connection,
                    failed => ErrorKind::of(None, failed),
                };
                (kind, format!("unreadable answer{}: {}", of_status(status), causes(error)))
            }
            SdkError::TimeoutError(_) => (ErrorKind::Timeout, causes(error)),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => (ErrorKind::Timeout, causes(error)),
            SdkError::DispatchFailure(failure) if failure.is_io() => (ErrorKind::Connection, causes(error)),
            SdkError::ConstructionFailure(_) => (ErrorKind::Invalid, causes(error)),
            _ => (ErrorKind::Connection, causes(error)),
        };
        let (kind, message) = match credentials_error(error) {
            Some(cause @ CredentialsError::CredentialsNotLoaded(_)) => {
                (ErrorKind::Credentials, format!("{NO_CREDENTIALS}: {}", causes(cause)))
            }
            Some(cause) => (ErrorKind::Credentials, format!("cannot get credentials: {}", causes(cause))),
            None => (kind, message),
        };
        AwsError {
            kind,
            service: self.service,
            operation: self.operation,
            code,
            message: bounded(message),
            request_id: error.request_id().map(bounded),
        }
    }
}

impl AwsError {
    /// Whether the same call may work a little later without anyone doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Connection
        )
    }

    /// What usually helps.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        hint::of(self)
    }

    /// The line as shown, less the hint: for a caller that tells the hint apart.
    pub(crate) fn without_hint(&self) -> String {
        let Self { service, operation, message, .. } = self;
        let code = self.code.as_ref().map_or_else(String::new, |code| format!("{code}: "));
        let id = self.request_id.as_ref().map_or_else(String::new, |id| format!(" (request id {id})"));
        format!("{service} {operation}: {code}{message}{id}")
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.without_hint())?;
        self.hint().map_or(Ok(()), |hint| write!(f, " (hint: {hint})"))
    }
}

impl Error for AwsError {}

fn service_message(error: &(impl Error + ProvideErrorMetadata + 'static), status: Option<u16>) -> String {
    match error.message() {
        Some(message) if !message.is_empty() => message.to_owned(),
        _ => format!("no message{}", of_status(status)),
    }
}

fn of_status(status: Option<u16>) -> String {
    status.map_or_else(String::new, |status| format!(", HTTP status {status}"))
}

/// The failure to get credentials in the chain of causes, wherever the SDK put it.
fn credentials_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    chain(error).find_map(|cause| cause.downcast_ref::<CredentialsError>())
}

/// The error and its causes, each said once; one bounded line.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for cause in chain(error) {
        let part = cause.to_string();
        if text.contains(&part) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&part);
    }
    bounded(text)
}

/// The error and its causes, outermost first. The length is bounded against a chain that bites its tail.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source()).take(16)
}

/// One line of at most [`MAX_MESSAGE_BYTES`], without secrets. Everything that comes from outside goes through here.
pub(crate) fn bounded(text: impl AsRef<str>) -> String {
    cut(scrubbed(text.as_ref()), MAX_MESSAGE_BYTES)
}

/// One line of at most so many bytes, and `…` where there was more.
pub(crate) fn cut(mut text: String, max_bytes: usize) -> String {
    if text.contains(char::is_control) {
        text = text.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    }
    if text.len() > max_bytes {
        text.truncate(text.floor_char_boundary(max_bytes));
        text.push('…');
    }
    text
}

#[cfg(test)]
pub(crate) mod test {
    use super::*;
    use crate::StreamReader;
    use crate::canned::{Answer, Canned};
    use crate::connect::Aws;
    use crate::connect::test::{aws, aws_without_credentials};

    /// The error of one call that is not retried.
    pub(crate) async fn error_of(aws: &Aws) -> AwsError {
        let call = Call::kinesis("DescribeLimits");
        let client = aws.kinesis(crate::connect::Retries::Caller);
        call.failed(&client.describe_limits().send().await.expect_err("a failure"))
    }

    pub(crate) async fn error_from(answer: Answer) -> AwsError {
        error_of(&aws(&Canned::start([answer]).url).await).await
    }

    #[tokio::test]
    async fn a_service_error_keeps_code_message_and_request_id() {
        let error = error_from(Answer::error(400, "ResourceNotFoundException", "Stream x not found")).await;
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert_eq!(
            error.to_string(),
            "Kinesis DescribeLimits: ResourceNotFoundException: Stream x not found (request id canned-request) \
             (hint: create the stream, or check its name, the region and the account of the credentials)"
        );
    }

    #[tokio::test]
    async fn a_code_that_the_operation_does_not_name_is_still_told_apart() {
        for (status, code, kind) in [
            (400, "ThrottlingException", ErrorKind::Throttled),
            (400, "AccessDeniedException", ErrorKind::AccessDenied),
            (400, "UnrecognizedClientException", ErrorKind::Credentials),
            (403, "InvalidSignatureException", ErrorKind::Credentials),
            (400, "com.amazonaws.kinesis#ValidationException", ErrorKind::Invalid),
            (500, "InternalFailure", ErrorKind::Unavailable),
            (503, "NeverHeardOfException", ErrorKind::Unavailable),
            (418, "NeverHeardOfException", ErrorKind::Other),
        ] {
            let error = error_from(Answer::error(status, code, "m")).await;
            assert_eq!(error.kind, kind, "{code} with status {status}: {error}");
        }
    }

    #[tokio::test]
    async fn an_answer_from_something_that_is_not_aws_is_one_bounded_line() {
        let page = format!("<html>\n{}\n</html>", "x".repeat(100_000));
        for (status, kind) in [(502, ErrorKind::Unavailable), (403, ErrorKind::AccessDenied)] {
            let error =
                error_from(Answer::Send { status, content_type: "text/html", body: page.clone() }).await;
            assert_eq!(error.kind, kind, "{error}");
            let text = error.to_string();
            assert!(
                text.len() < 1500 && !text.contains('\n') && text.contains(&status.to_string()),
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn missing_credentials_are_said_to_be_missing_and_how_to_give_them() {
        let server = Canned::start([]);
        let error = error_of(&aws_without_credentials(&server.url).await).await;
        assert_eq!(error.kind, ErrorKind::Credentials);
        let text = error.to_string();
        assert!(text.contains("no credentials found: ") && text.contains("hint: "), "{text}");
        assert!(server.asked().is_empty(), "no unsigned call is made");
    }

    #[tokio::test]
    async fn refused_credentials_get_a_hint_of_their_own() {
        let error = error_from(Answer::error(400, "UnrecognizedClientException", "bad token")).await;
        assert!(error.hint().is_some_and(|hint| hint.contains("clock")), "{error}");
    }

    #[tokio::test]
    async fn the_consumers_calls_outlive_a_passing_failure() {
        let server =
            Canned::start([Answer::error(500, "InternalFailure", "m"), Answer::ok(r#"{"Shards":[]}"#)]);
        let shards = StreamReader::new(&aws(&server.url).await, "s").list_shards().await;
        assert_eq!(shards, Ok(vec![]));
        assert_eq!(server.operations(), ["ListShards", "ListShards"]);
    }

    #[test]
    fn a_message_is_cut_at_a_character_and_loses_its_line_breaks() {
        assert_eq!(bounded("a\r\nb\tc"), "a b c");
        let cut = bounded("é".repeat(MAX_MESSAGE_BYTES));
        assert!(cut.ends_with('…') && cut.len() <= MAX_MESSAGE_BYTES + '…'.len_utf8());
    }
}
