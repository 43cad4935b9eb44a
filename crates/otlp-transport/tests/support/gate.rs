//! A server that answers when the test says so, over pipes in memory, and what it knows of its connections.
//!
//! Used by the tests of the pool.

#![allow(dead_code, reason = "every test file uses another part of it")]

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use otlp_model::{ExportRequest, Signal};
use otlp_transport::{BoxConnector, Connection};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tokio::sync::{mpsc, oneshot};

/// A request that waits for its answer.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The number of the connection it came on, from zero.
    pub(crate) connection: usize,
    pub(crate) body: Bytes,
    answer: oneshot::Sender<()>,
}

impl Arrival {
    pub(crate) fn answer(self) {
        let _ = self.answer.send(());
    }
}

pub(crate) struct Gate {
    pub(crate) connector: BoxConnector,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    ends: mpsc::UnboundedReceiver<usize>,
}

impl Gate {
    /// Takes `streams` requests at once on an HTTP/2 connection.
    pub(crate) fn new(streams: impl Into<Option<u32>>) -> Self {
        let streams = streams.into();
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let (ended, ends) = mpsc::unbounded_channel();
        let count = Arc::new(AtomicUsize::new(0));
        let connector = BoxConnector::new(tower::service_fn(move |_| {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            let (arrived, ended) = (arrived.clone(), ended.clone());
            let connection = count.fetch_add(1, SeqCst);
            let service = service_fn(move |request: http::Request<Incoming>| {
                let arrived = arrived.clone();
                async move {
                    let mut body = request.into_body();
                    let mut bytes = Vec::new();
                    while let Some(frame) =
                        std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
                    {
                        bytes.extend(frame?.into_data().unwrap_or_default());
                    }
                    let (answer, answered) = oneshot::channel();
                    let _ = arrived.send(Arrival { connection, body: bytes.into(), answer });
                    let _ = answered.await;
                    let response = http::Response::builder()
                        .header("content-type", "application/grpc")
                        .header("grpc-status", "0");
                    Ok::<_, hyper::Error>(response.body(String::new()).unwrap())
                }
            });
            tokio::spawn(async move {
                let mut server = auto::Builder::new(TokioExecutor::new());
                server.http2().max_concurrent_streams(streams);
                let _ = server.serve_connection(TokioIo::new(theirs), service).await;
                let _ = ended.send(connection);
            });
            async move { Ok::<_, Infallible>(Connection::new(ours)) }
        }));
        Self { connector, arrivals, ends }
    }

    /// The next request; waits for it.
    pub(crate) async fn arrival(&mut self) -> Arrival {
        self.arrivals.recv().await.unwrap()
    }

    /// Whether no request came that was not looked at.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.arrivals.is_empty()
    }

    /// The number of the next connection that ends; waits for it.
    pub(crate) async fn end(&mut self) -> usize {
        self.ends.recv().await.unwrap()
    }
}

/// A request with a number.
pub(crate) fn request(number: u8) -> ExportRequest {
    ExportRequest::new(Signal::Traces, 1, Bytes::copy_from_slice(&[number]))
}
