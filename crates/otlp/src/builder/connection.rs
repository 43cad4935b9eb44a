//! Builder options about the making of connections.
//!
//! Those of the pool are in `connection_pool`, those of TLS in `tls`.

use super::{ClientBuilder, ProxyChoice};
use std::time::Duration;

impl ClientBuilder {
    /// How long making a connection may take, a proxy's answer and the TLS handshake included; above zero. Default 10 s.
    pub fn with_connect_timeout(self, timeout: Duration) -> Self {
        Self { connect_timeout: timeout, ..self }
    }

    /// The HTTP proxy to go through: `http://proxy:3128`, or `http://user:password@proxy:3128` with both percent-encoded.
    ///
    /// Default: as the environment says when the client is built, like other exporters. `HTTPS_PROXY` is for `https`
    /// endpoints, `HTTP_PROXY` for others, `ALL_PROXY` for both, also in lower case; endpoints in `NO_PROXY`, at `localhost`
    /// or at a loopback address have none. A proxy that is set here holds for every endpoint; only unix sockets never have one.
    ///
    /// The proxy is asked for a tunnel (CONNECT) to the endpoint, over which gRPC and HTTP go as without it. The password
    /// is a secret, as headers are.
    pub fn with_proxy(self, url: impl Into<String>) -> Self {
        Self { proxy: ProxyChoice::Url(url.into()), ..self }
    }

    /// No proxy, whatever the environment says; see [`with_proxy`](Self::with_proxy).
    pub fn without_proxy(self) -> Self {
        Self { proxy: ProxyChoice::Off, ..self }
    }
}
