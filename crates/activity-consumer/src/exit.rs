//! Every way in which the program ends, and the exit code of each.

/// The exit codes; `2` is also what the parser of the command line ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All that was asked for was printed; or the reader of standard output wanted no more.
    Success,
    /// The same, but some records could not be read.
    Unreadable,
    /// `verify` found something that nothing accounts for.
    NotAccounted,
    /// `watch` raised an alarm.
    Alarm,
    /// Nothing could be read, or no more: configuration, permission, no such stream, an outage that did not end.
    Fatal,
    /// `SIGINT`, by the shell's convention.
    Interrupted,
    /// `SIGTERM`, by the shell's convention.
    Terminated,
}

/// Why reading ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing came for the time of `--idle-timeout`.
    Idle,
    /// As many events as `--until-events` were printed; `verify` has read all of its input.
    Enough,
    /// Standard output is a pipe that nobody reads from any more.
    ReaderGone,
    /// It was stopped.
    Stopped(Signal),
    /// `watch` raised an alarm that no command takes.
    Alarm,
    /// It cannot go on, and why.
    Fatal(String),
}

/// The signals that end the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// `SIGINT`: Ctrl-C.
    Interrupt,
    /// `SIGTERM`.
    Terminate,
}

impl Exit {
    /// The one decision: from the end of reading and the records that could not be read to the code.
    pub(crate) fn of(end: &End, unreadable_records: u64) -> Self {
        match end {
            End::Fatal(_) => Self::Fatal,
            End::Alarm => Self::Alarm,
            End::Stopped(Signal::Interrupt) => Self::Interrupted,
            End::Stopped(Signal::Terminate) => Self::Terminated,
            // `activity-consumer … | head` is a success under `set -o pipefail`, too.
            End::ReaderGone => Self::Success,
            End::Idle | End::Enough if unreadable_records > 0 => Self::Unreadable,
            End::Idle | End::Enough => Self::Success,
        }
    }

    /// The number that the operating system gets.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Success => 0,
            Self::Unreadable | Self::NotAccounted => 1,
            Self::Fatal => 2,
            Self::Alarm => 3,
            Self::Interrupted => 128 + 2,
            Self::Terminated => 128 + 15,
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn each_end_has_its_code() {
        for (end, unreadable, code) in [
            (End::Idle, 0, 0),
            (End::Enough, 0, 0),
            (End::Idle, 1, 1),
            (End::Enough, 7, 1),
            (End::ReaderGone, 0, 0),
            (End::ReaderGone, 1, 0),
            (End::Alarm, 0, 3),
            (End::Fatal("no stream".into()), 0, 2),
            (End::Fatal("no stream".into()), 1, 2),
            (End::Stopped(Signal::Interrupt), 1, 130),
            (End::Stopped(Signal::Terminate), 0, 143),
        ] {
            assert_eq!(Exit::of(&end, unreadable).code(), code, "{end:?} with {unreadable}");
        }
    }
}
