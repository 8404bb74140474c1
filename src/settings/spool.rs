//! What is kept on disk, what counts as durable, and who is notified.

use std::path::PathBuf;

use activity_deliver::{Durability, Sink};

use super::checks;
use crate::pg::guc::{AnyChoice, Choice, ChoiceEntry, Context, Define, Description, Int, Text, Unit};
use crate::pg::startup;

static SPOOL_DIRECTORY: Text<checks::Directory> = Text::new(
    Description {
        name: c"activity_stream.spool_directory",
        short: c"Sets the directory where records are kept that the stream does not take for now.",
        long: c"A relative path is below the data directory. It is made where it is missing, and belongs to one server.",
        context: Context::Postmaster,
    },
    c"activity_stream_spool",
);

static SPOOL_MAX_SIZE: Int = Int::new(
    Description {
        name: c"activity_stream.spool_max_size",
        short: c"Sets how much of the disk the spool may take.",
        long: c"With zero nothing is put into it; what is there is still delivered.",
        context: Context::Reload,
    },
    Unit::Megabyte,
    1024,
    0,
    i32::MAX,
);

const STREAM: i32 = 0;
const SPOOL: i32 = 1;

static DURABILITIES: [ChoiceEntry; 3] =
    [ChoiceEntry::new(c"stream", STREAM), ChoiceEntry::new(c"spool", SPOOL), ChoiceEntry::END];

static DURABILITY: Choice<AnyChoice> = Choice::new(
    Description {
        name: c"activity_stream.durability",
        short: c"Sets what counts as durable: that the stream has an event, or that the spool has it on disk.",
        long: c"With spool every record goes through the spool, and a session in sync mode waits for its disk only.",
        context: Context::Reload,
    },
    STREAM,
    &DURABILITIES,
);

static NOTIFY_TOPIC_ARN: Text<checks::TopicArn> = Text::new(
    Description {
        name: c"activity_stream.notify_topic_arn",
        short: c"Names the SNS topic that is told when the stream starts and stops and when records might be lost.",
        long: c"None when empty.",
        context: Context::Reload,
    },
    c"",
);

static NOTIFY_EVENT_BUS: Text<checks::EventBus> = Text::new(
    Description {
        name: c"activity_stream.notify_event_bus",
        short: c"Names the EventBridge event bus that is told when the stream starts and stops and when records might be lost.",
        long: c"A name or an ARN; none when empty.",
        context: Context::Reload,
    },
    c"",
);

/// In the order in which they are defined.
pub(super) static SETTINGS: &[&dyn Define] =
    &[&SPOOL_DIRECTORY, &SPOOL_MAX_SIZE, &DURABILITY, &NOTIFY_TOPIC_ARN, &NOTIFY_EVENT_BUS];

/// Where the spool is.
pub(super) fn directory() -> PathBuf {
    startup::data_directory().join(SPOOL_DIRECTORY.get())
}

/// Bytes that it may take.
pub(super) fn max_bytes() -> u64 {
    u64::try_from(SPOOL_MAX_SIZE.get()).unwrap_or(0) * 1024 * 1024
}

/// What counts as durable. Where nothing may be put into the spool only the stream can.
pub(super) fn durability() -> Durability {
    if DURABILITY.get() == SPOOL && SPOOL_MAX_SIZE.get() > 0 { Durability::Spool } else { Durability::Stream }
}

/// Who is notified.
pub(super) fn sinks() -> Vec<Sink> {
    let topic = NOTIFY_TOPIC_ARN.get_nonempty().map(Sink::Topic);
    topic.into_iter().chain(NOTIFY_EVENT_BUS.get_nonempty().map(Sink::Bus)).collect()
}
