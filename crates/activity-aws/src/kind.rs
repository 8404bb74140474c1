//! What kind of failure an error code is. The codes are those of the Kinesis, KMS, SNS and EventBridge API references and
//! the common errors of all AWS services.

/// Codes of requests whose signature carries a time too far from that of AWS, which allows five minutes.
const CLOCK_CODES: [&str; 3] = ["RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"];

/// Codes that say that AWS does not accept the credentials, or what was signed with them.
const CREDENTIALS_CODES: [&str; 11] = [
    "UnrecognizedClient",
    "InvalidClientTokenId",
    "InvalidSignature",
    "InvalidSecurity",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "ExpiredToken",
    "ExpiredTokenId",
    "InvalidToken",
    "AuthFailure",
];

/// What an error means for the caller's next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Too fast; the same call works later.
    Throttled,
    /// The stream, key, topic or bus does not exist.
    NotFound,
    /// The stream or key exists and is in a state that does not allow the call: being created, disabled, deleted.
    NotActive,
    /// The identity is known and not allowed to.
    AccessDenied,
    /// No credentials, or AWS does not accept those that there are, or not at the time of our clock.
    Credentials,
    /// The request itself is wrong or too large; it never works.
    Invalid,
    /// The ciphertext was not made by this key under this encryption context.
    Ciphertext,
    /// The shard iterator is older than five minutes; a new one works.
    ExpiredIterator,
    /// A limit of the account.
    Limit,
    /// AWS failed; the same call works later.
    Unavailable,
    /// No answer in time. The call may have had its effect.
    Timeout,
    /// No connection, or no whole answer on it: name resolution, TCP, TLS, cut off, unreadable. The call may have had its effect.
    Connection,
    /// Anything else, an answer that breaks the API's rules included.
    Other,
}

impl ErrorKind {
    /// The kind of an error by its code, or by its HTTP status where the code is missing or new.
    pub(crate) fn of(code: Option<&str>, status: Option<u16>) -> Self {
        code.and_then(Self::of_code).unwrap_or_else(|| Self::of_status(status))
    }

    /// The kind of an error code, without its service's prefix or suffix.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        Some(match bare(code) {
            code if CREDENTIALS_CODES.contains(&code) || CLOCK_CODES.contains(&code) => Self::Credentials,
            "ProvisionedThroughputExceeded"
            | "Throttling"
            | "ThrottlingRequest"
            | "Throttled"
            | "RequestThrottled"
            | "TooManyRequests"
            | "RequestLimitExceeded"
            | "SlowDown"
            | "KMSThrottling"
            | "KmsThrottling" => Self::Throttled,
            "ResourceNotFound" | "NotFound" | "KMSNotFound" | "KmsNotFound" => Self::NotFound,
            "ResourceInUse" | "Disabled" | "KMSDisabled" | "KmsDisabled" | "KMSInvalidState"
            | "KmsInvalidState" => Self::NotActive,
            "AccessDenied"
            | "KMSAccessDenied"
            | "KmsAccessDenied"
            | "NotAuthorized"
            | "NotAuthorizedForSource"
            | "NotAuthorizedForDetailType"
            | "Authorization"
            | "UnauthorizedOperation"
            | "KMSOptInRequired"
            | "KmsOptInRequired"
            | "OptInRequired" => Self::AccessDenied,
            "InvalidArgument"
            | "Validation"
            | "InvalidParameter"
            | "InvalidParameterValue"
            | "MalformedDetail"
            | "InvalidArn"
            | "InvalidKeyUsage"
            | "InvalidGrantToken"
            | "UnsupportedOperation"
            | "InvalidAction"
            | "RequestEntityTooLarge"
            | "RecordTooLarge"
            | "DryRunOperation" => Self::Invalid,
            "InvalidCiphertext" | "IncorrectKey" => Self::Ciphertext,
            "ExpiredIterator" | "ExpiredNextToken" => Self::ExpiredIterator,
            "LimitExceeded" => Self::Limit,
            "InternalFailure" | "InternalServer" | "Internal" | "KMSInternal" | "KmsInternal"
            | "ServiceUnavailable" | "KeyUnavailable" | "DependencyTimeout" => Self::Unavailable,
            "RequestTimeout" => Self::Timeout,
            _ => return None,
        })
    }

    fn of_status(status: Option<u16>) -> Self {
        match status {
            Some(401 | 403) => Self::AccessDenied,
            Some(404) => Self::NotFound,
            Some(408 | 504) => Self::Timeout,
            Some(413) => Self::Invalid,
            Some(429) => Self::Throttled,
            Some(500..=599) => Self::Unavailable,
            _ => Self::Other,
        }
    }
}

/// The code without its service's prefix and without what services hang on behind it:
/// `aws.kinesis#LimitExceededException:http://…` is `LimitExceededException` (Smithy, AWS JSON 1.1 protocol, "Operation error
/// serialization").
pub(crate) fn shape_name(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code)
}

/// The same, and without the word that says that it is an error.
fn bare(code: &str) -> &str {
    let code = shape_name(code);
    code.strip_suffix("Exception").or_else(|| code.strip_suffix("Error")).unwrap_or(code)
}

/// Whether the code itself says that the clocks differ.
pub(crate) fn names_the_clock(code: &str) -> bool {
    CLOCK_CODES.contains(&bare(code))
}

/// Whether an answer's text has the code of refused credentials in it. Too often yes does no harm.
pub(crate) fn mentions_refused_credentials(answer: &str) -> bool {
    CREDENTIALS_CODES.iter().any(|code| answer.contains(code))
}
