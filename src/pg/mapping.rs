//! Memory that every process of the server shares and that outlives a crash restart.

use std::io;
use std::ptr::{self, NonNull};

/// An anonymous shared mapping. It is inherited by fork and never unmapped: it lives as long as the postmaster.
///
/// PostgreSQL makes its own shared memory anew when a backend crashes; what the crashed session published has to
/// be there afterwards, which is why this is not a piece of that.
pub(crate) fn anonymous_shared(bytes: usize) -> io::Result<NonNull<u8>> {
    // SAFETY: a fresh mapping at an address that the kernel picks.
    let address = unsafe {
        libc::mmap(
            ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            // Populated: memory that the host does not have is missed now and not in a session.
            libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_POPULATE,
            -1,
            0,
        )
    };
    if address == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(address.cast()).ok_or_else(|| io::Error::other("mmap gave the address 0"))
}
