//! The options of `tail`: as typed ([`Tail`]) and as resolved ([`Options`]).

use std::time::Duration;

use activity_aws::{Endpoint, StartAt};

use super::access::{Access, start_at};
use crate::print::Style;

/// Longest time that `--idle-timeout` takes, in seconds: about a year.
const MAX_IDLE_SECONDS: f64 = 3.2e7;

#[derive(Debug, clap::Args)]
pub(super) struct Tail {
    #[command(flatten)]
    access: Access,

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

impl Tail {
    pub(super) fn resolve(self) -> Result<Options, clap::Error> {
        let (stream, cluster_id, endpoint) = self.access.resolve()?;
        Ok(Options {
            stream,
            cluster_id,
            endpoint,
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

/// A number of seconds above 0.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0 && *seconds <= MAX_IDLE_SECONDS);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "expected a number of seconds above 0".to_owned())
}

#[cfg(test)]
mod test {
    use super::super::{Job, from};
    use super::*;

    fn tail(line: &str) -> Result<Options, clap::Error> {
        match from(["activity-consumer", "tail"].into_iter().chain(line.split_whitespace()))? {
            Job::Tail(options) => Ok(options),
            other => panic!("{other:?}"),
        }
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
             --allow-insecure-endpoint --ca-file f --heartbeats --idle-timeout 0.5 --until-events 3 --poll-interval-ms 10 --stats -v",
        )
        .expect("valid");
        assert_eq!(options.endpoint.endpoint_url.as_deref(), Some("http://h"));
        assert_eq!(options.endpoint.region.as_deref(), Some("r"));
        assert_eq!(options.endpoint.profile.as_deref(), Some("p"));
        let transport = &options.endpoint.transport;
        assert!(transport.allow_insecure && transport.ca_file.as_deref() == Some("f".as_ref()));
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
