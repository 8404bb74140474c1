//! The event: what a session publishes, its compact form in the ring, and its JSON on the stream.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Event`] | one event as a borrowed view |
//! | `wire` | its form in the ring: [`Event::encode`], [`Event::decode`], and kept: [`Encoded`] |
//! | `json` | its form on the stream: [`write_json`], [`write_timestamp`] |
//! | [`text`] | cutting text |
//! | `lex` | PostgreSQL's tokens, for the three that follow |
//! | [`redact`] | taking passwords and other secrets out of text |
//! | [`mod@slice`] | one statement of text that holds several |
//! | [`command`] | telling the command of text that has no parse tree |
//! | `short` | an event for where there is little room: [`Event::shortened`] |
//! | [`ClassSet`] | sets of classes, as a setting lists them |
//! | [`identity`] | the names that a server derives for itself |
//!
//! Nothing here knows PostgreSQL's server or AWS. Sessions encode (what differs, once per statement; the rest is kept as it was
//! encoded), the worker decodes and writes JSON. What is decoded comes from shared memory and is not trusted.

mod classes;
pub mod command;
mod event;
pub mod identity;
mod json;
mod lex;
mod params;
pub mod redact;
mod short;
pub mod slice;
pub mod text;
mod wire;

pub use classes::{ClassSet, UnknownClass};
pub use event::{Class, Event, Micros, NetProtocol, Session};
pub use json::{Server, write_json, write_string as write_json_string, write_timestamp};
pub use params::{Params, ParamsBuf};
pub use short::MAX_SHORT_EVENT_BYTES;
pub use wire::{DecodeError, Encoded, Run, Statement};
