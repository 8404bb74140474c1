//! The seam to PostgreSQL: thin safe wrappers, and the only place where `pg_sys` is named.
//!
//! Three kinds of code live here. `c/` holds the hooks and the accessors that the generated bindings get wrong
//! (see `c/activity.h` for why hooks are C). [`callbacks`] is what those hooks call: functions that never unwind.
//! The rest wraps single facilities of the server (settings, log, latches, processes, text, statements) in types
//! that the other modules use without `unsafe`.
//!
//! Invariants:
//! * Everything here runs on the main thread of its process; no other thread may call in.
//! * A `pg_sys` function that may raise an error is called through pgrx's guard, which turns the error into a
//!   panic; [`guard::contain`] ends such panics where a user's statement would otherwise see them.
#![expect(unsafe_code, reason = "this module is the boundary to the server's C")]

pub(crate) mod callbacks;
pub(crate) mod clock;
pub(crate) mod compat;
mod ffi;
pub(crate) mod guard;
pub(crate) mod guc;
pub(crate) mod log;
pub(crate) mod main_thread;
pub(crate) mod mapping;
pub(crate) mod names;
pub(crate) mod objects;
pub(crate) mod params;
pub(crate) mod process;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod signals;
pub(crate) mod sqlstate;
pub(crate) mod startup;
pub(crate) mod statement;
mod subjects;
pub(crate) mod text;
pub(crate) mod utility;
pub(crate) mod worker;
