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
//! * Space in the ring is freed when its events are on the stream or in the spool (or counted lost and told), never when they are
//!   drained: a worker that dies leaves them to the next one, which sends them again under the same sequence numbers and in
//!   the same chain.
//! * Sessions that wait are let go when their events are durable, which may be later.
//! * Nothing here blocks but the one wait at the end of a round; work that waits for the network is the other threads'.
//! * No panic leaves the process as an abort, which would restart the whole server: the entry catches it and exits with
//!   code 1, and the postmaster starts the worker again after a second.
//! * Only the postmaster ends the worker ([`crate::pg::signals`]); what others try is told ([`incidents`]), and nobody but root reads its
//!   memory ([`private_memory`]).
//!
//! ## Ending
//!
//! At shutdown the server stops its workers together with its sessions. This one stays until the last session has told its
//! end and all of it is on the stream, or in the spool: see `shutdown`.

mod accounts;
mod changes;
mod connection;
mod drain;
mod incidents;
mod lag;
mod loss_view;
mod notifier;
mod private_memory;
mod reports;
mod runtime;
mod shutdown;
mod state_file;
mod stream_events;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use activity_deliver::{Chain, NoticeKind};
use activity_ring::{Consumer, RawMemory};
use pgrx::prelude::*;

use self::accounts::{Accounts, Begun};
use self::changes::Changes;
use self::connection::Connection;
use self::drain::Drain;
use self::incidents::Incidents;
use self::lag::Lag;
use self::notifier::Notifier;
use self::runtime::Threads;
use self::shutdown::Shutdown;
use self::stream_events::Told;
use crate::ack;
use crate::pg::log::{self, sqlstate};
use crate::pg::worker::{self, WaitSet};
use crate::pg::{process, signals};
use crate::ring::{self, Attached};
use crate::settings::{self, Mode, Snapshot};
use crate::wiping;

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
        let shut = private_memory::shut();
        wiping::begin();
        signals::install_for_worker();
        if let Err(error) = shut {
            log::warning(
                sqlstate::INTERNAL,
                &format!(
                    "activity_stream: the worker's memory cannot be shut off from others of its user: {error}"
                ),
                "",
                "",
            );
        }
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
    /// What is in force.
    settings: Snapshot,
    changes: Changes,
    threads: Threads,
    wait_set: WaitSet,
    connection: Connection,
    consumer: Consumer<RawMemory>,
    drain: Drain,
    accounts: Accounts,
    begun: Begun,
    /// STREAM START is in the ring.
    started: bool,
    notifier: Notifier,
    /// The last round took as much as a round may.
    more: bool,
    lag: Lag,
    incidents: Incidents,
    shutdown: Option<Shutdown>,
}

impl Worker {
    fn start(attached: &'static Attached) -> Result<Self, String> {
        let shared = &attached.shared;
        settings::adopt(&shared.in_force);
        shared.config_pending.store(0, Ordering::Relaxed);
        let settings = settings::snapshot();
        let place = process::my_number().and_then(|n| i32::try_from(n).ok()).unwrap_or(-1);
        shared.worker_pid.store(worker::pid(), Ordering::Relaxed);
        shared.worker_process.store(place, Ordering::SeqCst);
        shared.worker_starts.fetch_add(1, Ordering::Relaxed);
        ack::set_waiting(attached, settings.mode == Mode::Sync);
        let consumer = Consumer::resume(attached.ring).map_err(|e| e.to_string())?;
        let threads = Threads::start().map_err(|e| format!("its threads: {e}"))?;
        let wait_set = WaitSet::new(threads.wake_descriptor()).ok_or("nothing to wait with")?;
        let chain = match consumer.acked_sequence() {
            0 => Chain::begin(&shared.epoch_text()),
            _ => reports::chain_of(consumer.note()),
        };
        let drain = Drain::new(&settings, connection::identity(&settings, attached), chain);
        let (accounts, begun) = Accounts::begin(&settings, attached);
        let mut notifier = Notifier::default();
        notifier.set_sinks(&settings.sinks);
        log::log(&format!(
            "activity_stream worker started: mode {}, stream \"{}\", cluster \"{}\", instance \"{}\"",
            settings.mode.as_str(),
            settings.stream.name,
            settings.cluster_id,
            settings.instance_id
        ));
        Ok(Self {
            attached,
            connection: Connection::new(&settings),
            consumer,
            drain,
            accounts,
            begun,
            started: shared.start_published.load(Ordering::Relaxed) != 0,
            notifier,
            more: false,
            lag: Lag::default(),
            incidents: Incidents::new(),
            shutdown: None,
            changes: Changes::new(),
            settings,
            threads,
            wait_set,
        })
    }

    /// Rounds until the server ends; the exit code.
    fn run(mut self) -> i32 {
        // What was changed while no worker ran.
        self.reload();
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
            if self.shut_down() {
                return self.end();
            }
            self.sleep();
        }
    }

    /// Moves on what can be moved on.
    fn round(&mut self) {
        self.incidents.moved(self.attached.shared, self.settings.worker_stall_timeout);
        self.threads.clear_wake();
        self.connection.advance(&self.threads, &self.settings, self.attached, &mut self.notifier);
        self.take_reports();
        self.tell_start();
        self.advance_change();
        let urgent = self.urgent();
        self.more = self.drain.fill(&mut self.consumer, &self.connection, urgent, self.attached);
        self.connection.mind_backlog(self.attached);
        self.accounts.round(self.attached, &self.settings, &self.threads, &mut self.notifier);
        self.lag.look(self.attached);
        self.incidents.tell(&mut self.accounts, self.started && self.settings.mode != Mode::Off);
        self.tell_status();
    }

    /// The first thing that is told in an epoch, once something is to be told at all.
    fn tell_start(&mut self) {
        if self.started || self.settings.mode == Mode::Off {
            return;
        }
        let mut params = vec![format!("epoch={}", self.attached.shared.epoch_text())];
        match &self.begun.previous {
            Some(previous) => {
                params.push(format!("previousEpoch={}", previous.epoch));
                params.push(format!("previousLastSequence={}", previous.last_sequence));
                params.extend(previous.chain.as_ref().map(|chain| format!("previousChain={chain}")));
                params.push(format!("previousEnd={}", if previous.clean { "clean" } else { "unclean" }));
            }
            None => params.extend(["previousEpoch=none".to_owned(), "previousEnd=none".to_owned()]),
        }
        let on_or_off = |on: bool| if on { "on" } else { "off" };
        params.push(format!("locked={}", on_or_off(settings::locked())));
        let insecure = self.settings.stream.transport.allow_insecure;
        params.push(format!("allowInsecureEndpoint={}", on_or_off(insecure)));
        let told = Told { command: "STREAM START", text: "The stream begins.", params: &params };
        if self.accounts.publish(&told).is_some() {
            self.started = true;
            self.attached.shared.start_published.store(1, Ordering::Relaxed);
            let message = format!("Activity stream \"{}\" started.", self.settings.stream.name);
            self.accounts.notice(NoticeKind::Started, "start", &self.settings.cluster_id, &message);
        }
    }

    /// Somebody waits for what is in the ring: do not linger.
    fn urgent(&self) -> bool {
        self.shutdown.is_some()
            || self.changes.is_pending()
            || self.settings.mode == Mode::Sync
            || self.attached.waiters.iter().any(|w| w.position.load(Ordering::SeqCst) != 0)
    }

    /// Sleeps until something is to be done.
    fn sleep(&mut self) {
        let shared = self.attached.shared;
        // Sessions that wait are many where no request may be made; each would wake us for nothing. Who asked in vain is woken.
        let listens = !self.urgent() || self.connection.can_send_now();
        let asleep = if listens { ring::LISTENS } else { ring::AWAITS_A_SLOT };
        shared.worker_asleep.store(asleep, Ordering::SeqCst);
        // Whoever published or began to wait before the line above may have found us awake and rung no bell.
        let undrained = self.attached.ring.reserved().0 > self.consumer.drained().0;
        let wanted = self.more || (listens && self.urgent());
        let missed = wanted && undrained && self.connection.has_room();
        if !missed {
            let now = Instant::now();
            let due = [
                self.drain.deadline(),
                self.changes.deadline(),
                self.shutdown.as_ref().map(Shutdown::deadline),
                Some(self.accounts.next_look()),
            ];
            let due = due.into_iter().flatten().map(|at| at.saturating_duration_since(now)).min();
            let busy = self.attached.ring.reserved().0 > self.consumer.drained().0;
            let longest =
                if busy { self.settings.batch_linger.min(LONGEST_SLEEP) } else { self.idle_sleep() };
            let timeout = due.unwrap_or(longest).clamp(SHORTEST_SLEEP, LONGEST_SLEEP).min(longest);
            self.wait_set.wait(timeout.max(SHORTEST_SLEEP));
        }
        shared.worker_asleep.store(ring::AWAKE, Ordering::SeqCst);
    }

    /// Asynchronous sessions ring no bell for a ring that is nearly empty: the worker comes by itself.
    fn idle_sleep(&self) -> Duration {
        if self.settings.mode == Mode::Off {
            LONGEST_SLEEP
        } else {
            self.settings.batch_linger.min(LONGEST_SLEEP)
        }
    }

    fn begin_shutdown(&mut self) {
        self.shutdown = Some(Shutdown::begin(self.settings.shutdown_timeout, signals::stop_immediately()));
        self.attached.shared.state.set("stopping");
        if self.started {
            let message = format!("Activity stream \"{}\" stopped.", self.settings.stream.name);
            self.accounts.notice(NoticeKind::Stopped, "stop", &self.settings.cluster_id, &message);
        }
    }

    /// The last words of the worker.
    fn end(mut self) -> i32 {
        let shared = self.attached.shared;
        let left = self.left();
        let written = self.accounts.end(left, &self.threads, &mut self.notifier);
        if left > 0 {
            log::warning(
                sqlstate::LOST,
                "activity_stream: shutting down with undelivered activity",
                &format!("{left} events are neither on the stream nor in the spool {}.", self.patience()),
                "",
            );
        } else if self.connection.progress().is_some_and(|progress| progress.spool_records > 0) {
            log::log("activity_stream worker is shutting down; what is not delivered is in the spool");
        } else {
            log::log("activity_stream worker is shutting down; all activity is delivered");
        }
        if !written {
            log::log("activity_stream: that the server stops as it should could not be written down");
        }
        ack::stall::ended(shared);
        shared.worker_process.store(-1, Ordering::SeqCst);
        shared.worker_pid.store(0, Ordering::Relaxed);
        0
    }

    /// How long that was waited for, in words.
    fn patience(&self) -> String {
        if signals::stop_immediately() {
            return "at an immediate shutdown".to_owned();
        }
        let timeout = self.settings.shutdown_timeout.as_millis();
        format!("after activity_stream.shutdown_timeout ({timeout} ms)")
    }

    /// Events that are in the ring and not acknowledged.
    fn left(&mut self) -> u64 {
        let mut event = Vec::new();
        let mut last = self.accounts.marker().acked_sequence;
        let acked = last;
        // Those that were drained before are counted by the number of the next one.
        if let Ok(mut consumer) = Consumer::resume(self.attached.ring) {
            while let Ok(Some(record)) = consumer.next(&mut event) {
                last = record.sequence;
            }
        }
        last.saturating_sub(acked)
    }
}
