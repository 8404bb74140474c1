//! The data of a Kinesis record: one compact JSON object around the message and its encrypted data key.
//!
//! ```text
//! {"type":"DatabaseActivityMonitoringRecords","version":"1.1","databaseActivityEvents":"<base64>","key":"<base64>"}
//! ```
//!
//! Written exactly so, in this order, without spaces and without a newline. Read more freely: any order, any
//! spacing, unknown members ignored, any version `1.x`; a repeated member is an error.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::limits::{Limits, MAX_CIPHERTEXT_BLOB_BYTES};

const TYPE: &str = "DatabaseActivityMonitoringRecords";
const BEFORE_MESSAGE: &str =
    r#"{"type":"DatabaseActivityMonitoringRecords","version":"1.1","databaseActivityEvents":""#;
const BEFORE_KEY: &str = r#"","key":""#;
const AFTER_KEY: &str = r#""}"#;

/// An envelope's two variable parts, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The Encryption SDK message.
    pub message: Vec<u8>,
    /// The data key as KMS encrypted it.
    pub key: Vec<u8>,
}

/// Why some bytes are no envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Larger than the limit that was given.
    #[error("the record has more than {limit_bytes} bytes")]
    TooLarge {
        /// [`Limits::max_envelope_bytes`].
        limit_bytes: usize,
    },
    /// Not a JSON object with the members of an envelope.
    #[error("the record is no activity stream envelope")]
    NotAnEnvelope,
    /// An envelope of another type or of a version that begins otherwise than `1.`.
    #[error("the record's type or version is not known")]
    UnknownVersion,
    /// One of the two texts is no base64, or the key has an impossible length.
    #[error("the record's message or key is not readable")]
    Unreadable,
}

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow, rename = "databaseActivityEvents")]
    message: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
}

impl Envelope {
    /// Length of [`Self::to_json`] in bytes.
    #[must_use]
    pub fn json_bytes(&self) -> usize {
        let fixed = BEFORE_MESSAGE.len() + BEFORE_KEY.len() + AFTER_KEY.len();
        fixed + base64_bytes(self.message.len()) + base64_bytes(self.key.len())
    }

    /// The envelope as it goes on the stream.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut text = String::with_capacity(self.json_bytes());
        text.push_str(BEFORE_MESSAGE);
        STANDARD.encode_string(&self.message, &mut text);
        text.push_str(BEFORE_KEY);
        STANDARD.encode_string(&self.key, &mut text);
        text.push_str(AFTER_KEY);
        text.into_bytes()
    }

    /// Reads an envelope of at most `limits.max_envelope_bytes`.
    ///
    /// # Errors
    /// [`EnvelopeError`]; nothing is decoded before all lengths are known to be within the limits.
    pub fn from_json(json: &[u8], limits: &Limits) -> Result<Self, EnvelopeError> {
        if json.len() > limits.max_envelope_bytes {
            return Err(EnvelopeError::TooLarge { limit_bytes: limits.max_envelope_bytes });
        }
        let members: Members<'_> = serde_json::from_slice(json).map_err(|_| EnvelopeError::NotAnEnvelope)?;
        if members.kind != TYPE || !members.version.starts_with("1.") {
            return Err(EnvelopeError::UnknownVersion);
        }
        if members.key.is_empty() || members.key.len() > base64_bytes(MAX_CIPHERTEXT_BLOB_BYTES) {
            return Err(EnvelopeError::Unreadable);
        }
        Ok(Self { message: decode(&members.message)?, key: decode(&members.key)? })
    }
}

fn decode(text: &str) -> Result<Vec<u8>, EnvelopeError> {
    STANDARD.decode(text).map_err(|_| EnvelopeError::Unreadable)
}

/// Length in base64, padding included, of that many bytes.
fn base64_bytes(bytes: usize) -> usize {
    bytes.div_ceil(3).saturating_mul(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Envelope, EnvelopeError> {
        Envelope::from_json(json.as_bytes(), &Limits::default())
    }

    fn with(kind: &str, version: &str, message: &str, key: &str) -> String {
        format!(
            r#"{{"type":"{kind}","version":"{version}","databaseActivityEvents":"{message}","key":"{key}"}}"#
        )
    }

    #[test]
    fn the_text_is_compact_in_the_known_order_without_newline() {
        let envelope = Envelope { message: b"message!".to_vec(), key: b"k".to_vec() };
        let json = String::from_utf8(envelope.to_json()).unwrap();
        assert_eq!(json, with(TYPE, "1.1", "bWVzc2FnZSE=", "aw=="));
        assert_eq!(envelope.json_bytes(), json.len());
        assert_eq!(read(&json), Ok(envelope));
    }

    #[test]
    fn other_orders_spaces_escapes_and_unknown_members_are_read() {
        let json = r#" { "key" : "aw==", "extra": [{"key": 1}], "databaseActivityEvents": "\u0059\/+/",
            "version": "1.9", "type": "DatabaseActivityMonitoringRecords" } "#;
        assert_eq!(read(json), Ok(Envelope { message: vec![0x63, 0xff, 0xbf], key: b"k".to_vec() }));
    }

    #[test]
    fn other_types_and_versions_are_refused() {
        for (kind, version) in [("DatabaseActivityMonitoringRecord", "1.1"), (TYPE, "2.0"), (TYPE, "")] {
            assert_eq!(read(&with(kind, version, "aw==", "aw==")), Err(EnvelopeError::UnknownVersion));
        }
    }

    #[test]
    fn what_is_no_envelope_is_refused_with_a_constant_error() {
        for json in ["", "{}", "[]", "null", "\"x\"", r#"{"type":1}"#, "\u{feff}{}"] {
            assert_eq!(read(json), Err(EnvelopeError::NotAnEnvelope), "{json}");
        }
        let good = with(TYPE, "1.1", "aw==", "aw==");
        let twice = good.replace(r#""key""#, r#""key":"aw==","key""#);
        assert_eq!(read(&twice), Err(EnvelopeError::NotAnEnvelope));
        assert_eq!(read(&(good.clone() + "x")), Err(EnvelopeError::NotAnEnvelope));
        let nested = good.replace('{', &format!(r#"{{"x":{}"#, "[".repeat(100_000)));
        assert_eq!(read(&nested), Err(EnvelopeError::NotAnEnvelope));
        let mut not_utf8 = good.into_bytes();
        not_utf8[60] = 0xff;
        let limits = Limits::default();
        assert_eq!(Envelope::from_json(&not_utf8, &limits), Err(EnvelopeError::NotAnEnvelope));
    }

    #[test]
    fn base64_without_padding_of_another_alphabet_or_with_spaces_is_refused() {
        for text in ["aw", "aw=", "a_-=", "aw==\\n", "aw= =", "="] {
            assert_eq!(read(&with(TYPE, "1.1", text, "aw==")), Err(EnvelopeError::Unreadable), "{text}");
            assert_eq!(read(&with(TYPE, "1.1", "aw==", text)), Err(EnvelopeError::Unreadable), "{text}");
        }
    }

    #[test]
    fn more_bytes_than_the_limit_are_refused_unread() {
        let json = with(TYPE, "1.1", "aw==", "aw==");
        let limits = |max_envelope_bytes| Limits { max_envelope_bytes, ..Limits::default() };
        let limit_bytes = json.len() - 1;
        let refused = Envelope::from_json(json.as_bytes(), &limits(limit_bytes));
        assert_eq!(refused, Err(EnvelopeError::TooLarge { limit_bytes }));
        assert!(Envelope::from_json(json.as_bytes(), &limits(json.len())).is_ok());
    }
}
