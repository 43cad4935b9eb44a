//! How many connections a terminal keeps, for how long, and how it finds out that one is dead.
//!
//! Plain data, checked once when a terminal takes it. Says nothing of how connections are made: that is the connector's.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The bounds of a terminal's connections.
///
/// ```
/// use otlp_transport::PoolConfig;
/// use std::time::Duration;
/// let config = PoolConfig { max_connections: 4, idle_timeout: Duration::from_secs(30), ..PoolConfig::default() };
/// config.validate()?;
/// let error = PoolConfig { max_connections: 0, ..config }.validate().unwrap_err();
/// assert_eq!(error.to_string(), "pool option `max_connections`: must be at least 1, got 0");
/// # Ok::<(), otlp_transport::PoolConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolConfig {
    /// The most connections that are open for requests or being opened; at least 1. Default 100.
    ///
    /// Over HTTP/1.1 this is the number of requests that can be under way at once. Over HTTP/2 requests share connections,
    /// and another one is opened only when each has as many requests as its server takes; most servers never see a
    /// second. Connections that only finish what they have begun do not count.
    pub max_connections: usize,
    /// How many connections are kept open although nobody needs them; at most `max_connections`. Default 0.
    ///
    /// They are opened in the background once the pool is in use, and again when they die. What goes wrong with that
    /// is no error of anybody: it is tried again, after half a second at first and half a minute at most.
    pub min_connections: usize,
    /// How long a request may wait for a connection, whether all are in use or one is being opened; above zero.
    /// Default 5 s. After that it fails with [`NoAvailableConnection`](crate::NoAvailableConnection).
    pub connection_timeout: Duration,
    /// How long a connection beyond `min_connections` may be idle before it is closed; above zero. Default 90 s.
    pub idle_timeout: Duration,
    /// How old a connection may become; above zero. Default 10 min; `None`: any age.
    ///
    /// The successor of a connection resolves the receiver's name anew, so this bounds how long a change of addresses
    /// goes unnoticed. Up to a tenth is taken off at random, so that many connections do not end at once. Requests under
    /// way on an old connection finish.
    pub max_age: Option<Duration>,
    /// HTTP/2 pings. Default `None`: no pings (GRPC-25).
    pub keep_alive: Option<KeepAlive>,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            max_connections: 100,
            min_connections: 0,
            connection_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(90),
            max_age: Some(Duration::from_secs(600)),
            keep_alive: None,
        }
    }
}

/// How HTTP/2 pings find out that a peer is gone. Over HTTP/1.1 there are no pings.
///
/// Servers count pings and close the connections of a client that sends too many (GOAWAY `ENHANCE_YOUR_CALM`): servers
/// built on gRPC grant one in 5 minutes and, while no request is under way, one in 2 hours unless configured otherwise.
/// Each time a server complains, the pool doubles the interval for its further connections, up to 2 hours.
///
/// ```
/// use otlp_transport::{KeepAlive, PoolConfig};
/// use std::time::Duration;
/// let keep_alive = KeepAlive { interval: Duration::from_secs(60), ..KeepAlive::default() };
/// let config = PoolConfig { keep_alive: Some(keep_alive), ..PoolConfig::default() };
/// # config.validate().unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepAlive {
    /// How long a connection is silent before it is pinged; at least 10 s. Default 5 min.
    pub interval: Duration,
    /// How long the answer may take before the connection counts as dead; above zero. Default 20 s.
    pub timeout: Duration,
    /// Whether connections without a request under way are pinged, too. Default `false`: ask the server's operator first.
    pub while_idle: bool,
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self { interval: Duration::from_secs(300), timeout: Duration::from_secs(20), while_idle: false }
    }
}

impl PoolConfig {
    /// Checks the options.
    ///
    /// # Errors
    ///
    /// The first option out of its range, by name.
    pub fn validate(&self) -> Result<(), PoolConfigError> {
        let refuse = |field, problem| Err(PoolConfigError { field, problem });
        if self.max_connections == 0 {
            return refuse("max_connections", "must be at least 1, got 0".to_owned());
        }
        if self.min_connections > self.max_connections {
            let (max, min) = (self.max_connections, self.min_connections);
            return refuse("min_connections", format!("must be at most max_connections ({max}), got {min}"));
        }
        for (field, value) in [
            ("connection_timeout", Some(self.connection_timeout)),
            ("idle_timeout", Some(self.idle_timeout)),
            ("max_age", self.max_age),
            ("keep_alive: timeout", self.keep_alive.map(|keep_alive| keep_alive.timeout)),
        ] {
            if value.is_some_and(|value| value.is_zero()) {
                return refuse(field, "must be longer than zero".to_owned());
            }
        }
        if let Some(KeepAlive { interval, .. }) = self.keep_alive
            && interval < Duration::from_secs(10)
        {
            return refuse("keep_alive: interval", format!("must be at least 10s, got {interval:?}"));
        }
        Ok(())
    }
}

/// A pool option is out of its range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolConfigError {
    field: &'static str,
    problem: String,
}

impl PoolConfigError {
    /// The name of the option, for example `max_connections`.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// What is wrong with it, to be read after its name.
    #[must_use]
    pub const fn problem(&self) -> &str {
        self.problem.as_str()
    }
}

impl fmt::Display for PoolConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pool option `{}`: {}", self.field, self.problem)
    }
}

impl Error for PoolConfigError {}
