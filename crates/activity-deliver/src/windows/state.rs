//! The state file: its form, and what a restart makes of what it finds.
//!
//! JSON, version 1. Its form is for ever: a later version reads it, and the fixture beside the tests is never changed. Fields
//! that this version does not know are ignored; another version is not read at all.

use std::fmt;

use activity_event::Micros;
use serde::{Deserialize, Serialize};

use super::limits::{MAX_DUE_NOTICES, MAX_EPOCH_BYTES, MAX_STATE_BYTES, MAX_WINDOWS};
use super::telling::Progress;
use super::window::Window;
use crate::ports::{Notice, NoticeKind};

/// Of the form.
const VERSION: u64 = 1;

/// Everything that outlives the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    version: u64,
    /// How far the stream is.
    pub marker: Marker,
    pub(super) next_number: u64,
    pub(super) windows: Vec<Window>,
    notices: Vec<StoredNotice>,
}

/// Whose state it is: a copy of the directory (a base backup) is another's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Owner {
    /// Names the server.
    pub instance_id: String,
    /// Inode of the directory; 0 where that is not known.
    pub directory: u64,
}

/// How far the stream is, and whether the server stopped in an orderly way. Times are in microseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Whose it is.
    pub owner: Owner,
    /// Names one start of the server: up to 24 characters of `[0-9a-z-]`.
    pub epoch: String,
    /// When it began.
    pub epoch_started_at: Micros,
    /// The epoch before it in which anything happened.
    pub previous: Option<Previous>,
    /// When something was last acknowledged in this epoch.
    pub last_ack_at: Option<Micros>,
    /// The last sequence number that was acknowledged; 0 for none.
    pub acked_sequence: u64,
    /// The chain up to there, in hexadecimal digits.
    pub chain: Option<String>,
    /// The server stopped after everything was delivered, or what was left was told.
    pub clean: bool,
    /// Up to where the ring's own counters are counted in the windows.
    pub counted: RingCounters,
}

/// Counters of the ring, which outlive the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RingCounters {
    /// Events that found no room.
    pub dropped: u64,
    /// Events whose writer was killed.
    pub torn: u64,
}

/// How the epoch before ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// Its name.
    pub epoch: String,
    /// The last sequence number that was acknowledged in it; 0 for none.
    pub last_sequence: u64,
    /// Its chain up to there, in hexadecimal digits.
    pub chain: Option<String>,
    /// Whether it ended in an orderly way.
    pub clean: bool,
}

/// What a start found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resumed {
    /// Nothing: the first start.
    First,
    /// The same epoch: the worker was started again, or the server after a crash that it survived. Its windows go on.
    SameEpoch,
    /// Another epoch, and the one before ended in an orderly way.
    CleanStart {
        /// How far that one was.
        previous: Previous,
    },
    /// Another epoch, and the one before just ended.
    UncleanStop {
        /// How far that one was.
        previous: Previous,
        /// When it was last known to be well: events since then might be lost.
        last_ack_at: Micros,
    },
}

/// What the server finds at its start in the epoch `epoch`. Windows that an epoch before left open end now.
///
/// For [`Resumed::UncleanStop`] the caller gives [`super::Windows::instant`] that loss before anything is written: the state holds the
/// new epoch already.
#[must_use]
pub fn resume(stored: Option<State>, epoch: &str, now: Micros) -> (State, Resumed) {
    let Some(mut state) = stored else {
        let marker = Marker::new(epoch, now, None);
        return (State::new(marker, Vec::new(), 1, std::iter::empty()), Resumed::First);
    };
    if state.marker.epoch == epoch {
        state.marker.clean = false;
        return (state, Resumed::SameEpoch);
    }
    for window in state.windows.iter_mut().filter(|window| !window.is_over()) {
        // One that only waited for more has its end already.
        window.finish(window.end.unwrap_or(now), Progress::START);
    }
    let old = state.marker;
    let previous =
        Previous { epoch: old.epoch, last_sequence: old.acked_sequence, chain: old.chain, clean: old.clean };
    // An epoch in which nothing happened left nothing in the stream: what the stream knows is the one before it.
    let nothing_happened = old.clean && old.acked_sequence == 0;
    let told = if nothing_happened { old.previous } else { Some(previous.clone()) };
    state.marker = Marker::new(epoch, now, told);
    let last_ack_at = old.last_ack_at.unwrap_or(old.epoch_started_at);
    let resumed = if old.clean {
        Resumed::CleanStart { previous }
    } else {
        Resumed::UncleanStop { previous, last_ack_at }
    };
    (state, resumed)
}

impl Marker {
    fn new(epoch: &str, now: Micros, previous: Option<Previous>) -> Self {
        Self {
            owner: Owner::default(),
            epoch: epoch.to_owned(),
            epoch_started_at: now,
            previous,
            last_ack_at: None,
            acked_sequence: 0,
            chain: None,
            clean: false,
            counted: RingCounters::default(),
        }
    }
}

impl State {
    pub(super) fn new<'a>(
        marker: Marker,
        windows: Vec<Window>,
        next_number: u64,
        notices: impl Iterator<Item = &'a Notice>,
    ) -> Self {
        let notices = notices.cloned().map(StoredNotice).collect();
        Self { version: VERSION, marker, next_number, windows, notices }
    }

    pub(super) fn notices(&self) -> impl Iterator<Item = Notice> {
        self.notices.iter().map(|stored| stored.0.clone())
    }

    /// Its form on disk.
    ///
    /// # Errors
    /// What `serde_json` says, which no value of these types gives it a reason to.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads what [`Self::to_bytes`] gave. Bytes from a disk are not trusted: what is read holds the limits of this module.
    ///
    /// # Errors
    /// Everything else is [`Damaged`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }

        if bytes.len() > MAX_STATE_BYTES {
            return Err(Damaged::TooLarge);
        }
        let invalid = |error: serde_json::Error| Damaged::Invalid(error.to_string());
        let Version { version } = serde_json::from_slice(bytes).map_err(invalid)?;
        if version != VERSION {
            return Err(Damaged::UnknownVersion(version));
        }
        let state: Self = serde_json::from_slice(bytes).map_err(invalid)?;
        state.check().map_err(|what| Damaged::Invalid(what.to_owned()))?;
        Ok(state)
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.windows.len() > MAX_WINDOWS || self.notices.len() > MAX_DUE_NOTICES {
            return Err("it has more windows or notices than are kept");
        }
        let is_ordered = self.windows.is_sorted_by(|one, two| one.number < two.number);
        if !is_ordered || self.windows.last().is_some_and(|last| last.number >= self.next_number) {
            return Err("the numbers of its windows do not rise");
        }
        let mut epochs = self.windows.iter().map(|window| &window.epoch).chain([&self.marker.epoch]);
        if !epochs.all(|epoch| is_epoch(epoch)) {
            return Err("an epoch in it is no name");
        }
        Ok(())
    }
}

/// What can be part of the ids of notices.
fn is_epoch(epoch: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() || byte == b'-';
    (1..=MAX_EPOCH_BYTES).contains(&epoch.len()) && epoch.bytes().all(is_allowed)
}

/// Why a state file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damaged {
    /// It is larger than [`MAX_STATE_BYTES`].
    TooLarge,
    /// It is of another version.
    UnknownVersion(u64),
    /// It is not what it should be.
    Invalid(String),
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "it is larger than {MAX_STATE_BYTES} bytes"),
            Self::UnknownVersion(version) => {
                write!(f, "it is of version {version}, and only {VERSION} is known")
            }
            Self::Invalid(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Damaged {}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredNotice(#[serde(with = "NoticeForm")] Notice);

/// The form of a [`Notice`] on disk.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Notice")]
struct NoticeForm {
    id: String,
    #[serde(with = "KindForm")]
    kind: NoticeKind,
    at: Micros,
    cluster_id: String,
    message: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "NoticeKind", rename_all = "snake_case")]
enum KindForm {
    Started,
    Stopped,
    Changed,
    LossBegan,
    LossEnded,
}
