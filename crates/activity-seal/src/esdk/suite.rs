//! The two algorithm suites.

use super::error::EsdkError;

/// An algorithm suite: AES-256-GCM with 12-byte IVs and 16-byte tags, without signature, in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Suite {
    /// 0x0178: key by HKDF-SHA256, no key commitment. What Aurora writes and its consumers read.
    #[default]
    HkdfSha256,
    /// 0x0478: key by HKDF-SHA512, with key commitment. Consumers must allow it by their commitment policy.
    CommittingHkdfSha512,
}

impl Suite {
    /// The suite's number in the message.
    #[must_use]
    pub const fn id(self) -> u16 {
        match self {
            Self::HkdfSha256 => 0x0178,
            Self::CommittingHkdfSha512 => 0x0478,
        }
    }

    /// The message format's version, which is the message's first byte.
    #[must_use]
    pub const fn message_version(self) -> u8 {
        match self {
            Self::HkdfSha256 => 1,
            Self::CommittingHkdfSha512 => 2,
        }
    }

    /// Bytes of the message id.
    #[must_use]
    pub const fn message_id_bytes(self) -> usize {
        match self {
            Self::HkdfSha256 => 16,
            Self::CommittingHkdfSha512 => 32,
        }
    }

    /// Bytes of the key commitment at the end of the header; 0 for none.
    #[must_use]
    pub const fn commitment_bytes(self) -> usize {
        match self {
            Self::HkdfSha256 => 0,
            Self::CommittingHkdfSha512 => 32,
        }
    }

    /// The suite of this number in a message of this version.
    pub(super) fn from_wire(message_version: u8, id: u16) -> Result<Self, EsdkError> {
        [Self::HkdfSha256, Self::CommittingHkdfSha512]
            .into_iter()
            .find(|suite| suite.message_version() == message_version && suite.id() == id)
            .ok_or(EsdkError::Unsupported("algorithm suite"))
    }
}
