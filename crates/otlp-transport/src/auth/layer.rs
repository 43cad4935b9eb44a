//! The layer that authenticates every attempt.

use super::cache::Lease;
use super::tokens::Tokens;
use super::{Credentials, Token};
use crate::export_service::take_ready;
use crate::{BoxError, ExportFuture, ExportService, GrpcCode, GrpcError, HttpError};
use otlp_model::{ExportRequest, ExportResponse, causes};
use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Layer, Service, ServiceExt};

/// How long a fetch may take unless told otherwise: shorter than an attempt usually may, so that the error which says
/// that it was the credentials comes first.
const DEFAULT_FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Adds the token of some [`Credentials`] to every request that passes.
///
/// - The token is fetched with the first request, and kept. Requests that come meanwhile wait, for as long as their
///   attempt has time; none is sent without.
/// - It is renewed ahead of its end ([`Token::with_lifetime`]), by one fetch at a time, while requests go on with the
///   old one. Nothing is fetched while nothing is sent.
/// - When a fetch fails, a token that still holds is used on. Without one, requests fail with a
///   [`CredentialsError`](crate::CredentialsError), which is retryable; the next fetch comes after half a second, then
///   later and later, up to half a minute.
/// - When the receiver refuses the token (HTTP 401, gRPC `UNAUTHENTICATED`), it is dropped, and the request sent once more
///   if another one can be had. If that is refused as well, or is the same, the refusal stands and is final. Refusals
///   make it fetch at most every 30 s.
///
/// A header that the request already has is left as it is, as with [`HeadersLayer`](crate::HeadersLayer).
///
/// - **Position**: below retry and the attempt timeout, which bounds the wait; above [`HeadersLayer`](crate::HeadersLayer),
///   so that the token goes before a configured header of its name.
/// - **Clone**: clones, and all services made by them, share the token. Give the three signals clones of one layer.
/// - **Readiness**: that of the inner service; the token is waited for in the future.
///
/// Must be called within a tokio runtime, on which it spawns the fetches.
///
/// ```
/// use otlp_model::{ExportRequest, ExportResponse};
/// use otlp_transport::{AuthLayer, BearerTokenFile, BoxError};
/// let stack = tower::ServiceBuilder::new()
///     .layer(AuthLayer::new(BearerTokenFile::new("/var/run/secrets/tokens/collector")))
///     .service_fn(|_: ExportRequest| async { Ok::<_, BoxError>(ExportResponse::success()) });
/// # drop(stack);
/// ```
#[derive(Clone)]
pub struct AuthLayer {
    tokens: Tokens,
    fetch_timeout: Duration,
}

impl AuthLayer {
    /// Authenticates with what `credentials` fetches.
    #[must_use]
    pub fn new(credentials: impl Credentials) -> Self {
        Self { tokens: Tokens::new(credentials), fetch_timeout: DEFAULT_FETCH_TIMEOUT }
    }

    /// Gives each fetch this much time; 5 s by default. Best less than an attempt has.
    #[must_use]
    pub fn with_fetch_timeout(mut self, timeout: Duration) -> Self {
        self.fetch_timeout = timeout;
        self
    }
}

impl fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer").field("fetch_timeout", &self.fetch_timeout).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        Auth { inner, layer: self.clone() }
    }
}

/// The service of [`AuthLayer`].
#[derive(Debug, Clone)]
pub struct Auth<S> {
    inner: S,
    layer: AuthLayer,
}

impl<S: ExportService + Clone> Service<ExportRequest> for Auth<S> {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ExportRequest) -> ExportFuture {
        let mut inner = take_ready(&mut self.inner);
        let AuthLayer { tokens, fetch_timeout } = self.layer.clone();
        ExportFuture::new(async move {
            let lease = tokens.get(fetch_timeout).await?;
            let error = match inner.call(authenticated(&request, &lease.token)).await {
                Err(error) if is_refusal(&error) => error,
                result => return result,
            };
            match another(&tokens, &lease, fetch_timeout).await? {
                Some(token) => inner.ready().await?.call(authenticated(&request, &token.token)).await,
                None => Err(error),
            }
        })
    }
}

/// The token to try after that of `lease` was refused; none if there is no other.
async fn another(tokens: &Tokens, lease: &Lease, timeout: Duration) -> Result<Option<Lease>, BoxError> {
    if !tokens.refused(lease) {
        return Ok(None);
    }
    let other = tokens.get(timeout).await.map_err(super::CredentialsError::after_refusal)?;
    Ok((other.token.headers() != lease.token.headers()).then_some(other))
}

/// `request` with the token's headers, but for those it has already: the more specific holds.
fn authenticated(request: &ExportRequest, token: &Token) -> ExportRequest {
    let mut request = request.clone();
    for (name, value) in token.headers().iter() {
        if !request.headers().iter().any(|(set, _)| set == name) {
            request.add_header(name, value);
        }
    }
    request
}

/// Whether the receiver says that it does not know who is asking. That one is known and may not (403) no token helps.
fn is_refusal(error: &BoxError) -> bool {
    causes(&**error).any(|error| {
        error.downcast_ref::<HttpError>().is_some_and(|error| error.status() == 401)
            || error
                .downcast_ref::<GrpcError>()
                .is_some_and(|error| error.code() == GrpcCode::Unauthenticated)
    })
}
