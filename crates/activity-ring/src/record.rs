//! One record in the words of a memory.

use std::sync::atomic::Ordering;

use crate::check_sum::CheckSum;
use crate::layout::{RECORD_HEADER_BYTES, WORD_BYTES};
use crate::memory::{Memory, Word};

/// Words of a record's header: stamp, size, kind.
const HEADER_WORDS: usize = (RECORD_HEADER_BYTES / WORD_BYTES) as usize;
/// What of a payload is stored without a look at how much is left.
pub(crate) const BLOCK_BYTES: usize = 64;

/// What a record is; the third word of its header. No value is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Bytes of a producer.
    Event = 1,
    /// Nothing, up to the end of the data.
    Pad = 2,
}

/// Length and check sum, ready to be written before space is claimed for them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    pub(crate) len: u32,
    pub(crate) check: u32,
}

/// The second and third word of a header, as found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) kind: Option<Kind>,
    pub(crate) len: u32,
    check: u32,
    kind_word: u64,
}

impl Head {
    /// Of an event; `None` where it is longer than a length can say.
    #[inline]
    pub(crate) fn of_event(payload: &[u8]) -> Option<Self> {
        let len = u32::try_from(payload.len()).ok()?;
        Some(Self { kind: Kind::Event, len, check: CheckSum::of(len, Kind::Event as u64, payload) })
    }

    /// Of a pad of `bytes`, header included. A pad is shorter than the record it makes room for, so its length fits.
    #[inline]
    pub(crate) fn of_pad(bytes: u64) -> Option<Self> {
        let len = u32::try_from(bytes.checked_sub(RECORD_HEADER_BYTES)?).ok()?;
        Some(Self { kind: Kind::Pad, len, check: CheckSum::of(len, Kind::Pad as u64, &[]) })
    }
}

/// Bytes of a record whose payload has `len`.
#[inline]
pub(crate) const fn record_bytes(len: u32) -> u64 {
    RECORD_HEADER_BYTES + (len as u64).next_multiple_of(WORD_BYTES)
}

/// Writes a record at word `at` and commits it. The payload of a pad is empty and stays zero.
///
/// The stamp is stored with Release: who reads it with Acquire reads the rest too.
#[inline]
pub(crate) fn write<M: Memory>(memory: &M, at: usize, stamp: u64, head: Head, payload: &[u8]) {
    let count = HEADER_WORDS + payload.len().div_ceil(8);
    let [stamp_word, size_word, kind_word, body @ ..] = memory.words(at, count) else {
        return;
    };
    size_word.store(u64::from(head.len) | u64::from(head.check) << 32, Ordering::Relaxed);
    kind_word.store(head.kind as u64, Ordering::Relaxed);
    // Stores of atomics are not joined or unrolled by the compiler as those of plain memory are.
    let (blocks, rest) = payload.as_chunks::<BLOCK_BYTES>();
    let mut left = body;
    for block in blocks {
        let Some((words, after)) = left.split_first_chunk::<{ BLOCK_BYTES / 8 }>() else { return };
        store_whole(words, block);
        left = after;
    }
    let rest = store_whole(left, rest);
    if let (Some(word), false) = (body.last(), rest.is_empty()) {
        word.store(last_word(rest), Ordering::Relaxed);
    }
    stamp_word.store(stamp, Ordering::Release);
}

/// Stores the whole words of `bytes`; returns what is left.
#[inline]
fn store_whole<'b, W: Word>(words: &[W], bytes: &'b [u8]) -> &'b [u8] {
    let (whole, rest) = bytes.as_chunks::<8>();
    for (word, bytes) in words.iter().zip(whole) {
        word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
    }
    rest
}

/// Less than a word, and zeroes.
#[inline]
pub(crate) fn last_word(rest: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(rest) {
        *to = *from;
    }
    u64::from_ne_bytes(bytes)
}

/// Reads the header after the stamp was seen (with Acquire) to be right.
pub(crate) fn read_head<M: Memory>(memory: &M, at: usize) -> Found {
    let size = memory.load(at + 1, Ordering::Relaxed);
    let kind_word = memory.load(at + 2, Ordering::Relaxed);
    let kind = match kind_word {
        k if k == Kind::Event as u64 => Some(Kind::Event),
        k if k == Kind::Pad as u64 => Some(Kind::Pad),
        _ => None,
    };
    // The halves of one word.
    Found { kind, len: size as u32, check: (size >> 32) as u32, kind_word }
}

/// Copies the payload out and judges the copy. Whoever calls has checked that the record is inside the data.
pub(crate) fn read_payload<M: Memory>(memory: &M, at: usize, found: &Found, out: &mut Vec<u8>) -> bool {
    out.clear();
    if found.kind == Some(Kind::Event) {
        let len = found.len as usize;
        let count = len.div_ceil(8);
        out.resize(count * 8, 0);
        let (copies, _) = out.as_chunks_mut::<8>();
        for (copy, word) in copies.iter_mut().zip(memory.words(at + HEADER_WORDS, count)) {
            *copy = word.load(Ordering::Relaxed).to_ne_bytes();
        }
        out.truncate(len);
    }
    CheckSum::of(found.len, found.kind_word, out) == found.check
}

/// Zeroes `bytes` from word `at` on; they do not pass the end of the memory.
pub(crate) fn zero<M: Memory>(memory: &M, at: usize, bytes: u64) {
    for word in memory.words(at, (bytes / WORD_BYTES) as usize) {
        word.store(0, Ordering::Relaxed);
    }
}
