//! The worker: one process that empties the ring onto the stream.
//!
//! ```text
//!   main thread (calls the server)             other threads (never do)
//!   ┌──────────────────────────────┐  batches  ┌─────────────────────────────┐
//!   │ ring ─► drain ─► Batcher ────┼──────────►│ seal ─► PutRecords ─► retry │
//!   │ ack, latches, log, status ◄──┼───────────┤ reports, and an eventfd     │
//!   └──────────────────────────────┘  reports  └─────────────────────────────┘
//! ```
//!
//! ## Invariants
//!
//! * Space in the ring is freed when its events are acknowledged (or counted lost and told), never when they are drained:
//!   a worker that dies leaves them to the next one, which sends them again under the same sequence numbers.
//! * Nothing here blocks but the one wait at the end of a round; work that waits for the network is the other threads'.
//! * No panic leaves the process as an abort, which would restart the whole server: the entry catches it and exits with
//!   code 1, and the postmaster starts the worker again after a second.
//! * Only the postmaster ends the worker ([`crate::pg::signals`]).
//!
//! ## Ending
//!
//! At shutdown the server stops its workers together with its sessions. This one stays until the last session has told its
//! end and all of it is on the stream, at most `shutdown_timeout`.

mod connection;
mod drain;
mod lag;
mod reports;
mod runtime;
mod shutdown;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use activity_ring::{Consumer, RawMemory};
use pgrx::prelude::*;

use self::connection::Connection;
use self::drain::Drain;
use self::lag::Lag;
use self::reports::LossWatch;
use self::runtime::Threads;
use self::shutdown::Shutdown;
use crate::pg::log::{self, sqlstate};
use crate::pg::{process, signals, worker};
use crate::ring::{self, Attached};
use crate::settings::{self, Mode, Snapshot};

/// Longest sleep: status and loss counters are looked at this often even where nothing happens.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// Shortest sleep, so that a deadline that is just over does not spin.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

/// The worker's entry, called by the server in a process of its own.
#[pg_guard]
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "the server finds the entry by its name")]
pub extern "C-unwind" fn activity_stream_worker_main(_argument: pgrx::pg_sys::Datum) {
    let ended = catch_unwind(AssertUnwindSafe(|| {
        signals::install_for_worker();
        let Some(attached) = ring::attached() else { return 0 };
        match Worker::start(attached) {
            Ok(worker) => worker.run(),
            Err(message) => {
                log::warning(
                    sqlstate::INTERNAL,
                    &format!("activity_stream worker cannot start: {message}"),
                    "",
                    "",
                );
                1
            }
        }
    }));
    if ended.is_err() {
        // Where the panic was raised has been reported; nothing that could raise another one is done here.
        crate::capture::note_contained_failure();
    }
    worker::exit(ended.unwrap_or(1));
}

/// Everything the main thread of the worker holds.
struct Worker {
    attached: &'static Attached,
    settings: Snapshot,
    threads: Threads,
    connection: Connection,
    consumer: Consumer<RawMemory>,
    drain: Drain,
    losses: LossWatch,
    lag: Lag,
    /// Requests to end that did not come from the postmaster and were told.
    refused: u64,
    shutdown: Option<Shutdown>,
}

impl Worker {
    fn start(attached: &'static Attached) -> Result<Self, String> {
        let settings = settings::snapshot();
        let shared = &attached.shared;
        let place = process::my_number().and_then(|n| i32::try_from(n).ok()).unwrap_or(-1);
        shared.worker_pid.store(worker::pid(), Ordering::Relaxed);
        shared.worker_process.store(place, Ordering::SeqCst);
        shared.worker_starts.fetch_add(1, Ordering::Relaxed);
        let consumer = Consumer::resume(attached.ring).map_err(|e| e.to_string())?;
        let threads = Threads::start().map_err(|e| format!("its threads: {e}"))?;
        log::log(&format!(
            "activity_stream worker started: mode {}, stream \"{}\", cluster \"{}\", instance \"{}\"",
            settings.mode.as_str(),
            settings.stream.name,
            settings.cluster_id,
            settings.instance_id
        ));
        Ok(Self {
            attached,
            connection: Connection::new(),
            consumer,
            drain: Drain::new(&settings),
            losses: LossWatch::new(attached),
            lag: Lag::default(),
            refused: 0,
            shutdown: None,
            settings,
            threads,
        })
    }

    /// Rounds until the server ends; the exit code.
    fn run(mut self) -> i32 {
        loop {
            worker::serve_interrupts();
            if worker::reload_if_asked() {
                self.reload();
            }
            if self.shutdown.is_none() && signals::stop_requested() {
                self.begin_shutdown();
            }
            self.round();
            if self.connection.is_broken() {
                log::warning(
                    sqlstate::INTERNAL,
                    "activity_stream: delivery ended unexpectedly; the worker starts again",
                    "What was not acknowledged is sent again.",
                    "",
                );
                return 1;
            }
            if self.shutdown.as_ref().is_some_and(|s| s.is_over(&self)) {
                return self.end();
            }
            self.sleep();
        }
    }

    /// Moves on what can be moved on.
    fn round(&mut self) {
        self.threads.clear_wake();
        self.connection.advance(&self.threads, &self.settings, self.attached);
        self.take_reports();
        let urgent = self.urgent();
        self.drain.fill(&mut self.consumer, &self.connection, urgent, self.attached);
        self.losses.look(self.attached);
        self.lag.look(self.attached);
        self.tell_refused();
        self.tell_status();
    }

    /// Somebody waits for what is in the ring: do not linger.
    fn urgent(&self) -> bool {
        self.shutdown.is_some()
            || self.settings.mode == Mode::Sync
            || self.attached.waiters.iter().any(|w| w.position.load(Ordering::SeqCst) != 0)
    }

    fn reload(&mut self) {
        let settings = settings::snapshot();
        if settings == self.settings {
            return;
        }
        if settings.mode != self.settings.mode {
            log::log(&format!(
                "activity_stream mode changed from {} to {}",
                self.settings.mode.as_str(),
                settings.mode.as_str()
            ));
        }
        self.drain.reconfigure(&settings);
        self.connection.reconfigure(&self.settings, &settings);
        self.settings = settings;
    }

    /// Sleeps until something is to be done.
    fn sleep(&mut self) {
        let shared = self.attached.shared;
        shared.worker_asleep.store(1, Ordering::SeqCst);
        // Whoever published or began to wait before the line above may have found us awake and rung no bell.
        let missed = self.urgent()
            && self.attached.ring.reserved().0 > self.consumer.drained().0
            && self.connection.has_room();
        if !missed {
            let now = Instant::now();
            let due = [self.drain.deadline(), self.shutdown.as_ref().map(Shutdown::deadline)];
            let due = due.into_iter().flatten().map(|at| at.saturating_duration_since(now)).min();
            let busy = self.attached.ring.reserved().0 > self.consumer.drained().0;
            let longest =
                if busy { self.settings.batch_linger.min(LONGEST_SLEEP) } else { self.idle_sleep() };
            let timeout = due.unwrap_or(longest).clamp(SHORTEST_SLEEP, LONGEST_SLEEP).min(longest);
            worker::wait(self.threads.wake_descriptor(), timeout.max(SHORTEST_SLEEP));
        }
        shared.worker_asleep.store(0, Ordering::SeqCst);
    }

    /// Asynchronous sessions ring no bell for a ring that is nearly empty: the worker comes by itself.
    fn idle_sleep(&self) -> Duration {
        if self.settings.mode == Mode::Off {
            LONGEST_SLEEP
        } else {
            self.settings.batch_linger.min(LONGEST_SLEEP)
        }
    }

    fn tell_refused(&mut self) {
        let refused = signals::refused();
        if refused > std::mem::replace(&mut self.refused, refused) {
            log::warning(
                sqlstate::PREREQUISITE,
                "activity_stream: a request to terminate the worker was refused",
                "Only the postmaster ends the worker, when the server shuts down.",
                "To stop collection, set activity_stream.mode to off and reload the configuration.",
            );
        }
    }

    fn begin_shutdown(&mut self) {
        self.shutdown = Some(Shutdown::begin(self.settings.shutdown_timeout));
        self.attached.shared.state.set("stopping");
    }

    /// The last words of the worker.
    fn end(self) -> i32 {
        let shared = self.attached.shared;
        let left = self.attached.ring.reserved().0 > self.attached.ring.acked_through().0;
        if left {
            log::warning(
                sqlstate::LOST,
                "activity_stream: shutting down with undelivered activity",
                &format!(
                    "{} events were published and {} are on the stream after activity_stream.shutdown_timeout ({} ms).",
                    self.attached.ring.published(),
                    shared.delivered.acked_sequence.load(Ordering::Relaxed),
                    self.settings.shutdown_timeout.as_millis()
                ),
                "",
            );
        } else {
            log::log("activity_stream worker is shutting down; all activity is delivered");
        }
        shared.worker_process.store(-1, Ordering::SeqCst);
        shared.worker_pid.store(0, Ordering::Relaxed);
        0
    }
}
