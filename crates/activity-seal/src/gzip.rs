//! gzip with one level for writing and a bound for reading.
//!
//! # The level
//!
//! Measured by `examples/sealing_speed.rs` with records of 256 kB (330 events of pgbench's TPC-B, all fields, 795 B of
//! JSON each), one core of an AMD EPYC, the best of seven rounds:
//!
//! | level | million bytes of JSON a second | thousand events a second | bytes an event |
//! |---|---|---|---|
//! | 1 | 1165 | 1464 | 72 |
//! | 2 | 791 | 994 | 52 |
//! | 3 | 522 | 656 | 48 |
//! | 4 | 435 | 546 | 44 |
//! | 6 | 252 | 316 | 37 |
//! | 9 | 169 | 212 | 36 |
//!
//! Level 2 is the knee: against level 1 it takes a third of the speed for more than a quarter of the volume, which is
//! what streams and their consumers are paid by; each level after it asks more for less, on cores that the
//! server's sessions want. Level 1 also makes random data 6 % longer, level 2 stores it as it is. All of it is with the
//! processor's SIMD instructions, which zlib-rs looks for only with flate2's `runtime_detection`.

use std::io::{Read, Write};

use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

/// The compression level records are written with.
pub const LEVEL: u32 = 2;

/// Why compressed data could not be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GzipError {
    /// The compressor failed.
    #[error("could not compress")]
    Compress,
    /// Not gzip, cut short, or its checksum is wrong.
    #[error("the payload is no valid gzip data")]
    Corrupt,
    /// More follows after the end of the compressed data.
    #[error("the payload has bytes after its gzip data")]
    TrailingBytes,
    /// It unfolds to more than the limit.
    #[error("the payload unfolds to more than {limit_bytes} bytes")]
    TooLarge {
        /// The limit that was given.
        limit_bytes: usize,
    },
}

/// Compresses `plain` at [`LEVEL`] as one gzip member without name or time.
///
/// # Errors
/// [`GzipError::Compress`], which writing to memory gives no cause for.
pub fn compress(plain: &[u8]) -> Result<Vec<u8>, GzipError> {
    compress_at(plain, LEVEL)
}

/// Compresses `plain` at `level`, 0 to 9: for measuring levels.
///
/// # Errors
/// As [`compress`].
pub fn compress_at(plain: &[u8], level: u32) -> Result<Vec<u8>, GzipError> {
    let room = Vec::with_capacity(plain.len() / 4 + 64);
    let mut encoder = GzEncoder::new(room, flate2::Compression::new(level.min(9)));
    encoder.write_all(plain).map_err(|_| GzipError::Compress)?;
    encoder.finish().map_err(|_| GzipError::Compress)
}

/// Unfolds one gzip member of at most `max_bytes`, all of `compressed`.
///
/// Memory grows with what comes out, never with what the input claims.
///
/// # Errors
/// [`GzipError`] when it is not exactly one valid member, or unfolds to more than `max_bytes`.
pub fn decompress(compressed: &[u8], max_bytes: usize) -> Result<Vec<u8>, GzipError> {
    let mut decoder = GzDecoder::new(compressed);
    let plain = read_at_most(&mut decoder, max_bytes)?;
    if decoder.into_inner().is_empty() { Ok(plain) } else { Err(GzipError::TrailingBytes) }
}

/// Reads `source` to its end, which for gzip is what verifies the checksum; of an endless one little more than
/// `max_bytes`.
fn read_at_most(source: impl Read, max_bytes: usize) -> Result<Vec<u8>, GzipError> {
    let one_more = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    let mut plain = Vec::new();
    source.take(one_more).read_to_end(&mut plain).map_err(|_| GzipError::Corrupt)?;
    if plain.len() > max_bytes { Err(GzipError::TooLarge { limit_bytes: max_bytes }) } else { Ok(plain) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Random, SystemRandom};
    use proptest::prelude::*;

    #[test]
    fn what_was_compressed_unfolds_to_the_same() {
        for plain in [&b""[..], b"x", &[7; 9_000]] {
            let compressed = compress(plain).unwrap();
            assert_eq!(decompress(&compressed, plain.len()).as_deref(), Ok(plain));
        }
    }

    #[test]
    fn random_data_grows_by_less_than_a_hundredth() {
        let mut noise = vec![0; 100_000];
        SystemRandom.fill(&mut noise).unwrap();
        assert!(compress(&noise).unwrap().len() < 101_000);
    }

    #[test]
    fn an_endless_payload_is_left_at_the_limit() {
        assert_eq!(read_at_most(std::io::repeat(0), 1000), Err(GzipError::TooLarge { limit_bytes: 1000 }));
    }

    #[test]
    fn a_bomb_is_refused_at_the_limit() {
        let bomb = compress(&vec![0; 1_000_000]).unwrap();
        assert!(bomb.len() < 10_000);
        assert_eq!(decompress(&bomb, 999_999), Err(GzipError::TooLarge { limit_bytes: 999_999 }));
        assert!(decompress(&bomb, 1_000_000).is_ok());
    }

    #[test]
    fn cut_changed_and_continued_data_is_refused() {
        let good = compress(b"some text that is some text that is some text").unwrap();
        for length in 0..good.len() {
            assert_eq!(decompress(&good[..length], 1000), Err(GzipError::Corrupt), "cut to {length}");
        }
        let mut wrong_sum = good.clone();
        let at = wrong_sum.len() - 8;
        wrong_sum[at] ^= 1;
        assert_eq!(decompress(&wrong_sum, 1000), Err(GzipError::Corrupt));
        let mut longer = good;
        longer.push(0);
        assert_eq!(decompress(&longer, 1000), Err(GzipError::TrailingBytes));
    }

    proptest! {
        #[test]
        fn damaged_data_never_unfolds_beyond_the_limit_nor_to_something_else(
            plain in proptest::collection::vec(0..4_u8, 0..3000),
            damage in proptest::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..8),
        ) {
            let mut changed = compress(&plain).unwrap();
            for (at, bits) in damage {
                *at.get_mut(&mut changed) ^= bits;
            }
            // Time, flags and system in the head of gzip are outside its checksum.
            if let Ok(unfolded) = decompress(&changed, 2000) {
                prop_assert!(unfolded == plain && plain.len() <= 2000);
            }
        }
    }
}
