//! Where AWS is, and what the way there must be like.

use std::path::PathBuf;

use crate::connect::ConnectError;
use crate::plain_http::is_insecure;

/// Where AWS is. `None` and the empty string leave the answer to the SDK's own chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Region name, such as `eu-central-1`; else `AWS_REGION`, the profile, the EC2 instance.
    pub region: Option<String>,
    /// Base URL of every service, for a local or private endpoint; else `AWS_ENDPOINT_URL[_<SERVICE>]`, the profile.
    pub endpoint_url: Option<String>,
    /// Base URLs of single services, which go before the one of all.
    pub services: ServiceEndpoints,
    /// Profile of the shared configuration files; else `AWS_PROFILE`, `default`.
    pub profile: Option<String>,
    /// What may be sent in the clear, and whose certificates count.
    pub transport: Transport,
}

/// Base URLs of single services, such as VPC endpoints. `None` and the empty string: as all services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceEndpoints {
    /// Kinesis Data Streams.
    pub kinesis: Option<String>,
    /// Key Management Service.
    pub kms: Option<String>,
    /// Simple Notification Service.
    pub sns: Option<String>,
    /// EventBridge.
    pub eventbridge: Option<String>,
}

/// What the way to AWS must be like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transport {
    /// Whether plain HTTP may leave this host.
    pub allow_insecure: bool,
    /// PEM file of the certificate authorities that are trusted, in the place of the system's store.
    pub ca_file: Option<PathBuf>,
}

impl Endpoint {
    /// The URLs as they are given, the one of all services first.
    fn urls(&self) -> impl Iterator<Item = &str> {
        let ServiceEndpoints { kinesis, kms, sns, eventbridge } = &self.services;
        [&self.endpoint_url, kinesis, kms, sns, eventbridge].into_iter().filter_map(given)
    }

    /// Refuses URLs with which no call could work, or only one that others can read.
    pub(crate) fn check(&self) -> Result<(), ConnectError> {
        self.urls().try_for_each(|url| check_url(url, &self.transport))
    }
}

/// The text, if there is any.
pub(crate) fn given(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}

/// Refuses what the SDK would refuse at every later call, without saying where it came from, and what is not to be sent to.
pub(crate) fn check_url(url: &str, transport: &Transport) -> Result<(), ConnectError> {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or("");
    let bad = |c: char| c.is_whitespace() || c.is_control();
    if host.is_empty() || host.starts_with(['/', ':']) || host.contains(bad) {
        return Err(ConnectError::InvalidEndpoint { url: url.to_owned() });
    }
    if !transport.allow_insecure && is_insecure(url) {
        return Err(ConnectError::InsecureEndpoint { url: url.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::{Aws, Timeouts};

    async fn refused(endpoint: Endpoint) -> ConnectError {
        let endpoint = Endpoint { region: Some("eu-central-1".to_owned()), ..endpoint };
        Aws::connect(&endpoint, Timeouts::default()).await.expect_err("a refusal")
    }

    #[tokio::test]
    async fn an_endpoint_that_is_no_http_url_is_refused_at_once() {
        for url in ["localhost:4566", "ftp://localhost", "http://", "http://:80", "http:///x", "http://a b"] {
            let error = refused(Endpoint { endpoint_url: Some(url.to_owned()), ..Endpoint::default() }).await;
            assert_eq!(error, ConnectError::InvalidEndpoint { url: url.to_owned() });
        }
    }

    #[tokio::test]
    async fn plain_http_to_another_host_is_refused_for_all_services_and_for_each() {
        let url = Some("http://vpce-1.kinesis.eu-central-1.vpce.amazonaws.com".to_owned());
        let all = Endpoint { endpoint_url: url.clone(), ..Endpoint::default() };
        let of = |services| Endpoint { services, ..Endpoint::default() };
        let none = ServiceEndpoints::default;
        for endpoint in [
            all.clone(),
            of(ServiceEndpoints { kinesis: url.clone(), ..none() }),
            of(ServiceEndpoints { kms: url.clone(), ..none() }),
            of(ServiceEndpoints { sns: url.clone(), ..none() }),
            of(ServiceEndpoints { eventbridge: url.clone(), ..none() }),
        ] {
            let error = refused(endpoint).await;
            assert!(matches!(error, ConnectError::InsecureEndpoint { .. }), "{error}");
        }
        let transport = Transport { allow_insecure: true, ca_file: None };
        assert_eq!(Endpoint { transport, ..all }.check(), Ok(()));
    }
}
