//! Sealing: from the JSON of a record to the bytes that go on the stream, and back.
//!
//! ```text
//!   inner JSON ──► gzip ──► Encryption SDK message ──► envelope JSON      seal()
//!   inner::        gzip::   esdk::                     envelope::
//!   inner JSON ◄── gunzip ◄── verified decryption ◄──── envelope JSON     open()
//! ```
//!
//! The bytes are those of Amazon Aurora's Database Activity Streams, so that its consumers read them unmodified:
//! see [`esdk`] for the message, [`envelope`] and [`inner`] for the JSON around and inside it.
//!
//! # Keys
//!
//! KMS makes a *data key* for the cluster ([`data_key::DataKey`]): its plaintext wraps a fresh random key for
//! every record, its ciphertext travels in the envelope's `key`. [`key_cache`] decides when a data key is used,
//! replaced or given up; it does no I/O and reads no clock.
//!
//! # What this crate promises
//!
//! * No function panics, on any input; nothing is allocated in proportion to a number that an input merely claims.
//! * What [`open()`] returns was authenticated to its last byte; of a message that fails a check nothing comes out.
//! * Errors carry no bytes of their input and do not tell which tag was wrong.
//! * Plaintext data keys are kept in locked pages alone, zeroized when dropped, and never appear in `Debug` output.
//!
//! # What it does not
//!
//! It does not hide the length of records, does not protect memory against a debugger of the process's own user, and does not detect a record that is missing or
//! repeated: that is what the sequence numbers inside are for.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod chain;
pub mod data_key;
pub mod envelope;
pub mod esdk;
pub mod gzip;
pub mod inner;
pub mod key_cache;
pub mod limits;
pub mod open;
pub mod random;
pub mod seal;
mod secret_page;

pub use chain::Chain;
pub use data_key::DataKey;
pub use envelope::Envelope;
pub use limits::{Limits, MAX_RECORD_BYTES};
pub use open::{OpenError, open};
pub use seal::{SealError, seal, seal_with};
pub use secret_page::locking_failure;

/// The key of the KMS encryption context under which data keys are made and decrypted; its value is the cluster id.
///
/// Source: AWS, "Monitoring Amazon Aurora with Database Activity Streams", decryption of the `key` field.
pub const ENCRYPTION_CONTEXT_KEY: &str = "aws:rds:dbc-id";
