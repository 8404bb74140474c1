//! Encryption SDK messages: from a stream on which anybody with the right to put records can put any.
//!
//! * What decrypts is shorter than its message, and with any bit changed it decrypts no more.
//! * What was encrypted decrypts to the same, under its key alone, within its length alone.
//! * What was encrypted and then changed in any way does not decrypt.

use activity_seal::esdk::{self, EsdkError, Header, Suite, WrappingKey};
use activity_seal::random::{Random, RandomError};

use crate::damage::damage;
use crate::input::Input;

pub(super) const KEY: [u8; 32] = [0x2A; 32];

/// Four frames.
const MAX_PLAINTEXT_BYTES: usize = 4 * esdk::FRAME_BYTES as usize;

pub(super) fn check(bytes: &[u8]) {
    message_of_anybody(bytes);
    message_of_ours(&mut Input::new(bytes));
}

fn message_of_anybody(message: &[u8]) {
    let key = WrappingKey::new(&KEY);
    if let Ok(parsed) = Header::parse(message) {
        let header = parsed.covered.len() + parsed.tag.len() + parsed.body.len();
        assert!(header <= message.len() && message.starts_with(parsed.covered));
        assert!(message.ends_with(parsed.body));
        assert_eq!(parsed.header.message_id.len(), parsed.header.suite.message_id_bytes());
    }
    if let Ok(plaintext) = esdk::decrypt(message, &key, message.len()) {
        assert!(plaintext.len() < message.len());
        let mut changed = message.to_vec();
        let at = plaintext.len() % changed.len();
        changed[at] ^= 1 << (plaintext.len() % 8);
        assert!(esdk::decrypt(&changed, &key, message.len()).is_err(), "byte {at} is not covered");
    }
}

fn message_of_ours(input: &mut Input<'_>) {
    let suite = input.pick(&[Suite::HkdfSha256, Suite::CommittingHkdfSha512]);
    let mut random = Sequence(input.u64());
    let plaintext = plaintext(input);
    let key = WrappingKey::new(&KEY);
    let message = esdk::encrypt(&plaintext, &key, suite, &mut random).expect("a message");
    assert_eq!(esdk::decrypt(&message, &key, plaintext.len()), Ok(plaintext.clone()));
    let other = WrappingKey::new(&[0x2B; 32]);
    assert_eq!(esdk::decrypt(&message, &other, plaintext.len()), Err(EsdkError::NotAuthentic));
    if let Some(limit_bytes) = plaintext.len().checked_sub(1) {
        assert_eq!(esdk::decrypt(&message, &key, limit_bytes), Err(EsdkError::TooLarge { limit_bytes }));
    }
    let mut changed = message.clone();
    damage(&mut changed, input);
    if changed != message {
        let refused = esdk::decrypt(&changed, &key, 2 * MAX_PLAINTEXT_BYTES);
        assert!(refused.is_err(), "a changed message was decrypted");
    }
}

/// A piece of the input, repeated to any length.
fn plaintext(input: &mut Input<'_>) -> Vec<u8> {
    let length = input.below(MAX_PLAINTEXT_BYTES + 1);
    let pattern = input.bytes(16);
    let pattern = if pattern.is_empty() { b" " } else { pattern };
    pattern.iter().copied().cycle().take(length).collect()
}

/// Random enough, and the same each time.
pub(super) struct Sequence(pub(super) u64);

impl Random for Sequence {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomError> {
        for byte in out {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = self.0.to_be_bytes()[0];
        }
        Ok(())
    }
}
