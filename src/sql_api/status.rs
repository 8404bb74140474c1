//! The one row of `activity_stream.status`.

use std::sync::atomic::Ordering::Relaxed;

use pgrx::prelude::*;

use crate::ack::stall;
use crate::pg::clock;
use crate::ring::{self, Attached};
use crate::settings;

/// The columns' types, in the order of the SQL declaration.
type Row = (
    String,
    String,
    String,
    String,
    String,
    Option<i32>,
    i64,
    String,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    i64,
    Option<String>,
);

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Empty where there is no mapping (single-user mode).
#[pg_extern]
#[expect(clippy::type_complexity, reason = "the macro takes the columns only where they are written out")]
fn activity_stream_status() -> TableIterator<
    'static,
    (
        name!(state, String),
        name!(mode, String),
        name!(cluster_id, String),
        name!(stream_name, String),
        name!(kms_key_id, String),
        name!(worker_pid, Option<i32>),
        name!(worker_starts, i64),
        name!(epoch, String),
        name!(started_at_us, i64),
        name!(sessions, i64),
        name!(published_events, i64),
        name!(acked_events, i64),
        name!(dropped_events, i64),
        name!(lost_events, i64),
        name!(torn_events, i64),
        name!(records, i64),
        name!(record_bytes, i64),
        name!(heartbeats, i64),
        name!(retried_records, i64),
        name!(requests_in_flight, i64),
        name!(ring_size, i64),
        name!(ring_used, i64),
        name!(spooled_events, i64),
        name!(drained_events, i64),
        name!(spool_records, i64),
        name!(spool_used, i64),
        name!(lag_us, Option<i64>),
        name!(last_ack_us, Option<i64>),
        name!(contained_failures, i64),
        name!(last_error, Option<String>),
    ),
> {
    let row = ring::attached().map(row);
    TableIterator::new(row)
}

fn row(attached: &Attached) -> Row {
    settings::adopt(&attached.shared.in_force);
    let Attached { shared, ring, .. } = attached;
    let delivered = &shared.delivered;
    let last_ack = Some(delivered.last_ack.load(Relaxed)).filter(|at| *at > 0);
    let behind = ring.reserved().0 > ring.acked_through().0;
    // What was published after the worker's last look is as good as new.
    let waiting = match delivered.oldest_since.load(Relaxed) {
        0 => 0,
        since => clock::now() - since,
    };
    let stalled = shared.worker_pid.load(Relaxed) != 0 && stall::is_on(shared);
    (
        if stalled { "stalled".to_owned() } else { shared.state.get() },
        settings::mode().as_str().to_owned(),
        settings::cluster_id(),
        settings::stream_name(),
        settings::snapshot().kms_key_id,
        Some(shared.worker_pid.load(Relaxed)).filter(|pid| *pid != 0),
        i64::from(shared.worker_starts.load(Relaxed)),
        shared.epoch_text(),
        shared.epoch_start.load(Relaxed),
        shared.sessions.load(Relaxed),
        number(ring.published()),
        number(delivered.acked_sequence.load(Relaxed)),
        number(attached.dropped()),
        number(delivered.lost.load(Relaxed)),
        number(delivered.torn.load(Relaxed)),
        number(delivered.records.load(Relaxed)),
        number(delivered.bytes.load(Relaxed)),
        number(delivered.heartbeats.load(Relaxed)),
        number(delivered.retries.load(Relaxed)),
        number(delivered.in_flight.load(Relaxed)),
        number(ring.capacity() as u64),
        number(ring.fill() as u64),
        number(delivered.spooled.load(Relaxed)),
        number(delivered.drained.load(Relaxed)),
        number(delivered.spool_records.load(Relaxed)),
        number(delivered.spool_bytes.load(Relaxed)),
        behind.then_some(waiting),
        last_ack,
        number(shared.contained_failures.load(Relaxed)),
        Some(shared.last_error.get()).filter(|text| !text.is_empty()),
    )
}

/// What the view shows of sync mode and of a reload: a tuple of columns is full.
#[pg_extern]
fn activity_stream_sync_status() -> TableIterator<
    'static,
    (
        name!(sync_waits, i64),
        name!(sync_timeouts, i64),
        name!(sync_wait_us, i64),
        name!(sync_wait_max_us, i64),
        name!(not_durable_since_us, Option<i64>),
        name!(config_pending, bool),
    ),
> {
    TableIterator::new(ring::attached().map(|Attached { shared, .. }| {
        (
            number(shared.sync_waits.load(Relaxed)),
            number(shared.sync_timeouts.load(Relaxed)),
            number(shared.sync_wait_us.load(Relaxed)),
            number(shared.sync_wait_max_us.load(Relaxed)),
            Some(shared.not_durable_since.load(Relaxed)).filter(|since| *since != 0),
            shared.config_pending.load(Relaxed) != 0,
        )
    }))
}

/// The loss windows as a JSON array, the latest first.
#[pg_extern]
fn activity_stream_loss_windows() -> Option<String> {
    ring::attached().map(|attached| attached.shared.loss_windows.get()).filter(|text| !text.is_empty())
}
