//! From the data of a Kinesis record to its inner JSON: the consumer's way.

use crate::envelope::{Envelope, EnvelopeError};
use crate::esdk::{self, EsdkError, WrappingKey};
use crate::gzip::{self, GzipError};
use crate::limits::Limits;

/// Why a record could not be opened. No variant carries bytes of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The outer JSON.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The encrypted message.
    #[error(transparent)]
    Esdk(#[from] EsdkError),
    /// The compressed payload.
    #[error(transparent)]
    Gzip(#[from] GzipError),
}

/// Opens `envelope_json`, the whole data of a record, with the plaintext that KMS gave for its `key`.
///
/// Returns the inner JSON's bytes, authenticated but not parsed.
///
/// # Errors
/// [`OpenError`]: not an envelope, not a message that this key authenticates, or larger than `limits`.
pub fn open(envelope_json: &[u8], plaintext_key: &[u8; 32], limits: &Limits) -> Result<Vec<u8>, OpenError> {
    let envelope = Envelope::from_json(envelope_json, limits)?;
    open_envelope(&envelope, &WrappingKey::new(plaintext_key), limits)
}

/// [`open()`] for a caller that parsed the envelope first, to have its `key` decrypted or found in a cache.
///
/// # Errors
/// As [`open()`].
pub fn open_envelope(envelope: &Envelope, key: &WrappingKey, limits: &Limits) -> Result<Vec<u8>, OpenError> {
    let compressed = esdk::decrypt(&envelope.message, key, limits.max_envelope_bytes)?;
    Ok(gzip::decompress(&compressed, limits.max_inner_bytes)?)
}
