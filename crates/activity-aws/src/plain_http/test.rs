use super::*;
use crate::canned::{Answer, Canned};
use crate::connect::test::aws;
use crate::error::test::error_of;

fn passes(plain: Plain, uri: &str) -> bool {
    plain.check(uri).is_ok()
}

#[test]
fn plain_http_stays_on_this_host() {
    for uri in [
        "http://127.0.0.1:4566/",
        "http://127.9.9.9/",
        "http://[::1]:4566/",
        "http://localhost:4566/",
        "http://LOCALHOST/",
        "http://[::ffff:127.0.0.1]/",
        "https://kinesis.eu-central-1.amazonaws.com/",
        "https://10.0.0.1/",
    ] {
        assert!(passes(Plain::Here, uri), "{uri}");
        assert!(!is_insecure(uri), "{uri}");
    }
}

#[test]
fn plain_http_to_anything_else_is_refused() {
    for uri in [
        "http://kinesis.eu-central-1.amazonaws.com/",
        "http://10.0.0.1/",
        "http://128.0.0.1/",
        "http://[::2]/",
        "http://0.0.0.0/",
        "http://localhost.evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.1@evil.example/",
        "http://localhost:80@evil.example/",
        "http://127.1/",
        "http://0x7f000001/",
        "HTTP://evil.example/",
    ] {
        assert!(!passes(Plain::Here, uri), "{uri}");
        assert!(is_insecure(uri), "{uri}");
        assert!(passes(Plain::Anywhere, uri), "{uri}");
    }
}

#[test]
fn the_machines_own_sources_of_credentials_are_asked_without_tls_and_nothing_else_is() {
    for host in METADATA {
        let uri =
            if host.contains(':') { format!("http://[{host}]/latest") } else { format!("http://{host}/v2") };
        assert!(passes(Plain::HereAndMetadata, &uri), "{uri}");
        assert!(!passes(Plain::Here, &uri), "{uri}: not for Kinesis");
    }
    assert!(!passes(Plain::HereAndMetadata, "http://169.254.169.253/"));
    assert!(!passes(Plain::HereAndMetadata, "http://sts.eu-central-1.amazonaws.com/"));
}

#[tokio::test]
async fn localhost_is_this_host_or_nothing() {
    let found = resolve(LOCALHOST).await.expect("localhost");
    assert!(!found.is_empty() && found.iter().all(is_loopback), "{found:?}");
    let elsewhere: [IpAddr; 2] = ["127.0.0.1".parse().expect("an address"), "10.0.0.1".parse().expect("one")];
    let refused = held_to_meaning("LocalHost", &elsewhere).expect_err("a refusal").to_string();
    assert_eq!(refused, "\"LocalHost\" is 10.0.0.1, which is no loopback address");
    held_to_meaning("kinesis.eu-central-1.amazonaws.com", &elsewhere).expect("no business of ours");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Canned::start([]);
    let redirect = Answer::Redirect { status: 307, location: elsewhere.url.clone() };
    let error = error_of(&aws(&Canned::start([redirect]).url).await).await;
    assert!(error.to_string().contains("307"), "{error}");
    assert!(elsewhere.asked().is_empty());
}
