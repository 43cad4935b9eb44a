//! A TCP proxy in a test that does to connections what networks and broken servers do.
//!
//! Held by the test, put before a collector or any other server. Never looks at telemetry: what arrives behind it is
//! for the server to record.

mod bytes;
mod connection;
mod fault;
mod http2;
mod listen;
mod script;
mod tally;

pub use fault::{Cut, Fault, Flow};
pub use http2::{Goaway, Http2};
pub use script::FaultScript;
pub use tally::ProxyTally;

use crate::Error;
use crate::home::{self, Home};
use connection::Direction;
use listen::{Change, Door};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

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

/// Chooses what a [`FaultProxy`] does. Made by [`FaultProxy::to`].
///
/// ```
/// # fn main() -> Result<(), otlp_testkit::Error> {
/// use otlp_testkit::{Fault, FaultProxy};
/// let proxy = FaultProxy::to("127.0.0.1:4317").script(Fault::black_hole()).start_blocking()?;
/// assert!(proxy.endpoint().starts_with("http://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing listens before start"]
pub struct FaultProxyBuilder {
    target: String,
    script: FaultScript,
    refusing: bool,
}

/// What the handle and the connections share.
struct Shared {
    target: String,
    numbers: Mutex<Numbers>,
    tally: watch::Sender<ProxyTally>,
    /// The newest connection that has been served.
    served: watch::Sender<u64>,
    orders: broadcast::Sender<Order>,
}

struct Numbers {
    script: Arc<FaultScript>,
    /// Connections since the script was set, and since the start.
    of_script: u64,
    of_life: u64,
}

/// What is to happen to every open connection.
#[derive(Debug, Clone)]
enum Order {
    Cut(Cut),
    Vanish,
    Goaway(Goaway),
}

impl FaultProxyBuilder {
    /// The script, or one fault for every connection. Default: everything passes.
    pub fn script(mut self, script: impl Into<FaultScript>) -> Self {
        self.script = script.into();
        self
    }

    /// Starts with the listener closed, as after [`FaultProxy::refuse`].
    pub fn refusing(mut self) -> Self {
        self.refusing = true;
        self
    }

    /// Listens, on the tokio runtime around the call (it needs I/O and time enabled).
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] when there is no port to be had; [`Error::NoRuntime`] outside tokio.
    pub async fn start(self) -> Result<FaultProxy, Error> {
        self.start_at(Home::here()?).await
    }

    /// Listens, on a thread and runtime of the proxy's own: for tests that have no runtime, and for those that block
    /// their only thread while the proxy must pass bytes on.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] when there is no port to be had; [`Error::Thread`] when there is no thread to be had.
    pub fn start_blocking(self) -> Result<FaultProxy, Error> {
        let home = Home::own_thread()?;
        let handle = home.handle();
        home::wait(&handle, self.start_at(home))?
    }

    async fn start_at(self, home: Home) -> Result<FaultProxy, Error> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut door = Door::shut(any)?;
        let address = door.address().map_err(listen::failed(any))?;
        if !self.refusing {
            door = door.open(address)?;
        }
        let shared = Arc::new(Shared::new(self.target, self.script));
        let (changes, ordered) = mpsc::channel(1);
        tokio::spawn(listen::listen(Arc::clone(&shared), address, door, ordered));
        Ok(FaultProxy { shared, address, changes, home })
    }
}

impl FaultProxy {
    /// A proxy before the server at `target`: `HOST:PORT`, or an endpoint such as
    /// [`Collector::grpc_endpoint`](crate::Collector::grpc_endpoint), whose scheme and path do not matter. The server need
    /// not be there yet.
    pub fn to(target: impl Into<String>) -> FaultProxyBuilder {
        let target = target.into();
        let authority = target.split_once("://").map_or(target.as_str(), |(_, rest)| rest);
        let authority = authority.split('/').next().unwrap_or(authority).to_owned();
        FaultProxyBuilder { target: authority, script: FaultScript::new(), refusing: false }
    }

    /// The address to connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as an endpoint, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The counts so far.
    #[must_use]
    pub fn tally(&self) -> ProxyTally {
        *self.shared.tally.borrow()
    }

    /// Replaces the script, or sets one fault for every connection from now on; connection numbers start again at 1. Open
    /// connections keep their faults.
    pub fn set_script(&self, script: impl Into<FaultScript>) {
        let mut numbers = self.shared.numbers();
        numbers.script = Arc::new(script.into());
        numbers.of_script = 0;
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

impl Shared {
    fn new(target: String, script: FaultScript) -> Self {
        let numbers = Numbers { script: Arc::new(script), of_script: 0, of_life: 0 };
        Self {
            target,
            numbers: Mutex::new(numbers),
            tally: watch::Sender::new(ProxyTally::default()),
            served: watch::Sender::new(0),
            orders: broadcast::Sender::new(64),
        }
    }

    fn numbers(&self) -> std::sync::MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next connection's number in the proxy's life, and its fault.
    fn next_connection(&self) -> (u64, Fault) {
        let (script, number, id) = {
            let mut numbers = self.numbers();
            numbers.of_script += 1;
            numbers.of_life += 1;
            (Arc::clone(&numbers.script), numbers.of_script, numbers.of_life)
        };
        // Without the lock: the script may be the test's own function, and may look at the proxy.
        (id, script.fault_of(number))
    }

    fn count(&self, change: impl FnOnce(&mut ProxyTally)) {
        self.tally.send_modify(change);
    }

    /// Notes that `bytes` bytes went on.
    fn passed(&self, id: u64, direction: Direction, bytes: usize) {
        self.count(|tally| match direction {
            Direction::ToServer => tally.to_server += bytes as u64,
            Direction::ToClient => tally.to_client += bytes as u64,
        });
        if direction == Direction::ToClient {
            self.served(id);
        }
    }

    /// Notes that connection `id` has been served.
    fn served(&self, id: u64) {
        self.served.send_if_modified(|newest| {
            let newer = id > *newest;
            *newest = id.max(*newest);
            newer
        });
    }

    async fn wait_for_service_of(&self, id: u64) {
        // An error means that the sender is gone, which is here.
        let _ = self.served.subscribe().wait_for(|newest| *newest >= id).await;
    }

    fn order(&self, order: Order) {
        // An error means that no connection is open.
        let _ = self.orders.send(order);
    }

    /// The counts when they are enough, or in `Err` when the time is over.
    fn wait<F>(
        &self,
        timeout: Duration,
        enough: F,
    ) -> impl Future<Output = Result<ProxyTally, ProxyTally>> + Send + use<F>
    where
        F: Fn(&ProxyTally) -> bool + Send + Sync + 'static,
    {
        let mut tally = self.tally.subscribe();
        async move {
            let waited = tokio::time::timeout(timeout, tally.wait_for(|tally| enough(tally))).await;
            if let Ok(Ok(seen)) = waited {
                return Ok(*seen);
            }
            drop(waited);
            let seen = *tally.borrow();
            Err(seen)
        }
    }
}
