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

/// [`seal()`] with a chosen suite and source of randomness.
///
/// # Errors
/// As [`seal()`].
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{Limits, MAX_RECORD_BYTES, PARTITION_KEY_BYTES};
    use crate::open::open;
    use crate::random::RandomError;

    fn key() -> DataKey {
        DataKey::new(&[5; 32], vec![1; 184]).unwrap()
    }

    /// Bytes that gzip cannot shorten.
    fn noise(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        SystemRandom.fill(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_record_that_fits_with_its_partition_key_is_sealed_and_opens() {
        let inner = noise(770_000);
        let sealed = seal(&inner, &key()).unwrap();
        assert!(sealed.len() + PARTITION_KEY_BYTES <= MAX_RECORD_BYTES);
        assert_eq!(open(&sealed, &[5; 32], &Limits::default()), Ok(inner));
    }

    #[test]
    fn a_record_that_no_stream_takes_is_told_from_one_that_no_consumer_opens() {
        let too_large = |inner: &[u8]| match seal(inner, &key()) {
            Err(SealError::TooLarge { what, bytes, limit }) => (what, bytes > limit, limit),
            other => panic!("{other:?}"),
        };
        assert_eq!(too_large(&noise(800_000)), ("sealed data", true, MAX_ENVELOPE_BYTES));
        assert_eq!(too_large(&vec![b' '; MAX_INNER_BYTES + 1]), ("JSON", true, MAX_INNER_BYTES));
    }

    #[test]
    fn two_seals_of_the_same_record_have_nothing_secret_in_common() {
        let (one, two) = (seal(b"{}", &key()).unwrap(), seal(b"{}", &key()).unwrap());
        let read = |json: &[u8]| Envelope::from_json(json, &Limits::default()).unwrap().message;
        let (one, two) = (read(&one), read(&two));
        for (part, range) in [("message id", 4..20), ("wrap IV", 45..57), ("wrapped key", 59..107)] {
            assert_ne!(one[range.clone()], two[range], "{part}");
        }
        assert_ne!(one[145..], two[145..]);
    }

    #[test]
    fn without_randomness_nothing_is_sealed() {
        struct Broken;
        impl Random for Broken {
            fn fill(&mut self, _: &mut [u8]) -> Result<(), RandomError> {
                Err(RandomError)
            }
        }
        let refused = seal_with(b"{}", &key(), Suite::default(), &mut Broken);
        assert_eq!(refused, Err(SealError::Esdk(EsdkError::Random(RandomError))));
    }
}
