//! From a message's random key to the key its header and frames are encrypted with.
//!
//! 0x0178: HKDF-SHA256, no salt, info = suite id ‖ message id.
//! 0x0478: HKDF-SHA512, salt = message id; info = suite id ‖ `DERIVEKEY` gives the key, `COMMITKEY` the commitment.

use hkdf::Hkdf;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use super::error::EsdkError;
use super::suite::Suite;

/// What is derived for one message.
pub(super) struct Derived {
    /// Encrypts header and frames.
    pub(super) key: Zeroizing<[u8; 32]>,
    /// Proves that the message was made for this key; public. `None` for the suite without commitment.
    pub(super) commitment: Option<[u8; 32]>,
}

impl Derived {
    /// The commitment as it stands in the header.
    pub(super) fn commitment(&self) -> &[u8] {
        self.commitment.as_ref().map_or(&[], |bytes| bytes)
    }
}

/// Derives from `secret`, the unwrapped random key of the message called `message_id`.
pub(super) fn derive(suite: Suite, secret: &[u8; 32], message_id: &[u8]) -> Result<Derived, EsdkError> {
    let id = suite.id().to_be_bytes();
    let mut key = Zeroizing::new([0; 32]);
    let commitment = match suite {
        Suite::HkdfSha256 => {
            expand(Hkdf::<Sha256>::new(None, secret).expand_multi_info(&[&id, message_id], &mut *key))?;
            None
        }
        Suite::CommittingHkdfSha512 => {
            let hkdf = Hkdf::<Sha512>::new(Some(message_id), secret);
            let mut commitment = [0; 32];
            expand(hkdf.expand_multi_info(&[&id, b"DERIVEKEY"], &mut *key))?;
            expand(hkdf.expand(b"COMMITKEY", &mut commitment))?;
            Some(commitment)
        }
    };
    Ok(Derived { key, commitment })
}

fn expand(result: Result<(), hkdf::InvalidLength>) -> Result<(), EsdkError> {
    result.map_err(|_| EsdkError::Library)
}
