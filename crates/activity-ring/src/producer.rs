//! A producer that keeps to the ladder of [`Priority`] and to its share.
//!
//! Below the half of the ring nothing is asked and nothing is read that [`Ring::publish`] would not: the bound of the claim is one
//! half and not the whole, and what was published is added up in memory of the process's own. Only where that does not do, the
//! priority, the share and the length are looked at.
//!
//! The bounds hold exactly, however many publish at once. A claim is made by replacing the position that it was worked out from,
//! and what is free only grows; so at the moment of a claim no more is in use, with it, than its bound.

use crate::error::PublishError;
use crate::memory::Memory;
use crate::priority::{Priority, SHORT_EVENT_BYTES, uncontested};
use crate::record::{Head, record_bytes};
use crate::ring::{Position, Ring};
use crate::share::Share;

/// What one process publishes to one ring.
#[derive(Debug)]
pub struct Producer {
    shares: [Share; Priority::COUNT],
}

impl Default for Producer {
    fn default() -> Self {
        Self::new()
    }
}

impl Producer {
    /// One that has published nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { shares: [Share::EMPTY; Priority::COUNT] }
    }

    /// Publishes an event as far as its priority lets it; the position to wait for. `shorter` makes an event of at most
    /// [`SHORT_EVENT_BYTES`] of the same, and is asked only where the event does not get in as it is and a short one might.
    ///
    /// # Errors
    ///
    /// The event was not taken, neither as it is nor shortened, and was counted, once.
    #[inline]
    pub fn publish<M: Memory>(
        &mut self,
        ring: &Ring<M>,
        event: &[u8],
        priority: Priority,
        shorter: impl FnOnce() -> Vec<u8>,
    ) -> Result<Position, PublishError> {
        if let Ok(head) = ring.head_of(event)
            && let Ok(end) = ring.put(head, event, uncontested(ring.capacity))
        {
            self.count(ring, priority, end, head);
            return Ok(end);
        }
        self.publish_contested(ring, event, priority, shorter)
    }

    /// The ring is more than half full, or something is wrong: all that was found out is found out again.
    #[cold]
    #[inline(never)]
    fn publish_contested<M: Memory>(
        &mut self,
        ring: &Ring<M>,
        event: &[u8],
        priority: Priority,
        shorter: impl FnOnce() -> Vec<u8>,
    ) -> Result<Position, PublishError> {
        let may_be_short = event.len() > SHORT_EVENT_BYTES && priority > Priority::Ordinary;
        let published = match self.put_within(ring, event, priority) {
            Err(PublishError::Full) if may_be_short => self.put_within(ring, &shorter(), priority),
            Err(PublishError::TooLarge) => self.put_within(ring, &shorter(), priority),
            published => published,
        };
        published.inspect_err(|refused| ring.count_refused(refused))
    }

    fn put_within<M: Memory>(
        &mut self,
        ring: &Ring<M>,
        event: &[u8],
        priority: Priority,
    ) -> Result<Position, PublishError> {
        let head = ring.head_of(event)?;
        let held = self.share(priority).map_or(0, |share| share.held(ring.capacity, ring.free_through()));
        let room = priority.room(ring.capacity, event.len(), record_bytes(head.len), held);
        let end = ring.put(head, event, room)?;
        self.count(ring, priority, end, head);
        Ok(end)
    }

    #[inline]
    fn count<M: Memory>(&mut self, ring: &Ring<M>, priority: Priority, end: Position, head: Head) {
        if let Some(share) = self.share(priority) {
            share.add(ring.capacity, end, record_bytes(head.len));
        }
    }

    #[inline]
    fn share(&mut self, priority: Priority) -> Option<&mut Share> {
        self.shares.get_mut(priority as usize)
    }
}
