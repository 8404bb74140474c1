//! The command line: as typed ([`Args`]) and as resolved ([`Options`]).

use std::time::Duration;

use activity_aws::{Endpoint, StartAt};
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::print::Style;
use crate::time;

/// What the names of activity streams begin with; the cluster id follows.
const STREAM_PREFIX: &str = "aws-rds-das-";

/// Longest time that `--idle-timeout` takes, in seconds: about a year.
const MAX_IDLE_SECONDS: f64 = 3.2e7;

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
    Tail(Tail),
}

/// Which stream; the one tells the other where it can.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Which {
    /// Name of the Kinesis stream [default: aws-rds-das- and the cluster id]
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    stream: Option<String>,

    /// Cluster id under which the data keys are encrypted [default: from the stream's name]
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    cluster_id: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Tail {
    #[command(flatten)]
    which: Which,

    /// AWS region [default: as the AWS SDK finds it: AWS_REGION, the profile, the instance]
    #[arg(long)]
    region: Option<String>,

    /// Base URL of all AWS services, for a local or private endpoint
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,

    /// Profile of the shared AWS configuration files
    #[arg(long)]
    profile: Option<String>,

    /// Where to begin: "latest", "trim-horizon" (the oldest that is kept), or the time at which a record arrived, such
    /// as 2024-05-24T00:36:54Z or "2024-05-24 00:36:54.403455+00"; without an offset it is UTC
    #[arg(long, value_name = "WHERE", default_value = "latest", value_parser = start_at)]
    from: StartAt,

    /// Print aligned lines for people instead of JSON
    #[arg(long)]
    pretty: bool,

    /// Print heartbeats, too
    #[arg(long)]
    heartbeats: bool,

    /// End when nothing but heartbeats came for so long
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    idle_timeout: Option<Duration>,

    /// End after so many printed events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    until_events: Option<u64>,

    /// Time between two reads of a shard; Kinesis allows five a second, for all consumers together
    #[arg(long, value_name = "MS", default_value_t = 250, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    poll_interval_ms: u64,

    /// At the end, write a JSON line with counts and lag to standard error
    #[arg(long)]
    stats: bool,

    /// Say on standard error when reading has begun
    #[arg(long, short)]
    verbose: bool,
}

/// What `tail` is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) stream: String,
    pub(crate) cluster_id: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) from: StartAt,
    pub(crate) style: Style,
    pub(crate) heartbeats: bool,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) until_events: Option<u64>,
    pub(crate) poll_interval: Duration,
    pub(crate) stats: bool,
    pub(crate) verbose: bool,
}

/// The options of this process's command line. Help and wrong usage end the process, with 0 and 2.
pub(crate) fn from_command_line() -> Options {
    from(std::env::args_os()).unwrap_or_else(|error| error.exit())
}

fn from(
    line: impl IntoIterator<Item = impl Into<std::ffi::OsString> + Clone>,
) -> Result<Options, clap::Error> {
    let Args { command: Command::Tail(tail) } = Args::try_parse_from(line)?;
    tail.resolve()
}

impl Tail {
    fn resolve(self) -> Result<Options, clap::Error> {
        let Which { stream, cluster_id } = self.which;
        let named = stream.as_deref().and_then(|name| name.strip_prefix(STREAM_PREFIX));
        let cluster_id = match (cluster_id, named) {
            (Some(id), _) => id,
            (None, Some(id)) if !id.is_empty() => id.to_owned(),
            _ => return Err(no_cluster_id()),
        };
        Ok(Options {
            stream: stream.unwrap_or_else(|| format!("{STREAM_PREFIX}{cluster_id}")),
            cluster_id,
            endpoint: Endpoint {
                region: self.region,
                endpoint_url: self.endpoint_url,
                profile: self.profile,
            },
            from: self.from,
            style: if self.pretty { Style::Pretty } else { Style::Json },
            heartbeats: self.heartbeats,
            idle_timeout: self.idle_timeout,
            until_events: self.until_events,
            poll_interval: Duration::from_millis(self.poll_interval_ms),
            stats: self.stats,
            verbose: self.verbose,
        })
    }
}

fn no_cluster_id() -> clap::Error {
    let message = format!(
        "the stream's name does not tell the cluster id, as {STREAM_PREFIX}<cluster id> does; name it with --cluster-id"
    );
    Args::command().error(ErrorKind::MissingRequiredArgument, message)
}

fn start_at(text: &str) -> Result<StartAt, String> {
    match text {
        "latest" => Ok(StartAt::Latest),
        "trim-horizon" => Ok(StartAt::TrimHorizon),
        text => time::parse(text).map(StartAt::AtTimestamp).ok_or_else(|| {
            "expected latest, trim-horizon or a time such as 2024-05-24T00:36:54Z or \"2024-05-24 00:36:54.403455+00\""
                .to_owned()
        }),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0 && *seconds <= MAX_IDLE_SECONDS);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "expected a number of seconds above 0".to_owned())
}

#[cfg(test)]
mod test {
    use super::*;

    fn tail(line: &str) -> Result<Options, clap::Error> {
        from(["activity-consumer", "tail"].into_iter().chain(line.split_whitespace()))
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_cluster_id_comes_from_the_streams_name_and_the_name_from_the_id() {
        let by_name = tail("--stream aws-rds-das-cluster-ABC").expect("valid");
        let by_id = tail("--cluster-id cluster-ABC").expect("valid");
        assert_eq!(by_name, by_id);
        assert_eq!(
            (by_id.stream.as_str(), by_id.cluster_id.as_str()),
            ("aws-rds-das-cluster-ABC", "cluster-ABC")
        );
        let both = tail("--stream audit --cluster-id cluster-ABC").expect("valid");
        assert_eq!((both.stream.as_str(), both.cluster_id.as_str()), ("audit", "cluster-ABC"));
    }

    #[test]
    fn without_a_cluster_id_to_be_found_usage_is_wrong() {
        for line in ["", "--stream audit", "--stream aws-rds-das-", "--stream", "--cluster-id="] {
            let error = tail(line).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}: {error}");
        }
        assert!(tail("--stream audit").expect_err("no id").to_string().contains("--cluster-id"));
        let usage = tail("--region r").expect_err("no stream").to_string();
        assert!(usage.contains("<--stream <NAME>|--cluster-id <ID>>"), "{usage}");
    }

    #[test]
    fn what_is_not_given_has_its_default() {
        let options = tail("--cluster-id c").expect("valid");
        assert_eq!(options.from, StartAt::Latest);
        assert_eq!(options.poll_interval, Duration::from_millis(250));
        assert_eq!(options.style, Style::Json);
        assert_eq!((options.idle_timeout, options.until_events), (None, None));
        assert!(!options.heartbeats && !options.stats && !options.verbose);
        assert_eq!(options.endpoint, Endpoint::default());
    }

    #[test]
    fn all_options_are_understood() {
        let options = tail(
            "--cluster-id c --region r --endpoint-url http://h --profile p --from 1970-01-01T00:00:05Z --pretty \
             --heartbeats --idle-timeout 0.5 --until-events 3 --poll-interval-ms 10 --stats -v",
        )
        .expect("valid");
        assert_eq!(options.endpoint.endpoint_url.as_deref(), Some("http://h"));
        assert_eq!(options.endpoint.region.as_deref(), Some("r"));
        assert_eq!(options.endpoint.profile.as_deref(), Some("p"));
        assert_eq!(
            options.from,
            StartAt::AtTimestamp(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(5))
        );
        assert_eq!(options.style, Style::Pretty);
        assert_eq!(options.idle_timeout, Some(Duration::from_millis(500)));
        assert_eq!(options.until_events, Some(3));
        assert_eq!(options.poll_interval, Duration::from_millis(10));
        assert!(options.heartbeats && options.stats && options.verbose);
        assert_eq!(tail("--cluster-id c --from trim-horizon").expect("valid").from, StartAt::TrimHorizon);
    }

    #[test]
    fn values_out_of_range_are_wrong_usage() {
        for more in [
            "--from yesterday",
            "--idle-timeout 0",
            "--idle-timeout -1",
            "--idle-timeout NaN",
            "--idle-timeout 1e300",
            "--until-events 0",
            "--poll-interval-ms 0",
            "--no-such-option",
            "extra",
        ] {
            let error = tail(&format!("--cluster-id c {more}")).expect_err(more);
            assert_eq!(error.exit_code(), 2, "{more}");
        }
        assert_eq!(tail("--help").expect_err("help").exit_code(), 0);
    }
}
