//! What usually helps, for each failure that an operator can do something about.
//!
//! Told apart by kind, service and, where the SDK has no code for it, by the words of the TLS, DNS and TCP layers below. The
//! tests bring those failures about (`faults`, `standard_chain`), so a library that changes its words breaks a test and not a
//! hint. An expired certificate is the exception: its words are those of rustls 0.23.

use crate::error::{AwsError, NO_CREDENTIALS};
use crate::kind::{ErrorKind, names_the_clock};

const CLOCK: &str =
    "set this server's clock: AWS refuses requests whose time is more than five minutes from its own";

/// What usually helps against this error. `None` where it passes by itself, or nothing general can be said.
pub(crate) fn of(error: &AwsError) -> Option<&'static str> {
    match error.kind {
        ErrorKind::Credentials => Some(of_credentials(error)),
        ErrorKind::Connection => of_connection(&error.message),
        ErrorKind::Timeout => Some(
            "check that this server reaches the endpoint: routes, security groups and, without internet access, a VPC \
             endpoint of the service",
        ),
        ErrorKind::AccessDenied => Some(of_access(error.service)),
        ErrorKind::NotFound => of_missing(culprit(error)),
        ErrorKind::NotActive => of_state(culprit(error)),
        ErrorKind::Throttled => of_throttling(culprit(error)),
        ErrorKind::Limit => Some("raise the quota of the account in this region, or free some of it"),
        ErrorKind::Invalid if error.code.as_deref().is_some_and(|code| code.contains("InvalidKeyUsage")) => {
            Some("the KMS key must be a symmetric one for encryption (SYMMETRIC_DEFAULT)")
        }
        ErrorKind::Ciphertext => Some("the cluster id must be that of the server that wrote the record"),
        ErrorKind::Invalid | ErrorKind::ExpiredIterator | ErrorKind::Unavailable | ErrorKind::Other => None,
    }
}

/// The service whose resource is meant: streams and topics that are encrypted hand on what KMS said of their key.
fn culprit(error: &AwsError) -> &'static str {
    let of_kms = |code: &String| code.starts_with("KMS") || code.starts_with("Kms");
    if error.code.as_ref().is_some_and(of_kms) { "KMS" } else { error.service }
}

fn of_credentials(error: &AwsError) -> &'static str {
    let said = |part| error.message.contains(part);
    let Some(code) = &error.code else {
        if !error.message.starts_with(NO_CREDENTIALS) {
            return "check that the source of the credentials answers: instance metadata (hop limit 2 for containers), \
                    STS, or the profile's credential process";
        }
        return "give the process AWS credentials: an instance, task or pod role, web identity, a profile of its \
                operating system user, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its environment";
    };
    if names_the_clock(code) || said("Signature expired") || said("Signature not yet current") {
        CLOCK
    } else if code.contains("Expired") {
        "renew the credentials at their source: they are read again at the next call, but those in the environment \
         cannot change before the server restarts"
    } else {
        "check that the credentials are those of this account, and that the clock is right"
    }
}

fn of_connection(message: &str) -> Option<&'static str> {
    let said = |part| message.contains(part);
    if said("plain HTTP to") {
        Some(
            "use an https:// endpoint; AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE> and the profile name endpoints, too. \
             Where the network in between is trusted, allow_insecure_endpoint lets it pass",
        )
    } else if said("UnknownIssuer") {
        // The SDK reads them once.
        Some(
            "the endpoint's certificate authority must be among the system's CA certificates (or those of SSL_CERT_FILE), \
             or in ca_file where that is set; start the process anew then",
        )
    } else if said("not valid for name") {
        Some("the endpoint's host name must be one of its certificate's")
    } else if said("certificate expired") || said("certificate not valid yet") {
        Some("renew the endpoint's certificate, or set this server's clock")
    } else if said("InvalidContentType") {
        Some("the endpoint does not speak TLS: check its host and port")
    } else if said("dns error") {
        Some("check the endpoint's host name, the region, and this server's DNS")
    } else if said("Connection refused") {
        Some("nothing listens at the endpoint: check its host and port")
    } else {
        None
    }
}

fn of_access(service: &str) -> &'static str {
    match service {
        "SNS" => {
            "check the identity's IAM policy (sns:Publish), the topic's policy and that of the topic's KMS key"
        }
        "EventBridge" => "check the identity's IAM policy (events:PutEvents) and the event bus's policy",
        _ => "check the identity's IAM policy and the key's policy",
    }
}

fn of_missing(service: &str) -> Option<&'static str> {
    match service {
        "Kinesis" => {
            Some("create the stream, or check its name, the region and the account of the credentials")
        }
        "KMS" => Some("check the key's id or alias, the region and the account of the credentials"),
        "SNS" => Some("create the topic, or check its ARN"),
        "EventBridge" => {
            Some("create the event bus, or check its name, the region and the account of the credentials")
        }
        _ => None,
    }
}

fn of_state(service: &str) -> Option<&'static str> {
    match service {
        "Kinesis" => Some("wait until the stream is ACTIVE"),
        "KMS" => Some("enable the KMS key, or cancel its deletion"),
        _ => None,
    }
}

fn of_throttling(service: &str) -> Option<&'static str> {
    match service {
        "Kinesis" => Some("add shards to the stream, or give it the on-demand capacity mode"),
        "KMS" => Some("raise the account's KMS request quota in this region"),
        _ => None,
    }
}
