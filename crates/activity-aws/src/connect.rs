//! From an [`Endpoint`] to a configured [`Aws`], of which all service clients are made.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_kinesis::config::{IdentityCache, StalledStreamProtectionConfig};
use aws_smithy_http_client::Builder as HttpClientBuilder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::error::causes;

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
    /// The explicit profile is in neither shared configuration file. The SDK would go on with another identity.
    #[error(
        "the AWS profile \"{name}\" does not exist (hint: profiles are read from ~/.aws/config and \
         ~/.aws/credentials of the process's operating system user, or AWS_CONFIG_FILE and \
         AWS_SHARED_CREDENTIALS_FILE)"
    )]
    NoProfile {
        /// The profile asked for.
        name: String,
    },
    /// The shared configuration files cannot be read.
    #[error("cannot read the AWS profile \"{name}\": {reason}")]
    UnreadableProfile {
        /// The profile asked for.
        name: String,
        /// What is wrong with the files.
        reason: String,
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
        Self::connect_as(endpoint, timeouts, None).await
    }

    /// [`Aws::connect`] with these credentials; `None` is the standard chain.
    async fn connect_as(
        endpoint: &Endpoint,
        timeouts: Timeouts,
        credentials: Option<SharedCredentialsProvider>,
    ) -> Result<Self, ConnectError> {
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
            check_profile(profile).await?;
            loader = loader.profile_name(profile);
        }
        if let Some(url) = endpoint_url {
            loader = loader.endpoint_url(url);
        }
        if let Some(credentials) = credentials {
            loader = loader.credentials_provider(credentials);
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

/// Refuses a profile that the SDK's chain would silently pass over.
async fn check_profile(name: &str) -> Result<(), ConnectError> {
    // The defaults are the process's own files and environment.
    let profiles = aws_config::profile::load(
        &Default::default(),
        &Default::default(),
        &Default::default(),
        Some(name.to_owned().into()),
    )
    .await
    .map_err(|error| ConnectError::UnreadableProfile { name: name.to_owned(), reason: causes(&error) })?;
    match profiles.get_profile(name) {
        Some(_) => Ok(()),
        None => Err(ConnectError::NoProfile { name: name.to_owned() }),
    }
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

#[cfg(test)]
pub(crate) mod test {
    use super::*;
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError, future};

    /// Fails as the standard chain does where nothing is configured.
    #[derive(Debug)]
    struct NoCredentials;

    impl ProvideCredentials for NoCredentials {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("no providers in chain")))
        }
    }

    /// A connection to a test's own server.
    pub(crate) async fn aws(url: &str) -> Aws {
        let credentials = SharedCredentialsProvider::new(Credentials::for_tests());
        connect(url, Duration::from_secs(10), credentials).await
    }

    pub(crate) async fn impatient_aws(url: &str, attempt: Duration) -> Aws {
        connect(url, attempt, SharedCredentialsProvider::new(Credentials::for_tests())).await
    }

    pub(crate) async fn aws_without_credentials(url: &str) -> Aws {
        connect(url, Duration::from_secs(10), SharedCredentialsProvider::new(NoCredentials)).await
    }

    async fn connect(url: &str, attempt: Duration, credentials: SharedCredentialsProvider) -> Aws {
        let endpoint = Endpoint {
            region: Some("eu-central-1".to_owned()),
            endpoint_url: Some(url.to_owned()),
            profile: None,
        };
        let timeouts = Timeouts { connect: Duration::from_secs(3), attempt };
        Aws::connect_as(&endpoint, timeouts, Some(credentials)).await.expect("a configuration")
    }

    #[tokio::test]
    async fn an_endpoint_that_is_no_http_url_is_refused_at_once() {
        for url in ["localhost:4566", "ftp://localhost", "http://", "http://:80", "http:///x", "http://a b"] {
            let endpoint = Endpoint {
                region: Some("eu-central-1".to_owned()),
                endpoint_url: Some(url.to_owned()),
                ..Endpoint::default()
            };
            let error = Aws::connect(&endpoint, Timeouts::default()).await.expect_err(url);
            assert_eq!(error, ConnectError::InvalidEndpoint { url: url.to_owned() });
        }
    }

    #[tokio::test]
    async fn the_explicit_region_is_used() {
        assert_eq!(aws("http://127.0.0.1:1").await.region(), "eu-central-1");
    }
}
