//! Connections to receivers: TCP and unix domain sockets, as a tower service that users can wrap or replace.
//!
//! Used by the terminals, which open connections lazily and keep them. Never speaks HTTP, never retries.

#[cfg(any(feature = "grpc", feature = "http"))]
mod checked;

#[cfg(any(feature = "grpc", feature = "http"))]
pub(crate) use checked::Checked;

use crate::{BoxError, Target};
use hyper_util::client::legacy::connect::HttpConnector;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};

/// How long to try to connect unless told otherwise.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// A tower service that opens connections: a name for the bounds, implemented for everything that meets them.
///
/// This is the interface of the user's `connector_layer`, where proxies, name resolution and sockets go.
///
/// ```
/// use otlp_transport::{Connect, Connection, Target};
/// fn check(_: impl Connect) {}
/// // A connector that always goes to the same place, whatever the endpoint says.
/// check(tower::service_fn(|_: Target| async {
///     Ok::<_, std::io::Error>(Connection::new(tokio::net::TcpStream::connect("10.0.0.1:4317").await?))
/// }));
/// ```
pub trait Connect:
    Service<Target, Response = Connection, Error: Into<BoxError>, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Connect for S where
    S: Service<Target, Response = Connection, Error: Into<BoxError>, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Opens TCP connections and unix domain sockets.
///
/// TCP: all addresses of a name are tried, IPv6 and IPv4 side by side; Nagle's algorithm is off. On Linux a peer that
/// acknowledges nothing for 30 s is given up, so that a vanished host does not hold a connection for ever.
///
/// - **Clone**: shares nothing but configuration.
/// - **Readiness**: always ready.
///
/// Must be called within a tokio runtime. Cancel safety: dropping the future gives the connection up.
///
/// ```
/// use otlp_transport::Connector;
/// use std::time::Duration;
/// let connector = Connector::new().with_timeout(Duration::from_secs(3));
/// # drop(connector);
/// ```
#[derive(Debug, Clone)]
pub struct Connector {
    tcp: HttpConnector,
    timeout: Duration,
}

impl Connector {
    /// A connector that tries for at most 10 s, name resolution included.
    #[must_use]
    pub fn new() -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        tcp.set_tcp_user_timeout(Some(Duration::from_secs(30)));
        Self { tcp, timeout: DEFAULT_TIMEOUT }.with_keep_alive(true)
    }

    /// Whether the kernel probes connections that are silent: after 45 s, and then every 15 s, three times. Default `true`.
    ///
    /// So a peer that vanished is noticed while nothing is sent. No server counts these as pings.
    #[must_use]
    pub fn with_keep_alive(mut self, probed: bool) -> Self {
        self.tcp.set_keepalive(probed.then_some(Duration::from_secs(45)));
        self.tcp.set_keepalive_interval(probed.then_some(Duration::from_secs(15)));
        self.tcp.set_keepalive_retries(probed.then_some(3));
        self
    }

    /// Tries for at most `timeout`; zero means without limit.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Default for Connector {
    fn default() -> Self {
        Self::new()
    }
}

impl Service<Target> for Connector {
    type Response = Connection;
    type Error = BoxError;
    type Future = ConnectFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Target) -> ConnectFuture {
        let Self { tcp, timeout } = self.clone();
        let connecting = async move {
            match &target {
                Target::Tcp { .. } => {
                    let address = format!("http://{target}").parse::<http::Uri>()?;
                    let stream = tcp.oneshot(address).await?.into_inner();
                    Ok(Connection::new(stream))
                }
                #[cfg(unix)]
                Target::Unix { path } => Ok(Connection::new(tokio::net::UnixStream::connect(path).await?)),
                #[cfg(not(unix))]
                Target::Unix { .. } => Err(io::Error::from(io::ErrorKind::Unsupported).into()),
            }
        };
        ConnectFuture::new(within(timeout, "no connection", connecting))
    }
}

/// `connecting`, given up when `timeout` has passed, with an error that says `what` there was not; zero means without
/// limit.
pub(crate) async fn within<T>(
    timeout: Duration,
    what: &str,
    connecting: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, BoxError> {
    if timeout.is_zero() {
        return connecting.await;
    }
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("{what} within {timeout:?}"));
    tokio::time::timeout(timeout, connecting).await.unwrap_or_else(|_elapsed| Err(late().into()))
}

/// A connector whose type is erased.
///
/// **Clone** clones the connector inside. **Readiness** is that of the connector inside.
///
/// ```
/// use otlp_transport::{BoxConnector, Connector, Endpoint, Grpc};
/// use tower::ServiceBuilder;
/// // At most one connection is being opened at a time.
/// let connector = ServiceBuilder::new().concurrency_limit(1).service(Connector::new());
/// # #[cfg(feature = "grpc")]
/// let grpc: Grpc<BoxConnector> = Grpc::with_connector(Endpoint::default_grpc(), BoxConnector::new(connector));
/// ```
#[derive(Clone)]
pub struct BoxConnector(BoxCloneSyncService<Target, Connection, BoxError>);

impl BoxConnector {
    /// Erases the type of `connector`.
    pub fn new(connector: impl Connect) -> Self {
        Self(BoxCloneSyncService::new(connector.map_err(Into::into)))
    }
}

impl Service<Target> for BoxConnector {
    type Response = Connection;
    type Error = BoxError;
    type Future = ConnectFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, target: Target) -> ConnectFuture {
        ConnectFuture(self.0.call(target))
    }
}

impl fmt::Debug for BoxConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxConnector")
    }
}

/// The future of [`Connector`], [`BoxConnector`] and the connectors around them. Dropping it gives the connection up.
pub struct ConnectFuture(Pin<Box<dyn Future<Output = Result<Connection, BoxError>> + Send>>);

impl ConnectFuture {
    pub(crate) fn new(
        connecting: impl Future<Output = Result<Connection, BoxError>> + Send + 'static,
    ) -> Self {
        Self(Box::pin(connecting))
    }
}

impl Future for ConnectFuture {
    type Output = Result<Connection, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for ConnectFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectFuture")
    }
}

/// The protocol of a TLS connection, negotiated in its handshake (ALPN).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Alpn {
    /// `h2`: HTTP/2, and so gRPC.
    H2,
    /// `http/1.1`, which is also what a server means that negotiates nothing.
    Http1,
}

impl fmt::Display for Alpn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H2 => "h2",
            Self::Http1 => "http/1.1",
        })
    }
}

/// An open connection: any duplex stream of bytes.
///
/// ```
/// use otlp_transport::Connection;
/// let (ours, _theirs) = tokio::io::duplex(1024);
/// let connection = Connection::new(ours);
/// assert!(!connection.is_secure());
/// ```
pub struct Connection {
    stream: Pin<Box<dyn Duplex>>,
    secure: Option<Alpn>,
}

trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

impl Connection {
    /// The connection over `stream`.
    pub fn new(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        Self { stream: Box::pin(stream), secure: None }
    }

    /// The connection over `stream`, which is encrypted and leads to an authenticated server. For connectors that bring
    /// their own TLS: what says `https` goes over such connections only (TLS-09).
    ///
    /// ```
    /// use otlp_transport::{Alpn, Connection};
    /// # let (tls_stream, _theirs) = tokio::io::duplex(1024);
    /// let connection = Connection::secure(tls_stream, Alpn::H2);
    /// assert_eq!(connection.alpn(), Some(Alpn::H2));
    /// ```
    pub fn secure(stream: impl AsyncRead + AsyncWrite + Send + 'static, alpn: Alpn) -> Self {
        Self { stream: Box::pin(stream), secure: Some(alpn) }
    }

    /// Whether it is encrypted and its server authenticated.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure.is_some()
    }

    /// What was negotiated, of a secure connection.
    #[must_use]
    pub fn alpn(&self) -> Option<Alpn> {
        self.secure
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("secure", &self.secure).finish_non_exhaustive()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConnectError, Endpoint};

    #[tokio::test(start_paused = true)]
    async fn connecting_is_bounded_in_time() {
        // conf: TIME-02, TIME-03, HTTP-16
        let started = tokio::time::Instant::now();
        let error = within::<()>(DEFAULT_TIMEOUT, "no connection", std::future::pending()).await.unwrap_err();
        assert_eq!(started.elapsed(), DEFAULT_TIMEOUT);
        let error = ConnectError::new(Endpoint::default_grpc(), error);
        assert_eq!(error.io_kind(), Some(io::ErrorKind::TimedOut));
        assert_eq!(
            error.to_string(),
            "failed to connect to http://localhost:4317: no connection within 10s; \
             check the address, and that no firewall drops the connection"
        );
        let slow = async {
            tokio::time::sleep(10 * DEFAULT_TIMEOUT).await;
            Ok(())
        };
        within(Duration::ZERO, "", slow).await.unwrap();
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn the_kernel_is_told_when_to_give_a_silent_peer_up() {
        // conf: SURV-21
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: http::Uri = format!("http://{}", server.local_addr().unwrap()).parse().unwrap();
        let second = Duration::from_secs(1);
        for probed in [true, false] {
            let tcp = Connector::new().with_keep_alive(probed).tcp;
            let stream = tcp.oneshot(address.clone()).await.unwrap().into_inner();
            let socket = socket2::SockRef::from(&stream);
            assert!(socket.tcp_nodelay().unwrap());
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(30 * second));
            assert_eq!(socket.keepalive().unwrap(), probed);
            if probed {
                assert_eq!(socket.tcp_keepalive_time().unwrap(), 45 * second);
                assert_eq!(socket.tcp_keepalive_interval().unwrap(), 15 * second);
                assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
            }
        }
    }
}
