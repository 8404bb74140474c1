//! The check sum of a record: Fletcher's, of its kind, its length and the words of its payload, by words of 64 bits.
//!
//! It is to find what was torn or written over by accident. The sum of the words finds each word that differs; the sum of the sums,
//! in which a word counts as often as there are words behind it, finds those that have changed places. Of both together 32 bits are
//! kept, scattered, so that two records of which one is not the other are alike once in four milliards. It is no protection against
//! somebody who can write here and wants to deceive; a CRC would be none either. A CRC-32 of records of this size takes four times as
//! many instructions.

use crate::layout;
use crate::record::{BLOCK_BYTES, last_word};

/// Both sums, modulo 2^64.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CheckSum {
    words: u64,
    sums: u64,
}

impl CheckSum {
    /// Of a record. A payload that ends within a word goes on with zeroes.
    #[inline]
    pub(crate) fn of(len: u32, kind: u64, payload: &[u8]) -> u32 {
        let mut sum = Self { words: kind, sums: u64::from(len) };
        let (blocks, rest) = payload.as_chunks::<BLOCK_BYTES>();
        for block in blocks {
            sum.add_words(block.as_chunks().0);
        }
        let (words, rest) = rest.as_chunks();
        sum.add_words(words);
        if !rest.is_empty() {
            sum.add(last_word(rest));
        }
        (layout::mix64(layout::mix64(sum.words) ^ sum.sums) >> 32) as u32
    }

    #[inline]
    fn add_words(&mut self, words: &[[u8; 8]]) {
        for word in words {
            self.add(u64::from_ne_bytes(*word));
        }
    }

    #[inline]
    const fn add(&mut self, word: u64) {
        self.words = self.words.wrapping_add(word);
        self.sums = self.sums.wrapping_add(self.words);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::CheckSum;

    fn sum(words: &[u64]) -> u32 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        CheckSum::of(bytes.len() as u32, 1, &bytes)
    }

    #[test]
    fn a_bit_that_changed_words_that_changed_places_and_a_torn_end_give_another_sum() {
        let words: [u64; 40] = std::array::from_fn(|i| crate::layout::mix64(i as u64 + 1));
        let right = sum(&words);
        for at in 0..words.len() {
            for bit in 0..64 {
                let mut damaged = words;
                damaged[at] ^= 1 << bit;
                assert_ne!(sum(&damaged), right, "bit {bit} of word {at}");
            }
            for other in 0..at {
                let mut damaged = words;
                damaged.swap(at, other);
                assert_ne!(sum(&damaged), right, "words {at} and {other}");
            }
            let mut torn = words;
            torn[at..].fill(0);
            assert_ne!(sum(&torn), right, "torn at {at}");
        }
    }

    #[test]
    fn each_byte_counts_whatever_the_length() {
        for len in 1..=200u8 {
            let bytes: Vec<u8> = (1..=len).collect();
            let right = CheckSum::of(u32::from(len), 1, &bytes);
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x80;
                assert_ne!(CheckSum::of(u32::from(len), 1, &damaged), right, "byte {at} of {len}");
            }
        }
    }

    #[test]
    fn another_kind_and_another_length_give_another_sum() {
        let right = CheckSum::of(8, 1, &[7; 8]);
        for bit in 0..64 {
            assert_ne!(CheckSum::of(8, 1 ^ 1 << bit, &[7; 8]), right, "kind, bit {bit}");
        }
        for bit in 0..32 {
            assert_ne!(CheckSum::of(8 ^ 1 << bit, 1, &[7; 8]), right, "length, bit {bit}");
        }
    }
}
