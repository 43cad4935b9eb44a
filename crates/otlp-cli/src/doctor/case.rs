//! What is examined: one receiver, how it is reached, and what is asked of it for which signals.
//!
//! Made once from the configuration, read by the probes. Resolves nothing and connects nothing.

use super::plan::Scope;
use crate::exit::Trouble;
use crate::receiver::Receiver;
use crate::wire::Wire;
use otlp_model::Signal;
use otlp_transport::{
    Alpn, BoxConnector, Compression, Connector, Endpoint, Headers, ProxyLayer, Target, TlsConfigError,
    TlsLayer,
};
use std::time::Duration;
use tower::ServiceBuilder;

/// What differs between the signals that one receiver gets: the path, and what is said in headers, and how it is compressed.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) signal: Signal,
    pub(crate) endpoint: Endpoint,
    pub(crate) headers: Headers,
    /// As a client that is configured so compresses what goes there.
    pub(crate) compression: Compression,
}

impl Route {
    /// The path of requests over HTTP, without the query, which may hold a key.
    pub(crate) fn path(&self) -> String {
        let path = self.endpoint.signal_path(self.signal);
        path.split('?').next().unwrap_or_default().to_owned()
    }
}

/// The patient.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// What is asked once, whatever the signal, is asked for this one.
    pub(crate) first: Route,
    /// Of the other signals: to the same host and port, equally secure.
    pub(crate) others: Vec<Route>,
    pub(crate) wires: Vec<Wire>,
    /// Whether nobody named these: a receiver may be without JSON then.
    pub(crate) guessed: bool,
    pub(crate) receiver: Receiver,
    pub(crate) proxy: Option<ProxyLayer>,
    pub(crate) timeout: Duration,
    /// The most bytes that a client's request has, before it is compressed.
    pub(crate) largest: usize,
    pub(crate) real: bool,
    /// Whether to find out how large a request may be, beyond that.
    pub(crate) limits: bool,
}

impl Case {
    pub(crate) fn scope(&self) -> Scope {
        Scope {
            has_name: self.first_hop().unix_path().is_none(),
            has_proxy: self.proxy.is_some(),
            is_secure: self.is_secure(),
            wires: self.wires.clone(),
            signals: self.signals(),
            real: self.real,
        }
    }

    /// Those that the receiver is to take, in the order they are asked for.
    pub(crate) fn signals(&self) -> Vec<Signal> {
        std::iter::once(&self.first).chain(&self.others).map(|route| route.signal).collect()
    }

    /// The way of a signal; of one that does not go here, that of the first.
    pub(crate) fn route(&self, signal: Signal) -> &Route {
        self.others.iter().find(|route| route.signal == signal).unwrap_or(&self.first)
    }

    /// The signals that a client compresses so.
    pub(crate) fn compressed(&self, compression: Compression) -> Vec<Signal> {
        let routes = std::iter::once(&self.first).chain(&self.others);
        routes.filter(|route| route.compression == compression).map(|route| route.signal).collect()
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.first.endpoint.is_secure()
    }

    /// The receiver itself, behind a proxy or not.
    pub(crate) fn target(&self) -> &Target {
        self.first.endpoint.target()
    }

    /// What is connected to: the proxy, if there is one.
    pub(crate) fn first_hop(&self) -> Target {
        // A proxy's URL without its password is an endpoint's text, too.
        let proxy = self.proxy.as_ref().and_then(|proxy| proxy.url().to_string().parse::<Endpoint>().ok());
        proxy.as_ref().map_or(self.target(), Endpoint::target).clone()
    }

    pub(crate) fn port(&self) -> Option<u16> {
        match self.target() {
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
        if !self.is_secure() {
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
