//! Who this server is in the stream.

use activity_event::identity;

use super::checks;
use crate::pg::guc::{Context, Define, Description, Text};
use crate::pg::startup;

static CLUSTER_ID: Text<checks::ClusterId> = Text::new(
    Description {
        name: c"activity_stream.cluster_id",
        short: c"Identifies the cluster in events, in the encryption context and in the stream's name.",
        long: c"Derived from the system identifier when empty, so that a primary and its standbys share one.",
        context: Context::Postmaster,
    },
    c"",
);

/// `activity_stream.instance_id`
pub(super) static INSTANCE_ID: Text<checks::InstanceId> = Text::new(
    Description {
        name: c"activity_stream.instance_id",
        short: c"Identifies this server among those of its cluster.",
        long: c"Derived from the system identifier, the host name and the port when empty.",
        context: Context::Postmaster,
    },
    c"",
);

static STREAM_NAME: Text<checks::StreamName> = Text::new(
    Description {
        name: c"activity_stream.stream_name",
        short: c"Names the Kinesis data stream that events are put on.",
        long:
            c"aws-rds-das- and the cluster id when empty, the name that consumers of activity streams expect.",
        context: Context::Postmaster,
    },
    c"",
);

/// `activity_stream.service_name`
pub(super) static SERVICE_NAME: Text = Text::new(
    Description {
        name: c"activity_stream.service_name",
        short: c"Sets serviceName in events.",
        long: c"",
        context: Context::Postmaster,
    },
    c"PostgreSQL",
);

/// In the order in which they are defined.
pub(super) static SETTINGS: &[&dyn Define] = &[&CLUSTER_ID, &INSTANCE_ID, &STREAM_NAME, &SERVICE_NAME];

/// `cluster-…`, as configured or derived.
pub(crate) fn cluster_id() -> String {
    CLUSTER_ID.get()
}

/// The stream's name, as configured or derived.
pub(crate) fn stream_name() -> String {
    STREAM_NAME.get()
}

/// Fills in what was left empty.
pub(super) fn derive() {
    let system_identifier = startup::system_identifier();
    if CLUSTER_ID.get().is_empty() {
        CLUSTER_ID.set_default(&identity::cluster_id(system_identifier));
    }
    if INSTANCE_ID.get().is_empty() {
        let id = identity::instance_id(system_identifier, &startup::host_name(), startup::port());
        INSTANCE_ID.set_default(&id);
    }
    if STREAM_NAME.get().is_empty() {
        STREAM_NAME.set_default(&identity::stream_name(&CLUSTER_ID.get()));
    }
}
