//! The worker's other threads, and how they wake the main one.
//!
//! Delivery is asynchronous code on a tokio runtime. Its threads are started after fork with every signal blocked, so no
//! handler of the server runs on them (tokio starts threads for what blocks where it is asked to, on the main thread too: so each blocks
//! them once more as its first act), and they never call the server: what they have to say goes through channels, and
//! an eventfd in the main thread's wait wakes it.
#![expect(unsafe_code, reason = "an eventfd has no wrapper in the standard library")]

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::pg::signals;

/// Threads that drive requests. Sealing and disks have threads of their own (spawn_blocking).
const DRIVER_THREADS: usize = 1;
/// Most threads for what may block: two that seal, one for the spool, one for the state file.
const BLOCKING_THREADS: usize = 4;
/// How long the runtime's threads get to end; after that they end with the process.
const STOP_TIMEOUT: Duration = Duration::from_millis(200);

/// The runtime and the way to wake the main thread.
pub(super) struct Threads {
    runtime: Option<Runtime>,
    wake: Arc<File>,
}

impl Threads {
    /// Starts the threads.
    pub(super) fn start() -> io::Result<Self> {
        // SAFETY: a fresh descriptor that nothing else owns.
        let wake = unsafe {
            let fd = libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            File::from(OwnedFd::from_raw_fd(fd))
        };
        let runtime = signals::blocked(|| {
            Builder::new_multi_thread()
                .worker_threads(DRIVER_THREADS)
                .max_blocking_threads(BLOCKING_THREADS)
                .thread_name("activity_stream")
                .on_thread_start(signals::block_on_this_thread)
                .enable_io()
                .enable_time()
                .build()
        })?;
        Ok(Self { runtime: Some(runtime), wake: Arc::new(wake) })
    }

    /// Where tasks are started.
    pub(super) fn handle(&self) -> Option<tokio::runtime::Handle> {
        self.runtime.as_ref().map(|r| r.handle().clone())
    }

    /// What other threads call to have the main thread look at what they sent.
    pub(super) fn waker(&self) -> Arc<dyn Fn() + Send + Sync> {
        let wake = Arc::clone(&self.wake);
        Arc::new(move || {
            // The counter can only be full when a wake-up is pending already.
            let _already_pending = (&*wake).write(&1u64.to_ne_bytes());
        })
    }

    /// Readable when somebody called the waker.
    pub(super) fn wake_descriptor(&self) -> Arc<File> {
        Arc::clone(&self.wake)
    }

    /// Takes the wake-ups that are pending.
    pub(super) fn clear_wake(&self) {
        let mut count = [0; 8];
        let _none_pending = (&*self.wake).read(&mut count);
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(STOP_TIMEOUT);
        }
    }
}
