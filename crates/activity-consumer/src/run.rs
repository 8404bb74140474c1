//! The process around [`Tail`], [`Verify`] and [`Watch`]: runtime, signals, standard streams.
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

use crate::args::{Job, Options, VerifyOptions, WatchOptions};
use crate::exit::{End, Exit, Signal};
use crate::tail::Tail;
use crate::verify::Verify;
use crate::watch::Watch;

/// Time for the last write after a signal.
const GRACE: Duration = Duration::from_secs(1);

/// Runs to an end, whatever it is.
pub(crate) fn run(job: Job) -> Exit {
    let (work, signals) = match runtimes() {
        Ok(runtimes) => runtimes,
        Err(error) => return failed(&format!("cannot start: {error}")),
    };
    let exit = signals.block_on(until_signal(work.handle(), job));
    work.shutdown_background();
    exit.unwrap_or_else(|error| failed(&format!("cannot start: {error}")))
}

fn runtimes() -> io::Result<(Runtime, Runtime)> {
    let work = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    Ok((work, Builder::new_current_thread().enable_all().build()?))
}

async fn until_signal(work: &Handle, job: Job) -> io::Result<Exit> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut next_signal = async || {
        tokio::select! {
            _ = interrupt.recv() => Signal::Interrupt,
            _ = terminate.recv() => Signal::Terminate,
        }
    };
    let (stop, stopped) = oneshot::channel();
    let mut job = work.spawn(act(job, async { stopped.await.unwrap_or(Signal::Terminate) }));
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

async fn act(job: Job, stopped: impl Future<Output = Signal>) -> Exit {
    tokio::pin!(stopped);
    let endpoint = match &job {
        Job::Tail(options) => &options.endpoint,
        Job::Verify(options) => &options.endpoint,
        Job::Watch(options) => &options.endpoint,
    };
    let connected = tokio::select! {
        connected = Aws::connect(endpoint, Timeouts::default()) => connected,
        signal = &mut stopped => return Exit::of(&End::Stopped(signal), 0),
    };
    match (connected, job) {
        (Err(error), _) => failed(&error.to_string()),
        (Ok(aws), Job::Tail(options)) => tail(&aws, options, stopped).await,
        (Ok(aws), Job::Verify(options)) => verify(&aws, options, stopped).await,
        (Ok(aws), Job::Watch(options)) => watch(&aws, options, stopped).await,
    }
}

async fn tail(aws: &Aws, options: Options, stopped: impl Future<Output = Signal>) -> Exit {
    let source = StreamReader::new(aws, &options.stream);
    let kms = KmsUnwrap::new(aws, &options.cluster_id);
    let mut tail = Tail::new(options, kms, Box::new(io::stdout()), Box::new(io::stderr()));
    let end = tokio::select! {
        biased;
        signal = stopped => End::Stopped(signal),
        end = tail.run(source) => end,
    };
    tail.finish(end)
}

async fn verify(aws: &Aws, options: VerifyOptions, stopped: impl Future<Output = Signal>) -> Exit {
    let kms = KmsUnwrap::new(aws, &options.cluster_id);
    let mut verify = Verify::new(options, kms, Box::new(io::stdout()), Box::new(io::stderr()));
    let end = tokio::select! {
        biased;
        signal = stopped => End::Stopped(signal),
        end = verify.run(|stream| StreamReader::new(aws, stream)) => end,
    };
    verify.finish(&end)
}

async fn watch(aws: &Aws, options: WatchOptions, stopped: impl Future<Output = Signal>) -> Exit {
    let source = StreamReader::new(aws, &options.stream);
    let kms = KmsUnwrap::new(aws, &options.cluster_id);
    let mut watch = Watch::new(options, Box::new(io::stdout()), Box::new(io::stderr()));
    let end = tokio::select! {
        biased;
        signal = stopped => End::Stopped(signal),
        end = watch.run(source, kms) => end,
    };
    watch.finish(&end).await
}

fn failed(reason: &str) -> Exit {
    // Where standard error is closed, the exit code must do.
    let _ = io::Write::write_all(&mut io::stderr(), format!("activity-consumer: {reason}\n").as_bytes());
    Exit::of(&End::Fatal(String::new()), 0)
}
