//! AES-256-GCM with this format's lengths.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};

use super::error::EsdkError;
use super::{IV_BYTES, TAG_BYTES};

/// A key ready for use; its schedule is zeroized when dropped.
pub(super) struct Cipher(Aes256Gcm);

impl Cipher {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    /// Encrypts `text` in place and returns its tag, which covers `associated` too.
    pub(super) fn encrypt(
        &self,
        iv: &[u8; IV_BYTES],
        associated: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], EsdkError> {
        self.0
            .encrypt_inout_detached(iv.into(), associated, InOutBuf::from(text))
            .map(Into::into)
            .map_err(|_| EsdkError::Library)
    }

    /// Decrypts `text` in place if `tag` is right for it and `associated`; else leaves it encrypted.
    pub(super) fn decrypt(
        &self,
        iv: &[u8; IV_BYTES],
        associated: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), EsdkError> {
        self.0
            .decrypt_inout_detached(iv.into(), associated, InOutBuf::from(text), tag.into())
            .map_err(|_| EsdkError::NotAuthentic)
    }
}
