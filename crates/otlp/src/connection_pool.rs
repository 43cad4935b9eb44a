//! The options of the client's connections: how many, for how long, and how dead ones are found.
//!
//! Used by the builder and, once, when the stack is built. The pool itself is `otlp-transport`'s.

use crate::builder::ClientBuilder;
use crate::config::Protocol;
use crate::error::Error;
use otlp_transport::{KeepAlive, PoolConfig};
use std::time::Duration;

/// How many connections to the receiver there are, and for how long. The three signals share them.
///
/// ```
/// use otlp::{Client, ConnectionPoolConfig};
/// use std::time::Duration;
/// let builder = Client::builder().with_connection_pool_config(ConnectionPoolConfig {
///     max_connections: 8,
///     idle_timeout: Duration::from_secs(300),
///     ..ConnectionPoolConfig::default()
/// });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionPoolConfig {
    /// The most connections that are open for requests or being opened; at least 1. Default 100.
    ///
    /// Over HTTP this is the number of requests that can be under way at once. Over gRPC requests share a connection, and
    /// another one is opened only when the receiver takes no more on it: most clients never have a second.
    pub max_connections: usize,
    /// How many connections are kept open although nobody needs them; at most `max_connections`. Default 0.
    ///
    /// They are opened in the background as soon as the client runs, and again when they die; a receiver that is down is no
    /// error of `build()` (conformance SURV-23).
    pub min_connections: usize,
    /// How long an attempt may wait for a connection, whether all are in use or one is being opened; above zero. Default
    /// 5 s. After that it fails with "no available connections in pool", and is retried.
    pub connection_timeout: Duration,
    /// How long a connection beyond `min_connections` may be idle before it is closed; above zero. Default 90 s.
    pub idle_timeout: Duration,
    /// Whether connections are probed, so that a peer that vanished is noticed. Default `true`.
    ///
    /// The kernel probes a TCP connection that was silent for 45 s. Over gRPC, a connection with a request under way that
    /// was silent for 5 minutes ([`with_keep_alive_interval`](ClientBuilder::with_keep_alive_interval)) is pinged, which
    /// every server grants; one without is not, unless
    /// [`with_keep_alive_while_idle`](ClientBuilder::with_keep_alive_while_idle) asks for it. A server that complains of
    /// pings gets half as many from then on (conformance GRPC-25).
    pub keep_alive: bool,
}

impl Default for ConnectionPoolConfig {
    fn default() -> Self {
        let PoolConfig { max_connections, min_connections, connection_timeout, idle_timeout, .. } =
            PoolConfig::default();
        Self { max_connections, min_connections, connection_timeout, idle_timeout, keep_alive: true }
    }
}

/// What the builder was told about connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct PoolOptions {
    pub(crate) config: ConnectionPoolConfig,
    max_age: Option<Duration>,
    ping_interval: Option<Duration>,
    ping_while_idle: bool,
}

impl ClientBuilder {
    /// How many connections there are, and for how long.
    pub fn with_connection_pool_config(mut self, config: ConnectionPoolConfig) -> Self {
        self.pool.config = config;
        self
    }

    /// How old a connection may become; above zero. Default 10 min.
    ///
    /// Its successor resolves the receiver's name anew, so this bounds how long a change of addresses goes unnoticed.
    /// Requests under way on an old connection finish.
    pub fn with_max_connection_age(mut self, age: Duration) -> Self {
        self.pool.max_age = Some(age);
        self
    }

    /// How long a gRPC connection is silent before it is pinged; at least 10 s. Default 5 min, which is what servers grant
    /// unless configured otherwise. Needs [`keep_alive`](ConnectionPoolConfig::keep_alive).
    pub fn with_keep_alive_interval(mut self, interval: Duration) -> Self {
        self.pool.ping_interval = Some(interval);
        self
    }

    /// Whether gRPC connections are pinged without a request under way, too. Default `false`: servers built on gRPC grant
    /// one such ping in 2 hours, and close the connection on the third that comes earlier, unless configured otherwise.
    /// Needs [`keep_alive`](ConnectionPoolConfig::keep_alive).
    pub fn with_keep_alive_while_idle(mut self, pinged: bool) -> Self {
        self.pool.ping_while_idle = pinged;
        self
    }
}

impl PoolOptions {
    /// Whether the kernel probes the connections.
    pub(crate) fn keep_alive(&self) -> bool {
        self.config.keep_alive
    }

    /// How old a connection may become.
    pub(crate) fn max_age(&self) -> Duration {
        self.max_age.or(PoolConfig::default().max_age).unwrap_or(Duration::MAX)
    }

    /// How long one is silent before it is pinged, and whether without a request, too.
    pub(crate) fn pings(&self) -> KeepAlive {
        let default = KeepAlive::default();
        let interval = self.ping_interval.unwrap_or(default.interval);
        KeepAlive { interval, while_idle: self.ping_while_idle, ..default }
    }

    /// The pool's own configuration, checked.
    pub(crate) fn pool(&self, protocol: Protocol) -> Result<PoolConfig, Error> {
        for (option, is_set) in [
            ("with_keep_alive_interval", self.ping_interval.is_some()),
            ("with_keep_alive_while_idle", self.ping_while_idle),
        ] {
            if is_set && !self.config.keep_alive {
                return Err(Error::option(option, "needs ConnectionPoolConfig::keep_alive"));
            }
            if is_set && !has_pings(protocol) {
                return Err(Error::option(option, "there are no pings over HTTP/1.1, only over gRPC"));
            }
        }
        let ConnectionPoolConfig {
            max_connections, min_connections, connection_timeout, idle_timeout, ..
        } = self.config;
        let config = PoolConfig {
            max_connections,
            min_connections,
            connection_timeout,
            idle_timeout,
            max_age: Some(self.max_age()),
            keep_alive: self.config.keep_alive.then(|| self.pings()),
        };
        config.validate().map_err(|error| {
            let option = match error.field() {
                "max_age" => "with_max_connection_age".to_owned(),
                "keep_alive: interval" => "with_keep_alive_interval".to_owned(),
                field => format!("with_connection_pool_config: {field}"),
            };
            Error::option(&option, error.problem())
        })?;
        Ok(config)
    }
}

fn has_pings(protocol: Protocol) -> bool {
    match protocol {
        #[cfg(feature = "grpc")]
        Protocol::Grpc => true,
        #[cfg(feature = "http")]
        Protocol::Http => false,
    }
}
