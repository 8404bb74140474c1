//! A data key as KMS gives it: the plaintext that wraps, and the ciphertext that travels.

use std::fmt;

use crate::esdk::WrappingKey;
use crate::limits::MAX_CIPHERTEXT_BLOB_BYTES;

/// An AES-256 data key made by KMS `GenerateDataKey`.
///
/// The plaintext is zeroized when the key is dropped; `Debug` shows neither half.
pub struct DataKey {
    wrapping: WrappingKey,
    ciphertext_blob: Vec<u8>,
}

/// KMS gave something that is no AES-256 data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DataKeyError {
    /// The plaintext does not have 32 bytes.
    #[error("the plaintext data key has {0} bytes instead of 32")]
    PlaintextLength(usize),
    /// The ciphertext is empty or larger than KMS makes it.
    #[error("the encrypted data key has {0} bytes; 1 to {MAX_CIPHERTEXT_BLOB_BYTES} were expected")]
    CiphertextLength(usize),
}

impl DataKey {
    /// A data key from the two halves of KMS's answer. The caller zeroizes its own copy of the plaintext.
    ///
    /// # Errors
    /// [`DataKeyError`] when either half has a length that an AES-256 data key cannot have.
    pub fn new(plaintext: &[u8], ciphertext_blob: Vec<u8>) -> Result<Self, DataKeyError> {
        let plaintext: &[u8; 32] =
            plaintext.try_into().map_err(|_| DataKeyError::PlaintextLength(plaintext.len()))?;
        if ciphertext_blob.is_empty() || ciphertext_blob.len() > MAX_CIPHERTEXT_BLOB_BYTES {
            return Err(DataKeyError::CiphertextLength(ciphertext_blob.len()));
        }
        Ok(Self { wrapping: WrappingKey::new(plaintext), ciphertext_blob })
    }

    /// The key that wraps each message's own key.
    #[must_use]
    pub fn wrapping(&self) -> &WrappingKey {
        &self.wrapping
    }

    /// The key as KMS encrypted it: the envelope's `key` before base64.
    #[must_use]
    pub fn ciphertext_blob(&self) -> &[u8] {
        &self.ciphertext_blob
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_lengths_are_refused() {
        assert_eq!(DataKey::new(&[0; 31], vec![1]).err(), Some(DataKeyError::PlaintextLength(31)));
        assert_eq!(DataKey::new(&[0; 32], vec![]).err(), Some(DataKeyError::CiphertextLength(0)));
        assert_eq!(DataKey::new(&[0; 32], vec![0; 6145]).err(), Some(DataKeyError::CiphertextLength(6145)));
        assert!(DataKey::new(&[0; 32], vec![0; 6144]).is_ok());
    }

    #[test]
    fn debug_output_shows_no_key_bytes() {
        let key = DataKey::new(&[0xAB; 32], vec![0xCD; 4]).unwrap();
        assert_eq!(format!("{key:?}"), "DataKey { .. }");
        assert_eq!(format!("{:?}", key.wrapping()), "WrappingKey { .. }");
    }
}
