//! The HTTP client beneath both terminals: connections kept, opened lazily, given up when they misbehave.
//!
//! Used by the terminals through `Service<http::Request<Payload>>` alone, so that the connection pool with its own
//! statistics can take this place. Never follows redirects, never retries what may have reached the server.

mod failure;
mod response_body;

#[cfg(feature = "grpc")]
pub(crate) use failure::{broken, was_unprocessed};
pub(crate) use response_body::ResponseBody;

use crate::payload::Payload;
use crate::terminal::HEAD_LIMIT;
use crate::{BoxError, Connect, Connection, Endpoint, ExportFuture, Target};
use failure::failure;
use http::{Request, Response, Uri};
use hyper_util::client::legacy::Client as Legacy;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use response_body::OnAbandon;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Service, ServiceExt};

/// A client for one endpoint.
///
/// Must be called within a tokio runtime, on which it spawns one task per connection.
pub(crate) struct Client<C> {
    inner: Legacy<Dial<C>, Payload>,
    endpoint: Endpoint,
}

impl<C: Connect> Client<C> {
    /// HTTP/1.1 with keep-alive (HTTP-06).
    #[cfg(feature = "http")]
    pub(crate) fn http1(endpoint: Endpoint, connector: C) -> Self {
        let mut builder = builder();
        builder.http1_max_buf_size(HEAD_LIMIT);
        Self { inner: builder.build(Dial::new(&endpoint, connector)), endpoint }
    }

    /// HTTP/2 without negotiation, as gRPC in clear text is.
    ///
    /// Keep-alive pings are off, because servers answer eager ones with GOAWAY (GRPC-25).
    ///
    /// HTTP/2 hands its frames to the connection one by one, 16 KiB with the receivers there are. A writer in between that
    /// joined 4 or 16 of them saved system calls and no time: the copy cost as much.
    #[cfg(feature = "grpc")]
    pub(crate) fn http2(endpoint: Endpoint, connector: C) -> Self {
        let mut builder = builder();
        builder
            .http2_only(true)
            // How much of a request is handed to HTTP/2 ahead of the server's window. It is not copied, only queued.
            .http2_max_send_buf_size(4 * 1024 * 1024)
            .http2_max_header_list_size(HEAD_LIMIT as u32);
        Self { inner: builder.build(Dial::new(&endpoint, connector)), endpoint }
    }
}

fn builder() -> hyper_util::client::legacy::Builder {
    let mut builder = Legacy::builder(TokioExecutor::new());
    builder.timer(TokioTimer::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(90));
    builder
}

impl<C: Clone> Clone for Client<C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), endpoint: self.endpoint.clone() }
    }
}

impl<C> fmt::Debug for Client<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl<C: Connect> Service<Request<Payload>> for Client<C> {
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = ExportFuture<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Payload>) -> Self::Future {
        // A request abandoned before its answer is complete, because the attempt's time is over, says that this
        // connection may be dead: the next attempt shall not wait on it again (SURV-21).
        let abandoned = OnAbandon::new(capture_connection(&mut request));
        let response = self.inner.request(request);
        let endpoint = self.endpoint.clone();
        ExportFuture::new(async move {
            match response.await {
                Ok(response) => Ok(response.map(|body| ResponseBody::new(body, abandoned))),
                Err(error) => {
                    abandoned.disarm();
                    Err(failure(&endpoint, error))
                }
            }
        })
    }
}

/// What the client needs of a connector: always the endpoint's target, whatever the URI.
#[derive(Clone)]
pub(crate) struct Dial<C> {
    connector: C,
    target: Target,
}

impl<C> Dial<C> {
    fn new(endpoint: &Endpoint, connector: C) -> Self {
        Self { connector, target: endpoint.target().clone() }
    }
}

impl<C: Connect> Service<Uri> for Dial<C> {
    type Response = TokioIo<Connection>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // The connector is asked when there is a target for it, in `call`.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connecting = self.connector.clone().oneshot(self.target.clone());
        Box::pin(async move { connecting.await.map(TokioIo::new).map_err(Into::into) })
    }
}
