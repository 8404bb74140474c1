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
//! | a protected file that is reached from the main one through protected files | counts | counts |
//! | another file, whatever the value is | refused | refused |
//! | the command line, the environment | refused | refused |
//! | no file: it is the built-in one | counts, unless the setting has to be named | refused |
//!
//! *Refused* at start means that the server does not start, on a reload that the old value stays.
//!
//! * **A file that is not protected can hide a protected one** (the last line to name a setting wins). So an unprotected value is refused
//!   also where it is the built-in one, or harmless.
//! * **Nor can it choose among protected ones.** Root may have an old configuration next to the present one. A file counts only where root says
//!   that it is read ([`reached`]), and a line only if it is read once and last: who includes a file once more changes the order.
//! * **What is missing says nothing.** A line can be missing since root took it out, or since somebody took out the `include` on the way
//!   to it, or ended a file before that. The two look alike, so on a reload a value never falls back to the built-in one; root writes that one
//!   down instead.
//! * **At start there is no old value.** So what the stream cannot do without, the mode and the library itself, has to be named, and the main
//!   configuration file has to be protected. What else is missing is the built-in value, which leaves nothing out of the stream.
//! * **What the server has read is compared with what is there.** The files may change between its look and ours; where the line is not the
//!   one that the server names, the value does not count.
//!
//! ## Not guaranteed
//!
//! The server's user can start the server with another configuration file, and then nothing is locked. The stream says at each
//! start whether it is.

mod includes;
#[cfg(test)]
mod model;
mod path;
mod rule;

pub use includes::reached;
pub use path::{Entry, Files, Host, Kind, Weakness, check};
pub use rule::{Place, Refusal, Rule, Source};
