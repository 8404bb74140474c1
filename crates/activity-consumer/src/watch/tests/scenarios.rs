//! Records and times in, alarms out.

use std::time::{Duration, SystemTime};

use super::super::alarm::Kind;
use super::super::watcher::{Output, Rules, Watcher};
use crate::fake::inner;
use crate::verify::tests::producer::Epoch;

const PATIENCE: Duration = Duration::from_secs(10);

fn rules(expected_at_start: &[&str]) -> Rules {
    let expected_at_start = expected_at_start.iter().map(|param| (*param).to_owned()).collect();
    Rules { max_silence: PATIENCE, settle: PATIENCE, expected_at_start }
}

/// A watch that hears heartbeats all the time, unless a test says otherwise.
struct Scene {
    watcher: Watcher,
    now: Duration,
    notes: Vec<String>,
}

impl Scene {
    fn new() -> Self {
        let mut scene = Self { watcher: Watcher::new(rules(&[])), now: Duration::ZERO, notes: Vec::new() };
        scene.watcher.positioned();
        scene.watcher.caught_up(Duration::ZERO);
        scene
    }

    /// One in whose beginning nothing but heartbeats came.
    fn after_its_beginning() -> Self {
        let mut scene = Self::new();
        assert_eq!(scene.wait(11), []);
        scene
    }

    fn record(&mut self, json: &[u8]) -> &mut Self {
        let arrived = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) + self.now;
        self.watcher.record(self.now, Some(arrived), "somewhere", json);
        self
    }

    fn records<'a>(&mut self, records: impl IntoIterator<Item = &'a Vec<u8>>) -> &mut Self {
        records.into_iter().fold(self, |scene, json| scene.record(json))
    }

    fn alarms(&mut self) -> Vec<(Kind, String)> {
        self.watcher.tick(self.now);
        let mut alarms = Vec::new();
        for output in self.watcher.take() {
            match output {
                Output::Alarm(kind, finding) => alarms.push((kind, finding.text)),
                Output::Note(note) => self.notes.push(note),
            }
        }
        alarms
    }

    /// The kinds of the alarms of so many seconds, in each of which there is a heartbeat.
    fn wait(&mut self, seconds: u64) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = self.alarms().into_iter().map(|(kind, _)| kind).collect();
        for _ in 0..seconds {
            self.now += Duration::from_secs(1);
            self.record(heartbeat().as_bytes());
            kinds.extend(self.alarms().into_iter().map(|(kind, _)| kind));
        }
        kinds
    }

    /// The same, and nothing comes.
    fn hush(&mut self, seconds: u64) -> Vec<(Kind, String)> {
        (0..seconds).fold(self.alarms(), |mut alarms, _| {
            self.now += Duration::from_secs(1);
            alarms.extend(self.alarms());
            alarms
        })
    }
}

fn heartbeat() -> String {
    inner(&[r#"{"type":"heartbeat"}"#]).replace("\"instanceId\":\"i\"", "\"instanceId\":\"db-B\"")
}

/// The first life of a server.
fn first() -> Epoch {
    let mut epoch = Epoch::new(1);
    epoch.start(None, "").events(20);
    epoch
}

#[test]
fn a_stream_that_is_well_raises_nothing() {
    let mut scene = Scene::new();
    let mut one = first();
    scene.records(&one.records(3));
    assert_eq!(scene.wait(60), []);
    let before = one.events.len();
    one.events(30);
    scene.record(&one.record(before..before + 30).json());
    assert_eq!(scene.wait(60), []);
    assert!(scene.notes.is_empty(), "{:?}", scene.notes);
}

#[test]
fn silence_is_told_once_with_its_reason_and_its_end_is_noted() {
    let mut scene = Scene::new();
    let alarms = scene.hush(30);
    assert_eq!(alarms, [(Kind::Silence, "no record at all since the watch began, 10.0 s ago".into())]);
    assert_eq!(scene.wait(5), []);
    assert_eq!(scene.notes, ["db-B is heard again, after 31 s"]);
    scene.watcher.trouble(scene.now, Some("Kinesis GetRecords: refused".into()));
    assert_eq!(
        scene.hush(30),
        [
            (
                Kind::Silence,
                "no record of db-B for 10.0 s; the stream cannot be read: Kinesis GetRecords: refused".into()
            ),
            (
                Kind::Silence,
                "the stream, or a part of it, cannot be read for 10.0 s: Kinesis GetRecords: refused".into()
            )
        ]
    );
}

#[test]
fn records_that_come_once_more_are_no_sign_of_life() {
    let mut scene = Scene::new();
    let records = first().records(50);
    scene.records(&records);
    let mut alarms = Vec::new();
    for _ in 0..12 {
        alarms.extend(scene.hush(1));
        scene.records(&records);
    }
    assert_eq!(alarms.into_iter().map(|(kind, _)| kind).collect::<Vec<_>>(), [Kind::Silence]);
}

#[test]
fn a_missing_record_is_an_alarm_once_it_had_time_to_come() {
    let mut scene = Scene::after_its_beginning();
    let mut records = first().records(3);
    let late = records.remove(2);
    scene.records(&records);
    assert_eq!(scene.wait(9), [], "it may be on its way");
    assert_eq!(scene.wait(5), [Kind::Missing]);
    assert_eq!(scene.wait(60), [], "told once");
    scene.record(&late);
    assert_eq!(scene.wait(60), []);
    assert_eq!(scene.notes.len(), 1, "it is there after all: {:?}", scene.notes);
}

#[test]
fn what_may_stand_in_a_part_that_is_not_read_yet_is_no_alarm() {
    let mut scene = Scene::new();
    scene.watcher = Watcher::new(rules(&[]));
    let mut records = first().records(3);
    let late = records.remove(2);
    scene.watcher.positioned();
    scene.records(&records);
    assert_eq!(scene.wait(100), [], "a shard with a long past is still being read");
    scene.watcher.caught_up(scene.now);
    assert_eq!(scene.wait(9), []);
    scene.record(&late);
    assert_eq!(scene.wait(60), []);
}

#[test]
fn records_that_overtake_one_another_within_the_time_are_none() {
    let mut scene = Scene::after_its_beginning();
    let mut records = first().records(1);
    records.reverse();
    for record in &records[..18] {
        scene.record(record);
    }
    assert_eq!(scene.wait(8), []);
    scene.records(&records[18..]);
    assert_eq!(scene.wait(60), []);
}

#[test]
fn a_gap_that_a_told_loss_accounts_for_is_the_loss_alone() {
    let mut scene = Scene::after_its_beginning();
    let mut one = first();
    let name = one.name.clone();
    let lost = one.lose(3);
    one.begin_gap(1, "given up").end_gap(1, "given up", "3", Some((&name, lost.0, lost.1)));
    scene.records(&one.records(4));
    assert_eq!(scene.wait(60), [Kind::Gap], "once, for its beginning and its end");
}

#[test]
fn a_changed_event_is_an_alarm_at_once() {
    let mut scene = Scene::after_its_beginning();
    let one = first();
    let mut changed = one.record(3..6);
    changed.events[1].json = changed.events[1].json.replace("SELECT", "DELETE");
    scene.record(&one.record(0..3).json()).record(&changed.json()).record(&one.record(6..21).json());
    assert_eq!(scene.wait(1), [Kind::Chain]);
    let mut again = one.record(10..12);
    again.events[0].json = again.events[0].json.replace("alice", "bobby");
    scene.record(&again.json());
    assert_eq!(scene.wait(1), [Kind::Chain], "one that comes twice and differs");
    assert_eq!(scene.wait(60), []);
}

#[test]
fn from_the_middle_only_what_comes_later_counts() {
    let mut one = first();
    one.events(100);
    let mut scene = Scene::new();
    // Two shards, one of which was opened later: 60 to 69 was never read.
    scene.record(&one.record(49..59).json()).record(&one.record(69..79).json());
    assert_eq!(scene.wait(60), []);
    scene.record(&one.record(79..90).json()).record(&one.record(95..100).json());
    assert_eq!(scene.wait(60), [Kind::Missing]);
    // One from before the watch, sent again.
    scene.record(&one.record(5..9).json());
    assert_eq!(scene.wait(60), []);
}

#[test]
fn a_restart_is_a_stop_and_nothing_else() {
    let mut scene = Scene::after_its_beginning();
    let mut one = first();
    one.stop();
    let mut two = Epoch::new(2);
    two.start(Some(&one), "clean").events(5);
    scene.records(&one.records(5));
    assert_eq!(scene.wait(5), [Kind::Stop]);
    scene.records(&two.records(5));
    assert_eq!(scene.wait(60), []);
}

#[test]
fn a_start_behind_an_unclean_end_is_an_alarm() {
    let mut scene = Scene::after_its_beginning();
    let one = first();
    scene.records(&one.records(5));
    let mut two = Epoch::new(2);
    two.start(Some(&one), "unclean").begin_gap(1, "unclean stop").end_gap(1, "unclean stop", "unknown", None);
    scene.records(&two.records(5));
    assert_eq!(scene.wait(60), [Kind::Epoch, Kind::Gap]);
}

#[test]
fn a_start_that_does_not_say_what_is_expected_is_an_alarm() {
    let records = first().records(5);
    for (expected, alarms) in
        [(&["previousEnd=none"][..], &[][..]), (&["locked=on", "previousEnd=none"], &[Kind::Epoch])]
    {
        let mut scene = Scene::new();
        scene.watcher = Watcher::new(rules(expected));
        scene.records(&records);
        let raised = scene.alarms();
        assert_eq!(raised.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), alarms);
        assert!(raised.iter().all(|(_, text)| text.ends_with("; not locked=on")), "{raised:?}");
    }
}

#[test]
fn a_start_that_does_not_fit_what_came_before_is_an_alarm() {
    // The end of the epoch before is missing; it went on after its end; it is not there at all; nothing is said of it.
    let one = first();
    let (mut shorter, mut longer) = (first(), first());
    shorter.events.truncate(15);
    longer.events(3);
    let two = |before: &Epoch| {
        let mut two = Epoch::new(2);
        two.start(Some(before), "clean").events(5);
        two
    };
    let mut silent = Epoch::new(2);
    silent.events(5);
    for (before, after, expected) in [
        (&shorter, two(&one), Kind::Missing),
        (&longer, two(&one), Kind::Epoch),
        (&one, two(&Epoch::new(7)), Kind::Epoch),
        (&one, silent, Kind::Epoch),
    ] {
        let mut scene = Scene::after_its_beginning();
        scene.records(&before.records(5));
        assert_eq!(scene.wait(5), []);
        scene.records(&after.records(5));
        assert_eq!(scene.wait(60), [expected], "{:?}", after.events.first());
    }
}

#[test]
fn what_the_stream_says_of_itself_is_told_by_its_kind_and_once() {
    let mut scene = Scene::after_its_beginning();
    let mut one = Epoch::new(1);
    one.start(None, "");
    let said = [
        ("STREAM CONFIG", Kind::Config),
        ("STREAM CONFIG REFUSED", Kind::Config),
        ("STREAM INTENT", Kind::Intent),
        ("STREAM SIGNAL", Kind::Signal),
        ("STREAM STALL", Kind::Stall),
        ("STREAM BREAK GLASS", Kind::BreakGlass),
        ("STREAM SOMETHING NEW", Kind::Other),
    ];
    for (command, _) in said {
        one.told(command, &["a=b".into()]);
    }
    let records = one.records(50);
    scene.records(&records).records(&records);
    let alarms = scene.alarms();
    assert_eq!(alarms.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), said.map(|(_, kind)| kind));
    assert_eq!(alarms[0].1, "STREAM CONFIG: a=b");
    assert_eq!(scene.wait(60), []);
}

#[test]
fn what_is_no_record_is_an_alarm() {
    let mut scene = Scene::after_its_beginning();
    scene.record(b"{}").record(inner(&[r#"{"sequence":1}"#]).as_bytes());
    let alarms = scene.alarms();
    assert_eq!(alarms.len(), 2);
    assert!(
        alarms.iter().all(|(kind, text)| *kind == Kind::Unreadable && text.contains("somewhere")),
        "{alarms:?}"
    );
}

#[test]
fn it_knows_when_it_has_something_to_do_next() {
    let mut scene = Scene::new();
    assert_eq!(scene.watcher.next(), Some(PATIENCE));
    scene.now = Duration::from_secs(3);
    scene.record(heartbeat().as_bytes());
    assert_eq!(scene.watcher.next(), Some(Duration::from_secs(13)));
    let records = first().records(3);
    scene.records([&records[0], &records[2]]);
    assert_eq!(scene.watcher.next(), Some(scene.now), "a judgement");
    assert!(scene.alarms().is_empty());
    assert_eq!(scene.watcher.next(), Some(Duration::from_secs(13)));
}
