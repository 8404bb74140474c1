//! Takes credentials out of texts that were written elsewhere.
//!
//! An answer may show what it was asked with: a refused signature is explained by the canonical request, the session
//! token in it; a proxy's page may repeat all headers; a credential process may print its own answer as an error; an HTTP client
//! may show the whole of a pre-signed URL. Four rules:
//!
//! ```text
//!   Authorization: …                          the rest of the line
//!   …token=…, …signature=…, "SecretAccessKey":"…", <SessionToken>…</…>    the value
//!   AKIA… and ASIA…, long runs of hexadecimal or base64                   all of it
//!   eyJ….eyJ….…: a JSON web token, as web identity has it                 all of it
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

/// Long-term and temporary access keys, and those of bearer tokens and of a context (IAM reference, unique identifiers).
const ACCESS_KEY_PREFIXES: [&str; 4] = ["AKIA", "ASIA", "ABIA", "ACCA"];

/// What follows the percent sign of an escape whose own percent sign is encoded.
const ENCODED_PERCENT: &str = "25";

/// How the parts of a JSON web token begin that are JSON: `{"` in base64 (RFC 7519).
const JSON_IN_BASE64: &str = "eyJ";

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
            let next = escape(rest).or_else(|| rest.chars().next().map(char::len_utf8)).unwrap_or(rest.len());
            clean.push_str(rest.get(..next).unwrap_or_default());
            rest = rest.get(next..).unwrap_or_default();
            continue;
        }
        let (found, behind) = rest.split_at(word + rest_of_web_token(rest, word));
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

/// How many bytes the text begins with that stand for one character of a URL, `%3D` or, encoded twice, `%253D`.
fn escape(text: &str) -> Option<usize> {
    let encoded = text.strip_prefix('%')?;
    let encoded = encoded.trim_start_matches(ENCODED_PERCENT);
    let digits = encoded.get(..2)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then_some(text.len() - encoded.len() + digits.len())
}

/// How many bytes of a JSON web token follow the word, which is its first part: its parts have dots between them.
fn rest_of_web_token(text: &str, word: usize) -> usize {
    let behind = text.get(word..).unwrap_or_default();
    if !text.starts_with(JSON_IN_BASE64) || !behind.starts_with('.') {
        return 0;
    }
    behind.find(|c| !is_word(c) && c != '.').unwrap_or(behind.len())
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
    let web_token = word.starts_with(JSON_IN_BASE64) && word.contains('.');
    access_key || signature || token || web_token
}

/// Where the word names a secret and its value follows: what separates them, and the text behind the value.
fn named_value<'a>(word: &str, behind: &'a str) -> Option<(&'a str, &'a str)> {
    let word = word.to_ascii_lowercase();
    let name = NAMES.iter().find(|name| word.ends_with(*name))?;
    if let Some(named) = named_in_encoded_query(behind) {
        return Some(named);
    }
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

/// The same in a query that is itself a parameter: `%3D` behind the name, and `%26` behind the value.
fn named_in_encoded_query(behind: &str) -> Option<(&str, &str)> {
    let is = |at: &str, code: &str| {
        let length = escape(at)?;
        at.get(..length)?.to_ascii_uppercase().ends_with(code).then_some(length)
    };
    let (equals, value) = behind.split_at_checked(is(behind, "3D")?)?;
    let ends = |(at, c): (usize, char)| {
        c.is_whitespace() || matches!(c, '"' | '&') || value.get(at..).is_some_and(|v| is(v, "26").is_some())
    };
    let length = value.char_indices().find(|place| ends(*place)).map_or(value.len(), |(at, _)| at);
    let (value, rest) = value.split_at_checked(length)?;
    (!value.is_empty() && value != REDACTED).then_some((equals, rest))
}

#[cfg(test)]
mod test;
