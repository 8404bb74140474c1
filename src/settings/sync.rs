//! Sync mode: how long a session waits, and what becomes of its statement where that is in vain.

use std::time::Duration;

use super::{checks, filter};
use crate::pg::guc::{AnyChoice, Choice, ChoiceEntry, Context, Define, Description, Int, Text, Unit};

/// `activity_stream.on_failure`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// The session goes on; events might be lost, and that is told.
    Continue,
    /// The statement fails, and its transaction is rolled back.
    FailOperation,
}

const CONTINUE: i32 = 0;
const FAIL_OPERATION: i32 = 1;

static SYNC_TIMEOUT: Int = Int::new(
    Description {
        name: c"activity_stream.sync_timeout",
        short: c"Sets how long a session waits for its events in sync mode.",
        long: c"After that activity_stream.on_failure says what becomes of the statement; its events stay queued.",
        context: Context::Reload,
    },
    Unit::Millisecond,
    10_000,
    1,
    3_600_000,
);

static ON_FAILURES: [ChoiceEntry; 3] = [
    ChoiceEntry::new(c"continue", CONTINUE),
    ChoiceEntry::new(c"fail_operation", FAIL_OPERATION),
    ChoiceEntry::END,
];

static ON_FAILURE: Choice<AnyChoice> = Choice::new(
    Description {
        name: c"activity_stream.on_failure",
        short: c"Selects what becomes of a statement in sync mode whose events do not become durable in time.",
        long: c"With continue it goes on, and nobody waits until the stream is well again; with fail_operation it fails before it commits.",
        context: Context::Reload,
    },
    CONTINUE,
    &ON_FAILURES,
);

static BREAK_GLASS_ROLES: Text<checks::Names> = Text::new(
    Description {
        name: c"activity_stream.break_glass_roles",
        short: c"Names the superusers who can work over the Unix socket though activity_stream.on_failure refuses all others.",
        long: c"What they do meanwhile is told as STREAM BREAK GLASS when the stream is well again.",
        context: Context::Reload,
    },
    c"",
);

/// In the order in which they are defined.
pub(super) static SETTINGS: &[&dyn Define] = &[&SYNC_TIMEOUT, &ON_FAILURE, &BREAK_GLASS_ROLES];

/// The longest wait of a session in sync mode.
pub(crate) fn sync_timeout() -> Duration {
    Duration::from_millis(u64::try_from(SYNC_TIMEOUT.get()).unwrap_or(0))
}

/// What becomes of a statement whose events do not become durable in time.
pub(crate) fn on_failure() -> OnFailure {
    if ON_FAILURE.get() == FAIL_OPERATION { OnFailure::FailOperation } else { OnFailure::Continue }
}

/// Roles that can work all the same.
pub(crate) fn break_glass_roles() -> Vec<String> {
    filter::names(&BREAK_GLASS_ROLES.get()).unwrap_or_default()
}
