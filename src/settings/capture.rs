//! Whether events are captured, and what they hold.

use super::checks;
use crate::pg::guc::{Bool, Choice, ChoiceEntry, Context, Define, Description, Int, Unit};

/// `activity_stream.mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Nothing is captured.
    Off,
    /// Sessions go on at once.
    Async,
    /// Sessions wait until their events are durable, before they commit.
    Sync,
}

const OFF: i32 = 0;
const ASYNC: i32 = 1;
const SYNC: i32 = 2;

impl Mode {
    /// The mode of a number of the setting.
    pub(super) const fn from_number(number: i32) -> Self {
        match number {
            ASYNC => Self::Async,
            SYNC => Self::Sync,
            _ => Self::Off,
        }
    }

    /// The word of the setting.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Async => "async",
            Self::Sync => "sync",
        }
    }
}

static MODES: [ChoiceEntry; 4] = [
    ChoiceEntry::new(c"off", OFF),
    ChoiceEntry::new(c"async", ASYNC),
    ChoiceEntry::new(c"sync", SYNC),
    ChoiceEntry::END,
];

/// `activity_stream.mode`
pub(super) static MODE: Choice<checks::ModeRule> = Choice::new(
    Description {
        name: c"activity_stream.mode",
        short: c"Selects no capture, asynchronous or synchronous delivery.",
        long: c"In sync mode a session waits until its events are durable, before it commits.",
        context: Context::Reload,
    },
    OFF,
    &MODES,
);

/// The least that `activity_stream.max_statement_bytes` can be.
pub(crate) const MIN_STATEMENT_BYTES: usize = 1024;

static MAX_STATEMENT_BYTES: Int = Int::new(
    Description {
        name: c"activity_stream.max_statement_bytes",
        short: c"Sets how much of a statement's text an event holds.",
        long: c"A longer text is cut at a character boundary, and commandTextLength tells its length.",
        context: Context::Reload,
    },
    Unit::Byte,
    256 * 1024,
    MIN_STATEMENT_BYTES as i32,
    512 * 1024,
);

static LOG_PARAMETERS: Bool = Bool::new(
    Description {
        name: c"activity_stream.log_parameters",
        short: c"Puts bind parameters into events.",
        long: c"",
        context: Context::Reload,
    },
    true,
);

static MAX_PARAMETER_BYTES: Int = Int::new(
    Description {
        name: c"activity_stream.max_parameter_bytes",
        short: c"Sets how much of a bind parameter an event holds.",
        long: c"A longer value is cut at a character boundary.",
        context: Context::Reload,
    },
    Unit::Byte,
    4 * 1024,
    16,
    64 * 1024,
);

/// In the order in which they are defined.
pub(super) static SETTINGS: &[&dyn Define] =
    &[&MODE, &MAX_STATEMENT_BYTES, &LOG_PARAMETERS, &MAX_PARAMETER_BYTES];

/// The mode in force.
#[inline]
pub(crate) fn mode() -> Mode {
    Mode::from_number(MODE.get())
}

/// Longest text of a statement in an event, bytes.
#[inline]
pub(crate) fn max_statement_bytes() -> usize {
    usize::try_from(MAX_STATEMENT_BYTES.get()).unwrap_or(0)
}

/// Whether bind parameters go into events.
#[inline]
pub(crate) fn log_parameters() -> bool {
    LOG_PARAMETERS.get()
}

/// Longest text of a bind parameter in an event, bytes.
#[inline]
pub(crate) fn max_parameter_bytes() -> usize {
    usize::try_from(MAX_PARAMETER_BYTES.get()).unwrap_or(0)
}
