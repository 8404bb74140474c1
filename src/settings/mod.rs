//! The settings, one file a theme, and what the other parts get of them.
//!
//! Nothing outside this folder touches a setting of the server: capture asks cheap questions ([`mode`],
//! [`max_statement_bytes`]), the worker takes an owned [`Snapshot`] at start and after each change. All of them are answered by what is
//! in force ([`in_force`]), which is not always what this process has read.

mod capture;
mod checks;
mod delivery;
mod filter;
mod identity;
mod in_force;
mod locked;
mod spool;
mod stream;
mod sync;
mod transport;

use std::path::PathBuf;
use std::time::Duration;

use activity_deliver::{Durability, Sink};

pub(crate) use capture::{
    MIN_STATEMENT_BYTES, Mode, log_parameters, max_parameter_bytes, max_statement_bytes, mode,
};
pub(crate) use delivery::{ring_bytes, worker_stall_timeout_us};
pub(crate) use filter::{
    capture_catalog, captured_classes, excluded_applications, excluded_databases, excluded_roles,
};
pub(crate) use identity::{cluster_id, stream_name};
pub(crate) use in_force::{
    Change, IN_FORCE_BYTES, Refused, Values, adopt, configured, generation, in_force, tell_in_force,
};
pub(crate) use locked::{HINT as PROTECT_HINT, counting, locked};
pub(crate) use sync::{OnFailure, break_glass_roles, on_failure, sync_timeout};

use crate::pg::guc::{self, Define};
use crate::pg::log;

/// All settings, in the order in which they are defined.
fn themes() -> impl Iterator<Item = &'static dyn Define> {
    let themes: [&[&'static dyn Define]; 9] = [
        locked::SETTINGS,
        identity::SETTINGS,
        stream::SETTINGS,
        transport::SETTINGS,
        capture::SETTINGS,
        sync::SETTINGS,
        filter::SETTINGS,
        delivery::SETTINGS,
        spool::SETTINGS,
    ];
    themes.into_iter().flatten().copied()
}

/// Defines every setting, checks them together and derives what was left empty. Raises an error on a wrong value,
/// which keeps the server from starting.
pub(crate) fn register() {
    for setting in themes() {
        setting.define();
    }
    guc::reserve_prefix();
    locked::check_at_start();
    if mode() != Mode::Off && stream::KMS_KEY_ID.get().is_empty() {
        log::refuse_configuration(
            "activity_stream.kms_key_id is required when activity_stream.mode is not off",
            "Events are encrypted under a KMS key, and none is configured.",
            "Set activity_stream.kms_key_id to the id, alias or ARN of a KMS key, or activity_stream.mode to off.",
        );
    }
    transport::check();
    identity::derive();
}

/// Each setting with the value in force and the one that this process has read, as the configuration file would have them.
pub(crate) fn values() -> impl Iterator<Item = (String, String, String)> {
    themes().map(|setting| {
        let (in_force, configured) = (setting.in_force(), setting.configured());
        (setting.about().name().to_owned(), setting.show(&in_force), setting.show(&configured))
    })
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
    /// How long the worker may not move; `None`: nobody minds.
    pub(crate) worker_stall_timeout: Option<Duration>,
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
        worker_stall_timeout: delivery::worker_stall_timeout(),
        spool_directory: spool::directory(),
        spool_max_bytes: spool::max_bytes(),
        durability: spool::durability(),
        sinks: spool::sinks(),
    }
}
