//! What is true, whatever anybody says: which events there are, in which chain, and where each of them is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use activity_seal::Chain;

use super::{Acked, Durability, LostOrdinals, Meta, OutRecord, Random};
use crate::batch::Batch;
use crate::machine::tests::{BAD, GOOD, batch_behind, event_json};
use crate::report::{Cause, Lost};

/// What an event is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It can be stored.
    Good,
    /// It cannot be read from the ring.
    Unreadable,
    /// The stream refuses every record with it.
    Doomed,
    /// No record can hold it.
    Fat,
}

impl Kind {
    pub(super) fn random(random: &mut Random) -> Self {
        match (random.below(40), random.below(60)) {
            (0, _) => Self::Unreadable,
            (_, 0) => Self::Doomed,
            (_, 1) => Self::Fat,
            _ => Self::Good,
        }
    }
}

/// One start of the server and its ring.
#[derive(Debug, Clone)]
struct Epoch {
    kinds: Vec<Kind>,
    /// The chain before each event, and after the last one.
    chain: Vec<Chain>,
    /// Sequence numbers: what was taken from the ring, what was acknowledged.
    drained: u64,
    acked: u64,
    /// End of what is durable.
    durable: u64,
    /// Where the process began, and what it counted since.
    began_at: u64,
    counted: u64,
    /// Ends of the batches of this process.
    ends: BTreeSet<u64>,
}

/// An event: its epoch and sequence number.
type Name = (u64, u64);

pub(super) struct Truth {
    epoch: u64,
    epochs: BTreeMap<u64, Epoch>,
    stored: BTreeSet<Name>,
    /// In the spool, or once there; and under which ordinals.
    spooled: BTreeSet<Name>,
    ordinals: BTreeSet<u64>,
    /// Refused by the stream in the company of one that it does not take, which the spool cannot part.
    lost_in_spool: BTreeSet<Name>,
    /// In the ring when the power failed.
    gone: BTreeSet<Name>,
}

/// Where it stands, in short.
impl fmt::Debug for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Epoch { drained, acked, durable, .. } = self.current();
        let published = self.current().published();
        write!(f, "epoch {}: {published} published, {drained} drained, {acked} acked, ", self.epoch)?;
        write!(f, "durable to {durable}; {} stored, {} spooled", self.stored.len(), self.spooled.len())
    }
}

/// Epoch, chain before and numbers of the events in a fake record.
fn parts(record: &OutRecord) -> Option<(u64, Chain, Vec<u64>)> {
    let (epoch, rest) = record.data.split_first_chunk::<8>()?;
    let (chain, rest) = rest.split_first_chunk::<32>()?;
    let numbers = rest.chunks_exact(8).map(|number| u64::from_be_bytes(number.try_into().unwrap())).collect();
    Some((u64::from_be_bytes(*epoch), Chain::from_bytes(*chain), numbers))
}

impl Epoch {
    fn begin(epoch: u64) -> Self {
        Self {
            kinds: Vec::new(),
            chain: vec![Chain::begin(&epoch.to_string())],
            drained: 0,
            acked: 0,
            durable: 0,
            began_at: 0,
            counted: 0,
            ends: BTreeSet::new(),
        }
    }

    fn published(&self) -> u64 {
        u64::try_from(self.kinds.len()).unwrap()
    }

    fn kind(&self, sequence: u64) -> Kind {
        self.kinds[usize::try_from(sequence).unwrap() - 1]
    }

    fn chain_before(&self, sequence: u64) -> Chain {
        self.chain[usize::try_from(sequence).unwrap() - 1]
    }
}

impl Truth {
    pub(super) fn new(epoch: u64) -> Self {
        Self {
            epoch,
            epochs: BTreeMap::from([(epoch, Epoch::begin(epoch))]),
            stored: BTreeSet::new(),
            spooled: BTreeSet::new(),
            ordinals: BTreeSet::new(),
            lost_in_spool: BTreeSet::new(),
            gone: BTreeSet::new(),
        }
    }

    fn current(&self) -> &Epoch {
        &self.epochs[&self.epoch]
    }

    fn current_mut(&mut self) -> &mut Epoch {
        self.epochs.get_mut(&self.epoch).unwrap()
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Events are in the ring.
    pub(super) fn publish(&mut self, kinds: &[Kind]) {
        let epoch = self.current_mut();
        for kind in kinds {
            epoch.kinds.push(*kind);
            let before = epoch.chain[epoch.chain.len() - 1];
            let unread = *kind == Kind::Unreadable;
            epoch.chain.push(if unread {
                before
            } else {
                before.then(event_json(epoch.published()).as_bytes())
            });
        }
    }

    /// The next events of the ring, at most so many.
    pub(super) fn next_batch(&mut self, most: u64) -> Option<Batch> {
        let epoch = self.current_mut();
        let first = epoch.drained + 1;
        let last = epoch.published().min(epoch.drained + most);
        if last < first {
            return None;
        }
        epoch.drained = last;
        epoch.ends.insert(last);
        let events: Vec<_> = (first..=last)
            .map(|sequence| if epoch.kind(sequence) == Kind::Unreadable { BAD } else { GOOD })
            .collect();
        Some(batch_behind(epoch.chain_before(first), first, &events))
    }

    pub(super) fn all_is_acked(&self) -> bool {
        self.current().acked == self.current().published()
    }

    pub(super) fn is(&self, sequence: u64, kind: Kind) -> bool {
        self.current().kind(sequence) == kind
    }

    /// Whether the stream refuses that record.
    pub(super) fn is_doomed(&self, record: &OutRecord) -> bool {
        let Some((epoch, _, numbers)) = parts(record) else { return false };
        numbers.iter().any(|sequence| self.epochs[&epoch].kind(*sequence) == Kind::Doomed)
    }

    /// The stream keeps a record; how many of its events it had before.
    pub(super) fn stored(&mut self, record: &OutRecord) -> u64 {
        let (epoch, mut chain, numbers) = parts(record).expect("a record of events");
        let mut duplicates = 0;
        for sequence in numbers {
            assert_eq!(
                chain,
                self.epochs[&epoch].chain_before(sequence),
                "the chain before {epoch}/{sequence}"
            );
            chain = chain.then(event_json(sequence).as_bytes());
            duplicates += u64::from(!self.stored.insert((epoch, sequence)));
        }
        duplicates
    }

    /// The spool keeps records, on disk.
    pub(super) fn spooled(&mut self, last_ordinal: u64, records: &[(Meta, OutRecord)]) {
        let count = u64::try_from(records.len()).unwrap();
        self.ordinals.extend(last_ordinal + 1 - count..=last_ordinal);
        for (meta, record) in records {
            let (epoch, _, numbers) = parts(record).expect("a record of events");
            assert_eq!((meta.epoch, u64::from(meta.events)), (epoch, u64::try_from(numbers.len()).unwrap()));
            assert_eq!(Some(&meta.first_sequence), numbers.first());
            assert_eq!(Some(&meta.last_sequence), numbers.last());
            self.spooled.extend(numbers.iter().map(|sequence| (epoch, *sequence)));
        }
    }

    /// The spool misses records: only such whose append did not end well.
    pub(super) fn lost_on_disk(&self, lost: &LostOrdinals) {
        let kept = self.ordinals.range(lost.first..=lost.last).next();
        assert_eq!(kept, None, "{lost:?} was kept");
    }

    fn is_safe(&self, sequence: u64, in_spool_too: bool) -> bool {
        let name = (self.epoch, sequence);
        self.current().kind(sequence) != Kind::Good
            || self.stored.contains(&name)
            || self.lost_in_spool.contains(&name)
            || (in_spool_too && self.spooled.contains(&name))
    }

    pub(super) fn acked(&mut self, acked: &Acked) {
        let Acked { through, last_sequence, chain, stored, spooled } = *acked;
        let epoch = self.current();
        assert!(last_sequence > epoch.acked, "not in order");
        assert!(
            epoch.ends.contains(&last_sequence) && through == last_sequence * 10,
            "not the end of a batch"
        );
        assert_eq!(chain, epoch.chain[usize::try_from(last_sequence).unwrap()]);
        for sequence in epoch.acked + 1..=last_sequence {
            assert!(self.is_safe(sequence, true), "{sequence} is nowhere");
        }
        let epoch = self.current_mut();
        epoch.acked = last_sequence;
        epoch.counted += stored.events + spooled.events;
    }

    pub(super) fn durable(&mut self, through: u64, durability: Durability) {
        assert!(through >= self.current().durable, "not forward");
        assert!(through <= self.current().acked * 10, "not acknowledged");
        for sequence in 1..=through / 10 {
            assert!(self.is_safe(sequence, durability == Durability::Spool), "{sequence} is not durable");
        }
        self.current_mut().durable = through;
    }

    pub(super) fn lost(&mut self, lost: &Lost) {
        if lost.cause == Cause::SpoolDamaged {
            // Checked where it was found.
            return;
        }
        let (first, last) = lost.sequences.expect("numbers");
        let events = lost.events.expect("a count");
        match lost.epoch {
            // Of the spool: all of one record, in which one is doomed.
            Some(epoch) => {
                let numbers = first..=last;
                assert!(numbers.clone().any(|sequence| self.epochs[&epoch].kind(sequence) == Kind::Doomed));
                self.lost_in_spool.extend(numbers.map(|sequence| (epoch, sequence)));
            }
            None => {
                let epoch = self.current_mut();
                assert!(last <= epoch.acked, "before its acknowledgement");
                assert!(epoch.kind(first) != Kind::Good && epoch.kind(last) != Kind::Good);
                epoch.counted += events;
            }
        }
    }

    /// After each acknowledgement's losses were told: every event was counted once.
    pub(super) fn check_counts(&self) {
        let epoch = self.current();
        assert_eq!(epoch.counted, epoch.acked - epoch.began_at, "stored + spooled + lost = acknowledged");
        assert!(epoch.acked <= epoch.drained && epoch.drained <= epoch.published());
    }

    /// The process died: the next one drains the ring from what was acknowledged.
    pub(super) fn process_died(&mut self) -> u64 {
        let epoch = self.current_mut();
        epoch.drained = epoch.acked;
        epoch.began_at = epoch.acked;
        epoch.counted = 0;
        epoch.ends.clear();
        epoch.acked * 10
    }

    /// The ring is gone with what was in it.
    pub(super) fn server_died(&mut self) {
        let (epoch, current) = (self.epoch, self.current());
        let left: Vec<_> =
            (current.acked + 1..=current.published()).map(|sequence| (epoch, sequence)).collect();
        self.gone.extend(left);
        self.epoch += 1;
        self.epochs.insert(self.epoch, Epoch::begin(self.epoch));
    }

    pub(super) fn check_end(&self) {
        for (number, epoch) in &self.epochs {
            for sequence in 1..=epoch.published() {
                let name = (*number, sequence);
                let good = epoch.kind(sequence) == Kind::Good;
                let excused = self.gone.contains(&name) || self.lost_in_spool.contains(&name);
                assert!(!good || excused || self.stored.contains(&name), "{name:?} is not on the stream");
                assert!(good || !self.stored.contains(&name), "{name:?} cannot be on the stream");
            }
        }
    }
}
