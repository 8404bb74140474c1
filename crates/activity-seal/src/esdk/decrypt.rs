//! Reading a message that nobody vouches for.
//!
//! The order is: structure of the header, key, commitment, header tag, structure of all frames, limit, and only
//! then memory for the plaintext and the frames' tags one after the other. The plaintext leaves this file when
//! the last tag was right; on the way to any error what was decrypted so far is wiped.

use zeroize::Zeroizing;

use super::cipher::Cipher;
use super::error::EsdkError;
use super::frame::{self, Frames};
use super::header::Header;
use super::kdf::{self, Derived};
use super::wrapping_key::WrappingKey;
use super::{IV_BYTES, WRAPPED_KEY_BYTES};
use crate::secret_page::scrub_stack;

/// Decrypts `message`, which must be exactly one message of at most `max_plaintext_bytes`.
///
/// # Errors
/// [`EsdkError`]; then nothing of the plaintext is returned, however much of it was authentic.
pub fn decrypt(
    message: &[u8],
    wrapping_key: &WrappingKey,
    max_plaintext_bytes: usize,
) -> Result<Vec<u8>, EsdkError> {
    let parsed = Header::parse(message)?;
    let header = parsed.header;
    let secret = unwrap(wrapping_key, header.wrap_iv, header.wrapped_key)?;
    let derived = kdf::derive(header.suite, &secret, header.message_id)?;
    check_commitment(&derived, header.commitment)?;
    let cipher = Cipher::new(&derived.key);
    cipher.decrypt(&frame::iv(0), parsed.covered, &mut [], parsed.tag)?;
    let frames = Frames::new(parsed.body, header.frame_bytes);
    let plaintext_bytes = measure(frames.clone(), max_plaintext_bytes)?;
    decrypt_frames(frames, header.message_id, &cipher, plaintext_bytes)
}

fn unwrap(
    wrapping_key: &WrappingKey,
    wrap_iv: &[u8; IV_BYTES],
    wrapped_key: &[u8; WRAPPED_KEY_BYTES],
) -> Result<Zeroizing<[u8; 32]>, EsdkError> {
    let (text, rest) = wrapped_key.split_first_chunk::<32>().ok_or(EsdkError::Library)?;
    let tag = rest.first_chunk().ok_or(EsdkError::Library)?;
    let mut secret = Zeroizing::new(*text);
    let opened = wrapping_key.cipher().decrypt(wrap_iv, &[], &mut *secret, tag);
    scrub_stack();
    opened.map(|()| secret)
}

/// Compares without stopping at the first difference.
fn check_commitment(derived: &Derived, found: &[u8]) -> Result<(), EsdkError> {
    let made = derived.commitment();
    let difference = made.iter().zip(found).fold(0, |bits, (a, b)| bits | (a ^ b));
    if made.len() == found.len() && difference == 0 { Ok(()) } else { Err(EsdkError::NotAuthentic) }
}

/// Walks through all frames and sums up their plaintext.
fn measure(frames: Frames<'_>, limit_bytes: usize) -> Result<usize, EsdkError> {
    let mut total: usize = 0;
    for frame in frames {
        total = total.saturating_add(frame?.ciphertext.len());
        if total > limit_bytes {
            return Err(EsdkError::TooLarge { limit_bytes });
        }
    }
    Ok(total)
}

fn decrypt_frames(
    frames: Frames<'_>,
    message_id: &[u8],
    cipher: &Cipher,
    plaintext_bytes: usize,
) -> Result<Vec<u8>, EsdkError> {
    let mut associated = Vec::with_capacity(128);
    let mut plaintext = Zeroizing::new(Vec::with_capacity(plaintext_bytes));
    for frame in frames {
        let frame = frame?;
        let content = u64::try_from(frame.ciphertext.len()).map_err(|_| EsdkError::Library)?;
        frame::associated_data(&mut associated, message_id, frame.sequence, frame.last, content);
        let start = plaintext.len();
        plaintext.extend_from_slice(frame.ciphertext);
        let text = plaintext.get_mut(start..).ok_or(EsdkError::Library)?;
        cipher.decrypt(&frame::iv(frame.sequence), &associated, text, frame.tag)?;
    }
    Ok(std::mem::take(&mut *plaintext))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::esdk::{FRAME_BYTES, Suite};

    /// A message of 0x0478 with one empty frame, all its tags right, and `commitment` in its header.
    fn message_with_commitment(change: impl FnOnce(&mut [u8; 32])) -> Vec<u8> {
        let (wrap_iv, message_id) = ([1; IV_BYTES], [2; 32]);
        let mut wrapped_key = [3; WRAPPED_KEY_BYTES];
        let (text, tag) = wrapped_key.split_at_mut(32);
        tag.copy_from_slice(&Cipher::new(&[0; 32]).encrypt(&wrap_iv, &[], text).unwrap());
        let derived = kdf::derive(Suite::CommittingHkdfSha512, &[3; 32], &message_id).unwrap();
        let mut commitment = derived.commitment.unwrap();
        change(&mut commitment);
        let header = Header {
            suite: Suite::CommittingHkdfSha512,
            message_id: &message_id,
            wrap_iv: &wrap_iv,
            wrapped_key: &wrapped_key,
            frame_bytes: FRAME_BYTES,
            commitment: &commitment,
        };
        let cipher = Cipher::new(&derived.key);
        let (mut out, mut associated) = (Vec::new(), Vec::new());
        header.write_covered(&mut out);
        let tag = cipher.encrypt(&frame::iv(0), &out, &mut []).unwrap();
        header.write_tag(&tag, &mut out);
        out.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1]);
        out.extend_from_slice(&frame::iv(1));
        out.extend_from_slice(&[0; 4]);
        frame::associated_data(&mut associated, &message_id, 1, true, 0);
        out.extend_from_slice(&cipher.encrypt(&frame::iv(1), &associated, &mut []).unwrap());
        out
    }

    #[test]
    fn a_commitment_to_another_key_is_refused_though_every_tag_is_right() {
        let key = WrappingKey::new(&[0; 32]);
        assert_eq!(decrypt(&message_with_commitment(|_| ()), &key, 0), Ok(vec![]));
        for at in 0..32 {
            let message = message_with_commitment(|commitment| commitment[at] ^= 1);
            assert_eq!(decrypt(&message, &key, 0), Err(EsdkError::NotAuthentic), "byte {at}");
        }
    }
}
