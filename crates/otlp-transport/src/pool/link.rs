//! An open connection: what requests hold of it (`Link`), and the task that moves its bytes (`Driver`).
//!
//! One task for each connection, none for a request but those that HTTP/2 itself needs. The connection ends when the last
//! `Link` is dropped, at the latest a little later: a peer that vanished cannot hold the task.

#[cfg(feature = "http")]
mod http1;
#[cfg(feature = "grpc")]
mod http2;

use super::core::Id;
use super::shared::Shared;
use crate::payload::Payload;
use crate::{BoxError, Connection};
use ::http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper_util::rt::TokioIo;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Sleep;

/// How long a connection that nobody uses any more may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// The protocol on the connections of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// One request at a time on a connection (HTTP-06).
    #[cfg(feature = "http")]
    Http1,
    /// Without negotiation, as gRPC in clear text is.
    #[cfg(feature = "grpc")]
    Http2,
}

impl Protocol {
    /// How many requests a connection takes at once, and whether that is only expected until its server says it.
    pub(super) const fn bound(self) -> (usize, bool) {
        match self {
            #[cfg(feature = "http")]
            Self::Http1 => (1, false),
            #[cfg(feature = "grpc")]
            Self::Http2 => (http2::EXPECTED_STREAMS, true),
        }
    }

    /// Begins to speak on `connection`.
    pub(super) async fn start(
        self,
        connection: Connection,
        #[cfg_attr(not(feature = "grpc"), expect(unused_variables, reason = "HTTP/1.1 has no pings"))] pings: Option<
            super::KeepAlive,
        >,
    ) -> Result<(Arc<Link>, Driver), BoxError> {
        let io = TokioIo::new(connection);
        match self {
            #[cfg(feature = "http")]
            Self::Http1 => http1::start(io).await,
            #[cfg(feature = "grpc")]
            Self::Http2 => http2::start(io, pings).await,
        }
    }
}

/// What requests hold of a connection.
#[derive(Debug)]
pub(super) struct Link {
    sender: Sender,
    /// Tells the driver by its drop that nobody uses the connection any more.
    _in_use: oneshot::Sender<()>,
}

#[derive(Debug)]
enum Sender {
    #[cfg(feature = "http")]
    Http1(http1::Sender),
    #[cfg(feature = "grpc")]
    Http2(http2::Sender),
}

impl Link {
    fn new(sender: Sender) -> (Arc<Self>, oneshot::Receiver<()>) {
        let (in_use, unused) = oneshot::channel();
        (Arc::new(Self { sender, _in_use: in_use }), unused)
    }

    pub(super) async fn send(
        &self,
        request: Request<Payload>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Payload>>> {
        match &self.sender {
            #[cfg(feature = "http")]
            Sender::Http1(sender) => sender.send(request).await,
            #[cfg(feature = "grpc")]
            Sender::Http2(sender) => sender.send(request).await,
        }
    }

    /// Whether the connection has room for another request now that one has ended; otherwise the driver says when it has.
    pub(super) fn is_free_again(
        &self,
        #[cfg_attr(not(feature = "http"), expect(unused_variables, reason = "HTTP/2 always has"))] well: bool,
    ) -> bool {
        match &self.sender {
            #[cfg(feature = "http")]
            Sender::Http1(sender) => sender.is_free_again(well),
            #[cfg(feature = "grpc")]
            Sender::Http2(_) => true,
        }
    }
}

/// Moves the bytes of a connection until it is closed.
pub(super) enum Driver {
    #[cfg(feature = "http")]
    Http1(Box<http1::Driver>),
    #[cfg(feature = "grpc")]
    Http2(Box<http2::Driver>),
}

impl Driver {
    /// Drives the connection that the pool knows as `id`, and tells the pool what becomes of it.
    pub(super) async fn run(self, shared: &Arc<Shared>, id: Id) {
        match self {
            #[cfg(feature = "http")]
            Self::Http1(driver) => driver.run(shared, id).await,
            #[cfg(feature = "grpc")]
            Self::Http2(driver) => driver.run(shared, id).await,
        }
    }
}

/// The end of a connection that nobody uses any more.
struct End {
    unused: Option<oneshot::Receiver<()>>,
    goodbye: Option<Pin<Box<Sleep>>>,
}

impl End {
    fn new(unused: oneshot::Receiver<()>) -> Self {
        Self { unused: Some(unused), goodbye: None }
    }

    /// Ready when the connection had its time to say goodbye.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(unused) = &mut self.unused
            && Pin::new(unused).poll(cx).is_ready()
        {
            self.unused = None;
            self.goodbye = Some(Box::pin(tokio::time::sleep(GOODBYE)));
        }
        match &mut self.goodbye {
            Some(goodbye) => goodbye.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
