//! The AWS Encryption SDK message format, as far as activity streams use it.
//!
//! Numbers are big-endian; `lv(x)` is a u16 length and then x.
//!
//! ```text
//! 0x0178 (message version 1)                     0x0478 (message version 2, commits to its key)
//!   01 80 0178                                     02 0478
//!   message id [16]                                message id [32]
//!   lv(encryption context), empty: 0000            the same
//!   u16 1, encrypted data key                      the same
//!   02 (framed) 00000000 0c (IV length)            02
//!   u32 frame length                               u32 frame length
//!                                                  key commitment [32]
//!   ── the header tag covers all above ──
//!   IV [12], zero                                  tag [16]
//!   tag [16]
//!
//! encrypted data key = lv("BC") · lv("DataKey" · u32 128 · u32 12 · wrap IV [12]) · lv(AES-GCM(data key, wrap IV, K))
//!
//! frame      = u32 sequence · IV [12] · ciphertext [frame length] · tag [16]
//! last frame = ffffffff · u32 sequence · IV [12] · u32 length · ciphertext [length] · tag [16]
//! ```
//!
//! K are 32 random bytes, fresh for every message: the data key from KMS only wraps. The key of the message comes from
//! K by HKDF (see `kdf`), and because it is the message's own, header and frames count their IVs: the header has 0,
//! frames their sequence number, from 1. There is always a last frame; it may be empty or full.
//!
//! [`encrypt`] writes both suites with frames of [`FRAME_BYTES`]. [`decrypt`] reads both with any frame length, and
//! only what has the layout above: one encrypted data key of this provider and name, no encryption context.
//! The format as a whole allows more (signatures, other suites, several keys, unframed bodies); a message of
//! that kind is refused as unsupported, never half understood.
//!
//! Source: AWS Encryption SDK message format reference, versions 1 and 2, checked against two records of Amazon
//! Aurora (see `tests/real_records.rs`) and against AWS's own library (see `tests/python_interop.rs`).

mod cipher;
mod decrypt;
mod encrypt;
mod error;
mod frame;
mod header;
mod kdf;
mod reader;
mod suite;
mod wrapping_key;

pub use decrypt::decrypt;
pub use encrypt::encrypt;
pub use error::EsdkError;
pub use header::{Header, ParsedHeader};
pub use suite::Suite;
pub use wrapping_key::WrappingKey;

/// Plaintext bytes in each of our frames but the last: what Aurora's records have.
pub const FRAME_BYTES: u32 = 4096;

/// Provider id of the encrypted data key (Bouncy Castle, which is what Aurora names).
pub const PROVIDER_ID: &[u8] = b"BC";

/// Name of the wrapping key, at the head of the provider information.
pub const KEY_NAME: &[u8] = b"DataKey";

/// Bytes of every initialisation vector.
pub const IV_BYTES: usize = 12;

/// Bytes of every authentication tag.
pub const TAG_BYTES: usize = 16;

/// Bytes of the wrapped key: 32 and its tag.
pub const WRAPPED_KEY_BYTES: usize = 32 + TAG_BYTES;
