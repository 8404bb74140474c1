//! activity_stream: every statement, login, logout and error of a PostgreSQL server, encrypted, on a Kinesis stream.
//!
//! The folders are the way of an event:
//!
//! ```text
//! capture ──► ring ──► worker: drain ──► seal ──► deliver ──► ack ──► waiting sessions
//! ```
//!
//! This package is the half that knows PostgreSQL. The other half, in `crates/`, does not: it holds the event, the
//! ring's algorithm, sealing and delivery. `pg` is the seam; `settings` is what an operator says.

mod ack;
mod capture;
mod pg;
mod ring;
mod settings;
mod sql_api;
mod wiping;
mod worker;

use pgrx::prelude::*;

use crate::pg::{log, startup};

pgrx::pg_module_magic!();

/// Called when the library is loaded. Order matters: settings say how large the ring is, hooks need the ring, the worker
/// needs both.
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    if !startup::preloading() {
        log::error(
            log::sqlstate::PREREQUISITE,
            "activity_stream must be loaded via shared_preload_libraries",
            "It needs shared memory and a background worker, which exist only when it is there from the server's start.",
            "Add activity_stream to shared_preload_libraries in postgresql.conf and restart the server.",
        );
    }
    settings::register();
    if startup::without_workers() {
        return;
    }
    startup::install_hooks();
    capture::intent::watch_settings();
    if !pg::worker::register() {
        log::error(
            log::sqlstate::PREREQUISITE,
            "activity_stream has no background worker",
            "All of max_worker_processes are taken by the libraries that are loaded before it: nothing would be delivered.",
            "Raise max_worker_processes in postgresql.conf and start the server.",
        );
    }
}
