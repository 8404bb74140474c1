//! Delivery through its handle: real events, real sealing, a stream in memory.

mod fakes;
mod records;
mod spool;
mod tasks;
