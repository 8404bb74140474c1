//! One step towards a stream that takes records: look, make it where wanted, wait for it.
//!
//! ```text
//!   ACTIVE, UPDATING ──► usable (retention set first, if this process made the stream)
//!   CREATING, DELETING ──► look again later
//!   not found ──► CreateStream ──► look again later            (without `create`: an error)
//! ```
//!
//! A stream that was there before is used as it is: its mode, shards and retention are its owner's. Retention is set
//! once, when a stream made here becomes active; a process that dies in between leaves it at the 24 hours of a new
//! stream. That it cannot be set does not keep records out: it is told as a warning.

use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_kinesis::types::{self, StreamModeDetails, StreamStatus as KinesisStatus};

use crate::error::{AwsError, Call};
use crate::kind::ErrorKind;

const DESCRIBE: Call = Call::kinesis("DescribeStreamSummary");
const CREATE: Call = Call::kinesis("CreateStream");
const INCREASE_RETENTION: Call = Call::kinesis("IncreaseStreamRetentionPeriod");
const DECREASE_RETENTION: Call = Call::kinesis("DecreaseStreamRetentionPeriod");

/// How a stream that does not exist is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPlan {
    /// Its name.
    pub name: String,
    /// Whether to make it at all.
    pub create: bool,
    /// Its capacity.
    pub mode: StreamMode,
    /// How long it keeps records, in hours: 24 (what it begins with) to 8760.
    pub retention_hours: u16,
}

/// The capacity of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamMode {
    /// Kinesis adds and removes shards by itself.
    OnDemand,
    /// A fixed number of shards.
    Provisioned {
        /// At least 1.
        shards: u32,
    },
}

/// What one step found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The stream takes records; and what could not be had, although it does.
    Usable(Option<AwsError>),
    /// Not yet: the state that Kinesis names.
    Wait(String),
}

/// Brings a stream about.
#[derive(Debug)]
pub(crate) struct Provision {
    plan: StreamPlan,
    /// The stream was made here and its retention not yet looked after.
    retention_is_due: AtomicBool,
}

impl Provision {
    pub(crate) fn new(plan: StreamPlan) -> Self {
        Self { plan, retention_is_due: AtomicBool::new(false) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.plan.name
    }

    /// One step: at most a look and a change.
    pub(crate) async fn step(&self, client: &aws_sdk_kinesis::Client) -> Result<Step, AwsError> {
        let answer = client.describe_stream_summary().stream_name(&self.plan.name).send().await;
        let summary = match answer.map_err(|error| DESCRIBE.failed(&error)) {
            Ok(answer) => answer
                .stream_description_summary
                .ok_or_else(|| DESCRIBE.nonsense("the answer has no description"))?,
            Err(error) if error.kind == ErrorKind::NotFound => return self.create(client, error).await,
            Err(error) => return Err(error),
        };
        match summary.stream_status {
            KinesisStatus::Active => self.retain(client, summary.retention_period_hours).await,
            KinesisStatus::Updating => Ok(Step::Usable(None)),
            other => Ok(Step::Wait(other.as_str().to_owned())),
        }
    }

    async fn create(&self, client: &aws_sdk_kinesis::Client, not_found: AwsError) -> Result<Step, AwsError> {
        if !self.plan.create {
            return Err(not_found);
        }
        let mode = match self.plan.mode {
            StreamMode::OnDemand => types::StreamMode::OnDemand,
            StreamMode::Provisioned { .. } => types::StreamMode::Provisioned,
        };
        let details = StreamModeDetails::builder().stream_mode(mode).build();
        let details = details.map_err(|error| CREATE.nonsense(error.to_string()))?;
        let request = client.create_stream().stream_name(&self.plan.name).stream_mode_details(details);
        let request = match self.plan.mode {
            StreamMode::OnDemand => request,
            StreamMode::Provisioned { shards } => {
                request.shard_count(i32::try_from(shards).unwrap_or(i32::MAX))
            }
        };
        match request.send().await.map_err(|error| CREATE.failed(&error)) {
            Ok(_) => self.retention_is_due.store(true, Ordering::Relaxed),
            // Someone else was quicker; the stream is theirs.
            Err(error) if error.kind == ErrorKind::NotActive => {}
            Err(error) => return Err(error),
        }
        Ok(Step::Wait(KinesisStatus::Creating.as_str().to_owned()))
    }

    /// Gives a stream that was made here the retention of the plan.
    async fn retain(&self, client: &aws_sdk_kinesis::Client, there: i32) -> Result<Step, AwsError> {
        let wanted = i32::from(self.plan.retention_hours);
        if wanted == there || !self.retention_is_due.load(Ordering::Relaxed) {
            self.retention_is_due.store(false, Ordering::Relaxed);
            return Ok(Step::Usable(None));
        }
        let name = &self.plan.name;
        let done = if wanted > there {
            let request = client.increase_stream_retention_period().stream_name(name);
            let answer = request.retention_period_hours(wanted).send().await;
            answer.map(drop).map_err(|error| INCREASE_RETENTION.failed(&error))
        } else {
            let request = client.decrease_stream_retention_period().stream_name(name);
            let answer = request.retention_period_hours(wanted).send().await;
            answer.map(drop).map_err(|error| DECREASE_RETENTION.failed(&error))
        };
        match done {
            // Another change of the stream is under way and ends by itself.
            Err(error) if error.kind == ErrorKind::NotActive => {
                Ok(Step::Wait(KinesisStatus::Updating.as_str().to_owned()))
            }
            Err(error) if error.is_transient() => Err(error),
            done => {
                self.retention_is_due.store(false, Ordering::Relaxed);
                Ok(Step::Usable(done.err()))
            }
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::canned::{Answer, Canned};
    use crate::connect::Retries;
    use crate::connect::test::aws;

    const WANTED: StreamPlan =
        StreamPlan { name: String::new(), create: true, mode: StreamMode::OnDemand, retention_hours: 24 };

    fn summary(status: &str, retention_hours: u16) -> Answer {
        Answer::ok(&format!(
            r#"{{"StreamDescriptionSummary":{{"StreamName":"s","StreamARN":"a","StreamStatus":"{status}",
                "RetentionPeriodHours":{retention_hours},"StreamCreationTimestamp":1,"EnhancedMonitoring":[],
                "OpenShardCount":1}}}}"#
        ))
    }

    fn absent() -> Answer {
        Answer::error(400, "ResourceNotFoundException", "Stream s not found")
    }

    fn done() -> Answer {
        Answer::ok("")
    }

    /// As many steps as there are, and what was asked for in all of them.
    async fn steps(
        plan: StreamPlan,
        count: usize,
        answers: Vec<Answer>,
    ) -> (Vec<Result<Step, AwsError>>, Canned) {
        let server = Canned::start(answers);
        let client = aws(&server.url).await.kinesis(Retries::Caller);
        let provision = Provision::new(StreamPlan { name: "s".to_owned(), ..plan });
        let mut steps = Vec::new();
        for _ in 0..count {
            steps.push(provision.step(&client).await);
        }
        (steps, server)
    }

    fn wait(state: &str) -> Result<Step, AwsError> {
        Ok(Step::Wait(state.to_owned()))
    }

    #[tokio::test]
    async fn a_stream_that_is_there_is_used_as_it_is() {
        for status in ["ACTIVE", "UPDATING"] {
            let plan = StreamPlan { retention_hours: 48, ..WANTED };
            let (steps, server) = steps(plan, 1, vec![summary(status, 24)]).await;
            assert_eq!(steps, [Ok(Step::Usable(None))], "{status}");
            assert_eq!(server.operations(), ["DescribeStreamSummary"]);
        }
    }

    #[tokio::test]
    async fn a_stream_that_comes_or_goes_is_waited_for() {
        for status in ["CREATING", "DELETING", "NEVER_HEARD_OF"] {
            let (steps, server) = steps(WANTED, 1, vec![summary(status, 24)]).await;
            assert_eq!(steps, [wait(status)]);
            assert_eq!(server.operations(), ["DescribeStreamSummary"]);
        }
    }

    #[tokio::test]
    async fn a_missing_stream_is_made_and_waited_for() {
        let answers = vec![absent(), done(), summary("CREATING", 24), summary("ACTIVE", 24)];
        let (steps, server) = steps(WANTED, 3, answers).await;
        assert_eq!(steps, [wait("CREATING"), wait("CREATING"), Ok(Step::Usable(None))]);
        let asked = server.asked();
        assert!(asked[1].target.ends_with(".CreateStream"));
        assert!(asked[1].body.contains("ON_DEMAND") && !asked[1].body.contains("ShardCount"));
        assert_eq!(asked.len(), 4, "24 hours is what a stream begins with");
    }

    #[tokio::test]
    async fn a_provisioned_stream_gets_its_shards() {
        let plan = StreamPlan { mode: StreamMode::Provisioned { shards: 3 }, ..WANTED };
        let (_, server) = steps(plan, 1, vec![absent(), done()]).await;
        let body = &server.asked()[1].body;
        assert!(body.contains(r#""ShardCount":3"#) && body.contains("PROVISIONED"), "{body}");
    }

    #[tokio::test]
    async fn without_create_a_missing_stream_is_an_error() {
        let (steps, server) = steps(StreamPlan { create: false, ..WANTED }, 1, vec![absent()]).await;
        assert_eq!(steps[0].as_ref().expect_err("an error").kind, ErrorKind::NotFound);
        assert_eq!(server.operations(), ["DescribeStreamSummary"]);
    }

    #[tokio::test]
    async fn a_stream_that_someone_else_is_making_is_theirs() {
        let in_use = Answer::error(400, "ResourceInUseException", "Stream s under creation");
        let plan = StreamPlan { retention_hours: 48, ..WANTED };
        let (steps, server) = steps(plan, 2, vec![absent(), in_use, summary("ACTIVE", 24)]).await;
        assert_eq!(steps, [wait("CREATING"), Ok(Step::Usable(None))]);
        assert_eq!(server.asked().len(), 3, "no retention is set");
    }

    #[tokio::test]
    async fn a_limit_of_the_account_is_an_error() {
        let limit = Answer::error(400, "LimitExceededException", "too many streams");
        let (steps, _) = steps(WANTED, 1, vec![absent(), limit]).await;
        assert_eq!(steps[0].as_ref().expect_err("an error").kind, ErrorKind::Limit);
    }

    #[tokio::test]
    async fn retention_is_raised_or_lowered_once_on_a_stream_made_here() {
        for (there, wanted, operation) in
            [(24, 48, "IncreaseStreamRetentionPeriod"), (48, 24, "DecreaseStreamRetentionPeriod")]
        {
            let plan = StreamPlan { retention_hours: wanted, ..WANTED };
            let answers = vec![absent(), done(), summary("ACTIVE", there), done(), summary("ACTIVE", there)];
            let (steps, server) = steps(plan, 3, answers).await;
            assert_eq!(steps[1..], [Ok(Step::Usable(None)), Ok(Step::Usable(None))]);
            let asked = server.asked();
            assert!(asked[3].target.ends_with(operation), "{}", asked[3].target);
            assert!(asked[3].body.contains(&wanted.to_string()), "{}", asked[3].body);
            assert_eq!(asked.len(), 5, "not set again");
        }
    }

    #[tokio::test]
    async fn retention_that_cannot_be_set_is_a_warning_and_one_that_fails_in_passing_is_tried_again() {
        let plan = StreamPlan { retention_hours: 48, ..WANTED };
        let answers = vec![
            absent(),
            done(),
            summary("ACTIVE", 24),
            Answer::error(500, "InternalFailure", "m"),
            summary("ACTIVE", 24),
            Answer::error(400, "ResourceInUseException", "m"),
            summary("ACTIVE", 24),
            Answer::error(400, "AccessDeniedException", "m"),
        ];
        let (steps, _) = steps(plan, 4, answers).await;
        assert_eq!(steps[1].as_ref().expect_err("tried again").kind, ErrorKind::Unavailable);
        assert_eq!(steps[2], wait("UPDATING"));
        let Ok(Step::Usable(Some(warning))) = &steps[3] else { panic!("{steps:?}") };
        assert_eq!(warning.kind, ErrorKind::AccessDenied);
    }
}
