//! Windows against a hostile world, by seed: rings and sinks that refuse, writes that are slow, restarts of the worker and of
//! the server at any step. Only what was written survives them. Then everything works, and in the end:
//!
//! * every beginning that the log, the stream or the sinks were told has its end there, never an end before its beginning;
//! * the counts of the ends in the stream are what the ring lost, as far as it was counted before a server died;
//! * there are never more windows than the limit, and nothing is due any more.
//!
//! In half of the runs no worker dies, but writes fail; as what could be told and not be written is gone with the worker.

use std::collections::{BTreeMap, BTreeSet};

use super::tests::{EPOCH, first_start};
use super::*;

const SEEDS: u64 = 60;
const STEPS: u64 = 300;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// What one channel was told.
#[derive(Default)]
struct Channel {
    began: BTreeSet<String>,
    /// The count of the last end.
    ended: BTreeMap<String, Option<u64>>,
}

impl Channel {
    fn tell(&mut self, id: &str, part: Part, lost: Option<u64>) {
        if part == Part::Begin {
            self.began.insert(id.to_owned());
        } else {
            assert!(self.began.contains(id), "the end of {id} before its beginning");
            self.ended.insert(id.to_owned(), lost);
        }
    }

    fn check(&self) {
        assert_eq!(self.began, self.ended.keys().cloned().collect(), "every beginning has its end");
    }
}

struct World {
    random: Random,
    now: i64,
    epoch: u64,
    windows: Windows,
    marker: Marker,
    disk: Option<State>,
    writing: Option<(u64, State)>,
    /// Notices that the sinks have not taken yet: gone with the worker.
    with_sinks: Vec<crate::Notice>,
    log: Channel,
    stream: Channel,
    sinks: Channel,
    /// The ring's counter, and what earlier epochs counted.
    dropped: u64,
    dropped_before: u64,
    given_up: u64,
    dies: bool,
    peace: bool,
    /// One in so many events and notices is taken.
    deafness: u64,
    most_windows: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let deafness = [1, 2, 30, 1_000_000][usize::try_from(random.below(4)).unwrap()];
        Self {
            now: 1,
            epoch: 0,
            windows: first_start(),
            marker: resume(None, EPOCH, 1).0.marker,
            disk: None,
            writing: None,
            with_sinks: Vec::new(),
            log: Channel::default(),
            stream: Channel::default(),
            sinks: Channel::default(),
            dropped: 0,
            dropped_before: 0,
            given_up: 0,
            dies: seed.is_multiple_of(2),
            peace: false,
            deafness,
            most_windows: 0,
            random,
        }
    }

    fn step(&mut self) {
        self.now += i64::try_from(self.random.below(8_000_000)).unwrap();
        for _ in 0..3 {
            self.happen();
        }
        self.round();
        if self.dies && self.random.one_in(20) {
            self.die();
        }
    }

    /// What gives windows.
    fn happen(&mut self) {
        match self.random.below(8) {
            0 | 1 => self.dropped += self.random.below(10),
            2 => self.windows.close(Reason::RingFull, self.now),
            3 => self.windows.open(Reason::SpoolUnwritable, "disk full", self.now, self.now),
            4 => self.windows.close(Reason::SpoolUnwritable, self.now),
            5 => {
                let lost = self.random.below(4);
                self.given_up += lost;
                let times = (self.now, self.now);
                self.windows.instant(Reason::GivenUp, "", Count::Known(lost), times, None, self.now);
            }
            _ => {}
        }
    }

    /// A round of the worker's loop. The worker can die between any two actions.
    fn round(&mut self) {
        self.look();
        self.windows.tick(self.now);
        self.finish_write();
        self.hand_notices_over();
        if self.random.one_in(3) || self.peace {
            self.windows.retry_refused();
        }
        while let Some(action) = self.windows.next_action() {
            self.act(action);
            if self.dies && !self.peace && self.random.one_in(40) {
                return self.die();
            }
        }
        let count = self.windows.iter().count();
        self.most_windows = self.most_windows.max(count);
        assert!(count <= MAX_WINDOWS);
    }

    fn look(&mut self) {
        let lost = self.dropped - self.marker.counted.dropped;
        if lost > 0 {
            self.windows.affected(Reason::RingFull, Count::Known(lost), self.now, self.now);
            self.marker.counted.dropped = self.dropped;
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Persist { generation } => {
                assert!(self.writing.is_none(), "one write at a time");
                self.writing = Some((generation, self.windows.state(self.marker.clone())));
            }
            Action::Log { line, .. } => {
                let (_, after) = line.detail.split_once("Loss window ").unwrap();
                let part = if line.detail.contains(" on.") { Part::Begin } else { Part::End };
                self.log.tell(after.split_once(':').unwrap().0, part, None);
            }
            Action::Publish { number, part, event } => {
                let taken = self.is_taken();
                if taken {
                    let value = |name| event.params.iter().find_map(|p| p.strip_prefix(name)).unwrap();
                    self.stream.tell(value("window="), part, value("count=").parse().ok());
                }
                self.windows.published(number, part, taken);
            }
            Action::Notify(notice) if self.is_taken() => self.with_sinks.push(notice),
            Action::Notify(notice) => self.windows.notice_refused(&notice.id),
        }
    }

    fn is_taken(&mut self) -> bool {
        self.peace || self.random.one_in(self.deafness)
    }

    fn finish_write(&mut self) {
        if self.random.one_in(2) || self.peace {
            let Some((generation, state)) = self.writing.take() else { return };
            let ok = self.peace || self.dies || !self.random.one_in(3);
            if ok {
                self.disk = Some(state);
            }
            self.windows.persisted(generation, ok);
        }
    }

    fn hand_notices_over(&mut self) {
        while !self.with_sinks.is_empty() && self.is_taken() {
            let notice = self.with_sinks.remove(0);
            let (id, part) = match notice.id.split_once("-end") {
                Some((id, _)) => (id, Part::End),
                None => (notice.id.strip_suffix("-begin").unwrap(), Part::Begin),
            };
            self.sinks.tell(id, part, None);
            self.windows.notified(&notice.id);
        }
    }

    /// The worker ends, and perhaps the server with it.
    fn die(&mut self) {
        if let Some((_, state)) = self.writing.take()
            && self.random.one_in(2)
        {
            self.disk = Some(state);
        }
        self.with_sinks.clear();
        if self.random.one_in(4) {
            // Of an epoch that wrote nothing nothing is known.
            let written = self.disk.as_ref().filter(|state| state.marker.epoch == self.marker.epoch);
            self.dropped_before += written.map_or(0, |state| state.marker.counted.dropped);
            self.dropped = 0;
            self.epoch += 1;
        }
        let bytes = self.disk.as_ref().map(|state| state.to_bytes().unwrap());
        let stored = bytes.map(|bytes| State::from_bytes(&bytes).unwrap());
        let epoch = if self.epoch == 0 { EPOCH.to_owned() } else { format!("{:016x}", self.epoch) };
        let (state, resumed) = resume(stored, &epoch, self.now);
        self.windows = Windows::new("cluster-test", &state);
        self.marker = state.marker;
        if let Resumed::UncleanStop { last_ack_at, .. } = resumed {
            let times = (last_ack_at, self.now);
            self.windows.instant(Reason::UncleanStop, "", Count::Unknown, times, None, self.now);
        }
        // Nothing survives a server that died before it wrote anything, and the first window names start over then.
        if self.disk.is_none() {
            assert_eq!(self.log.began.len() + self.stream.began.len() + self.sinks.began.len(), 0);
        }
    }

    fn make_peace(&mut self) {
        self.peace = true;
        // What is on its way arrives before the windows end.
        self.round();
        for reason in Reason::ALL {
            self.windows.close(reason, self.now);
        }
        self.windows.finish_instants();
        let mut rounds = 0;
        while self.windows.has_due() || self.writing.is_some() {
            self.round();
            rounds += 1;
            assert!(rounds < 100, "nothing is due for ever");
        }
        assert!(self.windows.iter().all(Window::is_told));
    }

    fn check(&self) {
        for channel in [&self.log, &self.stream, &self.sinks] {
            channel.check();
        }
        assert_eq!(self.log.began, self.stream.began, "all channels tell the same windows");
        assert_eq!(self.log.began, self.sinks.began);
        // Those of an unclean stop are unknown, those of an unwritable spool none.
        let told: u64 = self.stream.ended.values().flatten().sum();
        let dropped = self.dropped_before + self.dropped;
        if self.dies {
            assert!(
                (dropped..=dropped + self.given_up).contains(&told),
                "{dropped} {told} {}",
                self.given_up
            );
        } else {
            assert_eq!(told, dropped + self.given_up);
        }
    }
}

#[test]
fn every_beginning_gets_its_end_whatever_refuses_and_whenever_the_worker_dies() {
    let (mut crowded, mut restarted) = (0, 0);
    for seed in 1..=SEEDS {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        world.make_peace();
        world.check();
        crowded += u64::from(world.most_windows >= limits::CROWDED_WINDOWS);
        restarted += world.epoch;
    }
    assert!(crowded > SEEDS / 10, "{crowded} runs had more windows than there is room for");
    assert!(restarted > SEEDS, "{restarted}");
}
