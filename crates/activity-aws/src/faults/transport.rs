//! Between here and AWS: names, TCP, TLS, and answers that do not come or do not end.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use super::tls_server;
use crate::canned::{Answer, Canned};
use crate::connect::test::{aws, aws_with, impatient_aws};
use crate::error::test::{error_from, error_of};
use crate::{AwsError, ErrorKind};
use aws_credential_types::provider::{ProvideCredentials, future};

/// An attempt that is given up soon.
const ATTEMPT: Duration = Duration::from_millis(300);

/// What a call may take beyond its attempt on a busy machine, and far less than for ever.
const GRACE: Duration = Duration::from_secs(5);

fn assert_connection(error: &AwsError, message: &str, hint: &str) {
    assert_eq!(error.kind, ErrorKind::Connection, "{error}");
    assert!(error.is_transient());
    assert!(error.message.contains(message), "{error}");
    assert!(error.hint().is_some_and(|text| text.contains(hint)), "{error}");
}

fn unused_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port()
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_named_as_such() {
    let error = error_of(&aws(&format!("http://127.0.0.1:{}", unused_port())).await).await;
    assert_connection(&error, "refused", "nothing listens");
}

#[tokio::test]
async fn a_host_name_that_does_not_exist_points_at_dns() {
    let error = error_of(&aws("https://no-such-host.invalid").await).await;
    assert_connection(&error, "dns error", "DNS");
}

#[tokio::test]
async fn a_certificate_that_nobody_signed_points_at_the_ca_certificates() {
    let error = error_of(&aws(&format!("https://127.0.0.1:{}", tls_server::start())).await).await;
    assert_connection(&error, "UnknownIssuer", "SSL_CERT_FILE");
}

#[tokio::test]
async fn a_server_without_tls_points_at_the_endpoints_url() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            use std::io::{Read, Write};
            let _hello = connection.read(&mut [0; 1024]);
            let _answer = connection.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let error = error_of(&aws(&format!("https://127.0.0.1:{port}")).await).await;
    assert_connection(&error, "InvalidContentType", "does not speak TLS");
}

#[tokio::test]
async fn a_tls_server_that_is_spoken_to_without_tls_is_a_connection_error() {
    let error = error_of(&aws(&format!("http://127.0.0.1:{}", tls_server::start())).await).await;
    assert_eq!(error.kind, ErrorKind::Connection, "{error}");
}

#[tokio::test]
async fn a_connection_that_is_reset_is_a_connection_error() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // Closed over data that was not read, TCP says so with a reset.
            let _arrived = connection.peek(&mut [0]);
        }
    });
    let error = error_of(&aws(&format!("http://127.0.0.1:{port}")).await).await;
    assert_eq!(error.kind, ErrorKind::Connection, "{error}");
    assert!(error.message.contains("reset"), "{error}");
}

#[tokio::test]
async fn an_answer_that_never_begins_or_is_cut_short_is_a_connection_error() {
    for answer in [Answer::Close, Answer::CutOff] {
        let error = error_from(answer.clone()).await;
        assert_eq!(error.kind, ErrorKind::Connection, "{answer:?}: {error}");
        assert!(error.is_transient());
    }
}

/// The kind of a call that must end by its attempt timeout.
async fn assert_times_out(url: &str) {
    let aws = impatient_aws(url, ATTEMPT).await;
    let begun = Instant::now();
    let error = error_of(&aws).await;
    assert!(begun.elapsed() < ATTEMPT + GRACE, "{:?}", begun.elapsed());
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    assert!(
        error.is_transient() && error.hint().is_some_and(|hint| hint.contains("VPC endpoint")),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_accepts_and_never_answers_is_given_up() {
    assert_times_out(&Canned::start([Answer::Hang]).url).await;
}

#[tokio::test]
async fn an_answer_that_stops_in_its_body_is_given_up() {
    assert_times_out(&Canned::start([Answer::HangInBody]).url).await;
}

#[tokio::test]
async fn a_tls_handshake_that_gets_no_answer_is_given_up() {
    // Connections are taken by the kernel, and nobody reads them.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    assert_times_out(&format!("https://{}", listener.local_addr().expect("an address"))).await;
}

#[tokio::test]
async fn a_source_of_credentials_that_hangs_is_given_up_with_the_attempt() {
    #[derive(Debug)]
    struct Silent;

    impl ProvideCredentials for Silent {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(std::future::pending())
        }
    }

    let server = Canned::start([]);
    let aws = aws_with(&server.url, ATTEMPT, Silent).await;
    let begun = Instant::now();
    let error = error_of(&aws).await;
    assert!(begun.elapsed() < ATTEMPT + GRACE, "{:?}", begun.elapsed());
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    assert!(server.asked().is_empty());
}
