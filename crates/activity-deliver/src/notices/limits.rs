//! Every limit of notices, with its unit and its reason.

use std::time::Duration;

/// Notices that wait for one sink. As many as [`crate::windows`] can have due at once, about.
pub const MAX_QUEUED_NOTICES: usize = 256;

/// Notices and reports that are on their way between the threads: a round's worth.
pub(super) const CHANNEL_NOTICES: usize = 32;
/// See [`CHANNEL_NOTICES`].
pub(super) const CHANNEL_REPORTS: usize = 64;

/// Ceiling of the first pause after a call that failed, and of the longest one. A service that is throttled by everybody's
/// notices is not to be asked more often, and a minute is soon enough for people.
pub(super) const NOTIFY_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// After that a call is given up: longer than the connection's and the attempt's own timeouts, which say more about what
/// went wrong.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(15);
