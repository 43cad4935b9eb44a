//! Choosing where a collector listens and how it behaves at first.
//!
//! Used once per collector. Never opens anything before `start`.

use crate::collector::{Place, Role, Settings, Site};
use crate::{Collector, Error, Script};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Chooses the listeners of a [`Collector`], its script and its limits. Made by [`Collector::builder`].
///
/// Without a choice there are two listeners, gRPC and HTTP, each on a free port of 127.0.0.1.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), otlp_testkit::Error> {
/// use otlp_testkit::{Collector, Reply};
/// let collector = Collector::builder().grpc().reply(Reply::unavailable()).start().await?;
/// assert!(collector.grpc_endpoint().starts_with("http://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing listens before start"]
pub struct CollectorBuilder {
    sites: Vec<Site>,
    script: Script,
    settings: Settings,
}

impl CollectorBuilder {
    pub(crate) fn new() -> Self {
        let settings = Settings {
            grpc_limit: 4 << 20,
            http_limit: 20 << 20,
            grace: Duration::from_secs(5),
            #[cfg(feature = "tls")]
            tls: None,
        };
        Self { sites: Vec::new(), script: Script::new(), settings }
    }

    /// Listens for gRPC on a free port of 127.0.0.1.
    pub fn grpc(self) -> Self {
        self.site(Role::Grpc, Place::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
    }

    /// Listens for OTLP/HTTP, HTTP/1.1 and HTTP/2, on a free port of 127.0.0.1.
    pub fn http(self) -> Self {
        self.site(Role::Http, Place::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
    }

    /// Listens on a unix socket at `path`, which must not exist yet, for gRPC and OTLP/HTTP alike.
    #[cfg(unix)]
    pub fn unix(self, path: impl Into<PathBuf>) -> Self {
        self.site(Role::Both, Place::Unix(path.into()))
    }

    /// The script, or one reply for every call. Default: success always.
    pub fn reply(mut self, script: impl Into<Script>) -> Self {
        self.script = script.into();
        self
    }

    /// Requests above `bytes`, as sent or decompressed, are refused as by a Collector: gRPC RESOURCE_EXHAUSTED,
    /// HTTP 400. Default: a Collector's, 4 MiB for gRPC and 20 MiB for HTTP (SURV-01).
    pub fn max_request_bytes(mut self, bytes: usize) -> Self {
        self.settings.grpc_limit = bytes;
        self.settings.http_limit = bytes;
        self
    }

    /// How long [`Collector::stop`] lets calls in flight finish. Default: 5 s.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace;
        self
    }

    /// Speaks TLS on the TCP listeners. Default: clear text. See [`ServerTls`](crate::ServerTls).
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: crate::ServerTls) -> Self {
        self.settings.tls = Some(tls);
        self
    }

    fn site(mut self, role: Role, place: Place) -> Self {
        self.sites.retain(|site| site.role != role);
        self.sites.push(Site { role, place });
        self
    }

    fn chosen(mut self) -> (Vec<Site>, Script, Settings) {
        if self.sites.is_empty() {
            self = self.grpc().http();
        }
        (self.sites, self.script, self.settings)
    }

    /// Listens, on the tokio runtime around the call (it needs I/O and time enabled).
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] when an address cannot be had; [`Error::NoRuntime`] outside tokio.
    pub async fn start(self) -> Result<Collector, Error> {
        let (sites, script, settings) = self.chosen();
        Collector::start_here(sites, script, settings).await
    }

    /// Listens, on a thread and runtime of the collector's own: for tests that have no runtime, and for those that
    /// block their only thread while the collector must answer. Waits for the listeners, which takes milliseconds.
    ///
    /// ```
    /// # fn main() -> Result<(), otlp_testkit::Error> {
    /// let collector = otlp_testkit::Collector::builder().start_blocking()?;
    /// assert!(collector.http_endpoint().starts_with("http://127.0.0.1:"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] when an address cannot be had; [`Error::Thread`] when there is no thread to be had.
    pub fn start_blocking(self) -> Result<Collector, Error> {
        let (sites, script, settings) = self.chosen();
        Collector::start_on_own_thread(sites, script, settings)
    }
}
