//! Memory for what must not get out of it: pages that are not swapped, not dumped, not inherited, and wiped.
//!
//! Each value has a page of its own, so that nothing else shares its fate: locked (mlock), left out of core files (MADV_DONTDUMP), zero in
//! children (MADV_WIPEONFORK), filled with zeros before it is given back. A page that cannot be locked (RLIMIT_MEMLOCK) is used all the same, and
//! [`locking_failure`] tells.
//!
//! What a value was made from, and what is computed with it, passes through registers and the stack of whoever does so. [`scrub_stack`] clears
//! what was left there.
//!
//! Not hidden from root, nor from a debugger that may trace the process.
#![expect(unsafe_code, reason = "mapping, locking and advice have no wrapper in the standard library")]

use std::hint::black_box;
use std::io;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, Ordering};

use zeroize::Zeroize;

/// Stack that a computation with a key may have used, bytes: AES-GCM without optimisation takes about a third of it.
const SCRUBBED_STACK_BYTES: usize = 16 * 1024;

/// The first errno of a page that could not be had as it should be; 0 for none.
static FAILURE: AtomicI32 = AtomicI32::new(0);

/// Why a key of this process is not in locked memory, if one is not.
#[must_use]
pub fn locking_failure() -> Option<io::Error> {
    Some(FAILURE.load(Ordering::Relaxed)).filter(|errno| *errno != 0).map(io::Error::from_raw_os_error)
}

/// Overwrites what earlier calls left on the stack below the caller.
#[inline(never)]
pub(crate) fn scrub_stack() {
    let mut dead = [0_u8; SCRUBBED_STACK_BYTES];
    black_box(&mut dead);
}

/// A value in a page of its own.
pub(crate) struct SecretPage<T>(Place<T>);

enum Place<T> {
    Page(NonNull<T>),
    /// Where no page can be had.
    Heap(Box<T>),
}

// SAFETY: the page belongs to the value like a Box's memory.
unsafe impl<T: Send> Send for SecretPage<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for SecretPage<T> {}

impl<T> SecretPage<T> {
    /// Puts what `make` returns into a page, and leaves nothing of it on the stack.
    pub(crate) fn new(make: impl FnOnce() -> T) -> Self {
        let place = Self::place(make);
        scrub_stack();
        Self(place)
    }

    #[inline(never)]
    fn place(make: impl FnOnce() -> T) -> Place<T> {
        let fits = size_of::<T>() <= page_bytes() && align_of::<T>() <= page_bytes();
        match if fits { map_page() } else { None } {
            Some(page) => {
                let page = page.cast::<T>();
                // SAFETY: fresh memory of this process that is large enough and aligned to a page.
                unsafe { page.write(make()) };
                Place::Page(page)
            }
            None => Place::Heap(Box::new(make())),
        }
    }
}

impl<T> Deref for SecretPage<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            // SAFETY: initialised in `place`, and there until the drop.
            Place::Page(page) => unsafe { page.as_ref() },
            Place::Heap(value) => value,
        }
    }
}

impl<T> Drop for SecretPage<T> {
    fn drop(&mut self) {
        let Place::Page(page) = self.0 else { return };
        // SAFETY: initialised in `place`; nobody refers to it any more. The bytes are a whole mapping of ours.
        unsafe {
            page.drop_in_place();
            std::slice::from_raw_parts_mut(page.cast::<u8>().as_ptr(), page_bytes()).zeroize();
            libc::munmap(page.cast().as_ptr(), page_bytes());
        }
    }
}

fn page_bytes() -> usize {
    const USUAL: usize = 4096;
    // SAFETY: a question to the C library.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(USUAL)
}

/// A page that is as secret as the system makes it.
fn map_page() -> Option<NonNull<u8>> {
    let bytes = page_bytes();
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a mapping of our own, wherever the kernel likes; what follows is about it alone.
    unsafe {
        let page = libc::mmap(std::ptr::null_mut(), bytes, access, kind, -1, 0);
        if page == libc::MAP_FAILED {
            note_failure();
            return None;
        }
        let all_well = libc::mlock(page, bytes) == 0
            && libc::madvise(page, bytes, libc::MADV_DONTDUMP) == 0
            && libc::madvise(page, bytes, libc::MADV_WIPEONFORK) == 0;
        if !all_well {
            note_failure();
        }
        NonNull::new(page.cast())
    }
}

/// Notes errno, if it is the first.
fn note_failure() {
    let errno = io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL);
    // Another one was first where it fails.
    let _earlier = FAILURE.compare_exchange(0, errno, Ordering::Relaxed, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The flags of the mapping that a value is in (proc(5), smaps, VmFlags).
    fn flags_of<T>(value: &T) -> Vec<String> {
        let address = std::ptr::from_ref(value) as usize;
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        for line in maps.lines() {
            let range = line.split(' ').next().and_then(|range| range.split_once('-'));
            let bounds = range.and_then(|(from, to)| {
                Some((usize::from_str_radix(from, 16).ok()?, usize::from_str_radix(to, 16).ok()?))
            });
            match (bounds, line.strip_prefix("VmFlags:")) {
                (Some((from, to)), _) => inside = (from..to).contains(&address),
                (None, Some(flags)) if inside => {
                    return flags.split_whitespace().map(str::to_owned).collect();
                }
                _ => {}
            }
        }
        panic!("no mapping has {address:x}");
    }

    #[test]
    fn a_value_is_in_a_page_that_is_locked_not_dumped_and_not_inherited() {
        let secret = SecretPage::new(|| [0xA5_u8; 32]);
        assert_eq!(*secret, [0xA5; 32]);
        assert_eq!(locking_failure().map(|e| e.to_string()), None);
        let flags = flags_of(&*secret);
        for flag in ["lo", "dd", "wf"] {
            assert!(flags.iter().any(|f| f == flag), "{flag} in {flags:?}");
        }
    }

    #[test]
    fn the_value_is_dropped_with_its_page() {
        let counted = std::sync::Arc::new(());
        let secret = SecretPage::new(|| std::sync::Arc::clone(&counted));
        assert_eq!(std::sync::Arc::strong_count(&secret), 2);
        drop(secret);
        assert_eq!(std::sync::Arc::strong_count(&counted), 1);
    }
}
