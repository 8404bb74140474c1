//! State that belongs to the main thread of a process.
//!
//! PostgreSQL's processes are single threaded as far as the server is concerned, so state of a backend is a plain
//! static. What has to be guarded against is not another thread but re-entry: looking up a name can run an
//! invalidation callback, printing a parameter can run a user's output function and with it the executor hooks.

use std::cell::{Cell, UnsafeCell};

/// A value for the main thread alone, lent to one caller at a time.
pub(crate) struct MainThread<T> {
    value: UnsafeCell<T>,
    lent: Cell<bool>,
}

// SAFETY: the hooks, callbacks and worker functions that reach these statics run on the main thread only; the
// threads of the worker's runtime are never handed one. Nothing is shared between processes: fork copies it.
unsafe impl<T> Sync for MainThread<T> {}

impl<T> MainThread<T> {
    /// A cell that holds `value`.
    pub(crate) const fn new(value: T) -> Self {
        Self { value: UnsafeCell::new(value), lent: Cell::new(false) }
    }

    /// Runs `f` on the value; `None`, without running it, where the value is lent already further up the stack.
    #[inline]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        struct Return<'a>(&'a Cell<bool>);
        impl Drop for Return<'_> {
            fn drop(&mut self) {
                self.0.set(false);
            }
        }
        if self.lent.replace(true) {
            return None;
        }
        let _return = Return(&self.lent);
        // SAFETY: `lent` was false, so no other reference to the value exists; it is given back on every way out.
        Some(f(unsafe { &mut *self.value.get() }))
    }
}
