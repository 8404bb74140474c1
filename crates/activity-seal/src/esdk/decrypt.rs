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
    Cipher::new(wrapping_key.bytes()).decrypt(wrap_iv, &[], &mut *secret, tag)?;
    Ok(secret)
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
