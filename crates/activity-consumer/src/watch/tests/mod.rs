//! Whole streams, through the watcher and through the command.

mod job;
mod scenarios;
