//! The connector layer that goes through a proxy.

use super::error::Problem;
use super::{ProxyError, ProxyUrl, tunnel};
use crate::{BoxError, Connect, ConnectFuture, Connection, Target};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Layer, Service};

/// How long it may take to get through the proxy unless told otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to every TCP target through an HTTP proxy, with CONNECT. Unix sockets are connected to as without it.
///
/// What is said to the receiver goes through the tunnel and concerns the proxy no more: HTTP/1.1, gRPC and TLS alike. So
/// the proxy must allow CONNECT to the receiver's port, also for endpoints in clear text.
///
/// A proxy that refuses, closes, answers nonsense or nothing is a [`ProxyError`], which says what to do. The terminals
/// take it as a connection that failed, which is retryable.
///
/// - **Position**: directly above the connector; below TLS, which is spoken through the tunnel, and the user's connector
///   layers.
/// - **Clone**: shares nothing but configuration; clones the inner connector.
/// - **Readiness**: that of the inner connector.
///
/// ```
/// use otlp_transport::{Connector, Endpoint, Grpc, ProxyLayer};
/// use tower::ServiceBuilder;
/// let connector = ServiceBuilder::new()
///     .layer(ProxyLayer::new("http://user:password@proxy.corp:3128".parse()?))
///     .service(Connector::new());
/// # #[cfg(feature = "grpc")]
/// let grpc = Grpc::with_connector("http://collector:4317".parse()?, connector);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ProxyLayer {
    url: Arc<ProxyUrl>,
    timeout: Duration,
}

impl ProxyLayer {
    /// Goes through the proxy at `url`.
    #[must_use]
    pub fn new(url: ProxyUrl) -> Self {
        Self { url: Arc::new(url), timeout: DEFAULT_TIMEOUT }
    }

    /// Tries for at most `timeout`, connecting to the proxy and waiting for its answer; 10 s by default, zero means without
    /// limit.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The proxy.
    #[must_use]
    pub fn url(&self) -> &ProxyUrl {
        &self.url
    }
}

impl<C> Layer<C> for ProxyLayer {
    type Service = Proxy<C>;

    fn layer(&self, inner: C) -> Proxy<C> {
        Proxy { inner, layer: self.clone() }
    }
}

/// The service of [`ProxyLayer`].
#[derive(Debug, Clone)]
pub struct Proxy<C> {
    inner: C,
    layer: ProxyLayer,
}

impl<C: Connect> Service<Target> for Proxy<C> {
    type Response = Connection;
    type Error = BoxError;
    type Future = ConnectFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, target: Target) -> ConnectFuture {
        if target.unix_path().is_some() {
            let connecting = self.inner.call(target);
            return ConnectFuture::new(async move { connecting.await.map_err(Into::into) });
        }
        let ProxyLayer { url, timeout } = self.layer.clone();
        let connecting = self.inner.call(url.target().clone());
        ConnectFuture::new(async move {
            let opening = async {
                let connection = connecting.await.map_err(|error| Problem::Unreachable(error.into()))?;
                tunnel::open(connection, &url, &target).await
            };
            let opened = if timeout.is_zero() {
                opening.await
            } else {
                let opened = tokio::time::timeout(timeout, opening).await;
                opened.unwrap_or(Err(Problem::Silent(timeout)))
            };
            opened.map_err(|problem| ProxyError::new((*url).clone(), target, problem).into())
        })
    }
}
