//! gzip: authenticated before it is unfolded, but its length is whatever it is.
//!
//! * Nothing unfolds beyond the limit, and at its own length as limit it still unfolds.
//! * Continued or cut it is refused.
//! * What was compressed unfolds to the same; changed, to the same or not at all.

use activity_seal::gzip::{self, GzipError};

use crate::damage::damage;
use crate::input::Input;

const LIMIT_BYTES: usize = 256 * 1024;

pub(super) fn check(bytes: &[u8]) {
    data_of_anybody(bytes);
    data_of_ours(&mut Input::new(bytes));
}

fn data_of_anybody(compressed: &[u8]) {
    let plain = match gzip::decompress(compressed, LIMIT_BYTES) {
        Ok(plain) => plain,
        Err(error) => return assert!(error != GzipError::Compress),
    };
    assert!(plain.len() <= LIMIT_BYTES);
    assert_eq!(gzip::decompress(compressed, plain.len()).as_ref(), Ok(&plain));
    if let Some(limit_bytes) = plain.len().checked_sub(1) {
        assert_eq!(gzip::decompress(compressed, limit_bytes), Err(GzipError::TooLarge { limit_bytes }));
    }
    let continued = [compressed, &[0]].concat();
    assert_eq!(gzip::decompress(&continued, LIMIT_BYTES), Err(GzipError::TrailingBytes));
    let cut = &compressed[..compressed.len() - 1];
    assert_eq!(gzip::decompress(cut, LIMIT_BYTES), Err(GzipError::Corrupt));
}

fn data_of_ours(input: &mut Input<'_>) {
    let level = u32::from(input.u8() % 10);
    let repetitions = 1 + input.below(64);
    let length = input.below(4096);
    let plain = input.bytes(length).repeat(repetitions);
    let compressed = gzip::compress_at(&plain, level).expect("compressed data");
    assert!(compressed.len() <= plain.len() + plain.len() / 50 + 64);
    assert_eq!(gzip::decompress(&compressed, plain.len()).as_ref(), Ok(&plain));
    let mut changed = compressed.clone();
    // One change of a byte: a check sum of 32 bits finds it, a clever series of them may pass.
    let (at, bits) = (input.below(compressed.len()), input.u8());
    changed[at] ^= bits;
    if let Ok(unfolded) = gzip::decompress(&changed, LIMIT_BYTES) {
        assert_eq!(unfolded, plain, "byte {at} unfolds to something else");
    }
    damage(&mut changed, input);
    if let Ok(unfolded) = gzip::decompress(&changed, LIMIT_BYTES) {
        assert!(unfolded.len() <= LIMIT_BYTES);
    }
}
