//! What lets an event that comes twice be compared with the first one: a fingerprint of the chain after each event,
//! of the events that were read most recently.
//!
//! A fingerprint is 64 bits of a keyed hash whose key is this process's own: two different chains look the same
//! once in 2^64, and nobody can choose them so. At most [`MAX_RECENT_BYTES`] are kept, over all epochs; the
//! first read is forgotten first. That is some 15 million events in records of hundreds: what is sent again follows its original
//! by seconds, or by as much as one shard is read ahead of another.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, VecDeque};
use std::hash::BuildHasher as _;

use activity_seal::Chain;

/// Most memory for fingerprints, in bytes: 128 MiB.
pub(crate) const MAX_RECENT_BYTES: usize = 128 * 1024 * 1024;

/// What a block takes beside its fingerprints, in bytes: its entries in the map and in the queue, and the allocator's.
const BLOCK_BYTES: usize = 128;

const FINGERPRINT_BYTES: usize = size_of::<u64>();

/// Fingerprints of events, in blocks of events that follow each other.
#[derive(Debug)]
pub(crate) struct Recent {
    keys: RandomState,
    /// By index of the epoch and first sequence number.
    blocks: BTreeMap<(usize, u64), Vec<u64>>,
    order: VecDeque<(usize, u64)>,
    bytes: usize,
    limit_bytes: usize,
}

impl Default for Recent {
    fn default() -> Self {
        Self::with_limit(MAX_RECENT_BYTES)
    }
}

impl Recent {
    /// Keeps at most this many bytes.
    pub(crate) fn with_limit(limit_bytes: usize) -> Self {
        Self {
            keys: RandomState::new(),
            blocks: BTreeMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            limit_bytes,
        }
    }

    /// Remembers the chain after each of these events, the first of which has this number and is not known yet.
    pub(crate) fn add(&mut self, epoch: usize, first: u64, after: &[Chain]) {
        let block = after.iter().map(|chain| self.keys.hash_one(chain)).collect();
        self.bytes += size_of_block(after.len());
        self.blocks.insert((epoch, first), block);
        self.order.push_back((epoch, first));
        while self.bytes > self.limit_bytes {
            let Some(oldest) = self.order.pop_front() else { break };
            let freed = self.blocks.remove(&oldest).map_or(0, |block| size_of_block(block.len()));
            self.bytes = self.bytes.saturating_sub(freed);
        }
    }

    /// Whether the chain after this event is this one; `None` where that is forgotten or was never known.
    pub(crate) fn is(&self, epoch: usize, sequence: u64, after: Chain) -> Option<bool> {
        let ((of, first), block) = self.blocks.range(..=(epoch, sequence)).next_back()?;
        let place = usize::try_from(sequence.checked_sub(*first)?).ok().filter(|_| *of == epoch)?;
        Some(*block.get(place)? == self.keys.hash_one(after))
    }
}

fn size_of_block(events: usize) -> usize {
    BLOCK_BYTES + events * FINGERPRINT_BYTES
}

#[cfg(test)]
mod test {
    use super::*;

    fn chains(texts: &[&str]) -> Vec<Chain> {
        texts.iter().map(|text| Chain::begin(text)).collect()
    }

    #[test]
    fn a_chain_is_recognised_at_its_place_alone() {
        let mut recent = Recent::default();
        let [a, b, c] = chains(&["a", "b", "c"])[..] else { panic!("three") };
        recent.add(1, 10, &[a, b]);
        recent.add(2, 11, &[c]);
        assert_eq!(recent.is(1, 10, a), Some(true));
        assert_eq!(recent.is(1, 11, b), Some(true));
        assert_eq!(recent.is(1, 11, a), Some(false));
        assert_eq!(recent.is(2, 11, c), Some(true));
        for (epoch, sequence) in [(1, 9), (1, 12), (2, 10), (2, 12), (0, 10), (3, 11)] {
            assert_eq!(recent.is(epoch, sequence, a), None, "{epoch} {sequence}");
        }
    }

    #[test]
    fn the_first_read_is_forgotten_first_and_the_limit_holds() {
        let mut recent = Recent::with_limit(3 * size_of_block(1));
        let a = Chain::begin("a");
        for sequence in 1..=1_000 {
            recent.add(0, sequence, &[a]);
            assert!(recent.bytes <= recent.limit_bytes);
        }
        assert_eq!(recent.is(0, 997, a), None);
        assert_eq!(recent.is(0, 998, a), Some(true));
        assert_eq!((recent.blocks.len(), recent.order.len()), (3, 3));
    }
}
