//! The key that wraps each message's key.

use std::fmt;

use zeroize::Zeroizing;

/// A 32-byte AES wrapping key: the plaintext of a KMS data key.
///
/// It lives on the heap, so that moving it leaves no copies behind, and is zeroized when dropped.
pub struct WrappingKey(Box<Zeroizing<[u8; 32]>>);

impl WrappingKey {
    /// A copy of `key`; the caller zeroizes its own.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        let mut own = Box::new(Zeroizing::new([0; 32]));
        own.copy_from_slice(key);
        Self(own)
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrappingKey").finish_non_exhaustive()
    }
}
