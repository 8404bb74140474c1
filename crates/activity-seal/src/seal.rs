//! From inner JSON to the data of a Kinesis record.

use crate::data_key::DataKey;
use crate::envelope::Envelope;
use crate::esdk::{self, EsdkError, Suite};
use crate::gzip;
use crate::limits::{MAX_ENVELOPE_BYTES, MAX_INNER_BYTES};
use crate::random::{Random, SystemRandom};

/// Why a record could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The record would not fit: seal fewer events at a time.
    #[error("the record has {bytes} bytes of {what}; {limit} fit")]
    TooLarge {
        /// Which size: `"JSON"` before sealing, `"sealed data"` after.
        what: &'static str,
        /// The size it has.
        bytes: usize,
        /// The size it may have: [`MAX_INNER_BYTES`] or [`MAX_ENVELOPE_BYTES`].
        limit: usize,
    },
    /// The compressor failed.
    #[error("could not compress the record")]
    Compress,
    /// The message could not be made.
    #[error(transparent)]
    Esdk(#[from] EsdkError),
}

/// Seals `inner_json` under `key`: gzip, then a message of the default [`Suite`], then the envelope.
///
/// # Errors
/// [`SealError::TooLarge`] for what no stream takes or no consumer opens; else the randomness or the compressor
/// failed, and the same call may succeed later.
pub fn seal(inner_json: &[u8], key: &DataKey) -> Result<Vec<u8>, SealError> {
    seal_with(inner_json, key, Suite::default(), &mut SystemRandom)
}

/// [`seal`] with a chosen suite and source of randomness.
///
/// # Errors
/// As [`seal`].
pub fn seal_with(
    inner_json: &[u8],
    key: &DataKey,
    suite: Suite,
    random: &mut impl Random,
) -> Result<Vec<u8>, SealError> {
    within("JSON", inner_json.len(), MAX_INNER_BYTES)?;
    let compressed = gzip::compress(inner_json).map_err(|_| SealError::Compress)?;
    let message = esdk::encrypt(&compressed, key.wrapping(), suite, random)?;
    let envelope = Envelope { message, key: key.ciphertext_blob().to_vec() };
    within("sealed data", envelope.json_bytes(), MAX_ENVELOPE_BYTES)?;
    Ok(envelope.to_json())
}

fn within(what: &'static str, bytes: usize, limit: usize) -> Result<(), SealError> {
    if bytes > limit { Err(SealError::TooLarge { what, bytes, limit }) } else { Ok(()) }
}
