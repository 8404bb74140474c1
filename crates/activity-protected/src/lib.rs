//! Which settings count where the server's own user must not change them.
//!
//! A superuser of the database can run programs as the server's user, and so can write every file that this user can write:
//! `postgresql.auto.conf` always, and `postgresql.conf` on most hosts. With `activity_stream.locked = on` a value counts only if it comes
//! from a file that none but root can write ([`check`]).
//!
//! ## The rule
//!
//! | a value comes from | at start | on a reload |
//! |---|---|---|
//! | a protected file | counts | counts |
//! | another file, whatever the value is | refused | refused |
//! | the command line, the environment | refused | refused |
//! | no file: it is the built-in one | counts, unless the setting has to be named | refused |
//!
//! *Refused* at start means that the server does not start, on a reload that the old value stays.
//!
//! * **A file that is not protected can hide a protected one** (the last file to name a setting wins). So an unprotected value is refused
//!   also where it is the built-in one, or harmless.
//! * **What is missing says nothing.** A line can be missing since root took it out, or since somebody took out the `include` on the way
//!   to it. The two look alike, so on a reload a value never falls back to the built-in one; root writes that one down instead.
//! * **At start there is no old value.** So what the stream cannot do without, the mode and the library itself, has to be named in a protected
//!   file, and the main configuration file has to be protected. Whoever includes a protected file from an unprotected one in between has
//!   given its other values away at a restart.
//!
//! ## Not guaranteed
//!
//! The server's user can start the server with another configuration file, and then nothing is locked. The stream says at each
//! start whether it is.

mod path;
mod rule;

pub use path::{Entry, Files, Host, Kind, Weakness, check};
pub use rule::{Refusal, Source, counts_at_start, counts_on_reload};
