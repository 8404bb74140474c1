//! The options of `verify`: as typed ([`Verify`]) and as resolved ([`VerifyOptions`]).

use std::path::PathBuf;
use std::time::Duration;

use activity_aws::{Endpoint, StartAt};

use super::access::{Access, start_at};
use super::tail::seconds;
use crate::verify::Accept;

#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    #[command(flatten)]
    access: Access,

    /// Read these files instead of the stream: records as Kinesis holds them, one a line or one right behind the other, or
    /// the output of aws kinesis get-records; keys still come from KMS
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["from", "settle", "poll_interval_ms"])]
    files: Vec<PathBuf>,

    /// Where to begin: "trim-horizon" (the oldest that is kept), or the time at which a record arrived, such as
    /// 2024-05-24T00:36:54Z; without an offset it is UTC. With a time, --allow-trimmed-start is needed
    #[arg(long, value_name = "WHERE", default_value = "trim-horizon", value_parser = past)]
    from: StartAt,

    /// At the end of the stream, wait at most so long for records that others are ahead of
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    settle: Duration,

    /// Time between two reads of a shard; Kinesis allows five a second, for all consumers together
    #[arg(long, value_name = "MS", default_value_t = 250, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    poll_interval_ms: u64,

    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,

    /// Accept that the first epoch's beginning is not there, since the stream does not keep it any more
    #[arg(long)]
    allow_trimmed_start: bool,

    /// Accept losses without an end in the epoch that is still running
    #[arg(long)]
    allow_open_window: bool,

    /// Do not accept losses that the stream itself tells
    #[arg(long)]
    fail_on_loss: bool,
}

/// What `verify` is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerifyOptions {
    pub(crate) input: Input,
    pub(crate) cluster_id: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) from: StartAt,
    pub(crate) settle: Duration,
    pub(crate) poll_interval: Duration,
    pub(crate) json: bool,
    pub(crate) accept: Accept,
}

/// Where records come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// The stream of this name.
    Stream(String),
    Files(Vec<PathBuf>),
}

impl Verify {
    pub(super) fn resolve(self) -> Result<VerifyOptions, clap::Error> {
        let (stream, cluster_id, endpoint) = self.access.resolve()?;
        Ok(VerifyOptions {
            input: if self.files.is_empty() { Input::Stream(stream) } else { Input::Files(self.files) },
            cluster_id,
            endpoint,
            from: self.from,
            settle: self.settle,
            poll_interval: Duration::from_millis(self.poll_interval_ms),
            json: self.json,
            accept: Accept {
                trimmed_start: self.allow_trimmed_start,
                open_window: self.allow_open_window,
                no_loss: self.fail_on_loss,
            },
        })
    }
}

fn past(text: &str) -> Result<StartAt, String> {
    match start_at(text)? {
        StartAt::Latest => Err("there is nothing to verify from \"latest\" on".to_owned()),
        start => Ok(start),
    }
}

#[cfg(test)]
mod test {
    use super::super::{Job, from};
    use super::*;

    fn verify(line: &str) -> Result<VerifyOptions, clap::Error> {
        match from(["activity-consumer", "verify"].into_iter().chain(line.split_whitespace()))? {
            Job::Verify(options) => Ok(options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_stream_is_read_from_its_oldest_record_and_nothing_is_accepted_unless_it_is_said() {
        let options = verify("--cluster-id c").expect("valid");
        assert_eq!(options.input, Input::Stream("aws-rds-das-c".into()));
        assert_eq!((options.from, options.settle), (StartAt::TrimHorizon, Duration::from_secs(10)));
        assert_eq!(options.accept, Accept::default());
        assert!(!options.json);
    }

    #[test]
    fn all_options_are_understood() {
        let options = verify(
            "--stream aws-rds-das-c --region r --endpoint-url http://h --profile p --from 1970-01-01T00:00:05Z --settle 0.5 \
             --poll-interval-ms 10 --json --allow-trimmed-start --allow-open-window --fail-on-loss",
        )
        .expect("valid");
        assert_eq!(options.cluster_id, "c");
        assert_eq!(options.endpoint.endpoint_url.as_deref(), Some("http://h"));
        let time = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(5);
        assert_eq!(options.from, StartAt::AtTimestamp(time));
        assert_eq!(
            (options.settle, options.poll_interval),
            (Duration::from_millis(500), Duration::from_millis(10))
        );
        assert_eq!(options.accept, Accept { trimmed_start: true, open_window: true, no_loss: true });
        assert!(options.json);
    }

    #[test]
    fn files_need_the_cluster_id_and_no_place_in_a_stream() {
        let options = verify("--cluster-id c --files a b --json").expect("valid");
        assert_eq!(options.input, Input::Files(vec!["a".into(), "b".into()]));
        for line in [
            "--files a",
            "--cluster-id c --files a --from trim-horizon",
            "--cluster-id c --files",
            "--cluster-id c --from latest",
            "--cluster-id c --settle 0",
        ] {
            assert_eq!(verify(line).expect_err(line).exit_code(), 2, "{line}");
        }
    }
}
