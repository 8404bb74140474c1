//! Loss windows: when events were or might have been lost, and who has been told of it.
//!
//! ```text
//!  the worker sees         Windows (pure)                     the worker does
//!  ┌──────────────────┐   ┌──────────────────────┐  Action   ┌───────────────────────────────────┐
//!  │ ring full, spool ├──►│ open · affected ·    ├──────────►│ Persist  state.json, by a thread  │
//!  │ unwritable, …    │   │ close · instant      │           │ Log      WARNING                  │
//!  └──────────────────┘   │                      │◄──────────┤ Publish  STREAM GAP BEGIN and END │
//!                         └──────────────────────┘  answers  │ Notify   SNS, EventBridge         │
//!                                                            └───────────────────────────────────┘
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `window` | one window: [`Window`], [`Reason`], [`Count`] |
//! | `table` | [`Windows`]: all of them; how they open, grow and end; how many there can be |
//! | `telling` | [`Windows::next_action`] and its answers: what is due where |
//! | `wording` | what log, stream and operators read |
//! | `due` | notices that are no window's, kept until every sink has them |
//! | `state` | [`State`]: the form on disk, and what a restart makes of it |
//! | `store` | [`Store`]: the file operations |
//! | `limits` | every limit with its reason |
//!
//! There is no clock and no I/O but in `store`: times are given, in microseconds since the Unix epoch.
//!
//! # Invariants
//!
//! * A reason has at most one window that is not over.
//! * A part of a window is told only after a write of the state file that holds it was tried. So a beginning that was told is
//!   known to the next worker, which tells its end; where the file could not be written (a full disk is a reason for a
//!   window, too), it is told nevertheless.
//! * The end of a window is due nowhere before its beginning was told there. A window that is over before its beginning could
//!   be told gives both, the beginning first.
//! * What is due stays due until it was told, across restarts of the worker and of the server: all of it is in the state file.
//! * The count of a window is what was given to [`Windows::affected`] and [`Windows::instant`], and nothing is counted in two
//!   windows.
//!
//! # Limits
//!
//! At most [`MAX_WINDOWS`] are kept. The oldest go first that are over and told everywhere. Where none is, a new loss goes to the
//! latest window of its reason, which is open again: its count grows, and what was told of its end is told anew with the
//! whole, as a further line, event and notice. So no beginning is ever without its end, and no count is dropped.
//!
//! Losses that are each over at once ([`Windows::instant`]) share a window if they are at most five seconds apart: it
//! has its end from the last of them, and tells it five seconds after.
//!
//! # What is not guaranteed
//!
//! * *Once.* Log lines, events and notices are told once more where the worker dies between telling and writing that down.
//!   Events name the window, notices have ids, so readers can tell.
//! * Where the state file cannot be written and the worker dies as well, the ends of windows that only it knew are lost, and
//!   their numbers are given again. A server that stopped so is told as an unclean stop at the next start.
//! * A count can lack what was found after the last write before the worker died. For what the ring counts, the marker says
//!   up to where its counters are in the windows ([`RingCounters`]), so the next worker adds the rest.

mod due;
mod limits;
mod state;
mod store;
mod table;
mod telling;
mod window;
mod wording;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use due::NoticeNotKept;
pub use limits::{MAX_DUE_NOTICES, MAX_STATE_BYTES, MAX_WINDOWS};
pub use state::{Damaged, Marker, Owner, Previous, Resumed, RingCounters, State, resume};
pub use store::{Loaded, PendingWrite, Store, StoreError};
pub use table::Windows;
pub use telling::Action;
pub use window::{Count, Part, Reason, Telling, Window};
pub use wording::{GapEvent, LogLine};
