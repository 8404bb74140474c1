//! From an [`Endpoint`] to a configured [`Aws`], of which all service clients are made.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kinesis::config::{IdentityCache, StalledStreamProtectionConfig};
use aws_smithy_http_client::Builder as HttpClientBuilder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

/// Longest time that loading the configuration may take; it may ask EC2 instance metadata for the region.
const LOAD_TIMEOUT: Duration = Duration::from_secs(15);

/// Longest time that one fetch of credentials may take: instance metadata, or a token exchange with STS.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(5);

/// Where AWS is. `None` and the empty string leave the answer to the SDK's own chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Region name, such as `eu-central-1`; else `AWS_REGION`, the profile, the EC2 instance.
    pub region: Option<String>,
    /// Base URL of every service, for a local or private endpoint; else `AWS_ENDPOINT_URL[_<SERVICE>]`, the profile.
    pub endpoint_url: Option<String>,
    /// Profile of the shared configuration files; else `AWS_PROFILE`, `default`.
    pub profile: Option<String>,
}

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the TCP and TLS handshakes.
    pub connect: Duration,
    /// For one attempt from credentials to the last byte of the answer.
    pub attempt: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), attempt: Duration::from_secs(10) }
    }
}

/// The configuration cannot work, whatever AWS answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Neither the setting nor the SDK's chain names a region.
    #[error(
        "no AWS region is configured (hint: set the region explicitly, or AWS_REGION in the environment, or \"region\" \
         in the AWS profile)"
    )]
    NoRegion,
    /// The endpoint is not an HTTP URL.
    #[error(
        "invalid AWS endpoint URL \"{url}\" (hint: it must be http://host[:port] or https://host[:port])"
    )]
    InvalidEndpoint {
        /// The URL as it was given.
        url: String,
    },
    /// The sources of configuration did not answer.
    #[error("loading the AWS configuration took longer than {} seconds", .0.as_secs())]
    TimedOut(Duration),
}

/// A configured connection to AWS; cheap to clone, and all clones share the connections and the credentials.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    /// The explicit endpoint, which goes before the environment's `AWS_ENDPOINT_URL_<SERVICE>`.
    endpoint_url: Option<String>,
}

impl Aws {
    /// Loads the configuration. It makes no call to AWS and fetches no credentials; without a region in the setting,
    /// the environment and the profile, it asks EC2 instance metadata, which takes a second or two where there is none.
    ///
    /// # Errors
    /// [`ConnectError`] when no call could succeed with what was found.
    pub async fn connect(endpoint: &Endpoint, timeouts: Timeouts) -> Result<Self, ConnectError> {
        let endpoint_url = given(endpoint.endpoint_url.as_deref());
        if let Some(url) = endpoint_url {
            check_url(url)?;
        }
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(
                HttpClientBuilder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https(),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(timeouts.connect)
                    .operation_attempt_timeout(timeouts.attempt)
                    .build(),
            )
            .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS_TIMEOUT).build())
            // Bodies are small and whole, and the attempt timeout is the stricter bound.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(region) = given(endpoint.region.as_deref()) {
            loader = loader.region(Region::new(region.to_owned()));
        }
        if let Some(profile) = given(endpoint.profile.as_deref()) {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let config = tokio::time::timeout(LOAD_TIMEOUT, loader.load())
            .await
            .map_err(|_| ConnectError::TimedOut(LOAD_TIMEOUT))?;
        if config.region().is_none_or(|region| region.as_ref().is_empty()) {
            return Err(ConnectError::NoRegion);
        }
        if let Some(url) = config.endpoint_url() {
            check_url(url)?;
        }
        Ok(Self { config, endpoint_url: endpoint_url.map(str::to_owned) })
    }

    /// The region that calls are signed for.
    #[must_use]
    pub fn region(&self) -> &str {
        self.config.region().map_or("", |region| region.as_ref())
    }

    /// A Kinesis client that retries as told.
    pub(crate) fn kinesis(&self, retries: Retries) -> aws_sdk_kinesis::Client {
        let mut builder = aws_sdk_kinesis::config::Builder::from(&self.config).retry_config(retries.config());
        if let Some(url) = &self.endpoint_url {
            builder.set_endpoint_url(Some(url.clone()));
        }
        aws_sdk_kinesis::Client::from_conf(builder.build())
    }

    /// A KMS client that retries as told.
    pub(crate) fn kms(&self, retries: Retries) -> aws_sdk_kms::Client {
        let mut builder = aws_sdk_kms::config::Builder::from(&self.config).retry_config(retries.config());
        if let Some(url) = &self.endpoint_url {
            builder.set_endpoint_url(Some(url.clone()));
        }
        aws_sdk_kms::Client::from_conf(builder.build())
    }
}

/// Who retries a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Retries {
    /// The caller: one attempt.
    Caller,
    /// The SDK: three attempts with backoff, of what is known to be passing.
    Sdk,
}

impl Retries {
    fn config(self) -> RetryConfig {
        match self {
            Self::Caller => RetryConfig::disabled(),
            Self::Sdk => RetryConfig::standard(),
        }
    }
}

fn given(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.is_empty())
}

/// Refuses what the SDK would refuse at every later call, without saying where it came from.
fn check_url(url: &str) -> Result<(), ConnectError> {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or("");
    let bad = |c: char| c.is_whitespace() || c.is_control();
    if host.is_empty() || host.starts_with(['/', ':']) || host.contains(bad) {
        return Err(ConnectError::InvalidEndpoint { url: url.to_owned() });
    }
    Ok(())
}
