//! What the SDK's configuration is loaded with, so that it can be loaded again.

use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_sdk_kinesis::config::{SharedHttpClient, StalledStreamProtectionConfig};
use aws_smithy_http_client::Builder as HttpClientBuilder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::timeout::TimeoutConfig;

use crate::ca_file;
use crate::connect::{ConnectError, Timeouts};
use crate::endpoint::{Endpoint, Transport, given};
use crate::plain_http::{Guarded, Names, Plain};

/// The settings that go before those of the environment and the profile files. All loads share one HTTP client.
#[derive(Debug, Clone)]
pub(crate) struct Standard {
    http_client: SharedHttpClient,
    timeouts: Timeouts,
    pub(crate) transport: Transport,
    pub(crate) region: Option<Region>,
    pub(crate) profile: Option<String>,
    endpoint_url: Option<String>,
}

impl Standard {
    /// What the endpoint leaves open is left to the environment. Reads the CA file.
    pub(crate) fn new(endpoint: &Endpoint, timeouts: Timeouts) -> Result<Self, ConnectError> {
        let mut client = HttpClientBuilder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
        if let Some(path) = &endpoint.transport.ca_file {
            let trust = ca_file::trust(path);
            client = client
                .tls_context(trust.map_err(|reason| ConnectError::CaFile { path: path.clone(), reason })?);
        }
        Ok(Self {
            http_client: client.build_with_resolver(Names),
            timeouts,
            transport: endpoint.transport.clone(),
            region: given(&endpoint.region).map(|region| Region::new(region.to_owned())),
            profile: given(&endpoint.profile).map(str::to_owned),
            endpoint_url: given(&endpoint.endpoint_url).map(str::to_owned),
        })
    }

    /// The HTTP client as services have it.
    pub(crate) fn of_services(&self) -> Guarded {
        self.guarded(Plain::Here)
    }

    fn guarded(&self, otherwise: Plain) -> Guarded {
        let plain = if self.transport.allow_insecure { Plain::Anywhere } else { otherwise };
        Guarded::new(self.http_client.clone(), plain)
    }

    /// A loader with all of them. What it loads reads the environment and the files anew.
    pub(crate) fn loader(&self) -> ConfigLoader {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.guarded(Plain::HereAndMetadata))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(self.timeouts.connect)
                    .operation_attempt_timeout(self.timeouts.attempt)
                    .build(),
            )
            // Bodies are small and whole, and the attempt timeout is the stricter bound.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(region) = &self.region {
            loader = loader.region(region.clone());
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &self.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        loader
    }
}
