//! The HTTP client beneath both terminals: a request takes a connection of the pool, and its answer gives it back.
//!
//! Used by the terminals through `Service<http::Request<Payload>>` alone. Never follows redirects, never sends again what
//! may have reached the server.

mod failure;
mod response_body;

pub(crate) use failure::broken;
#[cfg(feature = "grpc")]
pub(crate) use failure::{Unprocessed, unprocessed};
pub(crate) use response_body::ResponseBody;

use crate::payload::Payload;
use crate::pool::{Pool, Protocol};
use crate::{BoxError, Connect, Endpoint, ExportFuture, PoolConfig, PoolConfigError, PoolHandle};
use http::{Request, Response};
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::Service;

/// How often a request may find that its connection had died before anything was sent on it.
const STALE_CONNECTIONS: usize = 3;

/// A client for one endpoint. Clones share its connections.
///
/// Must be called within a tokio runtime, on which it spawns one task per connection and one for all.
pub(crate) struct Client<C>(Arc<Parts<C>>);

struct Parts<C> {
    pool: Pool,
    endpoint: Endpoint,
    connector: C,
    protocol: Protocol,
}

impl<C: Connect> Client<C> {
    pub(crate) fn new(endpoint: Endpoint, connector: C, protocol: Protocol) -> Self {
        Self::build(endpoint, connector, protocol, PoolConfig::default())
    }

    /// The same client with other connections.
    pub(crate) fn with_pool(&self, config: PoolConfig) -> Result<Self, PoolConfigError> {
        config.validate()?;
        let Parts { endpoint, connector, protocol, .. } = &*self.0;
        Ok(Self::build(endpoint.clone(), connector.clone(), *protocol, config))
    }

    fn build(endpoint: Endpoint, connector: C, protocol: Protocol, config: PoolConfig) -> Self {
        let pool = Pool::new(endpoint.clone(), connector.clone(), protocol, config);
        Self(Arc::new(Parts { pool, endpoint, connector, protocol }))
    }
}

impl<C> Client<C> {
    pub(crate) fn pool(&self) -> PoolHandle {
        self.0.pool.handle()
    }
}

impl<C> Parts<C> {
    async fn send(&self, mut request: Request<Payload>) -> Result<Response<ResponseBody>, BoxError> {
        let mut stale = 0;
        loop {
            let mut connection = self.pool.acquire().await?;
            let mut error = match connection.send(request).await {
                Ok(response) => return Ok(response.map(|body| ResponseBody::new(body, connection))),
                Err(error) => error,
            };
            match error.take_message() {
                // Nothing was sent, so that this is no retry.
                Some(unsent) if stale < STALE_CONNECTIONS => (stale, request) = (stale + 1, unsent),
                _ => return Err(broken(&self.endpoint, error.into_error().into())),
            }
        }
    }
}

impl<C> Clone for Client<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> fmt::Debug for Client<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.0.endpoint).finish_non_exhaustive()
    }
}

impl<C: Connect> Service<Request<Payload>> for Client<C> {
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = ExportFuture<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Payload>) -> Self::Future {
        let parts = Arc::clone(&self.0);
        ExportFuture::new(async move { parts.send(request).await })
    }
}
