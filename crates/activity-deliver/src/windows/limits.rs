//! Every limit of loss windows and their state file, with its unit and its reason.

use super::window::Reason;

/// Most windows that are kept. Two events and two notices each have to be told of them at worst, so this bounds what an
/// outage of everything leaves behind; ended ones stay this long in the view.
pub const MAX_WINDOWS: usize = 128;
/// From this number on, a reason that has a window gets no other one. The difference is one place for every reason, so a
/// reason that has none always finds one.
pub(super) const CROWDED_WINDOWS: usize = MAX_WINDOWS - Reason::ALL.len();

/// How long after the last of several losses that are each over at once the end is told, in microseconds: 5 s. So a
/// reason gives at most one window in that time.
pub(super) const INSTANT_LINGER_MICROS: i64 = 5_000_000;

/// Most notices that are due beside those of windows: starts, stops and changes of settings of an hours-long outage.
pub const MAX_DUE_NOTICES: usize = 64;

/// Most bytes of a window's detail, and of the texts of a notice that is kept: bounds the state file.
pub(super) const MAX_DETAIL_BYTES: usize = 512;
/// Most bytes of a notice's id. Source: [`crate::Notice::id`].
pub(super) const MAX_NOTICE_ID_BYTES: usize = 64;
/// Most bytes of an epoch: leaves room in a notice's id for a window's number and what the notice is about.
pub(super) const MAX_EPOCH_BYTES: usize = 24;

/// Most bytes of the state file. All windows and notices with texts of nothing but escapes stay below it (a test fills them).
pub const MAX_STATE_BYTES: usize = 1024 * 1024;
