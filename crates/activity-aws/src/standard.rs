//! What the SDK's configuration is loaded with, so that it can be loaded again.

use std::time::Duration;

use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_sdk_kinesis::config::{SharedHttpClient, StalledStreamProtectionConfig};
use aws_smithy_http_client::Builder as HttpClientBuilder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::timeout::TimeoutConfig;

/// The settings that go before those of the environment and the profile files. All loads share one HTTP client.
#[derive(Debug, Clone)]
pub(crate) struct Standard {
    http_client: SharedHttpClient,
    connect_timeout: Duration,
    attempt_timeout: Duration,
    pub(crate) region: Option<Region>,
    pub(crate) profile: Option<String>,
    pub(crate) endpoint_url: Option<String>,
}

impl Standard {
    /// Leaves region, profile and endpoint to the environment.
    pub(crate) fn new(connect_timeout: Duration, attempt_timeout: Duration) -> Self {
        let http_client =
            HttpClientBuilder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        Self {
            http_client,
            connect_timeout,
            attempt_timeout,
            region: None,
            profile: None,
            endpoint_url: None,
        }
    }

    /// A loader with all of them. What it loads reads the environment and the files anew.
    pub(crate) fn loader(&self) -> ConfigLoader {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.http_client.clone())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(self.connect_timeout)
                    .operation_attempt_timeout(self.attempt_timeout)
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
