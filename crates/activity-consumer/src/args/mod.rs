//! The command line: as typed ([`Args`]) and as resolved ([`Job`]).

mod access;
mod duration;
mod tail;
mod verify;
mod watch;
mod words;

use clap::{Parser, Subcommand};

pub(crate) use tail::Options;
pub(crate) use verify::{Input, VerifyOptions};
pub(crate) use watch::WatchOptions;

/// Reads an activity stream.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the events of a stream, one JSON object a line, and follow it.
    ///
    /// Exit codes: 0 done, or the reader of standard output has gone; 1 done, but some records could not be read; 2
    /// cannot go on, or wrong usage; 130 interrupted; 143 terminated.
    Tail(tail::Tail),

    /// Check that a stream is complete and unchanged, up to now, and report.
    ///
    /// Exit codes: 0 all is accounted for; 1 something is not: an unexplained gap, a broken chain, events that
    /// differ, a record that cannot be read, a loss without an end, a beginning that is not there; 2 cannot go on, or wrong
    /// usage; 130 interrupted; 143 terminated. Losses that the stream itself tells are accounted for, and reported.
    Verify(verify::Verify),

    /// Follow a stream, and raise an alarm when it falls silent, does not add up, or says something that is to be looked at.
    ///
    /// Exit codes: 3 an alarm was raised (without --on-alarm); 2 cannot go on, or wrong usage; 130 interrupted; 143 terminated.
    /// There is no 0: it does not end by itself.
    Watch(watch::Watch),
}

/// What the program is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Job {
    Tail(Options),
    Verify(VerifyOptions),
    Watch(WatchOptions),
}

/// The job of this process's command line. Help and wrong usage end the process, with 0 and 2.
pub(crate) fn from_command_line() -> Job {
    from(std::env::args_os()).unwrap_or_else(|error| error.exit())
}

fn from(line: impl IntoIterator<Item = impl Into<std::ffi::OsString> + Clone>) -> Result<Job, clap::Error> {
    match Args::try_parse_from(line)?.command {
        Command::Tail(tail) => tail.resolve().map(Job::Tail),
        Command::Verify(verify) => verify.resolve().map(Job::Verify),
        Command::Watch(watch) => watch.resolve().map(Job::Watch),
    }
}

#[cfg(test)]
mod test {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }
}
