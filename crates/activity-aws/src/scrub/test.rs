use super::*;

const SIGNATURE: &str = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";

fn clean(text: &str) -> String {
    scrubbed(text)
}

#[test]
fn a_refused_signature_is_explained_without_the_token_in_the_canonical_request() {
    let text = "The Canonical String for this request should have been 'POST\n/\n\ncontent-type:application/x-amz-json-1.1\n\
        host:kinesis.eu-central-1.amazonaws.com\nx-amz-security-token:IQoJb3J+short/Value==\n\
        x-amz-target:Kinesis_20131202.PutRecords'";
    let text = clean(text);
    assert!(!text.contains("IQoJ") && !text.contains("Value"), "{text}");
    assert!(
        text.contains("x-amz-security-token:[redacted]\nx-amz-target:Kinesis_20131202.PutRecords'"),
        "{text}"
    );
}

#[test]
fn a_repeated_authorization_header_is_gone_to_the_end_of_its_line() {
    for text in [
        format!(
            "Authorization=AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/x, Signature={SIGNATURE}"
        ),
        format!("authorization: AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature={SIGNATURE}"),
        "Proxy-Authorization: Basic dTpw".to_owned(),
        r#"{"Authorization": "Bearer abc"}"#.to_owned(),
    ] {
        let text = clean(&text);
        for secret in [SIGNATURE, "AKIA", "Credential", "dTpw", "abc"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains(REDACTED), "{text}");
    }
}

#[test]
fn values_that_are_named_as_secrets_are_gone_in_every_notation() {
    for (text, expected) in [
        (
            r#"{"SecretAccessKey" : "wJalr/K7", "Version":1}"#,
            r#"{"SecretAccessKey" : "[redacted]", "Version":1}"#,
        ),
        ("<SessionToken>Fwo</SessionToken>", "<SessionToken>[redacted]</SessionToken>"),
        ("/?X-Amz-Security-Token=abc%2F&X-Amz-Date=1", "/?X-Amz-Security-Token=[redacted]&X-Amz-Date=1"),
        ("aws_secret_access_key = abc", "aws_secret_access_key = [redacted]"),
        (r#"echo {\"Token\":\"abc\"}"#, r#"echo {\"Token\":\"[redacted]\"}"#),
    ] {
        assert_eq!(clean(text), expected);
        assert_eq!(clean(expected), expected);
    }
}

#[test]
fn key_ids_signatures_and_long_tokens_are_gone_without_a_name() {
    let token = "aB3+/".repeat(40);
    let text = clean(&format!("key ASIAIOSFODNN7EXAMPLE with {SIGNATURE} and {token}=="));
    assert_eq!(text, "key [redacted] with [redacted] and [redacted]==");
}

#[test]
fn every_kind_of_access_key_id_is_gone_and_other_ids_stay() {
    for prefix in ACCESS_KEY_PREFIXES {
        assert_eq!(clean(&format!("key {prefix}IOSFODNN7EXAMPLE.")), "key [redacted].");
    }
    let role = "AROAIOSFODNN7EXAMPLE";
    assert_eq!(clean(role), role);
}

#[test]
fn a_presigned_url_keeps_its_path_and_loses_what_signs_it() {
    let query = format!(
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Feu-central-1%2Fsts%2Faws4_request\
         &X-Amz-Date=20260101T000000Z&X-Amz-Security-Token=IQoJb3Jp%2Fshort&X-Amz-Signature={SIGNATURE}"
    );
    let text = clean(&format!(
        "error sending request for url (https://sts.amazonaws.com/?Action=GetCallerIdentity&{query})"
    ));
    for secret in ["AKIA", "20260101%2F", "IQoJ", "short", SIGNATURE] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.contains("https://sts.amazonaws.com/?Action=GetCallerIdentity&"), "{text}");
    assert!(text.contains("X-Amz-Date=20260101T000000Z"), "{text}");
    // Encoded once more, as a parameter of something else.
    let nested = clean(&query.replace('%', "%25").replace('=', "%3D").replace('&', "%26"));
    for secret in ["AKIA", "252F20260101", "IQoJ", "short", SIGNATURE] {
        assert!(!nested.contains(secret), "{nested}");
    }
    assert!(nested.contains("X-Amz-Date%3D20260101T000000Z%26"), "{nested}");
    assert_eq!(clean(&nested), nested);
}

#[test]
fn a_web_identity_token_is_gone_whatever_its_length() {
    let token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJwb2QifQ.c2hvcnQtc2lnbmF0dXJl-_x";
    for (text, expected) in [
        (format!("the token {token} is not valid"), "the token [redacted] is not valid"),
        (format!("WebIdentityToken={token}&Version=1"), "WebIdentityToken=[redacted]&Version=1"),
        (format!("Bearer {token}"), "Bearer [redacted]"),
    ] {
        assert_eq!(clean(&text), expected);
        assert_eq!(clean(expected), expected);
    }
    assert_eq!(clean("eyJustAWord"), "eyJustAWord");
}

#[test]
fn security_tokens_are_gone_from_headers_in_any_case() {
    for name in ["X-Amz-Security-Token", "x-amz-security-token", "X-AMZ-SECURITY-TOKEN"] {
        for text in
            [format!("{name}: IQoJshort"), format!("\"{name}\": \"IQoJshort\""), format!("{name}:IQoJshort")]
        {
            assert!(!clean(&text).contains("IQoJ"), "{text}");
        }
    }
}

#[test]
fn what_an_operator_needs_stays() {
    for text in [
        "User: arn:aws:sts::123456789012:assumed-role/MyApplicationInstanceProfileRole/i-0123456789abcdef0 is not \
         authorized to perform: kinesis:PutRecords on resource: arn:aws:kinesis:eu-central-1:123456789012:stream/x",
        "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z (20260101T001500Z - 5 min.)",
        "The security token included in the request is expired",
        "no credentials found: the credential provider was not enabled: no providers in chain",
        "WebIdentityToken: the credential provider was not enabled, Profile: no credential: none",
        "request id 5d672d79-c15b-1316-2d92-79b0855cfba6, é ü",
    ] {
        assert_eq!(clean(text), text);
    }
}
