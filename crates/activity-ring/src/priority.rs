//! How far each kind of event may fill the ring: what somebody would want to drown gets in where other things do not.
//!
//! ```text
//!   0            1/2                    3/4        7/8    15/16  1
//!   ├─────────────┼──────────────────────┼──────────┼──────┼──────┤
//!   │ everybody   │ ordinary events of   │ failed   │ ses- │ acts │
//!   │             │ who has little here  │          │ sions│      │
//! ```
//!
//! # The ladder
//!
//! An event may not fill the ring beyond the end of its [`Priority`]. What is cheap to make in masses is low: any session makes
//! statements, and any makes statements that fail; nobody needs a password to be refused, but a login takes a password and a
//! process; definitions, roles and intents take rights. A flood of one kind therefore leaves what is above it alone.
//!
//! The step between the end of the priority below and its own is a reserve: for short events ([`SHORT_EVENT_BYTES`]) of producers
//! that hold little. Whatever floods ends a step lower, so a flood of one kind leaves what is below it alone, too. An event that is
//! too long for the reserve is made shorter by whoever publishes it.
//!
//! # Shares
//!
//! Above one half of the ring, a producer may hold at most as much of the ring as is left (dynamic thresholds, as switches share a
//! buffer between queues). The rule needs nothing shared: each producer knows what it has published, and the place where the ring is
//! free tells what of that is still there. The heaviest producers are the first to be refused. They never reach the end: of `n` that
//! flood at once each stops where an (n + 1)th of the way is left, and of those that flood one after the other each leaves half of
//! what it found. That is for those who hold little ([`LIGHT_FRACTION`]), who are not asked. What a producer holds counts by
//! priority: who floods with statements may still fail, and be told.
//!
//! The price is that a single producer has half of the ring to itself and not all of it. A producer that is refused is not held up:
//! what it wants to publish is dropped, and counted.
//!
//! # What is not guaranteed
//!
//! * That all of a kind get in while its own kind floods from ever new processes, each of which holds little.
//! * That a producer gets everything in that has flooded with the same kind itself.
//! * Anything, once the ring is filled by events of the highest priority: there is nothing above it.

/// Longest event that may go into the reserve of its priority.
pub const SHORT_EVENT_BYTES: usize = 8 * 1024;
/// Below this part of the ring nobody is refused.
const UNCONTESTED_SIXTEENTHS: u64 = 8;
/// Who holds no more than this part of the ring holds little; one short event always is.
const LIGHT_FRACTION: u64 = 512;

/// What an event is worth when the ring fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Statements that succeed.
    Ordinary,
    /// Statements that fail, and logins that are refused.
    Failed,
    /// Sessions that begin and end.
    Session,
    /// Definitions, roles, intents, and what the stream says of itself.
    Act,
}

impl Priority {
    /// How many there are.
    pub(crate) const COUNT: usize = 4;

    /// End of the part of the ring that such events may fill.
    const fn end_sixteenths(self) -> u64 {
        match self {
            Self::Ordinary => 12,
            Self::Failed => 14,
            Self::Session => 15,
            Self::Act => 16,
        }
    }

    /// Where its reserve begins.
    const fn reserve_sixteenths(self) -> u64 {
        match self {
            Self::Ordinary | Self::Failed => Self::Ordinary.end_sixteenths(),
            Self::Session | Self::Act => Self::Failed.end_sixteenths(),
        }
    }

    /// How full a ring of `capacity` may be with an event of `len` bytes (a record of `size`), whose producer holds `held` bytes of
    /// this priority.
    pub(crate) fn room(self, capacity: u64, len: usize, size: u64, held: u64) -> u64 {
        let light = (capacity / LIGHT_FRACTION).max(SHORT_EVENT_BYTES as u64);
        let holds = held.saturating_add(size);
        let reserve = part(capacity, self.reserve_sixteenths());
        if holds > light {
            // Holds at most what is left, turned round: how full it is will be known only when the claim is made.
            reserve.saturating_sub(holds).max(uncontested(capacity))
        } else if len > SHORT_EVENT_BYTES {
            reserve
        } else {
            part(capacity, self.end_sixteenths())
        }
    }
}

/// How full a ring may be with any event at all.
#[inline]
pub(crate) const fn uncontested(capacity: u64) -> u64 {
    part(capacity, UNCONTESTED_SIXTEENTHS)
}

/// So many sixteenths of a ring: a capacity is a power of two and at least 128.
#[inline]
const fn part(capacity: u64, sixteenths: u64) -> u64 {
    capacity / 16 * sixteenths
}
