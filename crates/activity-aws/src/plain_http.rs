//! What may be sent without TLS: what does not leave this host.
//!
//! Every request passes [`Guarded`] right before it is sent, wherever its address came from: a setting, the environment, a
//! profile, the SDK's rules. A request over plain HTTP is refused unless
//!
//! * its host is a loopback address (127.0.0.0/8, ::1) or `localhost`, or
//! * it asks for credentials at an address that is answered by the machine's own hypervisor or agent, which speak nothing
//!   else (EC2 instance metadata, ECS, EKS Pod Identity), or
//! * plain HTTP is allowed.
//!
//! `localhost` is a name like others: [`Names`] resolves it and refuses what is not a loopback address, so that a line in
//! `/etc/hosts` does not lead a request elsewhere. Addresses in other notations (`127.1`, `0x7f000001`) are taken for names of
//! other hosts.
//!
//! Redirects are not followed: neither the SDK nor its HTTP client does. A proxy is not used, whatever `HTTPS_PROXY` says:
//! the HTTP client has none unless it is given one.

use std::net::IpAddr;

use aws_sdk_kinesis::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_types::config_bag::ConfigBag;
use http::Uri;

/// The one name that stands for this host.
const LOCALHOST: &str = "localhost";

/// Where credentials are asked for without TLS: EC2 instance metadata over IPv4 and IPv6, the ECS agent, the EKS Pod
/// Identity agent over IPv4 and IPv6 (AWS SDKs and Tools Reference Guide, "IMDS" and "Container credential provider").
const METADATA: [&str; 5] =
    ["169.254.169.254", "fd00:ec2::254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

/// Plain HTTP to this host is refused. Hints are told by these words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plain HTTP to \"{host}\" is refused")]
pub(crate) struct Refused {
    host: String,
}

/// Whether a URL leads out of this host without TLS. What is no URL does not lead anywhere.
#[must_use]
pub fn is_insecure(url: &str) -> bool {
    url.parse::<Uri>().is_ok_and(|uri| is_plain(&uri) && !is_this_host(host(&uri)))
}

fn is_plain(uri: &Uri) -> bool {
    // Only what is known to be TLS is let pass.
    uri.scheme_str() != Some("https")
}

/// The host, an IPv6 address without its brackets.
fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

fn is_this_host(host: &str) -> bool {
    host.eq_ignore_ascii_case(LOCALHOST) || host.parse::<IpAddr>().is_ok_and(|ip| is_loopback(&ip))
}

fn is_loopback(ip: &IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// Where plain HTTP may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plain {
    /// Nowhere but to this host.
    Here,
    /// To the sources of credentials that speak nothing else, too.
    HereAndMetadata,
    /// Anywhere.
    Anywhere,
}

impl Plain {
    fn check(self, uri: &str) -> Result<(), BoxError> {
        let uri: Uri = uri.parse()?;
        let host = host(&uri);
        let fine = match self {
            Self::Anywhere => true,
            Self::Here => !is_plain(&uri) || is_this_host(host),
            Self::HereAndMetadata => !is_plain(&uri) || is_this_host(host) || METADATA.contains(&host),
        };
        if fine { Ok(()) } else { Err(Refused { host: host.to_owned() }.into()) }
    }
}

/// An HTTP client that sends plain HTTP only where it may go.
#[derive(Debug, Clone)]
pub(crate) struct Guarded {
    client: SharedHttpClient,
    plain: Plain,
}

impl Guarded {
    pub(crate) fn new(client: SharedHttpClient, plain: Plain) -> Self {
        Self { client, plain }
    }
}

impl HttpClient for Guarded {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connector = self.client.http_connector(settings, components);
        SharedHttpConnector::new(GuardedConnector { connector, plain: self.plain })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.client.validate_base_client_config(components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.client.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.client.connector_metadata()
    }
}

#[derive(Debug)]
struct GuardedConnector {
    connector: SharedHttpConnector,
    plain: Plain,
}

impl HttpConnector for GuardedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.plain.check(request.uri()) {
            Ok(()) => self.connector.call(request),
            Err(refused) => HttpConnectorFuture::ready(Err(ConnectorError::user(refused))),
        }
    }
}

/// The system's resolution of names, with `localhost` held to its meaning.
#[derive(Debug, Clone)]
pub(crate) struct Names;

impl ResolveDns for Names {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move { resolve(name).await.map_err(ResolveDnsError::new) })
    }
}

async fn resolve(name: &str) -> Result<Vec<IpAddr>, BoxError> {
    let found = tokio::net::lookup_host((name, 0)).await.map_err(|why| format!("\"{name}\": {why}"))?;
    let found = found.map(|address| address.ip()).collect::<Vec<_>>();
    held_to_meaning(name, &found)?;
    Ok(found)
}

fn held_to_meaning(name: &str, found: &[IpAddr]) -> Result<(), BoxError> {
    match found.iter().find(|ip| name.eq_ignore_ascii_case(LOCALHOST) && !is_loopback(ip)) {
        Some(elsewhere) => Err(format!("\"{name}\" is {elsewhere}, which is no loopback address").into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod test;
