//! The event: what a session publishes, its compact form in the ring, and its JSON on the stream.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Event`] | one event as a borrowed view |
//! | `wire` | its form in the ring: [`Event::encode`], [`Event::decode`] |
//! | `json` | its form on the stream: [`write_json`], [`write_timestamp`] |
//! | [`text`] | cutting text |
//! | [`redact`] | taking passwords out of text |
//! | [`command`] | telling the command of text that has no parse tree |
//! | [`identity`] | the names that a server derives for itself |
//!
//! Nothing here knows PostgreSQL's server or AWS. Sessions encode (once per statement: one pass, no allocation but the
//! output), the worker decodes and writes JSON. What is decoded comes from shared memory and is not trusted.

pub mod command;
mod event;
pub mod identity;
mod json;
mod params;
pub mod redact;
pub mod text;
mod wire;

pub use event::{Class, Event, Micros, NetProtocol, Session};
pub use json::{Server, write_json, write_timestamp};
pub use params::{Params, ParamsBuf};
pub use wire::DecodeError;
