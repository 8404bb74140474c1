//! Credentials that change while the process lives.
//!
//! ```text
//!   call ──► Identities ──► SDK's cache ──► RenewedChain ──► SDK's standard chain ──► files, processes, STS, metadata
//!                │   ▲ until 10 s before they expire, 15 min without an expiry     ▲ reads its files once
//!    refused ────┘   └──────────── both are dropped, so the next call reads everything again
//! ```
//!
//! The SDK's cache keeps credentials although AWS refuses them, and its chain keeps what a profile said when it was first
//! read. Somebody who replaces an access key in the credentials file, or revokes a session early, would have to restart the
//! server. So:
//!
//! * An answer that refuses the credentials drops the cache and the chain ([`DropWhenRefused`], on every client).
//! * A fetch that fails drops the chain: what it has read may be what is wrong, and it would not look again.
//! * One fetch is under way at a time. A call that gives up waiting leaves it to the next call: a source that is slower than
//!   one call's patience is used all the same, and one that hangs is not asked again and again.
//!
//! The call that was refused fails; the next one is made with new credentials. One fetch per refused call is the most that
//! this adds, at the pace of whoever repeats calls.
//!
//! # Not guaranteed
//!
//! Variables of the environment do not change under a running process, nor do credentials in them. A fetch that
//! hangs is broken off after a minute, but a process that the SDK has started for it is not ended. The SDK reads files without
//! a time limit: profile files that hang with their file system hold up the thread that fetches.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_kinesis::config::IdentityCache;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::identity::{
    IdentityFuture, ResolveCachedIdentity, SharedIdentityCache, SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::task::JoinHandle;

use crate::kind::mentions_refused_credentials;
use crate::standard::Standard;

/// Longest time that one fetch of credentials may take: instance metadata, or a token exchange with STS.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// The cache's own time limit, behind that of the chain, which says better what has happened.
const CACHE_TIMEOUT: Duration = Duration::from_secs(6);

/// From this age on, a fetch is broken off for a new one.
const ABANDON_FETCH_AFTER: Duration = Duration::from_secs(60);

/// A fetch that is under way, whoever waits for it.
#[derive(Debug)]
struct Fetch {
    begun: Instant,
    task: JoinHandle<Result<Credentials, CredentialsError>>,
}

/// The SDK's standard chain, made anew once it has failed or what came of it was refused.
#[derive(Debug, Clone)]
pub(crate) struct RenewedChain {
    standard: Arc<Standard>,
    chain: Arc<Mutex<Option<SharedCredentialsProvider>>>,
    fetch: Arc<tokio::sync::Mutex<Option<Fetch>>>,
}

impl RenewedChain {
    /// Begins with this chain, and makes others of the same settings.
    pub(crate) fn new(standard: Standard, first: Option<SharedCredentialsProvider>) -> Self {
        Self { standard: Arc::new(standard), chain: Arc::new(Mutex::new(first)), fetch: Arc::default() }
    }

    async fn fetch(&self) -> Result<Credentials, CredentialsError> {
        let mut under_way = self.fetch.lock().await;
        if let Some(hung) = under_way.take_if(|fetch| fetch.begun.elapsed() > ABANDON_FETCH_AFTER) {
            hung.task.abort();
        }
        let fetch = under_way.get_or_insert_with(|| self.begin());
        let Ok(ended) = tokio::time::timeout(FETCH_TIMEOUT, &mut fetch.task).await else {
            // The chain stays, too: it may have credentials to fall back on the next time.
            return self
                .fallback_on_interrupt()
                .ok_or_else(|| CredentialsError::provider_timed_out(FETCH_TIMEOUT));
        };
        *under_way = None;
        let fetched = ended.unwrap_or_else(|broken| Err(CredentialsError::unhandled(broken)));
        if fetched.is_err() {
            self.forget();
        }
        fetched
    }

    fn begin(&self) -> Fetch {
        let chain = self.clone();
        Fetch { begun: Instant::now(), task: tokio::spawn(async move { chain.ask().await }) }
    }

    async fn ask(&self) -> Result<Credentials, CredentialsError> {
        let current = locked(&self.chain).clone();
        let chain = match current {
            Some(chain) => chain,
            None => self.renew().await?,
        };
        chain.provide_credentials().await
    }

    async fn renew(&self) -> Result<SharedCredentialsProvider, CredentialsError> {
        let config = self.standard.loader().load().await;
        let chain = config
            .credentials_provider()
            .ok_or_else(|| CredentialsError::not_loaded("the configuration has no chain of providers"))?;
        *locked(&self.chain) = Some(chain.clone());
        Ok(chain)
    }

    fn forget(&self) {
        *locked(&self.chain) = None;
    }
}

impl ProvideCredentials for RenewedChain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.fetch())
    }

    /// What instance metadata gave last, where it has stopped to answer.
    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        locked(&self.chain).as_ref().and_then(ProvideCredentials::fallback_on_interrupt)
    }
}

/// The cache of credentials that all clients of one connection share.
#[derive(Debug, Clone)]
pub(crate) struct Identities {
    cache: Arc<Mutex<SharedIdentityCache>>,
    /// `None` where the credentials are not those of the standard chain.
    chain: Option<RenewedChain>,
}

impl Identities {
    pub(crate) fn new(chain: Option<RenewedChain>) -> Self {
        Self { cache: Arc::new(Mutex::new(empty_cache())), chain }
    }

    /// The next call fetches credentials. Calls under way end with those that they have.
    pub(crate) fn drop_all(&self) {
        if let Some(chain) = &self.chain {
            chain.forget();
        }
        *locked(&self.cache) = empty_cache();
    }
}

impl ResolveCachedIdentity for Identities {
    fn resolve_cached_identity<'a>(
        &'a self,
        resolver: SharedIdentityResolver,
        components: &'a RuntimeComponents,
        config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        let cache = locked(&self.cache).clone();
        IdentityFuture::new(async move { cache.resolve_cached_identity(resolver, components, config).await })
    }
}

/// Looks at every answer of a client, and drops the credentials that it refuses.
#[derive(Debug)]
pub(crate) struct DropWhenRefused(pub(crate) Identities);

impl Intercept for DropWhenRefused {
    fn name(&self) -> &'static str {
        "DropWhenRefused"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if is_refusal(context.response()) {
            self.0.drop_all();
        }
        Ok(())
    }
}

/// Whether the answer refuses the credentials. Its code is in a header, in JSON or in XML, as the service's protocol has it;
/// by now the body is in memory.
pub(crate) fn is_refusal(answer: &HttpResponse) -> bool {
    if !answer.status().is_client_error() {
        return false;
    }
    let header = answer.headers().get("x-amzn-errortype").unwrap_or_default();
    let body = answer.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
    mentions_refused_credentials(header) || mentions_refused_credentials(&body)
}

fn empty_cache() -> SharedIdentityCache {
    IdentityCache::lazy().load_timeout(CACHE_TIMEOUT).build()
}

/// Nothing panics under these locks, and what they guard is whole at any moment.
fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
