//! What one producer holds of the ring, known to it alone.
//!
//! Bytes are counted by the sixteenth of the ring that they lie in; a sixteenth that was freed does not count any more. So
//! nothing has to be told to a producer, and time plays no part: where nothing is delivered nothing is forgotten.
//!
//! A sixteenth that is freed in part counts in full; one that is a whole lap behind the newest, of which at most a part can still
//! be in use, does not count.

use crate::ring::Position;

/// Parts of a ring that are counted one by one.
const PARTS: u64 = 16;

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    /// Number of the part that was published to last, counted since the ring was made.
    newest: u64,
    /// Bytes in each of the last parts, by the remainder of its number.
    bytes: [u64; PARTS as usize],
}

impl Share {
    pub(crate) const EMPTY: Self = Self { newest: 0, bytes: [0; PARTS as usize] };

    /// Counts `size` bytes that end at `end`. The capacity is that of the ring, a power of two.
    #[inline]
    pub(crate) fn add(&mut self, capacity: u64, end: Position, size: u64) {
        let part = number(capacity, end.0);
        if part != self.newest {
            self.begin(part);
        }
        if let Some(bytes) = self.bytes.get_mut((part % PARTS) as usize) {
            // What lies in one part of a ring does not overflow.
            *bytes = bytes.wrapping_add(size);
        }
    }

    /// Bytes in what is not free, `free` being the end of what is.
    pub(crate) fn held(&self, capacity: u64, free: Position) -> u64 {
        let oldest = number(capacity, free.0).max(self.newest.saturating_sub(PARTS - 1));
        (oldest..=self.newest)
            .filter_map(|part| self.bytes.get((part % PARTS) as usize))
            .fold(0, |held, bytes| held.saturating_add(*bytes))
    }

    /// Forgets what was counted a lap ago in the parts up to this one.
    #[cold]
    fn begin(&mut self, part: u64) {
        let gone = part.saturating_sub(self.newest).min(PARTS);
        for passed in 0..gone {
            if let Some(bytes) = self.bytes.get_mut((part.wrapping_sub(passed) % PARTS) as usize) {
                *bytes = 0;
            }
        }
        self.newest = part;
    }
}

/// The part that a position lies in.
#[inline]
const fn number(capacity: u64, position: u64) -> u64 {
    position >> (capacity / PARTS).trailing_zeros()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{PARTS, Share};
    use crate::ring::Position;

    const CAPACITY: u64 = 1024;

    proptest! {
        /// Against the list of what was published. What is off is at most what lies in one part.
        #[test]
        fn what_is_held_is_what_was_published_and_not_freed(
            steps in prop::collection::vec((8..200u64, 0..400u64, any::<bool>(), 0..=CAPACITY), 1..200),
        ) {
            let (mut share, mut mine) = (Share::EMPTY, Vec::new());
            let (mut reserved, mut free) = (0, 0);
            for (size, others, is_mine, in_use) in steps {
                reserved += others + size;
                free = free.max(reserved.saturating_sub(CAPACITY)).max(reserved.saturating_sub(in_use));
                if is_mine {
                    share.add(CAPACITY, Position(reserved), size);
                    mine.push((reserved, size));
                }
                let held = share.held(CAPACITY, Position(free));
                let exact: u64 = mine.iter().filter(|(end, _)| *end > free).map(|(_, size)| size).sum();
                // A record lies in the part of its end: one of them counts where another one begins.
                let slack = CAPACITY / PARTS + 200;
                prop_assert!(held.abs_diff(exact) <= slack, "{held} instead of {exact}");
            }
        }
    }

    #[test]
    fn a_producer_that_was_idle_for_laps_holds_what_it_published_since() {
        let mut share = Share::EMPTY;
        share.add(CAPACITY, Position(512), 100);
        share.add(CAPACITY, Position(512 + 40 * CAPACITY), 30);
        assert_eq!(share.held(CAPACITY, Position(40 * CAPACITY)), 30);
        assert_eq!(share.held(CAPACITY, Position(512 + 41 * CAPACITY)), 0);
    }
}
