//! What verifying found: the JSON of `--json`, and what the text for people is made of.

use serde::Serialize;

use super::findings::{Listed, Range, Ranges};
use super::told::Lost;
use super::verifier::Unreadable;

/// The whole report.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// Nothing is missing, changed or unreadable but for what the stream itself tells as lost, or was accepted.
    pub(crate) accounted: bool,
    pub(crate) records: u64,
    pub(crate) heartbeats: u64,
    pub(crate) unreadable: Listed<Unreadable>,
    /// Each counted once.
    pub(crate) events: u64,
    pub(crate) duplicates: u64,
    pub(crate) epochs: Vec<EpochReport>,
    pub(crate) windows: Vec<WindowReport>,
    pub(crate) losses: Losses,
    pub(crate) problems: Listed<Problem>,
}

/// One start of the server.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct EpochReport {
    pub(crate) epoch: String,
    pub(crate) instance: String,
    /// The epoch before, as this one's STREAM START names it.
    pub(crate) previous: Option<String>,
    pub(crate) events: u64,
    pub(crate) first_sequence: u64,
    pub(crate) last_sequence: u64,
    pub(crate) duplicates: u64,
    pub(crate) gaps: Listed<Gap>,
    /// Events whose chain is not that of the event before them.
    pub(crate) broken_links: Listed<u64>,
    /// Events that came twice and differ.
    pub(crate) conflicts: Ranges,
    /// Events that came twice, the second time too late to be compared.
    pub(crate) not_compared: Ranges,
    pub(crate) end: End,
}

/// Events that are not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Gap {
    #[serde(flatten)]
    pub(crate) range: Range,
    pub(crate) accounted_by: Option<Account>,
}

/// What a gap is explained by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Account {
    /// A loss with these numbers.
    Window,
    /// The server ended without a stop; these were under way.
    UncleanEnd,
    /// They lie before the first event of the first epoch; unless that is accepted, it is a problem of its own.
    TrimmedStart,
}

/// How an epoch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// By STREAM STOP.
    Stop,
    /// The next epoch says so.
    Clean,
    /// The next epoch says that it did not.
    Unclean,
    /// Nothing says that it did.
    Open,
}

/// A loss that the stream tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct WindowReport {
    pub(crate) window: String,
    pub(crate) reason: String,
    pub(crate) from: String,
    /// `null` for one that has not ended.
    pub(crate) to: Option<String>,
    /// `null` for an unknown count.
    pub(crate) count: Lost,
}

/// All ended windows together.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Losses {
    pub(crate) windows: u64,
    /// Events of the windows that know how many.
    pub(crate) events: u64,
    /// Windows that do not.
    pub(crate) unknown: u64,
}

/// Something that is not accounted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Problem {
    pub(crate) kind: Kind,
    pub(crate) epoch: Option<String>,
    /// A sentence.
    pub(crate) text: String,
    /// Of a gap: the events that are missing.
    #[serde(skip)]
    pub(crate) missing: Option<Range>,
}

/// What is not accounted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// No event at all.
    Nothing,
    Unreadable,
    /// An event of the stream itself that does not say what it has to.
    MalformedEvent,
    Gap,
    /// More is missing among the numbers of a loss than it tells.
    LossExceeded,
    BrokenLink,
    Conflict,
    NotCompared,
    /// The first epoch has no beginning.
    TrimmedStart,
    /// What came before an epoch is not there or not named.
    PreviousMissing,
    /// STREAM START of an epoch is told in two ways, or of another epoch.
    StartContradiction,
    /// Epochs name each other in a circle.
    Circle,
    /// Two epochs name the same one as the one before.
    TwoSuccessors,
    /// The next epoch says otherwise about the end.
    EndDiffers,
    /// An unclean end without the loss that tells it.
    UncleanEndNotTold,
    OpenWindow,
    /// With `--fail-on-loss`.
    Loss,
    /// More than is kept.
    TooMuch,
}
