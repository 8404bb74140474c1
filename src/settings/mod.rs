//! The settings, one file a theme, and what the other parts get of them.
//!
//! Nothing outside this folder touches a setting of the server: capture asks cheap questions ([`mode`],
//! [`max_statement_bytes`]), the worker takes an owned [`Snapshot`] at start and after each reload.

mod capture;
mod checks;
mod delivery;
mod filter;
mod identity;
mod spool;
mod stream;
mod sync;

use std::path::PathBuf;
use std::time::Duration;

use activity_deliver::{Durability, Sink};

pub(crate) use capture::{
    MIN_STATEMENT_BYTES, Mode, log_parameters, max_parameter_bytes, max_statement_bytes, mode,
};
pub(crate) use delivery::ring_bytes;
pub(crate) use filter::{
    capture_catalog, captured_classes, excluded_applications, excluded_databases, excluded_roles,
};
pub(crate) use identity::{cluster_id, stream_name};
pub(crate) use sync::{OnFailure, break_glass_roles, on_failure, sync_timeout};

pub(crate) use crate::pg::guc::text_generation as generation;

use crate::pg::guc::{self, Define};
use crate::pg::log;

/// Defines every setting, checks them together and derives what was left empty. Raises an error on a wrong value,
/// which keeps the server from starting.
pub(crate) fn register() {
    let themes: [&[&'static dyn Define]; 7] = [
        identity::SETTINGS,
        stream::SETTINGS,
        capture::SETTINGS,
        sync::SETTINGS,
        filter::SETTINGS,
        delivery::SETTINGS,
        spool::SETTINGS,
    ];
    for setting in themes.into_iter().flatten() {
        setting.define();
    }
    guc::reserve_prefix();
    if mode() != Mode::Off && stream::KMS_KEY_ID.get().is_empty() {
        log::refuse_configuration(
            "activity_stream.kms_key_id is required when activity_stream.mode is not off",
            "Events are encrypted under a KMS key, and none is configured.",
            "Set activity_stream.kms_key_id to the id, alias or ARN of a KMS key, or activity_stream.mode to off.",
        );
    }
    identity::derive();
}

/// What the worker works with: copied, so that other threads may have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// off, async or sync.
    pub(crate) mode: Mode,
    /// The longest wait of a session in sync mode.
    pub(crate) sync_timeout: Duration,
    /// What becomes of its statement then.
    pub(crate) on_failure: OnFailure,
    /// Roles that can work all the same.
    pub(crate) break_glass_roles: Vec<String>,
    /// Id, alias or ARN.
    pub(crate) kms_key_id: String,
    /// `cluster-…`
    pub(crate) cluster_id: String,
    /// `db-…`
    pub(crate) instance_id: String,
    /// serviceName in events.
    pub(crate) service_name: String,
    /// Where AWS is.
    pub(crate) stream: stream::StreamSettings,
    /// Largest inner JSON of a record, bytes.
    pub(crate) batch_max_bytes: usize,
    /// How long an event may wait for company.
    pub(crate) batch_linger: Duration,
    /// PutRecords requests under way at once.
    pub(crate) max_in_flight: usize,
    /// After this a new data key is asked for.
    pub(crate) data_key_max_age: Duration,
    /// `None`: no heartbeats.
    pub(crate) heartbeat_interval: Option<Duration>,
    /// What is left at shutdown has this long to be delivered.
    pub(crate) shutdown_timeout: Duration,
    /// Where records are kept that the stream does not take for now.
    pub(crate) spool_directory: PathBuf,
    /// Bytes that they may take; 0 for none.
    pub(crate) spool_max_bytes: u64,
    /// What counts as durable.
    pub(crate) durability: Durability,
    /// Who is notified.
    pub(crate) sinks: Vec<Sink>,
}

/// The settings in force now.
pub(crate) fn snapshot() -> Snapshot {
    Snapshot {
        mode: mode(),
        sync_timeout: sync_timeout(),
        on_failure: on_failure(),
        break_glass_roles: break_glass_roles(),
        kms_key_id: stream::KMS_KEY_ID.get(),
        cluster_id: cluster_id(),
        instance_id: identity::INSTANCE_ID.get(),
        service_name: identity::SERVICE_NAME.get(),
        stream: stream::settings(),
        batch_max_bytes: delivery::batch_max_bytes(),
        batch_linger: delivery::batch_linger(),
        max_in_flight: delivery::max_in_flight(),
        data_key_max_age: delivery::data_key_max_age(),
        heartbeat_interval: delivery::heartbeat_interval(),
        shutdown_timeout: delivery::shutdown_timeout(),
        spool_directory: spool::directory(),
        spool_max_bytes: spool::max_bytes(),
        durability: spool::durability(),
        sinks: spool::sinks(),
    }
}

impl Snapshot {
    /// What a reload changed of the stream's own settings: name, old and new value.
    pub(crate) fn changes(&self, new: &Self) -> Vec<(&'static str, String, String)> {
        let topic = |sink: &Sink| if let Sink::Topic(arn) = sink { Some(arn.clone()) } else { None };
        let bus = |sink: &Sink| if let Sink::Bus(name) = sink { Some(name.clone()) } else { None };
        let ms = |time: Duration| format!("{}ms", time.as_millis());
        let rows = |of: &Self| {
            let heartbeat = of.heartbeat_interval.unwrap_or_default();
            let durability = if of.durability == Durability::Spool { "spool" } else { "stream" };
            [
                ("activity_stream.mode", of.mode.as_str().to_owned()),
                ("activity_stream.sync_timeout", ms(of.sync_timeout)),
                ("activity_stream.on_failure", of.on_failure.as_str().to_owned()),
                ("activity_stream.break_glass_roles", of.break_glass_roles.join(", ")),
                ("activity_stream.kms_key_id", of.kms_key_id.clone()),
                ("activity_stream.batch_max_bytes", of.batch_max_bytes.to_string()),
                ("activity_stream.batch_linger", ms(of.batch_linger)),
                ("activity_stream.max_in_flight", of.max_in_flight.to_string()),
                ("activity_stream.data_key_max_age", ms(of.data_key_max_age)),
                ("activity_stream.heartbeat_interval", ms(heartbeat)),
                ("activity_stream.shutdown_timeout", ms(of.shutdown_timeout)),
                ("activity_stream.spool_max_size", format!("{}MB", of.spool_max_bytes / (1024 * 1024))),
                ("activity_stream.durability", durability.to_owned()),
                ("activity_stream.notify_topic_arn", of.sinks.iter().find_map(topic).unwrap_or_default()),
                ("activity_stream.notify_event_bus", of.sinks.iter().find_map(bus).unwrap_or_default()),
            ]
        };
        let changed = |((name, old), (_, new)): ((&'static str, String), (&'static str, String))| {
            (old != new).then_some((name, old, new))
        };
        rows(self).into_iter().zip(rows(new)).filter_map(changed).collect()
    }
}
