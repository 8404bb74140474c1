//! What can be wrong with a message, said without repeating any of it.

use crate::random::RandomError;

/// Why a message could not be made or read.
///
/// Every text is constant: a message from an attacker cannot put words into a log, and all failures of
/// authentication look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EsdkError {
    /// The message ends before its structure does.
    #[error("the encrypted message is cut short")]
    Truncated,
    /// Something has a value that the format does not allow.
    #[error("the encrypted message is malformed: {0}")]
    Malformed(&'static str),
    /// The format allows it, activity streams do not use it.
    #[error("the encrypted message has an unsupported {0}")]
    Unsupported(&'static str),
    /// The plaintext is longer than the caller accepts.
    #[error("the encrypted message holds more than {limit_bytes} bytes")]
    TooLarge {
        /// The limit that was given.
        limit_bytes: usize,
    },
    /// A tag or the key commitment is wrong: another key, or a changed message.
    #[error("the encrypted message is not authentic, or was made with another key")]
    NotAuthentic,
    /// The plaintext needs more frames than can be numbered.
    #[error("the plaintext is too long for one message")]
    PlaintextTooLong,
    /// No randomness for a new key.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The cipher or the key derivation refused lengths that are fixed here.
    #[error("the cryptographic library refused a fixed length")]
    Library,
}
