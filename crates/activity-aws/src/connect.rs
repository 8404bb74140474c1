//! From an [`Endpoint`] to a configured [`Aws`], of which all service clients are made.
//!
//! All calls go through one HTTP client, and through a guard that knows what may be sent without TLS (`plain_http.rs`): a strict
//! one for the services, one that lets instance metadata pass for the sources of credentials.

use std::path::PathBuf;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_types::retry::RetryConfig;
use tokio::runtime::Handle;

use crate::ca_file::CaFileError;
use crate::credentials::{DropWhenRefused, Identities, RenewedChain};
use crate::endpoint::{Endpoint, check_url, given};
use crate::error::causes;
use crate::plain_http::Guarded;
use crate::standard::Standard;

/// Longest time that loading the configuration may take; it may ask EC2 instance metadata for the region.
const LOAD_TIMEOUT: Duration = Duration::from_secs(10);

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
    /// The endpoint is reached without TLS, and is not on this host.
    #[error(
        "the AWS endpoint \"{url}\" is plain HTTP to another host (hint: use an https:// URL, or allow insecure \
         endpoints where the network in between is trusted)"
    )]
    InsecureEndpoint {
        /// The URL as it was given.
        url: String,
    },
    /// The file of trusted certificate authorities cannot be used.
    #[error("the CA file {} cannot be used: {reason}", .path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: CaFileError,
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
    #[error(
        "loading the AWS configuration took longer than {} seconds (hint: set the region explicitly; the profile files \
         may be on a file system that does not answer)",
        .0.as_secs()
    )]
    TimedOut(Duration),
    /// The load itself ended without a result: the runtime is shutting down, or the SDK panicked.
    #[error("loading the AWS configuration was broken off")]
    BrokenOff,
}

/// A service's configuration: that of the connection, its endpoint and its rules. Each SDK crate has a builder type of its own.
macro_rules! service_config {
    ($aws:expr, $service:ident, $own_url:expr, $retries:expr) => {{
        let mut builder = $service::config::Builder::from(&$aws.config)
            .http_client($aws.http_client.clone())
            .retry_config($retries.config())
            .interceptor(DropWhenRefused($aws.identities.clone()));
        if let Some(url) = given($own_url).or(given(&$aws.endpoint.endpoint_url)) {
            builder.set_endpoint_url(Some(url.to_owned()));
        }
        builder.build()
    }};
}

/// A configured connection to AWS; cheap to clone, and all clones share the connections and the credentials.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    identities: Identities,
    /// For calls of services, which never leave this host without TLS unless that is allowed.
    http_client: Guarded,
    /// The explicit endpoints go before the environment's `AWS_ENDPOINT_URL_<SERVICE>`.
    endpoint: Endpoint,
}

impl Aws {
    /// Loads the configuration. It makes no call to AWS and fetches no credentials; without a region in the setting,
    /// the environment and the profile, it asks EC2 instance metadata, which takes a second or two where there is none.
    ///
    /// It ends within 10 seconds, also where a profile file is on a file system that hangs: the SDK reads files without
    /// letting other tasks run, so the load has a blocking thread to itself, which is left behind then.
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
        endpoint.check()?;
        let mut standard = Standard::new(endpoint, timeouts)?;
        let http_client = standard.of_services();
        let (runtime, settings) = (Handle::current(), standard.clone());
        let load = tokio::task::spawn_blocking(move || runtime.block_on(load(&settings)));
        let config = tokio::time::timeout(LOAD_TIMEOUT, load)
            .await
            .map_err(|_| ConnectError::TimedOut(LOAD_TIMEOUT))?
            .map_err(|_| ConnectError::BrokenOff)??;
        standard.region = config.region().cloned();
        let (provider, identities) = match credentials {
            Some(provider) => (provider, Identities::new(None)),
            None => {
                let chain = RenewedChain::new(standard, config.credentials_provider());
                (SharedCredentialsProvider::new(chain.clone()), Identities::new(Some(chain)))
            }
        };
        let config =
            config.into_builder().credentials_provider(provider).identity_cache(identities.clone()).build();
        Ok(Self { config, identities, http_client, endpoint: endpoint.clone() })
    }

    /// The region that calls are signed for.
    #[must_use]
    pub fn region(&self) -> &str {
        self.config.region().map_or("", |region| region.as_ref())
    }

    /// The credentials that all clients share.
    pub(crate) fn identities(&self) -> &Identities {
        &self.identities
    }

    /// A Kinesis client that retries as told.
    pub(crate) fn kinesis(&self, retries: Retries) -> aws_sdk_kinesis::Client {
        aws_sdk_kinesis::Client::from_conf(service_config!(
            self,
            aws_sdk_kinesis,
            &self.endpoint.services.kinesis,
            retries
        ))
    }

    /// A KMS client that retries as told.
    pub(crate) fn kms(&self, retries: Retries) -> aws_sdk_kms::Client {
        aws_sdk_kms::Client::from_conf(service_config!(
            self,
            aws_sdk_kms,
            &self.endpoint.services.kms,
            retries
        ))
    }

    /// An SNS client that retries as told.
    pub(crate) fn sns(&self, retries: Retries) -> aws_sdk_sns::Client {
        aws_sdk_sns::Client::from_conf(service_config!(
            self,
            aws_sdk_sns,
            &self.endpoint.services.sns,
            retries
        ))
    }

    /// An EventBridge client that retries as told.
    pub(crate) fn event_bridge(&self, retries: Retries) -> aws_sdk_eventbridge::Client {
        aws_sdk_eventbridge::Client::from_conf(service_config!(
            self,
            aws_sdk_eventbridge,
            &self.endpoint.services.eventbridge,
            retries
        ))
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

/// Loads the configuration, and refuses one that cannot work.
async fn load(standard: &Standard) -> Result<SdkConfig, ConnectError> {
    if let Some(profile) = &standard.profile {
        check_profile(profile).await?;
    }
    let config = standard.loader().load().await;
    if config.region().is_none_or(|region| region.as_ref().is_empty()) {
        return Err(ConnectError::NoRegion);
    }
    if let Some(url) = config.endpoint_url() {
        check_url(url, &standard.transport)?;
    }
    Ok(config)
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

    pub(crate) async fn aws_with(
        url: &str,
        attempt: Duration,
        credentials: impl ProvideCredentials + 'static,
    ) -> Aws {
        connect(url, attempt, SharedCredentialsProvider::new(credentials)).await
    }

    pub(crate) async fn aws_without_credentials(url: &str) -> Aws {
        connect(url, Duration::from_secs(10), SharedCredentialsProvider::new(NoCredentials)).await
    }

    async fn connect(url: &str, attempt: Duration, credentials: SharedCredentialsProvider) -> Aws {
        let endpoint = Endpoint {
            region: Some("eu-central-1".to_owned()),
            endpoint_url: Some(url.to_owned()),
            ..Endpoint::default()
        };
        let timeouts = Timeouts { connect: Duration::from_secs(3), attempt };
        Aws::connect_as(&endpoint, timeouts, Some(credentials)).await.expect("a configuration")
    }

    #[tokio::test]
    async fn the_explicit_region_is_used() {
        assert_eq!(aws("http://127.0.0.1:1").await.region(), "eu-central-1");
    }
}
