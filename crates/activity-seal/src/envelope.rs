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
