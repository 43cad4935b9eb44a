//! A TCP proxy in a test that does to connections what networks and broken servers do.
//!
//! Held by the test, put before a collector or any other server. Never looks at telemetry: what arrives behind it is
//! for the server to record.

mod builder;
mod bytes;
mod connection;
mod fault;
mod http2;
mod listen;
mod script;
mod shared;
mod tally;

pub use builder::FaultProxyBuilder;
pub use fault::{Cut, Fault, Flow};
pub use http2::{Goaway, Http2};
pub use script::FaultScript;
pub use tally::ProxyTally;

use crate::Error;
use crate::home::{self, Home};
use listen::Change;
use shared::{Order, Shared};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// A proxy on a free port of 127.0.0.1 that passes connections on to a server and injects faults by script.
///
/// Faults are of bytes (drip, delay, stall, cut, see [`Flow`]), of whole connections ([`Fault`]), or of HTTP/2 frames
/// ([`Http2`]). The script decides per connection, by its number, and can be replaced at any time; it holds for connections
/// opened after that. What is done to open connections is [`cut`](Self::cut), [`vanish`](Self::vanish) and
/// [`goaway`](Self::goaway). Dropping the proxy closes everything.
///
/// Waits for time (drip, delay) use tokio's clock of the runtime the proxy runs on, so a paused clock pauses them too.
///
/// ```
/// use otlp_testkit::{Collector, Cut, Fault, FaultProxy, FaultScript};
/// use std::time::Duration;
/// use tokio::io::AsyncReadExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let collector = Collector::builder().http().start().await?;
/// let script = FaultScript::new().first(1, Fault::cut(Cut::Fin)).then(Fault::pass());
/// let proxy = FaultProxy::to(collector.http_endpoint()).script(script).start().await?;
///
/// // Point the code under test at `proxy.endpoint()`. Here: a bare connection, the first, which is closed at once.
/// let mut client = tokio::net::TcpStream::connect(proxy.address()).await?;
/// assert_eq!(client.read(&mut [0]).await?, 0);
/// proxy.wait_until("a closed connection", Duration::from_secs(5), |tally| tally.closed == 1).await?;
/// # Ok(())
/// # }
/// ```
pub struct FaultProxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    changes: mpsc::Sender<Change>,
    home: Home,
}

impl FaultProxy {
    /// A proxy before the server at `target`: `HOST:PORT`, or an endpoint such as
    /// [`Collector::grpc_endpoint`](crate::Collector::grpc_endpoint), whose scheme and path do not matter. The server need
    /// not be there yet.
    pub fn to(target: impl Into<String>) -> FaultProxyBuilder {
        FaultProxyBuilder::new(&target.into())
    }

    /// The address to connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as an endpoint, `http://127.0.0.1:PORT`. Before a server with TLS the scheme is yours to write: bytes pass as they
    /// are, and only [`Fault::http2`] needs clear text.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The counts so far.
    #[must_use]
    pub fn tally(&self) -> ProxyTally {
        self.shared.tally()
    }

    /// Replaces the script, or sets one fault for every connection from now on; connection numbers start again at 1. Open
    /// connections keep their faults.
    pub fn set_script(&self, script: impl Into<FaultScript>) {
        self.shared.set_script(script.into());
    }

    /// Closes every open connection, both sides.
    pub fn cut(&self, how: Cut) {
        self.shared.order(Order::Cut(how));
    }

    /// The peer of every open connection vanishes: nothing is read, passed on or closed any more, until a
    /// [`cut`](Self::cut).
    pub fn vanish(&self) {
        self.shared.order(Order::Vanish);
    }

    /// Sends a GOAWAY on every open connection that has a [`Fault::http2`].
    pub fn goaway(&self, goaway: Goaway) {
        self.shared.order(Order::Goaway(goaway));
    }

    /// Closes the listener, so that connecting is refused, and keeps the port. Open connections stay.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] when the port could not be kept; [`Error::RuntimeGone`].
    pub async fn refuse(&self) -> Result<(), Error> {
        self.change(false).await
    }

    /// Listens again.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] when the port cannot be listened on; [`Error::RuntimeGone`].
    pub async fn accept(&self) -> Result<(), Error> {
        self.change(true).await
    }

    async fn change(&self, listen: bool) -> Result<(), Error> {
        change(self.changes.clone(), listen).await
    }

    /// [`refuse`](Self::refuse) for threads.
    ///
    /// # Errors
    ///
    /// As `refuse`, and [`Error::WouldDeadlock`] on the thread that runs the proxy.
    pub fn refuse_blocking(&self) -> Result<(), Error> {
        self.blocking("refuse_blocking", change(self.changes.clone(), false))?
    }

    /// [`accept`](Self::accept) for threads.
    ///
    /// # Errors
    ///
    /// As `accept`, and [`Error::WouldDeadlock`] on the thread that runs the proxy.
    pub fn accept_blocking(&self) -> Result<(), Error> {
        self.blocking("accept_blocking", change(self.changes.clone(), true))?
    }

    /// Waits until the counts are `enough`; `wanted` says in words what that is, for the error. Cancel safe.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`], saying what had happened; [`Error::RuntimeGone`].
    pub async fn wait_until(
        &self,
        wanted: &str,
        timeout: Duration,
        enough: impl Fn(&ProxyTally) -> bool + Send + Sync + 'static,
    ) -> Result<ProxyTally, Error> {
        let wait = self.shared.wait(timeout, enough);
        let seen = self.home.run_cancellable(wait).await?;
        seen.map_err(|tally| timed_out(wanted, timeout, tally))
    }

    /// [`wait_until`](Self::wait_until) for threads.
    ///
    /// # Errors
    ///
    /// As `wait_until`, and [`Error::WouldDeadlock`] on the thread that runs the proxy.
    pub fn wait_until_blocking(
        &self,
        wanted: &str,
        timeout: Duration,
        enough: impl Fn(&ProxyTally) -> bool + Send + Sync + 'static,
    ) -> Result<ProxyTally, Error> {
        let seen = self.blocking("a blocking wait", self.shared.wait(timeout, enough))?;
        seen.map_err(|tally| timed_out(wanted, timeout, tally))
    }

    fn blocking<T: Send + 'static>(
        &self,
        operation: &'static str,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        let handle = self.home.handle();
        self.home.blocking(operation, || home::wait(&handle, future))?
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultProxy")
            .field("address", &self.address)
            .field("target", &self.shared.target)
            .field("tally", &self.tally())
            .finish_non_exhaustive()
    }
}

async fn change(changes: mpsc::Sender<Change>, listen: bool) -> Result<(), Error> {
    let (done, result) = oneshot::channel();
    changes.send(Change { listen, done }).await.map_err(|_| Error::RuntimeGone)?;
    result.await.map_err(|_| Error::RuntimeGone)?
}

fn timed_out(wanted: &str, waited: Duration, tally: ProxyTally) -> Error {
    Error::Timeout { wanted: wanted.to_owned(), waited, seen: tally.to_string() }
}
