//! Takes credentials out of texts that were written elsewhere.
//!
//! An answer may show what it was asked with: a refused signature is explained by the canonical request, the session
//! token in it; a proxy's page may repeat all headers; a credential process may print its own answer as an error. Three rules:
//!
//! ```text
//!   Authorization: …                          the rest of the line
//!   …token=…, …signature=…, "SecretAccessKey":"…", <SessionToken>…</…>    the value
//!   AKIA… and ASIA…, long runs of hexadecimal or base64                   all of it
//! ```
//!
//! Not guaranteed: a secret access key on its own, without its name, looks like any other word of 40 characters and stays.
//! AWS never has it: requests carry a signature made with it.

/// What stands in place of a secret.
const REDACTED: &str = "[redacted]";

/// Names whose value is secret, as they end, in lower case. `x-amz-security-token`, `SessionToken` and `web_identity_token`
/// all end in `token`.
const NAMES: [&str; 9] = [
    "token",
    "signature",
    "credential",
    "secretaccesskey",
    "secret_access_key",
    "accesskeyid",
    "access_key_id",
    "password",
    AUTHORIZATION,
];

/// The header whose value has spaces in it.
const AUTHORIZATION: &str = "authorization";

/// Length of an access key id, which begins with one of [`ACCESS_KEY_PREFIXES`] (IAM reference, unique identifiers).
const ACCESS_KEY_ID_CHARS: usize = 20;

/// Long-term and temporary access keys.
const ACCESS_KEY_PREFIXES: [&str; 2] = ["AKIA", "ASIA"];

/// Length of a signature (HMAC-SHA256) in hexadecimal.
const SIGNATURE_CHARS: usize = 64;

/// From this length on, base64 is taken for a token. Names and paths of IAM stay below.
const MIN_TOKEN_CHARS: usize = 100;

/// The text without what looks like a secret. A text that has been through here is not changed again.
pub(crate) fn scrubbed(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if word == 0 {
            let next = rest.chars().next().map_or(rest.len(), char::len_utf8);
            clean.push_str(rest.get(..next).unwrap_or_default());
            rest = rest.get(next..).unwrap_or_default();
            continue;
        }
        let (found, behind) = rest.split_at(word);
        clean.push_str(if is_secret(found) { REDACTED } else { found });
        rest = behind;
        if let Some((separator, value)) = named_value(found, behind) {
            clean.push_str(separator);
            clean.push_str(REDACTED);
            rest = value;
        }
    }
    clean
}

/// A character of names, of base64 in both alphabets, and of hexadecimal. `=` may end base64 and separates a name.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/')
}

fn is_secret(word: &str) -> bool {
    let has = |of: fn(&char) -> bool| word.chars().any(|c| of(&c));
    let access_key = word.len() == ACCESS_KEY_ID_CHARS
        && ACCESS_KEY_PREFIXES.iter().any(|prefix| word.starts_with(prefix))
        && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let signature = word.len() >= SIGNATURE_CHARS && word.bytes().all(|b| b.is_ascii_hexdigit());
    let token = word.len() >= MIN_TOKEN_CHARS
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_digit);
    access_key || signature || token
}

/// Where the word names a secret and its value follows: what separates them, and the text behind the value.
fn named_value<'a>(word: &str, behind: &'a str) -> Option<(&'a str, &'a str)> {
    let word = word.to_ascii_lowercase();
    let name = NAMES.iter().find(|name| word.ends_with(*name))?;
    let quote = |c: char| matches!(c, '"' | '\'' | '\\');
    let quoted = behind.starts_with(quote);
    let separator = behind.trim_start_matches(quote).trim_start_matches(' ');
    // In prose a colon and a space introduce an explanation; in headers and in JSON, a value.
    let prose = separator.starts_with(": ") && !quoted && !word.contains('-') && *name != AUTHORIZATION;
    if !separator.starts_with([':', '=', '>']) || prose {
        return None;
    }
    let value =
        separator.trim_start_matches([':', '=', '>']).trim_start_matches(' ').trim_start_matches(quote);
    if value.starts_with(REDACTED) {
        return None;
    }
    let end = |c: char| match *name {
        AUTHORIZATION => c.is_control() || matches!(c, '"' | '<'),
        _ => {
            c.is_whitespace()
                || c.is_control()
                || matches!(c, '"' | '\'' | '\\' | '&' | ',' | ';' | '<' | ')' | ']' | '}')
        }
    };
    let length = value.find(end).unwrap_or(value.len());
    if length == 0 {
        return None;
    }
    let (separator, _) = behind.split_at(behind.len() - value.len());
    Some((separator, value.get(length..).unwrap_or_default()))
}

#[cfg(test)]
mod test {
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
            format!(
                "authorization: AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature={SIGNATURE}"
            ),
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
}
