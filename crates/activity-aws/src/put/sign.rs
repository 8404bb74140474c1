//! Signature Version 4 of one request: a POST to `/` with a JSON body, as the services of the JSON protocol have it
//! (IAM User Guide, "Create a signed AWS API request").
//!
//! What of it is cryptography is the SDK's. What it would do for each request and is the same for all of a day, the signing key,
//! is kept here; it is made anew with new credentials and at midnight, UTC.

use std::fmt::{self, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use aws_smithy_types::date_time::{DateTime, Format};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The one algorithm there is for a single region.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The end of every scope.
const TERMINATOR: &str = "aws4_request";

/// What a signature counts for, besides its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    region: String,
    service: String,
}

impl Scope {
    /// The scope of a request that somebody else has signed, from its header `Authorization`.
    pub(super) fn of(authorization: &str) -> Option<Self> {
        let credential = authorization.strip_prefix(ALGORITHM)?.trim_start().strip_prefix("Credential=")?;
        let mut parts = credential.split(',').next()?.rsplit('/');
        let (end, service, region) = (parts.next()?, parts.next()?, parts.next()?);
        (end == TERMINATOR).then(|| Self { region: region.to_owned(), service: service.to_owned() })
    }
}

/// What all requests have in common.
#[derive(Debug)]
pub(super) struct Target {
    /// The host and, unless it is the scheme's own, the port.
    pub(super) host: String,
    /// The header `Content-Type`.
    pub(super) content_type: &'static str,
    /// The header `X-Amz-Target`: the operation.
    pub(super) operation: &'static str,
    pub(super) scope: Scope,
}

/// The headers that a signature adds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signed {
    /// `X-Amz-Date`.
    pub(super) date: String,
    /// `Authorization`.
    pub(super) authorization: String,
}

/// Signs requests to one target.
pub(super) struct Signer {
    pub(super) target: Target,
    key: Mutex<Option<DayKey>>,
}

/// The signing key of a day.
struct DayKey {
    credentials: Credentials,
    day: String,
    key: Zeroizing<Vec<u8>>,
}

impl Signer {
    pub(super) fn new(target: Target) -> Self {
        Self { target, key: Mutex::new(None) }
    }

    /// Signs a request with this body. A session token is a header that the caller sends, too.
    pub(super) fn sign(&self, credentials: &Credentials, body: &[u8], now: SystemTime) -> Signed {
        let Target { host, content_type, operation, scope: Scope { region, service } } = &self.target;
        let date = timestamp(now);
        let day = date.split('T').next().unwrap_or_default();
        let scope = format!("{day}/{region}/{service}/{TERMINATOR}");
        let (token, names) = match credentials.session_token() {
            Some(token) => (
                format!("x-amz-security-token:{token}\n"),
                "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
            ),
            None => (String::new(), "content-type;host;x-amz-date;x-amz-target"),
        };
        let canonical = format!(
            "POST\n/\n\ncontent-type:{content_type}\nhost:{host}\nx-amz-date:{date}\n{token}x-amz-target:{operation}\n\n\
             {names}\n{}",
            Hex(&Sha256::digest(body))
        );
        let to_sign = format!("{ALGORITHM}\n{date}\n{scope}\n{}", Hex(&Sha256::digest(canonical)));
        let signature =
            self.with_key(credentials, day, now, |key| calculate_signature(key, to_sign.as_bytes()));
        let id = credentials.access_key_id();
        let authorization =
            format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
        Signed { date, authorization }
    }

    fn with_key<T>(
        &self,
        credentials: &Credentials,
        day: &str,
        now: SystemTime,
        then: impl FnOnce(&[u8]) -> T,
    ) -> T {
        // Nothing panics under the lock but an allocation that fails, and what it guards is whole at any moment.
        let mut kept = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.day == day && kept.credentials == *credentials) {
            return then(&kept.key);
        }
        let Scope { region, service } = &self.target.scope;
        let key = generate_signing_key(credentials.secret_access_key(), now, region, service);
        let made = DayKey {
            credentials: credentials.clone(),
            day: day.to_owned(),
            key: Zeroizing::new(key.as_ref().to_vec()),
        };
        then(&kept.insert(made).key)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("target", &self.target).finish_non_exhaustive()
    }
}

/// `20261124T192021Z`.
fn timestamp(now: SystemTime) -> String {
    let seconds = DateTime::from_secs(DateTime::from(now).secs());
    let text = seconds.fmt(Format::DateTime).unwrap_or_default();
    text.chars().filter(|c| !matches!(c, '-' | ':')).collect()
}

/// Bytes as lowercase hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: [char; 16] =
            ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
        self.0
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .try_for_each(|nibble| f.write_char(digit(nibble)))
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    use aws_sigv4::sign::v4;
    use std::time::{Duration, UNIX_EPOCH};

    const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
    const OPERATION: &str = "Kinesis_20131202.PutRecords";

    fn signer(host: &str) -> Signer {
        let scope = Scope { region: "eu-central-1".into(), service: "kinesis".into() };
        Signer::new(Target { host: host.into(), content_type: CONTENT_TYPE, operation: OPERATION, scope })
    }

    fn credentials(id: &str, secret: &str, token: Option<&str>) -> Credentials {
        Credentials::new(id, secret, token.map(str::to_owned), None, "test")
    }

    /// The same request, signed by the library from beginning to end.
    fn by_the_library(url: &str, credentials: &Credentials, body: &[u8], now: SystemTime) -> Signed {
        let identity = credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-central-1")
            .name("kinesis")
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .expect("parameters")
            .into();
        let headers = [("content-type", CONTENT_TYPE), ("x-amz-target", OPERATION)];
        let request = SignableRequest::new("POST", url, headers.into_iter(), SignableBody::Bytes(body));
        let (output, _) = sign(request.expect("a request"), &params).expect("a signature").into_parts();
        let header = |name: &str| {
            output.headers().find(|(n, _)| *n == name).map(|(_, value)| value.to_owned()).unwrap_or_default()
        };
        Signed { date: header("x-amz-date"), authorization: header("authorization") }
    }

    #[test]
    fn a_signature_is_the_librarys_own() {
        let now = UNIX_EPOCH + Duration::from_millis(1_795_548_021_987);
        for (host, url) in [
            ("kinesis.eu-central-1.amazonaws.com", "https://kinesis.eu-central-1.amazonaws.com/"),
            ("127.0.0.1:4566", "http://127.0.0.1:4566/"),
            ("[::1]:4566", "http://[::1]:4566/"),
        ] {
            let signer = signer(host);
            for credentials in [
                credentials("AKIDEXAMPLE", "secret", None),
                credentials("ASIAEXAMPLE", "s/+=", Some("to/ken==")),
            ] {
                for body in [b"{}".to_vec(), vec![b'x'; 100_000]] {
                    for _ in 0..2 {
                        assert_eq!(
                            signer.sign(&credentials, &body, now),
                            by_the_library(url, &credentials, &body, now),
                            "{url}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_new_day_and_a_new_secret_have_a_new_key() {
        let signer = signer("h");
        let evening = UNIX_EPOCH + Duration::from_secs(86_399);
        let first = credentials("AKIDEXAMPLE", "secret", None);
        for now in [evening, evening + Duration::from_secs(1), evening] {
            assert_eq!(signer.sign(&first, b"", now), by_the_library("https://h/", &first, b"", now));
        }
        let rotated = credentials("AKIDEXAMPLE", "another", None);
        assert_eq!(signer.sign(&rotated, b"", evening), by_the_library("https://h/", &rotated, b"", evening));
    }

    #[test]
    fn a_scope_is_read_from_a_signature_and_from_nothing_else() {
        let now = UNIX_EPOCH + Duration::from_secs(1);
        let signer = signer("h");
        let signed = signer.sign(&credentials("AKIDEXAMPLE", "secret", None), b"", now);
        assert_eq!(Scope::of(&signed.authorization), Some(signer.target.scope.clone()));
        for other in [
            "",
            "Bearer x",
            "AWS4-ECDSA-P256-SHA256 Credential=AKID/19700101/kinesis/aws4_request, SignedHeaders=host",
            "AWS4-HMAC-SHA256 Credential=AKID/19700101/r/kinesis/aws5_request, SignedHeaders=host",
            "AWS4-HMAC-SHA256 SignedHeaders=host",
        ] {
            assert_eq!(Scope::of(other), None, "{other}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        let signer = signer("h");
        signer.sign(&credentials("AKIDEXAMPLE", "the-secret", None), b"", UNIX_EPOCH);
        let shown = format!("{signer:?}");
        assert!(!shown.contains("the-secret") && !shown.contains("key:"), "{shown}");
    }
}
