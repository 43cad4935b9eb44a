//! What is examined: an endpoint, how it is reached, and what is asked of it.
//!
//! Made once from the command line, read by the probes. Resolves nothing and connects nothing.

use super::plan::Scope;
use crate::exit::Trouble;
use crate::receiver::Receiver;
use crate::wire::Wire;
use otlp_model::Signal;
use otlp_transport::{
    Alpn, BoxConnector, Connector, Endpoint, Headers, ProxyLayer, Target, TlsConfigError, TlsLayer,
};
use std::time::Duration;
use tower::ServiceBuilder;

/// The patient.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) endpoint: Endpoint,
    pub(crate) wires: Vec<Wire>,
    pub(crate) signals: Vec<Signal>,
    pub(crate) receiver: Receiver,
    pub(crate) headers: Headers,
    pub(crate) proxy: Option<ProxyLayer>,
    pub(crate) timeout: Duration,
    pub(crate) real: bool,
    pub(crate) limits: bool,
}

impl Case {
    pub(crate) fn scope(&self) -> Scope {
        Scope {
            has_name: self.first_hop().unix_path().is_none(),
            has_proxy: self.proxy.is_some(),
            is_secure: self.endpoint.is_secure(),
            wires: self.wires.clone(),
            signals: self.signals.clone(),
            real: self.real,
            limits: self.limits,
        }
    }

    /// The signal of what is asked once, whatever the signal: one that the receiver is to take.
    pub(crate) fn signal(&self) -> Signal {
        self.signals.first().copied().unwrap_or(Signal::Traces)
    }

    /// What is connected to: the proxy, if there is one.
    pub(crate) fn first_hop(&self) -> Target {
        // A proxy's URL without its password is an endpoint's text, too.
        let proxy = self.proxy.as_ref().and_then(|proxy| proxy.url().to_string().parse::<Endpoint>().ok());
        proxy.as_ref().unwrap_or(&self.endpoint).target().clone()
    }

    pub(crate) fn port(&self) -> Option<u16> {
        match self.endpoint.target() {
            Target::Tcp { port, .. } => Some(*port),
            _ => None,
        }
    }

    /// Connections in clear text, through the proxy if there is one.
    pub(crate) fn plain(&self) -> BoxConnector {
        let connector = Connector::new().with_timeout(self.timeout);
        let proxy = self.proxy.clone().map(|proxy| proxy.with_timeout(self.timeout));
        BoxConnector::new(ServiceBuilder::new().option_layer(proxy).service(connector))
    }

    /// The connections that requests of `wire` take.
    pub(crate) fn connector(&self, wire: Wire) -> Result<BoxConnector, TlsConfigError> {
        if !self.endpoint.is_secure() {
            return Ok(self.plain());
        }
        let alpn = if wire.is_grpc() { Alpn::H2 } else { Alpn::Http1 };
        let tls = self.receiver.trusting(TlsLayer::builder(alpn).timeout(self.timeout)).build()?;
        Ok(BoxConnector::new(ServiceBuilder::new().layer(tls).service(self.plain())))
    }

    /// Encrypted connections to whoever is there.
    pub(crate) fn unverified(&self, alpn: Alpn) -> Result<BoxConnector, TlsConfigError> {
        let builder = TlsLayer::builder(alpn).timeout(self.timeout).dangerous_accept_any_server();
        let tls = self.receiver.identified(builder).build()?;
        Ok(BoxConnector::new(ServiceBuilder::new().layer(tls).service(self.plain())))
    }
}

/// The endpoint's text, or whose mistake it is.
pub(crate) fn endpoint(text: &str) -> Result<Endpoint, Trouble> {
    text.parse().map_err(|error| Trouble::Usage(format!("the endpoint {error}")))
}
