//! The caller's side of delivery.

use std::marker::PhantomData;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::batch::Batch;
use crate::driver::{self, Control, Driver};
use crate::ports::{Keys, Stream};
use crate::report::Report;
use crate::settings::{Reloadable, Settings, Waker};
use crate::shared::{Shared, Snapshot};

/// Delivery under way. Dropping it ends the driver and everything that it started; requests that were under way may or may
/// not have been stored.
///
/// For one thread: the counters rely on one that submits.
#[derive(Debug)]
pub struct Handle<S, K> {
    shared: Arc<Shared>,
    /// The driver ends when this is dropped.
    inbox: mpsc::UnboundedSender<Batch>,
    control: watch::Sender<Control<K>>,
    driver: JoinHandle<()>,
    started: Instant,
    stream: PhantomData<fn() -> S>,
}

/// Starts delivery on `runtime`: it looks after the stream and gets a data key at once. `waker` is called after every report,
/// and when there is room or a request can be sent after [`Handle::has_room`] or [`Handle::can_send_now`] said no.
pub fn start<S: Stream, K: Keys>(
    runtime: &tokio::runtime::Handle,
    settings: Settings,
    stream: S,
    keys: K,
    waker: Waker,
) -> Handle<S, K> {
    let shared = Arc::new(Shared::new(&settings.reloadable));
    // Bounded by `Shared::has_room`, which counts what is in it.
    let (inbox, batches) = mpsc::unbounded_channel();
    let (control, changes) = watch::channel(Control::new(settings.reloadable, Arc::new(keys)));
    let started = Instant::now();
    let driver = Driver {
        identity: Arc::new(settings.identity),
        spool: settings.spool,
        acked_through: settings.acked_through,
        stream: Arc::new(stream),
        shared: Arc::clone(&shared),
        batches,
        changes,
        started,
        waker,
    };
    let driver = runtime.spawn(driver::run(driver));
    Handle { shared, inbox, control, driver, started, stream: PhantomData }
}

impl<S: Stream, K: Keys> Handle<S, K> {
    /// Takes a batch over without blocking.
    ///
    /// # Errors
    /// Gives the batch back where there is no room for it, or delivery has ended ([`Self::is_running`]).
    pub fn try_submit(&self, batch: Batch) -> Result<(), Box<Batch>> {
        if !self.has_room() {
            return Err(Box::new(batch));
        }
        self.shared.submitting(&batch);
        self.inbox.send(batch).map_err(|refused| {
            self.shared.not_submitted(&refused.0);
            Box::new(refused.0)
        })
    }

    /// Whether [`Self::try_submit`] would take a batch.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.shared.has_room() && self.is_running()
    }

    /// Whether a batch submitted now would be sent at once: stream and key are there, a request may be made, and no other
    /// batch waits for it.
    #[must_use]
    pub fn can_send_now(&self) -> bool {
        self.shared.can_send_now() && self.is_running()
    }

    /// The next thing that delivery has to say.
    pub fn next_report(&mut self) -> Option<Report> {
        self.shared.reports().pop()
    }

    /// How far delivery is.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot(self.started.elapsed())
    }

    /// Takes over what a reload changed.
    pub fn reconfigure(&self, reloadable: Reloadable) {
        self.shared.room_for(&reloadable);
        self.control.send_modify(|control| control.reloadable = reloadable);
    }

    /// Whether the stream takes less than comes, as the caller sees it: then what comes goes to the spool.
    pub fn set_backlog(&self, backlog: bool) {
        self.control.send_if_modified(|control| std::mem::replace(&mut control.backlog, backlog) != backlog);
    }

    /// The process is about to end: what the stream does not have goes to the spool, and is acknowledged when it is there. Nothing
    /// more is sent, unless there is no spool that takes it.
    pub fn hurry(&self) {
        self.control.send_if_modified(|control| !std::mem::replace(&mut control.hurry, true));
    }

    /// Data keys come from elsewhere from now on. The one in use is dropped: what is not sealed yet waits for one from the
    /// new source. So this is for another KMS key, not for every reload.
    pub fn set_keys(&self, keys: Arc<K>) {
        self.control.send_modify(|control| control.set_keys(keys));
    }

    /// Every batch that was submitted is stored, spooled or lost, and its reports wait to be read. Heartbeats do not count.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.shared.is_idle()
    }

    /// Delivery runs. It ends by itself only by an error in this crate, or with its runtime.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.driver.is_finished()
    }
}
