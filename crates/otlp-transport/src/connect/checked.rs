//! The check that what says `https` never goes out in clear text, whatever connectors are stacked below.
//!
//! Used by the terminals, between their pool and the connector given to them. Makes no connection itself.

use super::{Alpn, Connect, ConnectFuture};
use crate::{BoxError, Endpoint, Target};
use std::error::Error;
use std::fmt;
use std::task::{Context, Poll};
use tower::Service;

/// A connector whose connections are checked against the endpoint: those of a secure one must be secure, and talk the
/// terminal's protocol.
///
/// **Clone** clones the connector inside. **Readiness** is that of the connector inside.
#[derive(Debug, Clone)]
pub(crate) struct Checked<C> {
    connector: C,
    secure: bool,
    alpn: Alpn,
}

impl<C> Checked<C> {
    /// `connector` for `endpoint` and a terminal that speaks `alpn`.
    pub(crate) fn new(endpoint: &Endpoint, alpn: Alpn, connector: C) -> Self {
        Self { connector, secure: endpoint.is_secure(), alpn }
    }
}

impl<C: Connect> Service<Target> for Checked<C> {
    type Response = super::Connection;
    type Error = BoxError;
    type Future = ConnectFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, target: Target) -> ConnectFuture {
        let (secure, wanted) = (self.secure, self.alpn);
        let connecting = self.connector.call(target);
        ConnectFuture::new(async move {
            let connection = connecting.await.map_err(Into::into)?;
            match connection.alpn() {
                None if secure => Err(Unfit::ClearText.into()),
                Some(found) if found != wanted => Err(Unfit::Protocol { wanted, found }.into()),
                _ => Ok(connection),
            }
        })
    }
}

/// A connection that the terminal can't use: the stack was put together wrongly.
#[derive(Debug)]
enum Unfit {
    ClearText,
    Protocol { wanted: Alpn, found: Alpn },
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClearText => f.write_str(
                "the endpoint is https, but the connector makes connections in clear text, which are not used; \
                 wrap it in a TlsLayer",
            ),
            Self::Protocol { wanted, found } => {
                write!(
                    f,
                    "the connector negotiated {found}, and this terminal speaks {wanted}; \
                     make the TlsLayer with the other Alpn"
                )
            }
        }
    }
}

impl Error for Unfit {}

#[cfg(test)]
mod tests {
    use super::super::Connection;
    use super::*;
    use tower::ServiceExt;

    async fn connect(endpoint: &str, made: Option<Alpn>) -> Result<Connection, BoxError> {
        let connector = tower::service_fn(move |_: Target| async move {
            let (ours, _) = tokio::io::duplex(1);
            Ok::<_, BoxError>(match made {
                Some(alpn) => Connection::secure(ours, alpn),
                None => Connection::new(ours),
            })
        });
        let endpoint: Endpoint = endpoint.parse()?;
        Checked::new(&endpoint, Alpn::H2, connector).oneshot(endpoint.target().clone()).await
    }

    #[tokio::test]
    async fn clear_text_is_for_clear_text_endpoints_only() {
        // conf: TLS-09, HTTP-21
        assert!(!connect("http://h", None).await.unwrap().is_secure());
        if cfg!(feature = "_tls") {
            let error = connect("https://h", None).await.unwrap_err();
            assert!(error.to_string().contains("wrap it in a TlsLayer"), "{error}");
            assert!(connect("https://h", Some(Alpn::H2)).await.unwrap().is_secure());
        }
    }

    #[tokio::test]
    async fn a_connection_for_another_protocol_is_not_used() {
        // conf: TLS-10
        let error = connect("http://h", Some(Alpn::Http1)).await.unwrap_err();
        assert!(error.to_string().starts_with("the connector negotiated http/1.1"), "{error}");
    }
}
