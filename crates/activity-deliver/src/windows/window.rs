//! One loss window: why, from when to when, how much, and what of it was told where.

use activity_event::{Micros, text};
use serde::{Deserialize, Serialize};

use super::limits::MAX_DETAIL_BYTES;

/// Why events are lost, or might be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The ring took no more.
    RingFull,
    /// The spool cannot be written, so what the stream does not take stays in the ring.
    SpoolUnwritable,
    /// Delivery gave records up: the stream refuses them for good, or they cannot be sealed.
    GivenUp,
    /// The server stopped without the worker's knowledge: what was not acknowledged then is gone.
    UncleanStop,
    /// A process was killed while it wrote its event.
    Torn,
    /// The time for shutting down was over before all was delivered.
    ShutdownLeft,
    /// Records in the spool cannot be read any more.
    SpoolDamaged,
    /// Synchronous sessions went on before their events were durable.
    NotDurable,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::RingFull,
        Self::SpoolUnwritable,
        Self::GivenUp,
        Self::UncleanStop,
        Self::Torn,
        Self::ShutdownLeft,
        Self::SpoolDamaged,
        Self::NotDurable,
    ];

    /// Two or three words for people, the view and the stream.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RingFull => "ring full",
            Self::SpoolUnwritable => "spool unwritable",
            Self::GivenUp => "records given up",
            Self::UncleanStop => "unclean stop",
            Self::Torn => "torn event",
            Self::ShutdownLeft => "left at shutdown",
            Self::SpoolDamaged => "spool damaged",
            Self::NotDurable => "not durable in time",
        }
    }

    /// A window of this reason opens only when an event is lost; one of the others when events can get lost from now on.
    pub(super) const fn is_certain(self) -> bool {
        !matches!(self, Self::SpoolUnwritable | Self::UncleanStop | Self::NotDurable)
    }
}

/// How many events were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// So many.
    Known(u64),
    /// Nobody can say.
    Unknown,
}

impl Count {
    /// Both together: unknown where one of them is.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Known(one), Self::Known(two)) => Self::Known(one.saturating_add(two)),
            _ => Self::Unknown,
        }
    }
}

/// Which part of a window is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// That it began.
    Begin,
    /// That it is over.
    End,
}

/// Where one part of a window was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Telling {
    /// In the server log.
    pub logged: bool,
    /// In the stream.
    pub published: bool,
    /// To every sink.
    pub notified: bool,
    /// The notice was handed over and has no answer yet. Forgotten by a restart, which hands it over again.
    #[serde(skip)]
    pub(super) asked: bool,
    /// The change that made it due: it is told once that is in the state file, or could not be written to it.
    #[serde(skip)]
    pub(super) since: u64,
}

impl Telling {
    pub(super) fn since(generation: u64) -> Self {
        Self { since: generation, ..Self::default() }
    }

    fn is_complete(&self) -> bool {
        self.logged && self.published && self.notified
    }

    fn has_begun(&self) -> bool {
        self.logged || self.published || self.notified || self.asked
    }
}

/// A time in which events were lost or might have been. Times are in microseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Counts windows, across restarts.
    pub number: u64,
    /// The epoch in which it was opened.
    pub epoch: String,
    /// Why.
    pub reason: Reason,
    /// More about that, for people: at most 512 bytes.
    pub detail: String,
    /// When it was opened.
    pub begin: Micros,
    /// The earliest time whose events are affected.
    pub first_affected: Micros,
    /// The latest time whose events are known to be affected.
    pub last_affected: Micros,
    /// When it was over.
    pub end: Option<Micros>,
    /// Events that were lost.
    pub lost: Count,
    /// First and last sequence number of lost events, where they had one. There can be others between them.
    pub sequences: Option<(u64, u64)>,
    /// Its end is told only then, as more may come that belongs to it.
    pub(super) linger_until: Option<Micros>,
    /// How often it went on after its end was told.
    pub(super) revision: u32,
    /// Where its beginning was told.
    pub told_begin: Telling,
    /// Where its end was told.
    pub told_end: Telling,
}

impl Window {
    /// One that opens now, whose beginning became due by that change.
    pub(super) fn new(
        (number, epoch): (u64, &str),
        (reason, detail): (Reason, &str),
        (first_affected, now): (Micros, Micros),
        generation: u64,
    ) -> Self {
        Self {
            number,
            epoch: epoch.to_owned(),
            reason,
            detail: text::cut(detail, MAX_DETAIL_BYTES).0.to_owned(),
            begin: now,
            first_affected,
            last_affected: first_affected,
            end: None,
            lost: Count::Known(0),
            sequences: None,
            linger_until: None,
            revision: 0,
            told_begin: Telling::since(generation),
            told_end: Telling::default(),
        }
    }

    /// Names it for ever: `<epoch>-<number>`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}-{}", self.epoch, self.number)
    }

    /// Ended, and nothing that may come still belongs to it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.end.is_some() && self.linger_until.is_none()
    }

    /// Over, and told everywhere.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.is_over() && self.told_begin.is_complete() && self.told_end.is_complete()
    }

    /// That part has happened.
    pub(super) fn is_due(&self, part: Part) -> bool {
        part == Part::Begin || self.is_over()
    }

    pub(super) fn telling(&self, part: Part) -> &Telling {
        match part {
            Part::Begin => &self.told_begin,
            Part::End => &self.told_end,
        }
    }

    pub(super) fn telling_mut(&mut self, part: Part) -> &mut Telling {
        match part {
            Part::Begin => &mut self.told_begin,
            Part::End => &mut self.told_end,
        }
    }

    /// The id of its notice. A notice of an end that is told anew is another one: who has seen the first would drop it.
    pub(super) fn notice_id(&self, part: Part) -> String {
        match (part, self.revision) {
            (Part::Begin, _) => format!("{}-begin", self.id()),
            (Part::End, 0) => format!("{}-end", self.id()),
            (Part::End, revision) => format!("{}-end-{}", self.id(), u64::from(revision) + 1),
        }
    }

    /// Until when events are affected: the last one that is known, or the end where it may have been any.
    #[must_use]
    pub fn affected_until(&self) -> Micros {
        match (self.lost, self.end) {
            (Count::Known(0) | Count::Unknown, Some(end)) => self.last_affected.max(end),
            _ => self.last_affected,
        }
    }

    /// Adds losses to it.
    pub(super) fn add(&mut self, lost: Count, (first, last): (Micros, Micros)) {
        self.lost = self.lost.plus(lost);
        self.first_affected = self.first_affected.min(first);
        self.last_affected = self.last_affected.max(last);
    }

    /// Adds the sequence numbers of losses in that epoch. Those of two epochs cannot be compared, so then there are none.
    pub(super) fn add_sequences(&mut self, epoch: &str, sequences: Option<(u64, u64)>) {
        self.sequences = match (self.sequences, sequences) {
            _ if self.epoch != epoch => None,
            (Some(known), Some(new)) => Some((known.0.min(new.0), known.1.max(new.1))),
            (known, new) => known.or(new),
        };
    }

    /// It is over, by that change.
    pub(super) fn finish(&mut self, end: Micros, generation: u64) {
        // A clock that was set back does not make it end before it began.
        self.end = Some(end.max(self.begin));
        self.linger_until = None;
        self.told_end.since = generation;
    }

    /// It goes on, by that change. What was told of its end anywhere is no longer true and is told anew.
    pub(super) fn go_on(&mut self, generation: u64) {
        self.end = None;
        self.linger_until = None;
        if self.told_end.has_begun() {
            self.revision = self.revision.saturating_add(1);
            if self.told_end.logged {
                self.told_begin.logged = false;
                self.told_begin.since = generation;
            }
            self.told_end = Telling::default();
        }
    }
}
