//! The way to AWS: configured in the background, then a handle to the delivery pipeline.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use activity_aws::{Aws, ConnectError, Endpoint, KinesisStream, KmsKeys, StreamMode, StreamPlan, Timeouts};
use activity_deliver::{
    Batch, Handle, Identity, Reloadable, Report, Settings, Snapshot as Progress, SpoolSettings,
};
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::notifier::Notifier;
use super::runtime::Threads;
use crate::pg::log::{self, sqlstate};
use crate::pg::startup;
use crate::ring::Attached;
use crate::settings::{Mode, Snapshot};

/// `serverType` in events.
const SERVER_TYPE: &str = "PostgreSQL";
/// A ring this full and no room in delivery are a backlog: a quarter.
const BACKLOG_BEGINS_SHIFT: u32 = 2;
/// One this empty is none any more: an eighth.
const BACKLOG_ENDS_SHIFT: u32 = 3;
/// How the spool's files that hold records end.
const SEGMENT_SUFFIX: &str = ".segment";
/// Time between two attempts to load a configuration that cannot work.
const RETRY: Duration = Duration::from_secs(5);

enum State {
    /// Not wanted yet: mode is off and the ring is empty.
    Idle,
    /// The configuration is being loaded.
    Connecting(oneshot::Receiver<Result<Aws, ConnectError>>),
    /// It cannot work; tried again then.
    Failed(Instant),
    /// Delivering.
    Up(Box<(Handle<KinesisStream, KmsKeys>, Aws)>),
}

/// The connection, in whatever state it is.
pub(super) struct Connection {
    state: State,
    told: Option<String>,
    /// Files of a spool are there: to be delivered even where nothing is captured.
    spool_is_left: bool,
    backlog: bool,
}

impl Connection {
    pub(super) fn new(settings: &Snapshot) -> Self {
        let spool_is_left = holds_segments(&settings.spool_directory);
        Self { state: State::Idle, told: None, spool_is_left, backlog: false }
    }

    /// Takes the next step of setting up, where one is to be taken.
    pub(super) fn advance(
        &mut self,
        threads: &Threads,
        settings: &Snapshot,
        attached: &Attached,
        notifier: &mut Notifier,
    ) {
        match &mut self.state {
            State::Idle => {
                let wanted = settings.mode != Mode::Off || attached.ring.fill() > 0 || self.spool_is_left;
                if wanted && !settings.kms_key_id.is_empty() {
                    self.connect(threads, settings);
                }
            }
            State::Failed(again) => {
                if Instant::now() >= *again {
                    self.connect(threads, settings);
                }
            }
            State::Connecting(answer) => match answer.try_recv() {
                Ok(Ok(aws)) => {
                    notifier.connected(threads, &aws);
                    self.start(threads, settings, attached, aws);
                }
                Ok(Err(e)) => self.failed(&e.to_string(), attached),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Closed) => self.failed("the task that loads it ended", attached),
            },
            State::Up(_) => {}
        }
    }

    fn connect(&mut self, threads: &Threads, settings: &Snapshot) {
        let endpoint = Endpoint {
            region: settings.stream.region.clone(),
            endpoint_url: settings.stream.endpoint_url.clone(),
            services: settings.stream.services.clone(),
            profile: settings.stream.profile.clone(),
            transport: settings.stream.transport.clone(),
        };
        let (answer, state) = oneshot::channel();
        let wake = threads.waker();
        if let Some(runtime) = threads.handle() {
            runtime.spawn(async move {
                // Nobody listens any more where the worker is ending.
                let _ending = answer.send(Aws::connect(&endpoint, Timeouts::default()).await);
                wake();
            });
        }
        self.state = State::Connecting(state);
    }

    fn failed(&mut self, why: &str, attached: &Attached) {
        attached.shared.state.set("configuration unusable");
        attached.shared.last_error.set(why);
        if self.told.as_deref() != Some(why) {
            log::warning(
                sqlstate::UNAVAILABLE,
                &format!("activity_stream: the AWS configuration cannot be used: {why}"),
                "Activity waits in the ring until it can.",
                "Correct the configuration; it is looked at again every few seconds.",
            );
            self.told = Some(why.to_owned());
        }
        self.state = State::Failed(Instant::now() + RETRY);
    }

    fn start(&mut self, threads: &Threads, settings: &Snapshot, attached: &Attached, aws: Aws) {
        let Some(runtime) = threads.handle() else { return };
        let stream = KinesisStream::new(&aws, plan(settings));
        let keys = keys(&aws, settings);
        let delivery = delivery_settings(settings, attached);
        let handle = activity_deliver::start(&runtime, delivery, stream, keys, threads.waker());
        self.told = None;
        self.state = State::Up(Box::new((handle, aws)));
    }

    fn up(&self) -> Option<&Handle<KinesisStream, KmsKeys>> {
        match &self.state {
            State::Up(up) => Some(&up.0),
            State::Idle | State::Connecting(_) | State::Failed(_) => None,
        }
    }

    /// The ring fills up: what the stream does not take as fast as it comes goes to the spool, until the ring has room again.
    pub(super) fn mind_backlog(&mut self, attached: &Attached) {
        let (fill, capacity) = (attached.ring.fill(), attached.ring.capacity());
        let backlog = if self.backlog {
            fill >= capacity >> BACKLOG_ENDS_SHIFT
        } else {
            fill >= capacity >> BACKLOG_BEGINS_SHIFT && !self.has_room()
        };
        if std::mem::replace(&mut self.backlog, backlog) != backlog
            && let Some(handle) = self.up()
        {
            handle.set_backlog(backlog);
        }
    }

    /// The server ends: what the stream does not have goes to the spool.
    pub(super) fn hurry(&self) {
        if let Some(handle) = self.up() {
            handle.hurry();
        }
    }

    /// Delivery ended by itself, which only an error in it can bring about.
    pub(super) fn is_broken(&self) -> bool {
        self.up().is_some_and(|handle| !handle.is_running())
    }

    /// Whether a batch would be taken.
    pub(super) fn has_room(&self) -> bool {
        self.up().is_some_and(Handle::has_room)
    }

    /// Whether a request slot is free.
    pub(super) fn can_send_now(&self) -> bool {
        self.up().is_some_and(Handle::can_send_now)
    }

    /// Hands a batch over, or gives it back.
    pub(super) fn submit(&self, batch: Batch) -> Result<(), Box<Batch>> {
        match self.up() {
            Some(handle) => handle.try_submit(batch),
            None => Err(Box::new(batch)),
        }
    }

    /// What delivery has to say, oldest first.
    pub(super) fn next_report(&mut self) -> Option<Report> {
        match &mut self.state {
            State::Up(up) => up.0.next_report(),
            State::Idle | State::Connecting(_) | State::Failed(_) => None,
        }
    }

    /// How far delivery is.
    pub(super) fn progress(&self) -> Option<Progress> {
        self.up().map(Handle::snapshot)
    }

    /// Takes over what a reload changed.
    pub(super) fn reconfigure(&mut self, before: &Snapshot, settings: &Snapshot) {
        if let State::Up(up) = &mut self.state {
            let (handle, aws) = up.as_ref();
            handle.reconfigure(reloadable(settings));
            // The data key in use is dropped with its source.
            if before.kms_key_id != settings.kms_key_id {
                handle.set_keys(Arc::new(keys(aws, settings)));
            }
        }
    }
}

fn plan(settings: &Snapshot) -> StreamPlan {
    let stream = &settings.stream;
    StreamPlan {
        name: stream.name.clone(),
        create: stream.create,
        mode: stream
            .provisioned_shards
            .map_or(StreamMode::OnDemand, |shards| StreamMode::Provisioned { shards }),
        retention_hours: stream.retention_hours,
    }
}

fn keys(aws: &Aws, settings: &Snapshot) -> KmsKeys {
    KmsKeys::new(aws, settings.kms_key_id.clone(), settings.cluster_id.clone())
}

fn delivery_settings(settings: &Snapshot, attached: &Attached) -> Settings {
    Settings {
        identity: identity(settings, attached),
        spool: Some(SpoolSettings { directory: settings.spool_directory.clone() }),
        acked_through: attached.ring.acked_through().0,
        reloadable: reloadable(settings),
    }
}

/// What records say about where they come from.
pub(super) fn identity(settings: &Snapshot, attached: &Attached) -> Identity {
    Identity {
        cluster_id: settings.cluster_id.clone(),
        instance_id: settings.instance_id.clone(),
        server_version: startup::server_version(),
        server_type: SERVER_TYPE.to_owned(),
        service_name: settings.service_name.clone(),
        epoch: attached.shared.epoch.load(Ordering::Relaxed),
    }
}

/// Whether a spool was left behind. One that cannot be looked at is opened, and that is told.
fn holds_segments(directory: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(directory) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().ends_with(SEGMENT_SUFFIX))
}

fn reloadable(settings: &Snapshot) -> Reloadable {
    Reloadable {
        max_in_flight: settings.max_in_flight,
        data_key_max_age: settings.data_key_max_age,
        // A stream that is off beats no more.
        heartbeat_interval: settings.heartbeat_interval.filter(|_| settings.mode != Mode::Off),
        gather: settings.mode != Mode::Sync,
        durability: settings.durability,
        spool_max_bytes: settings.spool_max_bytes,
    }
}
