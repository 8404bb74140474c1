//! Whom a process trusts by the certificates in `SSL_CERT_FILE`, and by those of a CA file of its own.

use super::{child, file};
use crate::faults::tls_server;

/// What a child says that trusts the file in that variable and calls the TLS server under this host name.
fn call_trusting(variable: &str, certificates: &str, host: &str) -> String {
    let endpoint = format!("https://{host}:{}", tls_server::start());
    child(&[
        ("TEST_ENDPOINT", endpoint.as_str()),
        ("TEST_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_MAX_ATTEMPTS", "1"),
        (variable, certificates),
    ])
}

#[test]
fn a_certificate_of_that_file_is_trusted_under_its_own_name_alone() {
    let trusted = file("trusted.pem", tls_server::CERTIFICATE);
    let path = trusted.to_str().expect("a path");
    for variable in ["SSL_CERT_FILE", "TEST_CA_FILE"] {
        let own = call_trusting(variable, path, "127.0.0.1");
        // The server shakes hands and closes.
        assert!(own.starts_with("call: Kinesis ListShards: ") && !own.contains("certificate"), "{own}");
        let other = call_trusting(variable, path, "127.0.0.2");
        assert!(
            other.contains("not valid for name") && other.contains("(hint: the endpoint's host name"),
            "{other}"
        );
    }
}

#[test]
fn a_ca_file_stands_in_the_place_of_the_systems_store() {
    let own = file("own.pem", tls_server::CERTIFICATE);
    let other = file("other.pem", include_str!("../fixtures/other.certificate.pem"));
    let endpoint = format!("https://127.0.0.1:{}", tls_server::start());
    let outcome = child(&[
        ("TEST_ENDPOINT", endpoint.as_str()),
        ("TEST_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_MAX_ATTEMPTS", "1"),
        ("SSL_CERT_FILE", own.to_str().expect("a path")),
        ("TEST_CA_FILE", other.to_str().expect("a path")),
    ]);
    assert!(outcome.contains("UnknownIssuer"), "{outcome}");
}

#[test]
fn a_ca_file_that_cannot_be_used_is_named() {
    let empty = file("empty.pem", "");
    let path = empty.to_str().expect("a path");
    let outcome = child(&[("TEST_CA_FILE", path), ("AWS_REGION", "eu-central-1")]);
    assert_eq!(outcome, format!("connect: the CA file {path} cannot be used: it has no certificate in it"));
}
