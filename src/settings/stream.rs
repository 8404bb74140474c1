//! Where the stream and the key are.

use activity_aws::{ServiceEndpoints, Transport};

use super::{checks, identity, transport};
use crate::pg::guc::{AnyChoice, Bool, Choice, ChoiceEntry, Context, Define, Description, Int, Text, Unit};

/// `activity_stream.kms_key_id`
pub(super) static KMS_KEY_ID: Text<checks::KmsKeyId> = Text::new(
    Description {
        name: c"activity_stream.kms_key_id",
        short: c"Names the KMS key that data keys are made under: an id, an alias or an ARN.",
        long: c"Required unless activity_stream.mode is off.",
        context: Context::Reload,
    },
    c"",
);

static REGION: Text<checks::Region> = Text::new(
    Description {
        name: c"activity_stream.region",
        short: c"Sets the AWS region.",
        long: c"The SDK's own choice (AWS_REGION, the profile, the instance's metadata) when empty.",
        context: Context::Postmaster,
    },
    c"",
);

/// `activity_stream.endpoint_url`
pub(super) static ENDPOINT_URL: Text<checks::EndpointUrl> = Text::new(
    Description {
        name: c"activity_stream.endpoint_url",
        short: c"Sets one endpoint for all AWS services, such as a local AWS.",
        long: c"The SDK's own choice (AWS_ENDPOINT_URL, the region's public endpoints) when empty.",
        context: Context::Postmaster,
    },
    c"",
);

static PROFILE: Text = Text::new(
    Description {
        name: c"activity_stream.profile",
        short: c"Names the profile of the AWS configuration files to use.",
        long:
            c"The SDK's own choice (AWS_PROFILE, default) when empty. Credentials never come from a setting.",
        context: Context::Postmaster,
    },
    c"",
);

static CREATE_STREAM: Bool = Bool::new(
    Description {
        name: c"activity_stream.create_stream",
        short: c"Creates the Kinesis data stream when it does not exist.",
        long: c"",
        context: Context::Postmaster,
    },
    true,
);

const ON_DEMAND: i32 = 0;
const PROVISIONED: i32 = 1;

static STREAM_MODES: [ChoiceEntry; 3] = [
    ChoiceEntry::new(c"on_demand", ON_DEMAND),
    ChoiceEntry::new(c"provisioned", PROVISIONED),
    ChoiceEntry::END,
];

static STREAM_MODE: Choice<AnyChoice> = Choice::new(
    Description {
        name: c"activity_stream.stream_mode",
        short: c"Sets the capacity mode of a stream that is created: on_demand or provisioned.",
        long: c"",
        context: Context::Postmaster,
    },
    ON_DEMAND,
    &STREAM_MODES,
);

static SHARD_COUNT: Int = Int::new(
    Description {
        name: c"activity_stream.shard_count",
        short: c"Sets the number of shards of a provisioned stream that is created.",
        long: c"A shard takes 1 MiB and 1000 records a second.",
        context: Context::Postmaster,
    },
    Unit::None,
    1,
    1,
    10_000,
);

static RETENTION_HOURS: Int = Int::new(
    Description {
        name: c"activity_stream.retention_hours",
        short: c"Sets how many hours a stream that is created keeps its records.",
        long: c"Kinesis allows 24 to 8760 hours.",
        context: Context::Postmaster,
    },
    Unit::None,
    24,
    24,
    8760,
);

/// In the order in which they are defined.
pub(super) static SETTINGS: &[&dyn Define] = &[
    &KMS_KEY_ID,
    &REGION,
    &ENDPOINT_URL,
    &PROFILE,
    &CREATE_STREAM,
    &STREAM_MODE,
    &SHARD_COUNT,
    &RETENTION_HOURS,
];

/// Where AWS is, and what a stream that is made there looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamSettings {
    /// The stream's name.
    pub(crate) name: String,
    /// `None`: the SDK's own chain.
    pub(crate) region: Option<String>,
    /// `None`: the SDK's own chain.
    pub(crate) endpoint_url: Option<String>,
    /// Endpoints of single services, which go before that one.
    pub(crate) services: ServiceEndpoints,
    /// What may be sent in the clear, and whose certificates count.
    pub(crate) transport: Transport,
    /// `None`: the SDK's own chain.
    pub(crate) profile: Option<String>,
    /// Whether to create the stream where it is missing.
    pub(crate) create: bool,
    /// `None`: on demand; else the number of shards.
    pub(crate) provisioned_shards: Option<u32>,
    /// For a stream that is created.
    pub(crate) retention_hours: u16,
}

/// The settings in force.
pub(super) fn settings() -> StreamSettings {
    let shards = u32::try_from(SHARD_COUNT.get()).unwrap_or(1);
    StreamSettings {
        name: identity::stream_name(),
        region: REGION.get_nonempty(),
        endpoint_url: ENDPOINT_URL.get_nonempty(),
        services: transport::services(),
        transport: transport::transport(),
        profile: PROFILE.get_nonempty(),
        create: CREATE_STREAM.get(),
        provisioned_shards: (STREAM_MODE.get() == PROVISIONED).then_some(shards),
        retention_hours: u16::try_from(RETENTION_HOURS.get()).unwrap_or(24),
    }
}
