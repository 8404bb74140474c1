//! Writing a message.

use zeroize::Zeroizing;

use super::cipher::Cipher;
use super::error::EsdkError;
use super::frame::{self, FRAME_OVERHEAD_BYTES, LAST_FRAME_MARK, LAST_FRAME_OVERHEAD_BYTES};
use super::header::Header;
use super::suite::Suite;
use super::wrapping_key::WrappingKey;
use super::{FRAME_BYTES, IV_BYTES, TAG_BYTES, WRAPPED_KEY_BYTES, kdf};
use crate::random::Random;
use crate::secret_page::scrub_stack;

/// [`FRAME_BYTES`] as a length in memory.
const FRAME_CAPACITY: usize = FRAME_BYTES as usize;
/// No header of either suite is longer.
const HEADER_CAPACITY: usize = 192;

/// Encrypts `plaintext` into a message of its own, in frames of [`FRAME_BYTES`].
///
/// Takes its message id, wrap IV and key from `random`, in this order.
///
/// # Errors
/// [`EsdkError::Random`] without randomness, [`EsdkError::PlaintextTooLong`] beyond 16 TiB.
pub fn encrypt(
    plaintext: &[u8],
    wrapping_key: &WrappingKey,
    suite: Suite,
    random: &mut impl Random,
) -> Result<Vec<u8>, EsdkError> {
    let mut id = [0; 32];
    let (message_id, _) = id.split_at_mut_checked(suite.message_id_bytes()).ok_or(EsdkError::Library)?;
    random.fill(message_id)?;
    let mut wrap_iv = [0; IV_BYTES];
    random.fill(&mut wrap_iv)?;
    let mut secret = Zeroizing::new([0; 32]);
    random.fill(&mut *secret)?;

    let derived = kdf::derive(suite, &secret, message_id)?;
    let wrapped_key = wrap(wrapping_key, &wrap_iv, &secret)?;
    let header = Header {
        suite,
        message_id,
        wrap_iv: &wrap_iv,
        wrapped_key: &wrapped_key,
        frame_bytes: FRAME_BYTES,
        commitment: derived.commitment(),
    };
    let cipher = Cipher::new(&derived.key);
    let mut out = Vec::with_capacity(message_capacity(plaintext.len()));
    header.write_covered(&mut out);
    let tag = cipher.encrypt(&frame::iv(0), &out, &mut [])?;
    header.write_tag(&tag, &mut out);
    write_frames(plaintext, message_id, &cipher, &mut out)?;
    Ok(out)
}

/// Encrypts the message's key under the data key. With no encryption context there is no associated data.
fn wrap(
    wrapping_key: &WrappingKey,
    wrap_iv: &[u8; IV_BYTES],
    secret: &[u8; 32],
) -> Result<[u8; WRAPPED_KEY_BYTES], EsdkError> {
    // On every way out of here but success nothing was encrypted, so the copy is wiped with the rest.
    let mut wrapped = Zeroizing::new([0; WRAPPED_KEY_BYTES]);
    let (text, tag) = wrapped.split_first_chunk_mut::<32>().ok_or(EsdkError::Library)?;
    text.copy_from_slice(secret);
    let made = wrapping_key.cipher().encrypt(wrap_iv, &[], text);
    scrub_stack();
    let made = made?;
    tag.copy_from_slice(&made);
    Ok(*wrapped)
}

fn write_frames(
    plaintext: &[u8],
    message_id: &[u8],
    cipher: &Cipher,
    out: &mut Vec<u8>,
) -> Result<(), EsdkError> {
    let mut associated = Vec::with_capacity(128);
    let mut rest = plaintext;
    let mut sequence: u32 = 1;
    loop {
        // A full frame is the last one if nothing follows it; an empty plaintext is one empty frame.
        let (content, after) = rest.split_at_checked(FRAME_CAPACITY).unwrap_or((rest, &[]));
        let last = after.is_empty();
        let length = u32::try_from(content.len()).map_err(|_| EsdkError::Library)?;
        if last {
            out.extend_from_slice(&LAST_FRAME_MARK.to_be_bytes());
        }
        out.extend_from_slice(&sequence.to_be_bytes());
        out.extend_from_slice(&frame::iv(sequence));
        if last {
            out.extend_from_slice(&length.to_be_bytes());
        }
        frame::associated_data(&mut associated, message_id, sequence, last, length.into());
        let start = out.len();
        out.extend_from_slice(content);
        let text = out.get_mut(start..).ok_or(EsdkError::Library)?;
        let tag: [u8; TAG_BYTES] = cipher.encrypt(&frame::iv(sequence), &associated, text)?;
        out.extend_from_slice(&tag);
        if last {
            return Ok(());
        }
        rest = after;
        sequence = next_sequence(sequence)?;
    }
}

/// Sequence numbers end before the mark of the last frame.
fn next_sequence(sequence: u32) -> Result<u32, EsdkError> {
    match sequence.checked_add(1) {
        Some(next) if next != LAST_FRAME_MARK => Ok(next),
        _ => Err(EsdkError::PlaintextTooLong),
    }
}

/// At least the bytes of a message with that much plaintext.
fn message_capacity(plaintext_bytes: usize) -> usize {
    let frames = plaintext_bytes / FRAME_CAPACITY;
    HEADER_CAPACITY
        .saturating_add(plaintext_bytes)
        .saturating_add(frames.saturating_mul(FRAME_OVERHEAD_BYTES))
        .saturating_add(LAST_FRAME_OVERHEAD_BYTES)
}
