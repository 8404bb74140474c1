//! Reads an untrusted message from front to back; every read checks that it is there.

use super::error::EsdkError;

/// What is left of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The bytes not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], EsdkError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(EsdkError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    pub(super) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], EsdkError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(EsdkError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, EsdkError> {
        Ok(u8::from_be_bytes(*self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, EsdkError> {
        Ok(u16::from_be_bytes(*self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, EsdkError> {
        Ok(u32::from_be_bytes(*self.array()?))
    }

    /// A u16 length and that many bytes, which must be exactly `expected`.
    pub(super) fn expect_field(&mut self, expected: &[u8], otherwise: EsdkError) -> Result<(), EsdkError> {
        let length = usize::from(self.u16()?);
        if self.take(length)? == expected { Ok(()) } else { Err(otherwise) }
    }
}
