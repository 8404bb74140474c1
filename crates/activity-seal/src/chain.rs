//! The chain over events: what proves that a stream is complete, whatever records its events travel in.
//!
//! ```text
//! chain(0) = SHA-256("activity_stream chain 1" ‖ 0x0A ‖ epoch)
//! chain(n) = SHA-256(chain(n - 1) ‖ event n)
//! ```
//!
//! Event *n* is the *n*th event of the epoch as its record shows it: the bytes of its JSON object, from brace to brace. A record names
//! the chain before its first event, so a reader that has all records of an epoch computes the same value at every record's
//! border; an event that was taken out, put in or changed gives another one. Records do not take part, only events: sent again
//! in other records, an event still has the same place and the same chain.

use std::fmt;

use sha2::{Digest, Sha256};

/// Bytes of a link.
pub const CHAIN_BYTES: usize = 32;

/// What chains begin with, the epoch behind it: other things that are hashed here never look like a chain's beginning.
const BEGINNING: &[u8] = b"activity_stream chain 1\n";

/// A place in a chain: everything up to one event.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chain([u8; CHAIN_BYTES]);

impl Chain {
    /// Before the first event of an epoch, named as records name it.
    #[must_use]
    pub fn begin(epoch: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(BEGINNING);
        hash.update(epoch.as_bytes());
        Self(hash.finalize().into())
    }

    /// After one more event, given as the JSON object that its record shows.
    #[must_use]
    pub fn then(self, event_json: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(event_json);
        Self(hash.finalize().into())
    }

    /// A place that was kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; CHAIN_BYTES]) -> Self {
        Self(bytes)
    }

    /// To be kept.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; CHAIN_BYTES] {
        self.0
    }

    /// A place as records tell it: 64 hexadecimal digits in lower case. `None` for anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != CHAIN_BYTES || !rest.is_empty() {
            return None;
        }
        let mut bytes = [0; CHAIN_BYTES];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }
}

/// As records tell it.
impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_frozen() {
        // Other implementations compute the same: python3 -c with hashlib.
        let begin = Chain::begin("00112233aabbccdd");
        assert_eq!(begin.to_string(), "21eaed7971812199a6700619dc4a1229de7697921e2327eb8909161b067eb8a0");
        let two = begin.then(br#"{"sequence":1}"#).then(br#"{"sequence":2}"#);
        assert_eq!(two.to_string(), "70045d25b2186253cfe8d09df5d8f952de8220ee8964214964083b0e0f6c1a03");
    }

    #[test]
    fn order_content_and_epoch_each_matter() {
        let begin = Chain::begin("a");
        assert_ne!(begin.then(b"1").then(b"2"), begin.then(b"2").then(b"1"));
        assert_ne!(begin.then(b"1"), begin.then(b"1 "));
        assert_ne!(begin, Chain::begin("b"));
    }

    #[test]
    fn what_is_told_is_read_back_and_nothing_else_is() {
        let chain = Chain::begin("a");
        let text = chain.to_string();
        assert_eq!(Chain::from_hex(&text), Some(chain));
        assert_eq!(Chain::from_bytes(chain.to_bytes()), chain);
        for wrong in
            ["", &text[1..], &format!("{text}0"), &text.to_uppercase(), &text.replace(&text[..1], "g")]
        {
            assert_eq!(Chain::from_hex(wrong), None, "{wrong}");
        }
    }
}
