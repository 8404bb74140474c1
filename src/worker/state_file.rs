//! The state file, written in the background: one write at a time, on a thread that may block.
//!
//! A disk that hangs holds up nothing: after [`PATIENCE`] the write counts as failed, which lets the telling go on, and no
//! other one is begun before it has ended.

use std::time::{Duration, Instant};

use activity_deliver::windows::{Marker, State, Store, StoreError, Windows};
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::runtime::Threads;
use crate::pg::log::{self, sqlstate};

/// How long a write may take before what waits for it goes on.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the last write, at shutdown, may take, and the one before it.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

struct Write {
    generation: u64,
    since: Instant,
    counts_as_failed: bool,
    answer: oneshot::Receiver<Result<(), StoreError>>,
}

/// The file, and the write under way.
pub(super) struct StateFile {
    store: Store,
    write: Option<Write>,
    failing: bool,
}

impl StateFile {
    pub(super) fn new(store: Store) -> Self {
        Self { store, write: None, failing: false }
    }

    /// Begins to write a state; `generation` names it in [`Self::ended`]. Whether it was begun.
    pub(super) fn begin(&mut self, threads: &Threads, generation: u64, state: &State) -> bool {
        let (done, answer) = oneshot::channel();
        let (Ok(bytes), Some(runtime)) = (state.to_bytes(), threads.handle()) else { return false };
        let (write, wake) = (self.store.write(bytes), threads.waker());
        runtime.spawn_blocking(move || {
            // Nobody listens any more where the worker is ending.
            let _ending = done.send(write.run());
            wake();
        });
        self.write = Some(Write { generation, since: Instant::now(), counts_as_failed: false, answer });
        true
    }

    /// A write is under way.
    pub(super) fn is_writing(&self) -> bool {
        self.write.is_some()
    }

    /// How a write ended, once, or that it takes too long.
    pub(super) fn ended(&mut self) -> Option<(u64, bool)> {
        let write = self.write.as_mut()?;
        let generation = write.generation;
        match write.answer.try_recv() {
            Err(TryRecvError::Empty) => {
                if write.counts_as_failed || write.since.elapsed() < PATIENCE {
                    return None;
                }
                write.counts_as_failed = true;
                self.tell(Some("it takes too long"));
                return Some((generation, false));
            }
            Ok(Ok(())) => self.tell(None),
            Ok(Err(error)) => self.tell(Some(&error.to_string())),
            Err(TryRecvError::Closed) => self.tell(Some("the task that writes it ended")),
        }
        self.write = None;
        Some((generation, !self.failing))
    }

    /// Once per change.
    fn tell(&mut self, failure: Option<&str>) {
        let before = std::mem::replace(&mut self.failing, failure.is_some());
        match failure {
            Some(why) if !before => log::warning(
                sqlstate::INTERNAL,
                &format!("activity_stream: the state file cannot be written: {why}"),
                "What is told of loss windows may be told again after a restart.",
                "Make room in activity_stream.spool_directory, or see to its permissions.",
            ),
            None if before => log::log("activity_stream: the state file can be written again"),
            _ => {}
        }
    }

    /// Writes the last state and waits for that, as long as is fit; whether it was written.
    pub(super) fn write_last(&mut self, threads: &Threads, windows: &Windows, marker: &Marker) -> bool {
        self.wait(threads);
        self.begin(threads, 0, &windows.state(marker.clone())) && self.wait(threads)
    }

    /// Waits for the write under way; whether it ended well.
    fn wait(&mut self, threads: &Threads) -> bool {
        let (Some(write), Some(runtime)) = (self.write.take(), threads.handle()) else { return false };
        let answer = runtime.block_on(async { tokio::time::timeout(LAST_PATIENCE, write.answer).await });
        matches!(answer, Ok(Ok(Ok(()))))
    }
}
