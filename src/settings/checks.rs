//! What the text settings may be.

use activity_event::ClassSet;

use super::capture::{self, Mode};
use super::in_force::MAX_LIST_BYTES;
use super::{filter, stream};
use crate::pg::guc::{ChoiceRule, Invalid, Rule, value_in_files};
use crate::pg::startup::{joining_parallel_query, preloading};

/// Longest stream name of Kinesis (CreateStream, StreamName).
const MAX_STREAM_NAME_BYTES: usize = 128;
/// Longest key id of KMS (GenerateDataKey, KeyId).
const MAX_KEY_ID_BYTES: usize = 2048;
/// Longest ARN or name of an event bus (EventBridge PutEvents, EventBusName) and longest ARN of a topic that is taken.
const MAX_ARN_BYTES: usize = 1600;
/// Room for what consumers take apart; their own ids have 26 characters.
const MAX_ID_CHARACTERS: usize = 64;

/// More than any list of classes that says each once needs.
const MAX_CLASSES_BYTES: usize = 1024;

/// What a reload changes has a place of limited size in the shared mapping.
fn check_length(value: &str, limit: usize, hint: &str) -> Result<(), Invalid> {
    if value.len() <= limit {
        return Ok(());
    }
    Err(Invalid::new(format!("It has {} bytes, and at most {limit} are possible.", value.len()), hint))
}

fn made_of(text: &str, also: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || also.as_bytes().contains(&b))
}

/// Consumers split the stream name at its last dash and look for `db` in it, so an id has one dash and no lower case
/// behind it.
fn check_id(value: &str, prefix: &str) -> Result<(), Invalid> {
    let ok = value.is_empty()
        || value.strip_prefix(prefix).is_some_and(|id| {
            (1..=MAX_ID_CHARACTERS).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        });
    if ok {
        return Ok(());
    }
    Err(Invalid::new(
        format!("An id is \"{prefix}\" and then 1 to {MAX_ID_CHARACTERS} characters A-Z and 0-9."),
        "Leave the setting empty to have an id derived from the system identifier.",
    ))
}

/// `activity_stream.cluster_id`
pub(super) struct ClusterId;

impl Rule for ClusterId {
    fn check(value: &str) -> Result<(), Invalid> {
        check_id(value, "cluster-")
    }
}

/// `activity_stream.instance_id`
pub(super) struct InstanceId;

impl Rule for InstanceId {
    fn check(value: &str) -> Result<(), Invalid> {
        check_id(value, "db-")
    }
}

/// `activity_stream.stream_name`
pub(super) struct StreamName;

impl Rule for StreamName {
    fn check(value: &str) -> Result<(), Invalid> {
        if value.len() <= MAX_STREAM_NAME_BYTES && made_of(value, "_.-") {
            return Ok(());
        }
        Err(Invalid::new(
            format!(
                "A Kinesis stream name has at most {MAX_STREAM_NAME_BYTES} characters of a-z, A-Z, 0-9, \"_\", \".\", \"-\"."
            ),
            "Leave the setting empty to use aws-rds-das- and the cluster id.",
        ))
    }
}

/// `activity_stream.capture`
pub(super) struct Classes;

impl Rule for Classes {
    fn check(value: &str) -> Result<(), Invalid> {
        check_length(value, MAX_CLASSES_BYTES, "List every class once.")?;
        ClassSet::parse(value).map(|_| ()).map_err(|e| {
            Invalid::new(
                format!("{e}."),
                "List classes of all, none, read, write, function, role, ddl, misc; for example \"all, -misc\".",
            )
        })
    }
}

/// `activity_stream.exclude_roles` and its kin
pub(super) struct Names;

impl Rule for Names {
    fn check(value: &str) -> Result<(), Invalid> {
        check_length(value, MAX_LIST_BYTES, "Name fewer.")?;
        if filter::names(value).is_some() {
            return Ok(());
        }
        Err(Invalid::new(
            "A double quote is not closed, or something other than a comma follows a closed one.",
            "Separate names by commas; put a name with commas in it in double quotes.",
        ))
    }
}

/// `activity_stream.region`
pub(super) struct Region;

impl Rule for Region {
    fn check(value: &str) -> Result<(), Invalid> {
        if value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Ok(());
        }
        Err(Invalid::new(
            "A region has only lower-case letters, digits and dashes.",
            "Write for example activity_stream.region = 'eu-central-1', or leave it empty to use AWS_REGION.",
        ))
    }
}

/// `activity_stream.endpoint_url`
pub(super) struct EndpointUrl;

impl Rule for EndpointUrl {
    fn check(value: &str) -> Result<(), Invalid> {
        let host = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
        let ok = value.is_empty()
            || host.is_some_and(|h| {
                !h.is_empty() && !h.starts_with('/') && h.bytes().all(|b| b.is_ascii_graphic())
            });
        if ok {
            return Ok(());
        }
        Err(Invalid::new(
            "An endpoint is an http:// or https:// URL.",
            "Leave the setting empty to use the public endpoints of the region.",
        ))
    }
}

/// `activity_stream.spool_directory`
pub(super) struct Directory;

impl Rule for Directory {
    fn check(value: &str) -> Result<(), Invalid> {
        if !value.is_empty() && !value.split('/').any(|part| part == "..") {
            return Ok(());
        }
        Err(Invalid::new(
            "It must name a directory, and no part of it may be \"..\".",
            "Write the path of a directory of the server's own, such as activity_stream_spool. \
             To have no spool, set activity_stream.spool_max_size to 0.",
        ))
    }
}

/// `activity_stream.notify_topic_arn`
pub(super) struct TopicArn;

impl Rule for TopicArn {
    fn check(value: &str) -> Result<(), Invalid> {
        let mut parts = value.splitn(6, ':');
        let arn = parts.next() == Some("arn")
            && parts.next().is_some_and(|partition| partition.starts_with("aws"))
            && parts.next() == Some("sns")
            && parts.next().is_some_and(|region| !region.is_empty())
            && parts.next().is_some_and(|account| !account.is_empty())
            && parts.next().is_some_and(|topic| !topic.is_empty() && made_of(topic, "-_."));
        if value.is_empty() || (arn && value.len() <= MAX_ARN_BYTES) {
            return Ok(());
        }
        Err(Invalid::new(
            "It is not the ARN of an SNS topic.",
            "Write for example arn:aws:sns:eu-central-1:123456789012:audit, or leave it empty.",
        ))
    }
}

/// `activity_stream.notify_event_bus`
pub(super) struct EventBus;

impl Rule for EventBus {
    fn check(value: &str) -> Result<(), Invalid> {
        if value.len() <= MAX_ARN_BYTES && made_of(value, "/_.-:") {
            return Ok(());
        }
        Err(Invalid::new(
            format!(
                "An event bus has a name or ARN of at most {MAX_ARN_BYTES} characters a-z, A-Z, 0-9, \"/\", \"_\", \".\", \"-\", \":\"."
            ),
            "Write its name, such as default, or its ARN, or leave it empty.",
        ))
    }
}

/// `activity_stream.kms_key_id`
pub(super) struct KmsKeyId;

impl Rule for KmsKeyId {
    fn check(value: &str) -> Result<(), Invalid> {
        if value.is_empty() {
            return if taken_one_by_one() || pending_mode() == Mode::Off {
                Ok(())
            } else {
                Err(key_missing())
            };
        }
        if value.len() <= MAX_KEY_ID_BYTES && made_of(value, "/_:+=,.@-") {
            return Ok(());
        }
        Err(Invalid::new(
            format!("A KMS key id has at most {MAX_KEY_ID_BYTES} characters and no spaces."),
            "Write a key id, a key ARN, an alias (alias/NAME) or an alias ARN.",
        ))
    }
}

/// `activity_stream.mode`. At start the settings are checked together once all are known (`settings::register`).
pub(super) struct ModeRule;

impl ChoiceRule for ModeRule {
    fn check(value: i32) -> Result<(), Invalid> {
        if Mode::from_number(value) == Mode::Off || taken_one_by_one() {
            return Ok(());
        }
        let key = value_in_files("activity_stream.kms_key_id")
            .unwrap_or_else(|| stream::KMS_KEY_ID.configured_text());
        if key.is_empty() { Err(key_missing()) } else { Ok(()) }
    }
}

/// Whether settings get their values one after the other, so that none can be judged by another: at start, and in a
/// parallel worker, which first takes the built-in values and then its leader's (guc.c, RestoreGUCState).
fn taken_one_by_one() -> bool {
    preloading() || joining_parallel_query()
}

fn pending_mode() -> Mode {
    let number = value_in_files("activity_stream.mode").and_then(|text| capture::MODE.parse(&text));
    Mode::from_number(number.unwrap_or_else(|| capture::MODE.configured_number()))
}

fn key_missing() -> Invalid {
    Invalid::new(
        "activity_stream.kms_key_id is required when activity_stream.mode is not off.",
        "Set activity_stream.kms_key_id to the id, alias or ARN of a KMS key.",
    )
}
