//! The rows of `activity_stream.settings`.

use pgrx::prelude::*;

use crate::ring;
use crate::settings;

/// Every setting: its name, the value in force, and the one that this session has read.
#[pg_extern]
fn activity_stream_settings()
-> TableIterator<'static, (name!(name, String), name!(in_force, String), name!(configured, String))> {
    if let Some(attached) = ring::attached() {
        settings::adopt(&attached.shared.in_force);
    }
    let rows: Vec<_> = settings::values().collect();
    TableIterator::new(rows)
}
