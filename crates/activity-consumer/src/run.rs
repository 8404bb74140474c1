//! The process around [`Tail`]: runtime, signals, standard streams.
//!
//! On the first `SIGINT` or `SIGTERM` reading stops at once, and what was printed is written. A write that hangs,
//! because the reader of a pipe has stopped reading without closing it, gets [`GRACE`]; a second signal ends it sooner.
//! Such a write holds up the runtime that it is made in, its timers and connections included: signals are therefore
//! waited for in a runtime of their own, on the main thread.

use std::future::Future;
use std::io;
use std::time::Duration;

use activity_aws::{Aws, KmsUnwrap, StreamReader, Timeouts};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::args::Options;
use crate::exit::{End, Exit, Signal};
use crate::tail::Tail;

/// Time for the last write after a signal.
const GRACE: Duration = Duration::from_secs(1);

/// Runs to an end, whatever it is.
pub(crate) fn run(options: Options) -> Exit {
    let (work, signals) = match runtimes() {
        Ok(runtimes) => runtimes,
        Err(error) => return failed(&format!("cannot start: {error}")),
    };
    let exit = signals.block_on(until_signal(work.handle(), options));
    work.shutdown_background();
    exit.unwrap_or_else(|error| failed(&format!("cannot start: {error}")))
}

fn runtimes() -> io::Result<(Runtime, Runtime)> {
    let work = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    Ok((work, Builder::new_current_thread().enable_all().build()?))
}

async fn until_signal(work: &Handle, options: Options) -> io::Result<Exit> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut next_signal = async || {
        tokio::select! {
            _ = interrupt.recv() => Signal::Interrupt,
            _ = terminate.recv() => Signal::Terminate,
        }
    };
    let (stop, stopped) = oneshot::channel();
    let mut job = work.spawn(tail(options, async { stopped.await.unwrap_or(Signal::Terminate) }));
    let signal = tokio::select! {
        exit = &mut job => return Ok(exit.unwrap_or_else(|error| failed(&error.to_string()))),
        signal = next_signal() => signal,
    };
    // It fails when the job ends just now, which is as well.
    let _ = stop.send(signal);
    tokio::select! {
        _ = job => {}
        _ = next_signal() => {}
        () = tokio::time::sleep(GRACE) => {}
    }
    Ok(Exit::of(&End::Stopped(signal), 0))
}

async fn tail(options: Options, stopped: impl Future<Output = Signal>) -> Exit {
    tokio::pin!(stopped);
    let connected = tokio::select! {
        connected = Aws::connect(&options.endpoint, Timeouts::default()) => connected,
        signal = &mut stopped => return Exit::of(&End::Stopped(signal), 0),
    };
    let aws = match connected {
        Ok(aws) => aws,
        Err(error) => return failed(&error.to_string()),
    };
    let source = StreamReader::new(&aws, &options.stream);
    let kms = KmsUnwrap::new(&aws, &options.cluster_id);
    let mut tail = Tail::new(options, kms, Box::new(io::stdout()), Box::new(io::stderr()));
    let end = tokio::select! {
        biased;
        signal = &mut stopped => End::Stopped(signal),
        end = tail.run(source) => end,
    };
    tail.finish(end)
}

fn failed(reason: &str) -> Exit {
    // Where standard error is closed, the exit code must do.
    let _ = io::Write::write_all(&mut io::stderr(), format!("activity-consumer: {reason}\n").as_bytes());
    Exit::of(&End::Fatal(String::new()), 0)
}
