//! Which stream, and how AWS is reached: what all commands take.

use std::path::PathBuf;

use activity_aws::{Endpoint, StartAt, Transport};
use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::Args;
use crate::time;

/// What the names of activity streams begin with; the cluster id follows.
const STREAM_PREFIX: &str = "aws-rds-das-";

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
pub(super) struct Access {
    #[command(flatten)]
    which: Which,

    /// AWS region [default: as the AWS SDK finds it: AWS_REGION, the profile, the instance]
    #[arg(long)]
    region: Option<String>,

    /// Base URL of all AWS services, for a local or private endpoint
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,

    /// Let plain HTTP leave this host: data keys would travel in the clear
    #[arg(long)]
    allow_insecure_endpoint: bool,

    /// PEM file of the certificate authorities to trust, in the place of the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,

    /// Profile of the shared AWS configuration files
    #[arg(long)]
    profile: Option<String>,
}

impl Access {
    /// The stream's name, the cluster id, and where AWS is.
    pub(super) fn resolve(self) -> Result<(String, String, Endpoint), clap::Error> {
        let Which { stream, cluster_id } = self.which;
        let named = stream.as_deref().and_then(|name| name.strip_prefix(STREAM_PREFIX));
        let cluster_id = match (cluster_id, named) {
            (Some(id), _) => id,
            (None, Some(id)) if !id.is_empty() => id.to_owned(),
            _ => return Err(no_cluster_id()),
        };
        let stream = stream.unwrap_or_else(|| format!("{STREAM_PREFIX}{cluster_id}"));
        let Self { region, endpoint_url, profile, allow_insecure_endpoint: allow_insecure, ca_file, .. } =
            self;
        let transport = Transport { allow_insecure, ca_file };
        Ok((stream, cluster_id, Endpoint { region, endpoint_url, profile, transport, ..Endpoint::default() }))
    }
}

fn no_cluster_id() -> clap::Error {
    let message = format!(
        "the stream's name does not tell the cluster id, as {STREAM_PREFIX}<cluster id> does; name it with --cluster-id"
    );
    Args::command().error(ErrorKind::MissingRequiredArgument, message)
}

/// A place to begin, as `--from` takes it.
pub(super) fn start_at(text: &str) -> Result<StartAt, String> {
    match text {
        "latest" => Ok(StartAt::Latest),
        "trim-horizon" => Ok(StartAt::TrimHorizon),
        text => time::parse(text).map(StartAt::AtTimestamp).ok_or_else(|| {
            "expected latest, trim-horizon or a time such as 2024-05-24T00:36:54Z or \"2024-05-24 00:36:54.403455+00\""
                .to_owned()
        }),
    }
}
