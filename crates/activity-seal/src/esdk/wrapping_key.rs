//! The key that wraps each message's key.

use std::fmt;

use super::cipher::Cipher;
use crate::secret_page::SecretPage;

/// A 32-byte AES wrapping key: the plaintext of a KMS data key.
///
/// Only its schedule is kept, of which the key is the first part, in a locked page that is wiped when it is dropped.
pub struct WrappingKey(SecretPage<Cipher>);

impl WrappingKey {
    /// From the bytes of `key`; the caller zeroizes its own.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(SecretPage::new(|| Cipher::new(key)))
    }

    /// Who encrypts with it calls [`scrub_stack`](crate::secret_page::scrub_stack) afterwards.
    pub(super) fn cipher(&self) -> &Cipher {
        &self.0
    }
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrappingKey").finish_non_exhaustive()
    }
}
