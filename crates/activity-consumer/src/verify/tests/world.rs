//! Random streams, from a seed: epochs with losses of every kind, in records that overlap, come twice and in any order.

use super::producer::{Epoch, Event, Record};

/// SplitMix64: the same seed gives the same stream.
pub(super) struct Random(pub(super) u64);

impl Random {
    /// Below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).expect("small")
    }

    pub(super) fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

/// A stream, all of which is accounted for.
pub(super) struct World {
    pub(super) epochs: Vec<Epoch>,
    /// What each epoch's successor says of its end: the last number, and whether it was clean.
    pub(super) ends: Vec<Option<(u64, bool)>>,
    pub(super) records: Vec<Record>,
}

impl World {
    pub(super) fn new(random: &mut Random) -> Self {
        let mut world = Self { epochs: Vec::new(), ends: Vec::new(), records: Vec::new() };
        for number in 1..=1 + random.below(3) {
            let epoch = world.epoch(number as u64, random);
            world.epochs.push(epoch);
            world.ends.push(None);
        }
        for epoch in &world.epochs {
            cut(epoch, random, &mut world.records);
        }
        for place in (1..world.records.len()).rev() {
            world.records.swap(place, random.below(place + 1));
        }
        world
    }

    fn epoch(&mut self, number: u64, random: &mut Random) -> Epoch {
        let mut epoch = Epoch::new(number);
        if random.one_in(3) {
            epoch.event("before the start");
        }
        match self.epochs.last_mut() {
            None => drop(epoch.start(None, "")),
            Some(previous) if random.one_in(2) => {
                epoch.start(Some(previous), "clean");
                self.ends[number as usize - 2] = Some((previous.last(), true));
            }
            Some(previous) => {
                let known = known_end(previous, random);
                previous.events.retain(|event| {
                    event.sequence <= known.sequence || !event.json.contains("alice") || random.one_in(2)
                });
                epoch.start_after(&previous.name, known.sequence, known.after, "unclean");
                epoch.end_gap(1, "unclean stop", "unknown", None);
                self.ends[number as usize - 2] = Some((known.sequence, false));
            }
        }
        happenings(&mut epoch, random);
        epoch
    }

    /// The epoch of a record, and the index of its last event there.
    pub(super) fn place(&self, record: &Record) -> (usize, usize) {
        let epoch = self.epochs.iter().position(|epoch| epoch.name == record.epoch).expect("an epoch");
        let last = record.events.last().expect("an event").sequence;
        let is_last = |event: &Event| event.sequence == last;
        (epoch, self.epochs[epoch].events.iter().position(is_last).expect("an event"))
    }

    /// Whether something names the chain behind this record: the event that follows it, or the next epoch.
    pub(super) fn is_held(&self, record: &Record) -> bool {
        let (epoch, last) = self.place(record);
        let events = &self.epochs[epoch].events;
        let sequence = events[last].sequence;
        match events.get(last + 1) {
            Some(next) => next.sequence == sequence + 1 && next.before == events[last].after,
            None => self.ends[epoch] == Some((sequence, true)),
        }
    }

    /// Whether it would be noticed that only these records are there.
    pub(super) fn is_noticeable(&self, left: &[Record]) -> bool {
        self.epochs.iter().zip(&self.ends).any(|(epoch, end)| {
            let of_epoch = left.iter().filter(|record| record.epoch == epoch.name);
            let there: Vec<u64> =
                of_epoch.flat_map(|record| &record.events).map(|event| event.sequence).collect();
            let highest = there.iter().copied().max().unwrap_or(0).max(end.map_or(0, |(last, _)| last));
            let needed = |event: &&Event| {
                event.sequence < highest + u64::from(end.is_some_and(|(_, clean)| clean))
                    && end.is_none_or(|(last, clean)| clean || event.sequence <= last)
            };
            epoch.events.iter().filter(needed).any(|event| !there.contains(&event.sequence))
        })
    }
}

/// An event up to which all is known to be delivered. What a loss spans on both sides of it cannot be counted.
fn known_end(epoch: &Epoch, random: &mut Random) -> Event {
    let known = &epoch.events[random.below(epoch.events.len())];
    let number = |event: &Event, name: &str| {
        let (_, rest) = event.json.split_once(name)?;
        rest.split_once('"')?.0.parse::<u64>().ok()
    };
    let spans = |event: &Event| {
        let range = number(event, "firstSequence=").zip(number(event, "lastSequence="));
        range.is_some_and(|(first, last)| first <= known.sequence && known.sequence < last)
    };
    let is_spanned = epoch.events.iter().any(spans);
    if is_spanned { epoch.events.last().expect("an event").clone() } else { known.clone() }
}

fn happenings(epoch: &mut Epoch, random: &mut Random) {
    let (name, mut window) = (epoch.name.clone(), 1);
    let mut untold = Vec::new();
    for _ in 0..5 + random.below(25) {
        match random.below(12) {
            0 => {
                let torn = epoch.torn().last();
                untold.push(("torn", (torn, torn)));
            }
            1 => untold.push(("given up", epoch.lose(1 + random.below(3)))),
            2 => {
                window += 1;
                epoch.begin_gap(window, "ring full").event("x").end_gap(window, "ring full", "7", None);
            }
            3 => tell(epoch, &name, &mut window, &mut untold, random),
            _ => drop(epoch.event(&format!("SELECT {}", random.below(1_000)))),
        }
    }
    tell(epoch, &name, &mut window, &mut untold, random);
    if random.one_in(2) {
        epoch.stop();
    } else {
        epoch.event("last words");
    }
}

/// Tells losses, each in a window of its own or several in one, with the numbers from the lowest to the highest.
fn tell(
    epoch: &mut Epoch,
    name: &str,
    window: &mut u64,
    untold: &mut Vec<(&str, (u64, u64))>,
    random: &mut Random,
) {
    let mut untold = untold.drain(..).peekable();
    while let Some((reason, (first, mut last))) = untold.next() {
        let mut count = last - first + 1;
        while let Some((_, more)) = untold.next_if(|(next, _)| *next == reason && random.one_in(2)) {
            count += more.1 - more.0 + 1;
            last = more.1;
        }
        *window += 1;
        let lost = Some((name, first, last));
        epoch.begin_gap(*window, reason).end_gap(*window, reason, &count.to_string(), lost);
    }
}

/// All events once, then some again.
fn cut(epoch: &Epoch, random: &mut Random, records: &mut Vec<Record>) {
    let mut from = 0;
    while from < epoch.events.len() {
        let end = end_of_record(epoch, from, random);
        records.push(epoch.record(from..end));
        from = end;
    }
    for _ in 0..random.below(6) {
        let from = random.below(epoch.events.len());
        records.push(epoch.record(from..end_of_record(epoch, from, random)));
    }
    let again = records.last().expect("a record").clone();
    if random.one_in(3) {
        records.push(again);
    }
}

/// A record cannot leave out what is in the chain.
fn end_of_record(epoch: &Epoch, from: usize, random: &mut Random) -> usize {
    let most = (from + 1 + random.below(8)).min(epoch.events.len());
    let pairs = epoch.events[from..most].windows(2);
    from + 1 + pairs.take_while(|pair| pair[0].after == pair[1].before).count()
}
