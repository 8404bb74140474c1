//! What recovery counts while it goes along the frames of all segments.

use super::format::FrameHeader;
use super::recovered::{Recovered, tell};
use super::{LossReason, LostRange, Meta};

/// Follows the ordinals and notes where one is missing.
pub(super) struct Audit<'a> {
    recovered: &'a mut Recovered,
    /// The ordinal that comes next.
    expected: u64,
    previous: Option<(u64, Meta)>,
}

impl<'a> Audit<'a> {
    /// Of what comes behind what was released.
    pub(super) fn new(recovered: &'a mut Recovered) -> Self {
        let expected = recovered.released + 1;
        Self { recovered, expected, previous: None }
    }

    /// The ordinal that comes next: frames before it do not matter.
    pub(super) fn expected(&self) -> u64 {
        self.expected
    }

    /// A frame, of which the body is known to be damaged or not.
    pub(super) fn frame(&mut self, header: &FrameHeader, damaged: bool) {
        let (ordinal, meta) = (header.ordinal, header.meta);
        if ordinal < self.expected {
            return;
        }
        self.missing_until(ordinal, Some(meta));
        if damaged {
            tell(&mut self.recovered.damaged, LostRange::one(ordinal, meta, LossReason::Damaged));
        } else {
            self.recovered.records += 1;
            self.recovered.first.get_or_insert((ordinal, meta));
            self.recovered.last = Some((ordinal, meta));
        }
        self.expected = ordinal + 1;
        self.previous = Some((ordinal, meta));
    }

    /// Everything from the expected ordinal up to but not including this one is lost.
    pub(super) fn missing_until(&mut self, next: u64, meta: Option<Meta>) {
        if next > self.expected {
            let range = LostRange::between(self.previous, self.expected, (next, meta));
            tell(&mut self.recovered.damaged, range);
            self.expected = next;
        }
    }
}
