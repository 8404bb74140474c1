//! Notices on their way to SNS and EventBridge, as soon as there is a connection.

use activity_aws::{Aws, AwsNotifier};
use activity_deliver::notices::{self, NoticeReport, Notices};
use activity_deliver::{Notice, Sink};

use super::runtime::Threads;
use crate::pg::log::{self, sqlstate};

/// The way to the sinks; none before there is a connection.
#[derive(Default)]
pub(super) struct Notifier {
    sinks: Vec<Sink>,
    up: Option<Notices<AwsNotifier>>,
}

impl Notifier {
    /// Notices go to these from now on.
    pub(super) fn set_sinks(&mut self, sinks: &[Sink]) {
        self.sinks = sinks.to_vec();
        if let Some(up) = &self.up {
            up.set_sinks(self.sinks.clone());
        }
    }

    /// There is a connection.
    pub(super) fn connected(&mut self, threads: &Threads, aws: &Aws) {
        if self.up.as_ref().is_some_and(Notices::is_running) {
            return;
        }
        if let Some(runtime) = threads.handle() {
            let notify = AwsNotifier::new(aws);
            self.up = Some(notices::start(&runtime, notify, self.sinks.clone(), threads.waker()));
        }
    }

    /// Hands a notice on.
    ///
    /// # Errors
    /// Gives it back where it cannot be taken over now. Without a sink nobody waits for it, connected or not.
    pub(super) fn send(&mut self, notice: Notice) -> Result<(), Box<Notice>> {
        match &self.up {
            Some(up) => up.send(notice),
            None => Err(Box::new(notice)),
        }
    }

    /// The id of the next notice that every sink has. Tells the log when a sink fails and when it works again.
    pub(super) fn next_done(&mut self) -> Option<String> {
        while let Some(report) = self.up.as_mut()?.next_report() {
            match report {
                NoticeReport::Done { id } => return Some(id),
                NoticeReport::Failing { sink, message, hint } => log::warning(
                    sqlstate::UNAVAILABLE,
                    &format!("activity_stream: {} cannot be notified: {message}", name(&sink)),
                    "It is tried again until it works.",
                    hint.as_deref().unwrap_or(""),
                ),
                NoticeReport::Recovered { sink } => {
                    log::log(&format!("activity_stream: {} is notified again", name(&sink)));
                }
            }
        }
        None
    }
}

fn name(sink: &Sink) -> String {
    match sink {
        Sink::Topic(arn) => format!("SNS topic \"{arn}\""),
        Sink::Bus(bus) => format!("event bus \"{bus}\""),
    }
}
