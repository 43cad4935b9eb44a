//! TLS: a layer around any connector, which makes its connections encrypted ones to an authenticated server.
//!
//! Used between a terminal and the connectors that dial. Decides nothing about which endpoints are secure: the scheme of
//! the endpoint does. Never installs anything process-wide, never starts a task or a timer of its own, never logs.

mod builder;
mod config_error;
mod error;
mod live;
mod pem;
mod rustls_config;
mod stream;

pub use builder::TlsBuilder;
pub use config_error::TlsConfigError;
pub use error::{TlsError, TlsErrorKind};
pub use live::TlsStatus;
pub use pem::Pem;

use crate::connect::within;
use crate::{Alpn, BoxError, Connect, ConnectFuture, Connection, Target};
use error::{Handshake, Offer};
use live::Live;
use rustls::pki_types::ServerName;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use stream::TlsStream;
use tokio_rustls::TlsConnector;
use tower::{Layer, Service};

/// Puts TLS around the connections of a connector.
///
/// Servers are verified, by the roots of the platform unless the builder names others, and by the name that the target
/// has. TLS 1.2 and 1.3. The certificate, key and CA **files are read again for every connection that is made**; when
/// they have changed, the connection uses the new ones, and when those are no good, the ones before
/// ([`status`](Self::status) tells). There is no watcher and no timer: a client without new connections reads nothing.
///
/// The layers made by cloning this one, and their services, share what was read.
///
/// ```
/// use otlp_transport::{Alpn, Connector, TlsLayer};
/// use tower::ServiceBuilder;
/// # #[cfg(feature = "grpc")]
/// # fn stack() -> Result<(), otlp_transport::BoxError> {
/// let tls = TlsLayer::builder(Alpn::H2).build()?;
/// let connector = ServiceBuilder::new().layer(tls).service(Connector::new());
/// let grpc = otlp_transport::Grpc::with_connector("https://collector:4317".parse()?, connector);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct TlsLayer {
    live: Arc<Live>,
    timeout: Duration,
}

impl TlsLayer {
    /// A layer for connections that speak `alpn`: [`Alpn::H2`] for gRPC, [`Alpn::Http1`] for OTLP/HTTP.
    pub fn builder(alpn: Alpn) -> TlsBuilder {
        TlsBuilder::new(alpn)
    }

    /// Whether files were read again, and what is wrong with the ones that could not be used.
    #[must_use]
    pub fn status(&self) -> TlsStatus {
        self.live.status()
    }
}

impl<C> Layer<C> for TlsLayer {
    type Service = Tls<C>;

    fn layer(&self, inner: C) -> Tls<C> {
        Tls { inner, live: Arc::clone(&self.live), timeout: self.timeout }
    }
}

/// A connector that makes TLS connections over those of another: [`TlsLayer`] makes it.
///
/// - **Position**: outermost of the connectors, right below the terminal with its pool: proxies, name resolution and
///   sockets are the inner connector's and see no cleartext.
/// - **Clone**: clones the connector inside and shares what was read from files.
/// - **Readiness**: that of the connector inside.
///
/// The files are read on the calling task, once a connection stands: a few kilobytes, at most 1 MiB each, from regular
/// files only. Put them on a local file system; one that hangs holds up the thread.
///
/// Fails with a [`TlsError`] that says why and what to do; trying again later may help, as the server or the files may have
/// been mended. Cancel safety: dropping the future gives the connection up.
///
/// ```
/// use otlp_transport::{Alpn, Connect, Connection, Connector, Pem, Target, TlsLayer};
/// use tower::{Layer, Service, ServiceExt};
/// # async fn connect() -> Result<(), otlp_transport::BoxError> {
/// let tls = TlsLayer::builder(Alpn::Http1).ca(Pem::file("/etc/otlp/ca.pem")).build()?;
/// let target = Target::Tcp { host: "collector.internal".into(), port: 4318 };
/// let connection: Connection = tls.layer(Connector::new()).oneshot(target).await?;
/// assert!(connection.is_secure());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Tls<C> {
    inner: C,
    live: Arc<Live>,
    timeout: Duration,
}

impl<C> fmt::Debug for Tls<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("live", &self.live)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<C: Connect> Service<Target> for Tls<C> {
    type Response = Connection;
    type Error = BoxError;
    type Future = ConnectFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, target: Target) -> ConnectFuture {
        let live = Arc::clone(&self.live);
        let name = live.server_name().map_or_else(|| name_of(&target), Ok);
        let connecting = self.inner.call(target);
        let secured = async move {
            let name = name?;
            let stream = connecting.await.map_err(Into::into)?;
            handshake(&live, name, stream).await.map_err(Into::into)
        };
        ConnectFuture::new(within(self.timeout, "no connection, TLS handshake included,", secured))
    }
}

/// The name that the server's certificate must have, and that is sent in the handshake (SNI; addresses are not sent).
fn name_of(target: &Target) -> Result<ServerName<'static>, TlsError> {
    match target {
        Target::Tcp { host, .. } => {
            ServerName::try_from(host.clone()).map_err(|_| TlsError::unnameable(host))
        }
        // As in `Endpoint::authority`.
        Target::Unix { .. } => {
            ServerName::try_from("localhost").map_err(|_| TlsError::unnameable("localhost"))
        }
    }
}

async fn handshake(
    live: &Live,
    name: ServerName<'static>,
    stream: Connection,
) -> Result<Connection, TlsError> {
    let (config, stale) = live.current();
    let offer = Offer { alpn: live.alpn(), identified: live.has_identity() };
    match TlsConnector::from(config).connect(name, stream).await {
        Ok(stream) => match (offer.alpn, stream.get_ref().1.alpn_protocol()) {
            // gRPC insists; an HTTP server that negotiates nothing speaks HTTP/1.1 (GRPC-24, TLS-10).
            (Alpn::H2, None) => Err(TlsError::no_protocol(offer.alpn)),
            _ => Ok(Connection::secure(TlsStream::new(stream, offer), offer.alpn)),
        },
        Err(error) => Err(Handshake { error, offer, stale }.into()),
    }
}
