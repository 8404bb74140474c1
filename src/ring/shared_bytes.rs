//! Bytes that one process writes and all read: a sequence lock.
//!
//! The version is odd while the bytes are being written. A reader takes them only where the version was even and the same before and
//! after. A writer that dies in between leaves it odd: the next one goes on from there, and readers keep what they had.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering, fence};

/// How often a reader that meets a write looks again.
const ATTEMPTS: usize = 100;

/// At most `N` bytes. Zeroed memory is a valid one, of version 0 and empty.
#[repr(C)]
pub(crate) struct SharedBytes<const N: usize> {
    version: AtomicU64,
    length: AtomicU32,
    bytes: [AtomicU8; N],
}

impl<const N: usize> SharedBytes<N> {
    /// Differs from before where something else was written, or is being written.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Writes `bytes`; whether they fit. There must be one writer.
    pub(crate) fn write(&self, bytes: &[u8]) -> bool {
        let Some(length) = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= N) else { return false };
        let version = self.version.load(Ordering::Relaxed) | 1;
        self.version.store(version, Ordering::Relaxed);
        fence(Ordering::Release);
        for (to, from) in self.bytes.iter().zip(bytes) {
            to.store(*from, Ordering::Relaxed);
        }
        self.length.store(length, Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Release);
        true
    }

    /// The bytes and their version; `None` where they are being written for too long. The memory may hold anything.
    pub(crate) fn read(&self) -> Option<(Vec<u8>, u64)> {
        for _ in 0..ATTEMPTS {
            let version = self.version();
            if version & 1 == 1 {
                spin_loop();
                continue;
            }
            let length = usize::try_from(self.length.load(Ordering::Relaxed)).unwrap_or(0).min(N);
            let bytes = self.bytes.iter().take(length).map(|byte| byte.load(Ordering::Relaxed)).collect();
            fence(Ordering::Acquire);
            if self.version.load(Ordering::Relaxed) == version {
                return Some((bytes, version));
            }
        }
        None
    }
}
