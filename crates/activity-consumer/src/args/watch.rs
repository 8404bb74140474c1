//! The options of `watch`: as typed ([`Watch`]) and as resolved ([`WatchOptions`]).

use std::collections::BTreeSet;
use std::time::Duration;

use activity_aws::{Endpoint, StartAt};
use clap::error::ErrorKind;
use clap::{CommandFactory as _, ValueEnum as _};

use super::Args;
use super::access::{Access, start_at};
use super::duration::duration;
use super::words::words;
use crate::print::Style;
use crate::watch::{Kind, OnAlarm};

#[derive(Debug, clap::Args)]
pub(super) struct Watch {
    #[command(flatten)]
    access: Access,

    /// Raise an alarm when no record of an instance came for so long, heartbeats included, or none at all since the beginning; more
    /// than the server's heartbeat_interval
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    max_silence: Duration,

    /// How long records may be ahead of others, before what is missing between them is an alarm
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    settle: Duration,

    /// What each STREAM START has to say, such as locked=on; else it is an alarm (epoch). Can be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    expect_start: Vec<String>,

    /// The kinds of alarms that are raised, with commas between them [default: all]
    #[arg(long, value_name = "KINDS", value_enum, value_delimiter = ',')]
    alarm: Vec<Kind>,

    /// Run this command for each alarm and go on, instead of ending with exit code 3. It is split into words as a shell does, and run
    /// without one; the alarm is on its standard input as JSON, and in ACTIVITY_ALARM, ACTIVITY_ALARM_TEXT, … Of each kind one runs at a time,
    /// and at most one is started a second: what comes meanwhile is one alarm with a count
    #[arg(long, value_name = "COMMAND")]
    on_alarm: Option<String>,

    /// Kill the command when it runs longer than that
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration, requires = "on_alarm")]
    alarm_timeout: Duration,

    /// Where to begin: "latest", "trim-horizon" (the oldest that is kept), or the time at which a record arrived, such
    /// as 2024-05-24T00:36:54Z; without an offset it is UTC
    #[arg(long, value_name = "WHERE", default_value = "latest", value_parser = start_at)]
    from: StartAt,

    /// Print lines for people instead of JSON
    #[arg(long)]
    pretty: bool,

    /// Time between two reads of a shard; Kinesis allows five a second, for all consumers together
    #[arg(long, value_name = "MS", default_value_t = 250, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    poll_interval_ms: u64,

    /// Say on standard error when watching has begun
    #[arg(long, short)]
    verbose: bool,
}

/// What `watch` is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WatchOptions {
    pub(crate) stream: String,
    pub(crate) cluster_id: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) max_silence: Duration,
    pub(crate) settle: Duration,
    pub(crate) expected_at_start: Vec<String>,
    pub(crate) alarms: BTreeSet<Kind>,
    pub(crate) on_alarm: Option<OnAlarm>,
    pub(crate) from: StartAt,
    pub(crate) style: Style,
    pub(crate) poll_interval: Duration,
    pub(crate) verbose: bool,
}

impl Watch {
    pub(super) fn resolve(self) -> Result<WatchOptions, clap::Error> {
        let (stream, cluster_id, endpoint) = self.access.resolve()?;
        let on_alarm = self.on_alarm.map(|line| command(&line, self.alarm_timeout)).transpose()?;
        let alarms = if self.alarm.is_empty() { Kind::value_variants() } else { &self.alarm };
        Ok(WatchOptions {
            stream,
            cluster_id,
            endpoint,
            max_silence: self.max_silence,
            settle: self.settle,
            expected_at_start: self.expect_start,
            alarms: alarms.iter().copied().collect(),
            on_alarm,
            from: self.from,
            style: if self.pretty { Style::Pretty } else { Style::Json },
            poll_interval: Duration::from_millis(self.poll_interval_ms),
            verbose: self.verbose,
        })
    }
}

fn command(line: &str, limit: Duration) -> Result<OnAlarm, clap::Error> {
    let wrong =
        |reason: &str| Args::command().error(ErrorKind::ValueValidation, format!("--on-alarm: {reason}"));
    let mut words = words(line).map_err(|reason| wrong(&reason))?.into_iter();
    let program = words.next().ok_or_else(|| wrong("the command has no program"))?;
    Ok(OnAlarm { program, arguments: words.collect(), limit })
}

#[cfg(test)]
mod test {
    use super::super::{Job, from};
    use super::*;

    fn watch(line: &[&str]) -> Result<WatchOptions, clap::Error> {
        match from(["activity-consumer", "watch", "--cluster-id", "c"].iter().chain(line))? {
            Job::Watch(options) => Ok(options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn by_default_every_kind_is_an_alarm_from_now_on_and_the_first_one_ends_it() {
        let options = watch(&[]).expect("valid");
        assert_eq!(options.alarms.len(), Kind::value_variants().len());
        assert_eq!((options.from, options.on_alarm), (StartAt::Latest, None));
        assert_eq!((options.max_silence, options.settle), (Duration::from_secs(10), Duration::from_secs(10)));
        assert_eq!((options.stream.as_str(), options.style), ("aws-rds-das-c", Style::Json));
    }

    #[test]
    fn all_options_are_understood() {
        let options = watch(&[
            "--max-silence",
            "1min",
            "--settle",
            "500ms",
            "--alarm",
            "silence,break-glass",
            "--on-alarm",
            "page 'the one' -x",
            "--alarm-timeout",
            "5s",
            "--expect-start",
            "locked=on",
            "--expect-start",
            "a=b",
            "--from",
            "trim-horizon",
            "--pretty",
            "--poll-interval-ms",
            "10",
            "-v",
        ])
        .expect("valid");
        assert_eq!(
            (options.max_silence, options.settle),
            (Duration::from_secs(60), Duration::from_millis(500))
        );
        assert_eq!(options.alarms, BTreeSet::from([Kind::Silence, Kind::BreakGlass]));
        let command = options.on_alarm.expect("a command");
        assert_eq!((command.program.as_str(), command.limit), ("page", Duration::from_secs(5)));
        assert_eq!(command.arguments, ["the one", "-x"]);
        assert_eq!((options.from, options.style), (StartAt::TrimHorizon, Style::Pretty));
        assert_eq!(options.expected_at_start, ["locked=on", "a=b"]);
        assert!(options.verbose);
    }

    #[test]
    fn what_makes_no_sense_is_wrong_usage() {
        for line in [
            &["--max-silence", "0"][..],
            &["--max-silence", "soon"],
            &["--alarm", "everything"],
            &["--on-alarm", "a 'b"],
            &["--on-alarm", ""],
            &["--alarm-timeout", "5s"],
        ] {
            assert_eq!(watch(line).expect_err("wrong").exit_code(), 2, "{line:?}");
        }
    }
}
