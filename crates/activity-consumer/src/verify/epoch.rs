//! One epoch: its records are taken in whatever order, and what they prove is kept.
//!
//! An event that is new makes a run longer; an event that is there already must have the same chain after it. Where that
//! is not known any more (see [`Recent`]), a later event of the same record whose chain is known proves it, too, since it is
//! made over all before it; where there is none, the event counts as not compared, which is not accounted for.

use activity_seal::Chain;

use super::findings::{Range, Ranges};
use super::recent::Recent;
use super::record::{Placed, PlacedEvent};
use super::runs::{Run, Runs};
use super::told::{Start, Told};

/// What is known of an epoch.
#[derive(Debug)]
pub(crate) struct Epoch {
    pub(crate) name: String,
    /// `instanceId` of the record that was read first.
    pub(crate) instance: String,
    /// The earliest `logTime` of all events.
    pub(crate) logged: Option<String>,
    pub(crate) runs: Runs,
    pub(crate) duplicates: u64,
    /// Events that came twice and not the same.
    pub(crate) conflicts: Ranges,
    /// Events that came twice and could not be compared.
    pub(crate) uncompared: Ranges,
    pub(crate) start: Option<Start>,
    /// Two beginnings that differ, or one of another epoch.
    pub(crate) contradicts_its_start: bool,
    /// The highest STREAM STOP.
    pub(crate) stop: Option<u64>,
    /// Events of the stream that do not say what they have to.
    pub(crate) malformed: Ranges,
    /// Later events do not count.
    pub(crate) limit: Option<u64>,
}

/// Events that belong together: new, and one behind the other.
struct Piece {
    first: u64,
    before: Chain,
    after: Vec<Chain>,
}

/// What of a record is compared so far.
#[derive(Default)]
struct Overlap {
    /// Events that were there already, since the last one whose chain was found to be the same.
    open: Option<Range>,
    differs: bool,
}

impl Epoch {
    pub(crate) fn new(name: &str, instance: &str) -> Self {
        Self {
            name: name.to_owned(),
            instance: instance.to_owned(),
            logged: None,
            runs: Runs::default(),
            duplicates: 0,
            conflicts: Ranges::default(),
            uncompared: Ranges::default(),
            start: None,
            contradicts_its_start: false,
            stop: None,
            malformed: Ranges::default(),
            limit: None,
        }
    }

    /// Takes a record's events; `news` hears of those that are new. How many runs that makes more or less.
    pub(crate) fn take(
        &mut self,
        index: usize,
        record: &Placed<'_>,
        recent: &mut Recent,
        mut news: impl FnMut(&PlacedEvent<'_>),
    ) -> isize {
        let limit = self.limit.unwrap_or(u64::MAX);
        let (mut chain, mut grown) = (record.chain, 0);
        let (mut piece, mut overlap) = (None::<Piece>, Overlap::default());
        for event in record.events.iter().take_while(|event| event.sequence <= limit) {
            let before = chain;
            chain = chain.then(event.json.as_bytes());
            if piece.as_ref().is_some_and(|piece| !piece.goes_on_with(event.sequence)) {
                grown += self.add(index, piece.take(), recent);
            }
            if let Some(is_same) = self.compare(index, event.sequence, chain, recent) {
                grown += self.add(index, piece.take(), recent);
                self.duplicates += 1;
                overlap.saw(event.sequence, is_same, &mut self.conflicts);
                continue;
            }
            piece
                .get_or_insert_with(|| Piece { first: event.sequence, before, after: Vec::new() })
                .after
                .push(chain);
            self.new_event(event, &mut news);
        }
        if let Some(open) = overlap.open.filter(|_| !overlap.differs) {
            self.uncompared.add(open);
        }
        grown + self.add(index, piece, recent)
    }

    /// Whether an event that is there has this chain after it: inside, `None` where that is not known any more. `None`
    /// for one that is not there.
    pub(crate) fn compare(
        &self,
        index: usize,
        sequence: u64,
        after: Chain,
        recent: &Recent,
    ) -> Option<Option<bool>> {
        let run = self.runs.find(sequence)?;
        let at_the_end = (run.last == sequence).then(|| run.after == after);
        Some(at_the_end.or_else(|| recent.is(index, sequence, after)))
    }

    fn add(&mut self, index: usize, piece: Option<Piece>, recent: &mut Recent) -> isize {
        let Some(Piece { first, before, after }) = piece else { return 0 };
        let Some(&last_chain) = after.last() else { return 0 };
        recent.add(index, first, &after);
        self.runs.add(Run { first, last: first + (after.len() as u64 - 1), before, after: last_chain })
    }

    fn new_event(&mut self, event: &PlacedEvent<'_>, news: &mut impl FnMut(&PlacedEvent<'_>)) {
        news(event);
        if let Some(logged) = event.logged.as_deref()
            && self.logged.as_deref().is_none_or(|earliest| logged < earliest)
        {
            self.logged = Some(logged.to_owned());
        }
        match &event.told {
            None | Some(Ok(Told::Begin(_) | Told::End(_))) => {}
            Some(Err(_)) => self.malformed.add(Range::one(event.sequence)),
            Some(Ok(Told::Stop(epoch))) if *epoch == self.name => {
                self.stop = self.stop.max(Some(event.sequence));
            }
            Some(Ok(Told::Stop(_))) => self.malformed.add(Range::one(event.sequence)),
            Some(Ok(Told::Start(start))) => self.begins(start),
        }
    }

    fn begins(&mut self, start: &Start) {
        let is_another = self.start.as_ref().is_some_and(|known| known != start);
        self.contradicts_its_start |= is_another || start.epoch != self.name;
        self.start.get_or_insert_with(|| start.clone());
    }

    /// The number of its highest event; 0 for none.
    pub(crate) fn last(&self) -> u64 {
        self.runs.last().map_or(0, |run| run.last)
    }

    /// The number of its lowest event; 0 for none.
    pub(crate) fn first(&self) -> u64 {
        self.runs.iter().next().map_or(0, |run| run.first)
    }
}

impl Piece {
    fn goes_on_with(&self, sequence: u64) -> bool {
        self.first + self.after.len() as u64 == sequence
    }
}

impl Overlap {
    /// An event came again. Where chains are equal, so are all events of the record before it; where one is not, no
    /// later one can be, and that is told once.
    fn saw(&mut self, sequence: u64, is_same: Option<bool>, conflicts: &mut Ranges) {
        let open = self.open.get_or_insert(Range::one(sequence));
        open.last = sequence;
        match is_same {
            Some(true) => self.open = None,
            Some(false) if !self.differs => {
                conflicts.add(*open);
                self.differs = true;
            }
            Some(false) | None => {}
        }
    }
}
