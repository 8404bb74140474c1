//! `PutRecords` without the SDK's orchestrator: the request that is made thousands of times a second.
//!
//! ```text
//!   SDK, once        where to ─┐  scope of the signature ─┐  HTTP connection pool ─┐  credentials and their cache ─┐
//!   each request     body ─────┴► signature (`sign.rs`) ──┴► POST ─────────────────┴► answer, or error as the SDK's own
//! ```
//!
//! What the orchestrator does for each request is the same for all of them: endpoint rules, interceptors, a user agent, the day's
//! signing key. It took two thirds of what a request cost (docs/performance.md), and in synchronous mode sessions wait for it.
//! All that differs between installations (endpoint, region, TLS, proxies of credentials) is the SDK's still.
//!
//! An error has the SDK's own type, so it is told in the same words whoever made the call.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sdk_kinesis::error::SdkError;
use aws_sdk_kinesis::operation::put_records::PutRecordsError;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeId;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::http::{
    HttpClient as _, HttpConnector as _, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::identity::{
    ResolveCachedIdentity as _, SharedIdentityCache, SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{GetIdentityResolver as _, RuntimeComponents};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::answer::{self, Entry};
use super::clock::ServiceClock;
use super::sign::{Scope, Signer, Target};
use crate::credentials::{Identities, is_refusal};

/// The JSON protocol of Kinesis (API Reference, "Common parameters").
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The operation in that protocol.
const OPERATION: &str = "Kinesis_20131202.PutRecords";

/// What the service sees as our name.
const USER_AGENT: &str = concat!("activity_stream/", env!("CARGO_PKG_VERSION"));

/// The SDK's name of Signature Version 4.
const SIGV4: AuthSchemeId = AuthSchemeId::new("sigv4");

/// Room in a body for a record besides its data: names, punctuation, a partition key.
const BYTES_BESIDE_DATA: usize = 96;

/// Longest answer that is read: 500 records with a message each, and then some.
const MAX_ANSWER_BYTES: usize = 1 << 20;

pub(super) type Failure = SdkError<PutRecordsError, HttpResponse>;

/// How requests reach a stream's service.
#[derive(Debug)]
pub(super) struct Direct {
    uri: String,
    signer: Signer,
    clock: ServiceClock,
    connector: SharedHttpConnector,
    attempt_timeout: Duration,
    identity_cache: SharedIdentityCache,
    identity_resolver: SharedIdentityResolver,
    components: RuntimeComponents,
    config: ConfigBag,
    /// To be dropped when they are refused.
    identities: Identities,
}

impl Direct {
    /// What a signed request of the SDK and what it was made with tell. `None` where anything is otherwise than it is known here:
    /// then the SDK goes on to make all requests.
    pub(super) fn of(
        request: &HttpRequest,
        components: &RuntimeComponents,
        config: &ConfigBag,
        identities: &Identities,
    ) -> Option<Self> {
        let uri = request.uri().parse::<http::Uri>().ok()?;
        if uri.path() != "/" || uri.query().is_some() {
            return None;
        }
        let target = Target {
            host: signed_host(&uri)?,
            content_type: CONTENT_TYPE,
            operation: OPERATION,
            scope: Scope::of(request.headers().get("authorization")?)?,
        };
        let timeouts = config.load::<TimeoutConfig>()?;
        let mut settings = HttpConnectorSettings::builder();
        settings.set_connect_timeout(timeouts.connect_timeout());
        settings.set_read_timeout(timeouts.read_timeout());
        Some(Self {
            uri: request.uri().to_owned(),
            signer: Signer::new(target),
            clock: ServiceClock::default(),
            connector: components.http_client()?.http_connector(&settings.build(), components),
            attempt_timeout: timeouts.operation_attempt_timeout()?,
            identity_cache: components.identity_cache(),
            identity_resolver: components.identity_resolver(SIGV4)?,
            components: components.clone(),
            config: ConfigBag::base(),
            identities: identities.clone(),
        })
    }

    /// One attempt, from the credentials to the last byte of the answer.
    pub(super) async fn put<'a>(
        &self,
        stream_name: &str,
        records: impl ExactSizeIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Vec<Entry>, Failure> {
        let body = body(stream_name, records).map_err(SdkError::construction_failure)?;
        let (limit, connection) = (self.attempt_timeout, CaptureSmithyConnection::new());
        let ended = match tokio::time::timeout(limit, self.send(body, &connection)).await {
            Ok(ended) => ended,
            Err(_) => {
                Err(SdkError::timeout_error(format!("no answer within {} seconds", limit.as_secs_f64())))
            }
        };
        if ended.as_ref().is_err_and(blames_connection)
            && let Some(connection) = connection.get()
        {
            connection.poison();
        }
        ended
    }

    /// `connection` is told over which one the request went.
    async fn send(&self, body: String, connection: &CaptureSmithyConnection) -> Result<Vec<Entry>, Failure> {
        let credentials = self.credentials().await.map_err(dispatch_failure)?;
        let mut request = self.signed(&credentials, body).map_err(SdkError::construction_failure)?;
        request.add_extension(connection.clone());
        let mut response = self.connector.call(request).await.map_err(SdkError::dispatch_failure)?;
        match read(response.take_body()).await {
            Ok(body) => *response.body_mut() = SdkBody::from(body),
            Err(broken) => return Err(SdkError::response_error(broken, response)),
        }
        if !response.status().is_success() {
            return Err(self.refused(response));
        }
        let body = response.body().bytes().unwrap_or_default();
        answer::entries(body).map_err(|unreadable| SdkError::response_error(unreadable, response))
    }

    async fn credentials(&self) -> Result<Credentials, BoxError> {
        let identity = self
            .identity_cache
            .resolve_cached_identity(self.identity_resolver.clone(), &self.components, &self.config)
            .await?;
        identity.data::<Credentials>().cloned().ok_or_else(|| "the identity is no AWS credentials".into())
    }

    fn signed(&self, credentials: &Credentials, body: String) -> Result<HttpRequest, BoxError> {
        let signed = self.signer.sign(credentials, body.as_bytes(), self.clock.at(SystemTime::now()));
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST")?;
        request.set_uri(self.uri.as_str())?;
        let headers = request.headers_mut();
        headers.try_insert("content-type", CONTENT_TYPE)?;
        headers.try_insert("x-amz-target", OPERATION)?;
        headers.try_insert("user-agent", USER_AGENT)?;
        headers.try_insert("x-amz-date", signed.date)?;
        headers.try_insert("authorization", signed.authorization)?;
        if let Some(token) = credentials.session_token() {
            headers.try_insert("x-amz-security-token", token.to_owned())?;
        }
        Ok(request)
    }

    /// The error that an answer is, with what it means for the next request.
    fn refused(&self, response: HttpResponse) -> Failure {
        self.clock.learn(response.headers().get("date"), SystemTime::now());
        if is_refusal(&response) {
            self.identities.drop_all();
        }
        let (code, message) = answer::error(&response);
        let mut metadata = ErrorMetadata::builder();
        if let Some(code) = code {
            metadata = metadata.code(code);
        }
        if let Some(message) = message {
            metadata = metadata.message(message);
        }
        SdkError::service_error(PutRecordsError::generic(metadata.build()), response)
    }
}

/// Whether the next request had better go over another connection: this one gave no answer, half of one, or leads to a host that fails.
fn blames_connection(failure: &Failure) -> bool {
    match failure {
        SdkError::ServiceError(refused) => refused.raw().status().is_server_error(),
        SdkError::ConstructionFailure(_) => false,
        _ => true,
    }
}

fn dispatch_failure(error: BoxError) -> Failure {
    SdkError::dispatch_failure(ConnectorError::other(error, None))
}

/// The host as a signature has it: with its port, unless that is the scheme's own.
fn signed_host(uri: &http::Uri) -> Option<String> {
    let host = uri.host()?;
    let own = match uri.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return None,
    };
    Some(match uri.port_u16() {
        Some(port) if port != own => format!("{host}:{port}"),
        _ => host.to_owned(),
    })
}

/// The request as the API has it. Base64 needs no escapes; names and keys may.
fn body<'a>(
    stream_name: &str,
    records: impl ExactSizeIterator<Item = (&'a str, &'a [u8])>,
) -> Result<String, BoxError> {
    let records = records.collect::<Vec<_>>();
    let room = |data: &[u8]| data.len().div_ceil(3) * 4 + BYTES_BESIDE_DATA;
    let room = BYTES_BESIDE_DATA + records.iter().map(|(_, data)| room(data)).sum::<usize>();
    let mut body = String::with_capacity(room);
    write!(body, r#"{{"StreamName":{},"Records":["#, serde_json::to_string(stream_name)?)?;
    for (index, (key, data)) in records.into_iter().enumerate() {
        body.push_str(if index == 0 { r#"{"Data":""# } else { r#",{"Data":""# });
        STANDARD.encode_string(data, &mut body);
        write!(body, r#"","PartitionKey":{}}}"#, serde_json::to_string(key)?)?;
    }
    body.push_str("]}");
    Ok(body)
}

/// A whole body, if it is one of an answer's size.
async fn read(body: SdkBody) -> Result<Vec<u8>, BoxError> {
    let (mut stream, mut read) = (ByteStream::new(body), Vec::new());
    while let Some(part) = stream.next().await {
        read.extend_from_slice(&part?);
        if read.len() > MAX_ANSWER_BYTES {
            return Err(format!("the answer is longer than {MAX_ANSWER_BYTES} bytes").into());
        }
    }
    Ok(read)
}
