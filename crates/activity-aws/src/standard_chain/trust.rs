//! Whom a process trusts by the certificates in `SSL_CERT_FILE`.

use super::{child, file};
use crate::faults::tls_server;

/// What a child says that trusts this file and calls the TLS server under this host name.
fn call_trusting(certificates: &str, host: &str) -> String {
    let endpoint = format!("https://{host}:{}", tls_server::start());
    child(&[
        ("TEST_ENDPOINT", endpoint.as_str()),
        ("TEST_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_MAX_ATTEMPTS", "1"),
        ("SSL_CERT_FILE", certificates),
    ])
}

#[test]
fn a_certificate_of_that_file_is_trusted_under_its_own_name_alone() {
    let trusted = file("trusted.pem", tls_server::CERTIFICATE);
    let path = trusted.to_str().expect("a path");
    let own = call_trusting(path, "127.0.0.1");
    // The server shakes hands and closes.
    assert!(own.starts_with("call: Kinesis ListShards: ") && !own.contains("certificate"), "{own}");
    let other = call_trusting(path, "127.0.0.2");
    assert!(
        other.contains("not valid for name") && other.contains("(hint: the endpoint's host name"),
        "{other}"
    );
}
