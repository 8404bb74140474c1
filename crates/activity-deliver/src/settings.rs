//! What delivery is told at its start and by a reload.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Wakes the caller's thread. Called from other threads; must neither block nor panic.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// What every record says about where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `clusterId`
    pub cluster_id: String,
    /// `instanceId`
    pub instance_id: String,
    /// `serverVersion`
    pub server_version: String,
    /// `serverType`
    pub server_type: String,
    /// `serviceName`
    pub service_name: String,
    /// `epoch`: names one start of the server.
    pub epoch: u64,
}

impl Identity {
    /// The epoch as records tell it: 16 hexadecimal digits.
    #[must_use]
    pub fn epoch_text(&self) -> String {
        epoch_text(self.epoch)
    }
}

/// An epoch as records tell it: 16 hexadecimal digits.
#[must_use]
pub fn epoch_text(epoch: u64) -> String {
    format!("{epoch:016x}")
}

/// What counts as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The stream has it.
    #[default]
    Stream,
    /// The spool has it, on disk: every record goes through it.
    Spool,
}

/// Where records are kept that the stream does not take for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolSettings {
    /// A directory of the process's user; it is made where it is missing.
    pub directory: PathBuf,
}

/// What can change while delivery runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reloadable {
    /// Requests at the same time; at least one is made.
    pub max_in_flight: usize,
    /// Age at which a new data key is asked for.
    pub data_key_max_age: Duration,
    /// Time between two heartbeats; none are sent without it.
    pub heartbeat_interval: Option<Duration>,
    /// A request waits for the records that are being sealed, as long as there is room for them in it: fewer requests, at
    /// the price of the milliseconds that sealing takes. Not for those who wait for each answer.
    pub gather: bool,
    /// What counts as durable.
    pub durability: Durability,
    /// Bytes that the spool may take; with 0 nothing more is put into it.
    pub spool_max_bytes: u64,
}

/// Everything that delivery is told at its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where records come from.
    pub identity: Identity,
    /// No spool without it.
    pub spool: Option<SpoolSettings>,
    /// Position in the ring that is acknowledged already: the end of what former processes have brought to safety.
    pub acked_through: u64,
    /// What a reload can change.
    pub reloadable: Reloadable,
}
