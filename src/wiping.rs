//! The allocator: the system's, which in the worker fills with zeros what is given back.
//!
//! The answer of KMS passes through buffers of HTTP, TLS and JSON, with the data key in it as base64; so do credentials. None of these libraries clears
//! them, and there are too many to go after each. So the worker wipes whatever it frees, blocks of up to [`WIPED_BYTES`]: batches and records,
//! which are larger, cost as much as ever. In every other process of the server this is the system's allocator and one load.
//!
//! Not wiped: what is still in use, such as the buffer of a connection that is kept open, until the next answer or its end; larger blocks.
#![expect(unsafe_code, reason = "an allocator is unsafe by nature")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

/// Largest block that is wiped: beyond anything that a connection reads at once, below a full batch.
const WIPED_BYTES: usize = 64 * 1024;

static WIPES: AtomicBool = AtomicBool::new(false);

#[global_allocator]
static ALLOCATOR: Wiping = Wiping;

/// From now on this process wipes what it frees.
pub(crate) fn begin() {
    WIPES.store(true, Ordering::Relaxed);
}

struct Wiping;

impl Wiping {
    #[inline]
    fn wipes(bytes: usize) -> bool {
        WIPES.load(Ordering::Relaxed) && bytes <= WIPED_BYTES
    }
}

// SAFETY: all of it is the system's allocator; what is done besides touches blocks that the caller gave up.
unsafe impl GlobalAlloc for Wiping {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is the same; the block has that many bytes. The compiler leaves explicit_bzero in, whatever comes after.
        unsafe {
            if Self::wipes(layout.size()) {
                libc::explicit_bzero(block.cast(), layout.size());
            }
            System.dealloc(block, layout);
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        if !Self::wipes(layout.size()) {
            // SAFETY: the caller's contract is the same.
            return unsafe { System.realloc(block, layout, bytes) };
        }
        // SAFETY: the caller vouches that the new size with this alignment is a layout; both blocks have the bytes that are copied.
        unsafe {
            let moved = System.alloc(Layout::from_size_align_unchecked(bytes, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size().min(bytes));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}
