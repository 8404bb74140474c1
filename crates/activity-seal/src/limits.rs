//! Every limit of sealing and opening, with its unit and its source.

/// Largest Kinesis record in bytes, partition key included.
///
/// Source: Kinesis Data Streams quotas, 1 MiB per record by default (a stream can be set to more).
pub const MAX_RECORD_BYTES: usize = 1024 * 1024;

/// Bytes of a partition key: a UUID in its usual form.
pub const PARTITION_KEY_BYTES: usize = 36;

/// Largest envelope in bytes: what a record holds beside its partition key.
pub const MAX_ENVELOPE_BYTES: usize = MAX_RECORD_BYTES - PARTITION_KEY_BYTES;

/// Largest inner JSON in bytes. Sealing refuses more than opening accepts by default.
///
/// A record of 1 MiB holds at most 768 KiB of gzip, which could unfold to 800 MB; a batch of the default size
/// is well under 1 MiB of JSON, and six times that when every byte has to be escaped.
pub const MAX_INNER_BYTES: usize = 16 * 1024 * 1024;

/// Largest KMS ciphertext of a data key in bytes.
///
/// Source: KMS API reference, `CiphertextBlob`, length constraint 1 to 6144.
pub const MAX_CIPHERTEXT_BLOB_BYTES: usize = 6144;

/// Messages that one data key may wrap keys for.
///
/// Source: NIST SP 800-38D section 8.3 allows 2^32 invocations with random 96-bit IVs; half of that is kept away from.
pub const MAX_MESSAGES_PER_KEY: u64 = 1 << 31;

/// What [`crate::open()`] accepts of an input that it does not trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest envelope read, in bytes.
    pub max_envelope_bytes: usize,
    /// Largest inner JSON returned, in bytes.
    pub max_inner_bytes: usize,
}

/// Records of up to 10 MiB (a stream's limit can be raised that far), inner JSON of up to [`MAX_INNER_BYTES`].
impl Default for Limits {
    fn default() -> Self {
        Self { max_envelope_bytes: 10 * MAX_RECORD_BYTES, max_inner_bytes: MAX_INNER_BYTES }
    }
}
