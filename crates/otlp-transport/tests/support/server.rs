//! A small scripted HTTP server on an ephemeral port, and what it saw.
//!
//! Used by the tests of the terminals. It decodes nothing: tests look at the bytes.

#![allow(dead_code, reason = "every test file uses another part of it")]

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, Version};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use otlp_transport::{BoxConnector, Connection};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;

/// One request as the server saw it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The number of the connection it came on, from zero.
    pub(crate) connection: usize,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// What the server answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    status: u16,
    headers: HeaderMap,
    frames: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
    hang: bool,
    silent: bool,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// A gRPC answer: one message frame and trailers.
    pub(crate) fn grpc(message: &[u8], grpc_status: &str) -> Self {
        Self::status(200)
            .header("content-type", "application/grpc")
            .frame(&framed(0, message))
            .trailer("grpc-status", grpc_status)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        self
    }

    pub(crate) fn frame(mut self, data: &[u8]) -> Self {
        self.frames.push_back(Bytes::copy_from_slice(data));
        self
    }

    pub(crate) fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers
            .get_or_insert_default()
            .append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    /// Never ends the body.
    pub(crate) fn then_hang(mut self) -> Self {
        self.hang = true;
        self
    }

    /// Never answers at all.
    pub(crate) fn silence() -> Self {
        Self { silent: true, ..Self::default() }
    }
}

/// A gRPC message frame.
pub(crate) fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let mut frame = vec![flag];
    frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(message);
    frame
}

struct ReplyBody(Reply);

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(data) = self.0.frames.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if self.0.hang {
            return Poll::Pending;
        }
        Poll::Ready(self.0.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.frames.is_empty() && !self.0.hang && self.0.trailers.is_none()
    }
}

/// A running server; it ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: mpsc::UnboundedReceiver<Seen>,
}

impl Server {
    /// Answers call number `n` with `script(n)`.
    pub(crate) async fn start(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (handler, seen) = Handler::new(script);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                handler.serve(stream);
            }
        });
        Self { url, seen }
    }

    /// Always gives the same answer.
    pub(crate) async fn answering(reply: Reply) -> Self {
        Self::start(move |_| reply.clone()).await
    }

    /// A server without sockets, for tests in paused time, and the connector that leads to it.
    pub(crate) fn in_memory(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Self, BoxConnector) {
        let (handler, seen) = Handler::new(script);
        let connector = BoxConnector::new(tower::service_fn(move |_| {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            handler.serve(theirs);
            async move { Ok::<_, Infallible>(Connection::new(ours)) }
        }));
        (Self { url: "http://collector:4317".to_owned(), seen }, connector)
    }

    /// The same on a unix domain socket.
    pub(crate) async fn on_unix_socket(path: &std::path::Path, reply: Reply) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let (handler, seen) = Handler::new(move |_| reply.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                handler.serve(stream);
            }
        });
        Self { url: format!("unix://{}", path.display()), seen }
    }

    /// The next request; waits for it.
    pub(crate) async fn seen(&mut self) -> Seen {
        self.seen.recv().await.unwrap()
    }

    /// Whether no request came that was not looked at.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.seen.try_recv().is_err()
    }
}

#[derive(Clone)]
struct Handler {
    script: Arc<dyn Fn(usize) -> Reply + Send + Sync>,
    sender: mpsc::UnboundedSender<Seen>,
    calls: Arc<std::sync::atomic::AtomicUsize>,
    connections: Arc<std::sync::atomic::AtomicUsize>,
}

impl Handler {
    fn new(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Self, mpsc::UnboundedReceiver<Seen>) {
        let (sender, seen) = mpsc::unbounded_channel();
        let handler =
            Self { script: Arc::new(script), sender, calls: Arc::default(), connections: Arc::default() };
        (handler, seen)
    }

    fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        use std::sync::atomic::Ordering::SeqCst;
        let handler = self.clone();
        let connection = self.connections.fetch_add(1, SeqCst);
        let service = service_fn(move |request: Request<Incoming>| {
            let handler = handler.clone();
            async move {
                let (head, mut body) = request.into_parts();
                let mut bytes = Vec::new();
                while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                    bytes.extend(frame?.into_data().unwrap_or_default());
                }
                let call = handler.calls.fetch_add(1, SeqCst);
                let _ = handler.sender.send(Seen {
                    method: head.method,
                    uri: head.uri,
                    version: head.version,
                    headers: head.headers,
                    body: bytes.into(),
                    connection,
                });
                let reply = (handler.script)(call);
                if reply.silent {
                    return std::future::pending().await;
                }
                let mut response = Response::builder().status(reply.status);
                *response.headers_mut().unwrap() = reply.headers.clone();
                Ok::<_, hyper::Error>(response.body(ReplyBody(reply)).unwrap())
            }
        });
        tokio::spawn(async move {
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
