//! The header: written from its variable parts, parsed back into them.

use super::error::EsdkError;
use super::reader::Reader;
use super::suite::Suite;
use super::{IV_BYTES, KEY_NAME, PROVIDER_ID, TAG_BYTES, WRAPPED_KEY_BYTES};

/// Marks a customer's authenticated encrypted data: the only type of message version 1.
const MESSAGE_TYPE: u8 = 0x80;
/// Framed, as opposed to one block.
const CONTENT_FRAMED: u8 = 2;
/// Message version 1 repeats the IV length, as one byte; provider information has it as a u32.
const IV_LENGTH: u8 = 12;
/// Bits of a tag, in provider information.
const TAG_BITS: u32 = 128;
/// Key name, two u32 and the wrap IV.
const PROVIDER_INFO_BYTES: usize = KEY_NAME.len() + 4 + 4 + IV_BYTES;

// The lengths go into the message as u16.
const _: () = assert!(PROVIDER_ID.len() == 2 && PROVIDER_INFO_BYTES == 27 && WRAPPED_KEY_BYTES == 48);

/// The parts of a header that differ from message to message; all else is fixed (see the [module](super)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// The algorithm suite, which decides the message version and the lengths of the other parts.
    pub suite: Suite,
    /// Random; [`Suite::message_id_bytes`] long.
    pub message_id: &'a [u8],
    /// IV under which the message's key is wrapped.
    pub wrap_iv: &'a [u8; IV_BYTES],
    /// The message's key, wrapped, with its tag.
    pub wrapped_key: &'a [u8; WRAPPED_KEY_BYTES],
    /// Plaintext bytes in every frame but the last; not 0.
    pub frame_bytes: u32,
    /// The key commitment; [`Suite::commitment_bytes`] long.
    pub commitment: &'a [u8],
}

/// A header found at the start of a message, nothing of it verified yet.
#[derive(Debug, Clone, Copy)]
pub struct ParsedHeader<'a> {
    /// Its variable parts.
    pub header: Header<'a>,
    /// The bytes that its tag covers.
    pub covered: &'a [u8],
    /// Its tag.
    pub tag: &'a [u8; TAG_BYTES],
    /// What follows the header: the frames.
    pub body: &'a [u8],
}

impl<'a> Header<'a> {
    /// Appends the part of the header that its tag covers.
    pub(super) fn write_covered(&self, out: &mut Vec<u8>) {
        out.push(self.suite.message_version());
        if self.suite == Suite::HkdfSha256 {
            out.push(MESSAGE_TYPE);
        }
        out.extend_from_slice(&self.suite.id().to_be_bytes());
        out.extend_from_slice(self.message_id);
        push_u16(out, 0); // no encryption context
        push_u16(out, 1); // one encrypted data key
        push_u16(out, PROVIDER_ID.len());
        out.extend_from_slice(PROVIDER_ID);
        push_u16(out, PROVIDER_INFO_BYTES);
        out.extend_from_slice(KEY_NAME);
        out.extend_from_slice(&TAG_BITS.to_be_bytes());
        out.extend_from_slice(&u32::from(IV_LENGTH).to_be_bytes());
        out.extend_from_slice(self.wrap_iv);
        push_u16(out, WRAPPED_KEY_BYTES);
        out.extend_from_slice(self.wrapped_key);
        out.push(CONTENT_FRAMED);
        if self.suite == Suite::HkdfSha256 {
            out.extend_from_slice(&[0, 0, 0, 0, IV_LENGTH]);
        }
        out.extend_from_slice(&self.frame_bytes.to_be_bytes());
        out.extend_from_slice(self.commitment);
    }

    /// Appends the header's tag, with the IV before it where the message version has one.
    pub(super) fn write_tag(&self, tag: &[u8; TAG_BYTES], out: &mut Vec<u8>) {
        if self.suite == Suite::HkdfSha256 {
            out.extend_from_slice(&[0; IV_BYTES]);
        }
        out.extend_from_slice(tag);
    }

    /// Finds the header at the start of `message`. It is not authenticated by that.
    ///
    /// # Errors
    /// [`EsdkError::Truncated`], [`EsdkError::Malformed`] or [`EsdkError::Unsupported`].
    pub fn parse(message: &'a [u8]) -> Result<ParsedHeader<'a>, EsdkError> {
        let mut reader = Reader::new(message);
        let suite = parse_suite(&mut reader)?;
        let message_id = reader.take(suite.message_id_bytes())?;
        reader.expect_field(&[], EsdkError::Unsupported("encryption context"))?;
        let (wrap_iv, wrapped_key) = parse_encrypted_data_key(&mut reader)?;
        let frame_bytes = parse_framing(&mut reader, suite)?;
        let commitment = reader.take(suite.commitment_bytes())?;
        let covered_bytes = message.len().saturating_sub(reader.rest().len());
        let covered = message.get(..covered_bytes).ok_or(EsdkError::Truncated)?;
        if suite == Suite::HkdfSha256 && reader.array()? != &[0; IV_BYTES] {
            return Err(EsdkError::Malformed("header IV"));
        }
        let tag = reader.array()?;
        let header = Header { suite, message_id, wrap_iv, wrapped_key, frame_bytes, commitment };
        Ok(ParsedHeader { header, covered, tag, body: reader.rest() })
    }
}

fn parse_suite(reader: &mut Reader<'_>) -> Result<Suite, EsdkError> {
    let message_version = reader.u8()?;
    if message_version == 1 && reader.u8()? != MESSAGE_TYPE {
        return Err(EsdkError::Malformed("message type"));
    }
    Suite::from_wire(message_version, reader.u16()?)
}

type WrappedKey<'a> = (&'a [u8; IV_BYTES], &'a [u8; WRAPPED_KEY_BYTES]);

fn parse_encrypted_data_key<'a>(reader: &mut Reader<'a>) -> Result<WrappedKey<'a>, EsdkError> {
    if reader.u16()? != 1 {
        return Err(EsdkError::Unsupported("number of encrypted data keys"));
    }
    reader.expect_field(PROVIDER_ID, EsdkError::Unsupported("key provider"))?;
    if usize::from(reader.u16()?) != PROVIDER_INFO_BYTES || reader.take(KEY_NAME.len())? != KEY_NAME {
        return Err(EsdkError::Unsupported("key name"));
    }
    if reader.u32()? != TAG_BITS || reader.u32()? != u32::from(IV_LENGTH) {
        return Err(EsdkError::Unsupported("key wrapping"));
    }
    let wrap_iv = reader.array()?;
    if usize::from(reader.u16()?) != WRAPPED_KEY_BYTES {
        return Err(EsdkError::Unsupported("length of the encrypted data key"));
    }
    Ok((wrap_iv, reader.array()?))
}

fn parse_framing(reader: &mut Reader<'_>, suite: Suite) -> Result<u32, EsdkError> {
    if reader.u8()? != CONTENT_FRAMED {
        return Err(EsdkError::Unsupported("content type"));
    }
    if suite == Suite::HkdfSha256 && reader.array()? != &[0, 0, 0, 0, IV_LENGTH] {
        return Err(EsdkError::Malformed("reserved bytes or IV length"));
    }
    match reader.u32()? {
        0 => Err(EsdkError::Malformed("frame length")),
        frame_bytes => Ok(frame_bytes),
    }
}

/// Appends one of this file's lengths, which are all known to fit.
fn push_u16(out: &mut Vec<u8>, value: usize) {
    out.extend_from_slice(&u16::try_from(value).unwrap_or(u16::MAX).to_be_bytes());
}
