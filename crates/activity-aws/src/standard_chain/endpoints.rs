//! Which host a process asks, and that it does not ask one without TLS, whoever named it.

use super::{child, file, kinesis};

const CREDENTIALS: [(&str, &str); 4] = [
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "AKIAENV"),
    ("AWS_SECRET_ACCESS_KEY", "s"),
    ("AWS_MAX_ATTEMPTS", "1"),
];

/// What a child says with credentials and this environment.
fn call(environment: &[(&str, &str)]) -> String {
    child(&[&CREDENTIALS, environment].concat())
}

#[test]
fn plain_http_to_another_host_is_refused_wherever_it_is_named() {
    let services = file(
        "services.config",
        "[default]\nservices = own\n[services own]\nkinesis =\n  endpoint_url = http://kinesis.invalid\n",
    );
    let refusals = [
        ("TEST_ENDPOINT", "http://kinesis.invalid"),
        ("TEST_KINESIS_ENDPOINT", "http://kinesis.invalid"),
        ("AWS_ENDPOINT_URL", "http://kinesis.invalid"),
        ("AWS_ENDPOINT_URL_KINESIS", "http://kinesis.invalid"),
        ("AWS_CONFIG_FILE", services.to_str().expect("a path")),
    ];
    for (name, value) in refusals {
        let outcome = call(&[(name, value)]);
        assert!(outcome.contains("plain HTTP to "), "{name}: {outcome}");
        assert!(outcome.contains("(hint: use an https:// "), "{name}: {outcome}");
        // It would not be found; but it is asked for.
        let allowed = call(&[(name, value), ("TEST_ALLOW_INSECURE", "on")]);
        assert!(allowed.contains("dns error"), "{name}: {allowed}");
    }
}

#[test]
fn temporary_credentials_are_not_asked_for_in_the_clear() {
    let token = file("clear-token", "the-token");
    let environment = [
        ("TEST_ENDPOINT", "http://127.0.0.1:1"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL_STS", "http://sts.invalid"),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().expect("a path")),
        ("AWS_MAX_ATTEMPTS", "1"),
    ];
    let outcome = child(&environment);
    assert!(outcome.contains("plain HTTP to \"sts.invalid\" is refused"), "{outcome}");
}

#[test]
fn a_services_own_endpoint_goes_before_the_one_of_all() {
    let server = kinesis();
    let outcome = call(&[("TEST_ENDPOINT", "http://127.0.0.1:1"), ("TEST_KINESIS_ENDPOINT", &server.url)]);
    assert_eq!(outcome, "called in eu-central-1");
    assert_eq!(server.operations(), ["ListShards"]);
}

#[test]
fn the_fips_endpoint_is_asked_where_the_environment_wants_that() {
    // There is no such region, so no such host; the error names what was looked for.
    let region =
        [("AWS_REGION", "us-nowhere-1"), ("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "s")];
    for (fips, host) in [("false", "kinesis.us-nowhere-1."), ("true", "kinesis-fips.us-nowhere-1.")] {
        let own = [("AWS_USE_FIPS_ENDPOINT", fips), ("AWS_MAX_ATTEMPTS", "1")];
        let outcome = child(&[&region[..], &own[..]].concat());
        assert!(outcome.contains(&format!("\"{host}amazonaws.com\"")), "{outcome}");
    }
}

#[test]
fn a_fips_endpoint_and_one_of_ones_own_exclude_each_other() {
    let outcome = call(&[("TEST_ENDPOINT", "https://127.0.0.1:1"), ("AWS_USE_FIPS_ENDPOINT", "true")]);
    assert!(outcome.contains("FIPS and custom endpoint are not supported"), "{outcome}");
}

#[test]
fn no_proxy_is_used_whatever_the_environment_says() {
    let (server, proxy) = (kinesis(), kinesis());
    let mut environment = vec![("TEST_ENDPOINT", server.url.as_str())];
    environment.extend(
        ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, proxy.url.as_str())),
    );
    assert_eq!(call(&environment), "called in eu-central-1");
    assert!(proxy.asked().is_empty());
}
