//! How AWS is reached: endpoints of single services, TLS, and whom it trusts.
//!
//! What is set is checked at start, before anything is sent. Endpoints that come from the environment or a profile are known
//! only when they are used; the way to AWS refuses them then (`activity-aws`, plain_http.rs).

use std::path::{Path, PathBuf};

use activity_aws::{ServiceEndpoints, Transport, check_ca_file, is_insecure};
use activity_protected::Host;

use super::{checks, locked, stream};
use crate::pg::guc::{Bool, Context, Define, Description, Text};
use crate::pg::log::{self, sqlstate};
use crate::pg::startup;

static KINESIS_ENDPOINT_URL: Text<checks::EndpointUrl> = Text::new(
    Description {
        name: c"activity_stream.kinesis_endpoint_url",
        short: c"Sets the endpoint of Kinesis, such as a VPC or FIPS endpoint.",
        long: c"activity_stream.endpoint_url when empty.",
        context: Context::Postmaster,
    },
    c"",
);

static KMS_ENDPOINT_URL: Text<checks::EndpointUrl> = Text::new(
    Description {
        name: c"activity_stream.kms_endpoint_url",
        short: c"Sets the endpoint of KMS, such as a VPC or FIPS endpoint.",
        long: c"activity_stream.endpoint_url when empty.",
        context: Context::Postmaster,
    },
    c"",
);

static SNS_ENDPOINT_URL: Text<checks::EndpointUrl> = Text::new(
    Description {
        name: c"activity_stream.sns_endpoint_url",
        short: c"Sets the endpoint of SNS, such as a VPC or FIPS endpoint.",
        long: c"activity_stream.endpoint_url when empty.",
        context: Context::Postmaster,
    },
    c"",
);

static EVENTBRIDGE_ENDPOINT_URL: Text<checks::EndpointUrl> = Text::new(
    Description {
        name: c"activity_stream.eventbridge_endpoint_url",
        short: c"Sets the endpoint of EventBridge, such as a VPC or FIPS endpoint.",
        long: c"activity_stream.endpoint_url when empty.",
        context: Context::Postmaster,
    },
    c"",
);

static ALLOW_INSECURE_ENDPOINT: Bool = Bool::new(
    Description {
        name: c"activity_stream.allow_insecure_endpoint",
        short: c"Lets plain HTTP leave this host.",
        long: c"Data keys and temporary credentials travel in the clear then. Plain HTTP to this host itself is always possible.",
        context: Context::Postmaster,
    },
    false,
);

static CA_FILE: Text = Text::new(
    Description {
        name: c"activity_stream.ca_file",
        short: c"Names the PEM file of the certificate authorities that are trusted for AWS.",
        long: c"Relative to the data directory. The system's certificates when empty.",
        context: Context::Postmaster,
    },
    c"",
);

/// In the order in which they are defined.
pub(super) static SETTINGS: &[&dyn Define] = &[
    &KINESIS_ENDPOINT_URL,
    &KMS_ENDPOINT_URL,
    &SNS_ENDPOINT_URL,
    &EVENTBRIDGE_ENDPOINT_URL,
    &ALLOW_INSECURE_ENDPOINT,
    &CA_FILE,
];

/// Every setting that names an endpoint.
static ENDPOINTS: [(&str, &Text<checks::EndpointUrl>); 5] = [
    ("endpoint_url", &stream::ENDPOINT_URL),
    ("kinesis_endpoint_url", &KINESIS_ENDPOINT_URL),
    ("kms_endpoint_url", &KMS_ENDPOINT_URL),
    ("sns_endpoint_url", &SNS_ENDPOINT_URL),
    ("eventbridge_endpoint_url", &EVENTBRIDGE_ENDPOINT_URL),
];

/// Refuses to start with an endpoint that is not to be sent to, or with a CA file that cannot be used or, on a locked server, that
/// others than root can write. Says what is allowed.
pub(super) fn check() {
    check_endpoints();
    if let Some(path) = ca_file() {
        check_authorities(&path);
    }
}

fn check_endpoints() {
    let insecure = ENDPOINTS.iter().filter(|(_, url)| is_insecure(&url.get()));
    let insecure = insecure.map(|(name, url)| format!("activity_stream.{name} = '{}'", url.get()));
    let insecure = insecure.collect::<Vec<_>>();
    if ALLOW_INSECURE_ENDPOINT.get() {
        log::warning(
            sqlstate::WARNING,
            "activity_stream.allow_insecure_endpoint is on: plain HTTP may leave this host",
            &insecure.join(", "),
            "Data keys and temporary credentials are readable on their way then. Use https:// endpoints, and turn it off.",
        );
    } else if !insecure.is_empty() {
        log::refuse_configuration(
            &format!("plain HTTP to another host is refused: {}", insecure.join(", ")),
            "Data keys and temporary credentials would be readable on their way.",
            "Use an https:// endpoint; activity_stream.ca_file names certificate authorities of your own. \
             Where the network in between is trusted, set activity_stream.allow_insecure_endpoint = on.",
        );
    }
}

fn check_authorities(path: &Path) {
    if let Err(why) = check_ca_file(path) {
        log::refuse_configuration(
            &format!("activity_stream.ca_file \"{}\" cannot be used: {why}", path.display()),
            "Nobody would be trusted, and so nothing could be sent.",
            "Name a PEM file of certificates that the server's operating system user can read, \
             or leave the setting empty to trust the system's certificates.",
        );
    }
    if !locked::locked() || startup::without_workers() {
        return;
    }
    // Who writes it chooses who may pose as AWS. A relative path is in the data directory, which is the server's.
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if let Err(weakness) = activity_protected::check(&absolute, &Host) {
        log::refuse_configuration(
            "the file of activity_stream.ca_file is not protected, and activity_stream.locked is on",
            &format!("It is \"{}\"; {weakness}.", absolute.display()),
            "It must belong to root, as must all directories on the way to it, and neither group nor others may write.",
        );
    }
}

/// The server's working directory is its data directory, so a relative path is as meant.
fn ca_file() -> Option<PathBuf> {
    CA_FILE.get_nonempty().map(PathBuf::from)
}

/// What the way to AWS must be like.
pub(super) fn transport() -> Transport {
    Transport { allow_insecure: ALLOW_INSECURE_ENDPOINT.get(), ca_file: ca_file() }
}

/// Endpoints of single services.
pub(super) fn services() -> ServiceEndpoints {
    ServiceEndpoints {
        kinesis: KINESIS_ENDPOINT_URL.get_nonempty(),
        kms: KMS_ENDPOINT_URL.get_nonempty(),
        sns: SNS_ENDPOINT_URL.get_nonempty(),
        eventbridge: EVENTBRIDGE_ENDPOINT_URL.get_nonempty(),
    }
}
