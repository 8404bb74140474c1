//! `activity-bench-endpoint`: what stands in for Kinesis and KMS in the benchmarks.
//!
//! ```text
//!   connection (a thread) ──► service ──► put_records   counts, and holds the answer back by the delay
//!   HTTP/1.1, keep-alive        │     ──► stream        DescribeStreamSummary, CreateStream, …
//!                               │     ──► data_key      GenerateDataKey
//!                               └─────► control         GET /control: the counters, the delay
//! ```
//!
//! It shares the processors with the server that is measured, so it does as little as it can: a thread for each connection,
//! blocking reads into buffers that are kept, and a scan of PutRecords for where its records begin and end. A client has
//! as many connections as it has requests under way, so requests are answered concurrently, each after its own delay.
//!
//! What it takes is counted and forgotten: nothing can be read from it. Signatures are not checked. A stream is active from the
//! moment that it is made. A data key is thirty-two random bytes, and what stands for its wrapped form is random as well.
//!
//! # How precise the delay is
//!
//! The delay runs from the last byte of the request to the first of the answer. The kernel wakes a thread late; how late is
//! learned, the thread asks to be woken so much earlier, and where that is too early it spins out the rest. `GET /control` tells
//! what the delay was in truth: mean and longest.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod answer;
mod connection;
mod control;
mod data_key;
mod delay;
mod put_records;
mod server;
mod service;
mod stream;
#[cfg(test)]
mod test;

use std::io::Write as _;
use std::time::Duration;

use clap::Parser;

use crate::server::Server;

/// Stands in for Kinesis and KMS in benchmarks: takes records, counts them, and forgets them.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// TCP port on 127.0.0.1; 0 is a free one. The port is printed when it listens
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// Milliseconds from a PutRecords to its answer; fractions are allowed. POST /control?delay_ms=N changes it
    #[arg(long, default_value = "0", value_parser = delay::from_millis)]
    delay_ms: Duration,
}

fn main() {
    let args = Args::parse();
    if let Err(error) = run(&args) {
        eprintln!("activity-bench-endpoint: {error}");
        std::process::exit(1);
    }
}

fn run(args: &Args) -> std::io::Result<()> {
    delay::wake_threads_on_time()?;
    let server = Server::bind(args.port, args.delay_ms)?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", server.port())?;
    out.flush()?;
    server.serve()
}
