//! One error for every call: what failed, why, and what usually helps, on one line of bounded length.

use std::error::Error;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_kinesis::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::kind::ErrorKind;

/// Longest message, in bytes: a log line, not a dump of what a proxy in between may have answered.
const MAX_MESSAGE_BYTES: usize = 600;

/// A call to AWS that failed.
///
/// Shown as `Kinesis PutRecords: ResourceNotFoundException: Stream x not found (request id …)`, with a hint behind it
/// where the usual cause is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError {
    /// What it means for the caller.
    pub kind: ErrorKind,
    /// `Kinesis` or `KMS`.
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
        let code = metadata.and_then(ProvideErrorMetadata::code).map(|code| bounded(code.to_owned()));
        let status = error.raw_response().map(|response| response.status().as_u16());
        let (kind, message) = match error {
            SdkError::ServiceError(service) => {
                let kind = ErrorKind::of(code.as_deref(), status);
                (kind, service_message(service.err(), status))
            }
            SdkError::ResponseError(_) => (
                ErrorKind::of(None, status),
                format!("unreadable answer{}: {}", of_status(status), causes(error)),
            ),
            SdkError::TimeoutError(_) => (ErrorKind::Timeout, causes(error)),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => (ErrorKind::Timeout, causes(error)),
            SdkError::DispatchFailure(failure) if failure.is_io() => (ErrorKind::Connection, causes(error)),
            SdkError::ConstructionFailure(_) => (ErrorKind::Invalid, causes(error)),
            _ => (ErrorKind::Connection, causes(error)),
        };
        let (kind, message) = match credentials_error(error) {
            Some(cause @ CredentialsError::CredentialsNotLoaded(_)) => {
                (ErrorKind::Credentials, format!("no credentials found: {}", causes(cause)))
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
            request_id: error.request_id().map(|id| bounded(id.to_owned())),
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
        match self.kind {
            ErrorKind::Credentials if self.code.is_none() => Some(
                "give the process AWS credentials: an instance, task or pod role, web identity, a profile of its \
                 operating system user, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its environment",
            ),
            ErrorKind::Credentials => {
                Some("check that the credentials are those of this account, and that the clock is right")
            }
            ErrorKind::AccessDenied => Some("check the identity's IAM policy and the key's policy"),
            ErrorKind::Connection if self.message.contains("UnknownIssuer") => {
                Some("install the system's CA certificates, or name a file of them in SSL_CERT_FILE")
            }
            ErrorKind::Ciphertext => Some("the cluster id must be that of the server that wrote the record"),
            _ => None,
        }
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.service, self.operation)?;
        if let Some(code) = &self.code {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(id) = &self.request_id {
            write!(f, " (request id {id})")?;
        }
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

/// The error and its causes, each said once.
fn causes(error: &(dyn Error + 'static)) -> String {
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
    text
}

/// The error and its causes, outermost first. The length is bounded against a chain that bites its tail.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source()).take(16)
}

/// One line of at most [`MAX_MESSAGE_BYTES`].
pub(crate) fn bounded(mut text: String) -> String {
    if text.contains(char::is_control) {
        text = text.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    }
    if text.len() > MAX_MESSAGE_BYTES {
        text.truncate(text.floor_char_boundary(MAX_MESSAGE_BYTES));
        text.push('…');
    }
    text
}
