//! The handle of a running collector: its addresses, what it has received, and its life: stop, kill, restart.
//!
//! Held by the test. The listening and answering is in `server`; this never touches a request.

mod life;

use crate::home::{self, Home};
use crate::journal::Journal;
use crate::{Attempt, CollectorBuilder, Error, Malformed, Received, Script, Tally};
use life::{Change, Life};
pub(crate) use life::{Phase, Place, Role, Settings, Shared, Site, bind};
use otlp_model::Signal;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// An OTLP collector in this process, for tests. See the [crate's front page](crate).
///
/// Dropping it kills it. All methods take `&self`, so one collector can be shared by the threads and tasks of a test.
///
/// ```
/// use otlp_testkit::Collector;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), otlp_testkit::Error> {
/// let collector = Collector::builder().start_blocking()?;
/// println!("send to {} or {}", collector.grpc_endpoint(), collector.http_endpoint());
/// let nothing = collector.wait_for_blocking(1, Duration::from_millis(5));
/// assert!(nothing.is_err_and(|error| error.is_timeout()));
/// collector.stop_blocking()?;
/// # Ok(())
/// # }
/// ```
pub struct Collector {
    shared: Arc<Shared>,
    sites: Vec<Site>,
    life: Arc<tokio::sync::Mutex<Life>>,
    home: Home,
}

impl Collector {
    /// Chooses listeners and script.
    pub fn builder() -> CollectorBuilder {
        CollectorBuilder::new()
    }

    pub(crate) async fn start_here(
        sites: Vec<Site>,
        script: Script,
        settings: Settings,
    ) -> Result<Self, Error> {
        Self::start_at(Home::here()?, sites, script, settings).await
    }

    pub(crate) fn start_on_own_thread(
        sites: Vec<Site>,
        script: Script,
        settings: Settings,
    ) -> Result<Self, Error> {
        let home = Home::own_thread()?;
        let handle = home.handle();
        home::wait(&handle, Self::start_at(home, sites, script, settings))?
    }

    async fn start_at(
        home: Home,
        sites: Vec<Site>,
        script: Script,
        settings: Settings,
    ) -> Result<Self, Error> {
        let shared = Arc::new(Shared::new(Journal::new(script), settings));
        let mut life = Life::new(Arc::clone(&shared), sites);
        life.serve()?;
        let sites = life.sites().to_vec();
        Ok(Self { shared, sites, life: Arc::new(tokio::sync::Mutex::new(life)), home })
    }

    /// The gRPC endpoint, `http://127.0.0.1:PORT`, or `https`. Without a gRPC listener a text that is no URL and says so.
    #[must_use]
    pub fn grpc_endpoint(&self) -> String {
        self.endpoint(Role::Grpc).unwrap_or_else(|| "<the collector has no gRPC listener>".to_owned())
    }

    /// The HTTP endpoint, `http://127.0.0.1:PORT`, or `https`, to which clients add `/v1/traces` and so on. Without an HTTP listener
    /// a text that is no URL and says so.
    #[must_use]
    pub fn http_endpoint(&self) -> String {
        self.endpoint(Role::Http).unwrap_or_else(|| "<the collector has no HTTP listener>".to_owned())
    }

    /// The unix socket's endpoint, `unix:PATH`, serving both protocols. Without one a text that is no URL and says so.
    #[must_use]
    pub fn unix_endpoint(&self) -> String {
        self.endpoint(Role::Both).unwrap_or_else(|| "<the collector has no unix socket>".to_owned())
    }

    fn endpoint(&self, role: Role) -> Option<String> {
        let site = self.sites.iter().find(|site| site.role == role)?;
        Some(match &site.place {
            #[cfg(feature = "tls")]
            Place::Tcp(address) if self.shared.tls().is_some() => format!("https://{address}"),
            Place::Tcp(address) => format!("http://{address}"),
            Place::Unix(path) => format!("unix:{}", path.display()),
        })
    }

    /// Everything of the calls whose data counts as received, so far.
    #[must_use]
    pub fn received(&self) -> Received {
        self.snapshot(true)
    }

    /// The calls whose data does not count: answered with an error, hung, or cut.
    #[must_use]
    pub fn refused(&self) -> Received {
        self.snapshot(false)
    }

    fn snapshot(&self, accepted: bool) -> Received {
        let mut attempts = self.shared.journal.attempts();
        attempts.retain(|attempt| attempt.accepted == accepted);
        Received::new(attempts)
    }

    /// Every call with its reply, in order of arrival.
    #[must_use]
    pub fn attempts(&self) -> Vec<Arc<Attempt>> {
        self.shared.journal.attempts()
    }

    /// Requests that were no export call at all.
    #[must_use]
    pub fn malformed(&self) -> Vec<Arc<Malformed>> {
        self.shared.journal.malformed()
    }

    /// The counts so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.shared.journal.tally()
    }

    /// Forgets everything received, refused and malformed so far.
    pub fn clear(&self) {
        self.shared.journal.clear();
    }

    /// Replaces the script, or sets one reply for every call; call numbers start again at 1.
    ///
    /// ```
    /// # use otlp_testkit::{Collector, Reply};
    /// # fn main() -> Result<(), otlp_testkit::Error> {
    /// let collector = Collector::builder().reply(Reply::unavailable()).start_blocking()?;
    /// collector.set_script(Reply::ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_script(&self, script: impl Into<Script>) {
        self.shared.journal.set_script(script.into());
    }

    /// How many connections were accepted since the start, those without a call included.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Replaces what connections made from now on speak: another certificate, or clear text (`None`). Those that stand go
    /// on; [`restart`](Self::restart) ends them.
    ///
    /// ```
    /// # use otlp_testkit::{Collector, ServerTls, TestCa};
    /// # fn main() -> Result<(), otlp_testkit::Error> {
    /// # let ca = TestCa::new("authority")?;
    /// # let collector = Collector::builder().grpc().start_blocking()?;
    /// collector.set_tls(Some(ServerTls::new(&ca.expired_server(&["127.0.0.1"])?)?));
    /// assert!(collector.grpc_endpoint().starts_with("https://"));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub fn set_tls(&self, tls: Option<crate::ServerTls>) {
        self.shared.set_tls(tls);
    }

    /// Waits until `items` items of any signal have been received since the start (or [`clear`](Self::clear)), and
    /// returns everything received. Cancel safe.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`], saying what had arrived; [`Error::RuntimeGone`].
    pub async fn wait_for(&self, items: u64, timeout: Duration) -> Result<Received, Error> {
        self.wait_until(&format!("{items} items"), timeout, move |tally| tally.items() >= items).await
    }

    /// The same for the items of one signal.
    ///
    /// # Errors
    ///
    /// As [`wait_for`](Self::wait_for).
    pub async fn wait_for_signal(
        &self,
        signal: Signal,
        items: u64,
        timeout: Duration,
    ) -> Result<Received, Error> {
        self.wait_until(&wanted(signal, items), timeout, move |tally| tally.of(signal) >= items).await
    }

    /// Waits until `calls` calls have arrived, whatever was answered.
    ///
    /// # Errors
    ///
    /// As [`wait_for`](Self::wait_for).
    pub async fn wait_for_calls(&self, calls: u64, timeout: Duration) -> Result<Received, Error> {
        self.wait_until(&format!("{calls} calls"), timeout, move |tally| tally.calls() >= calls).await
    }

    /// Waits until the counts are `enough`; `wanted` says in words what that is, for the error.
    ///
    /// ```
    /// # use otlp_testkit::Collector;
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), otlp_testkit::Error> {
    /// # let collector = Collector::builder().http().start().await?;
    /// let refusals = collector
    ///     .wait_until("3 refused calls", Duration::from_millis(5), |tally| tally.refused_calls >= 3)
    ///     .await;
    /// assert!(refusals.unwrap_err().to_string().starts_with("waited 5ms for 3 refused calls"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`wait_for`](Self::wait_for).
    pub async fn wait_until(
        &self,
        wanted: &str,
        timeout: Duration,
        enough: impl Fn(&Tally) -> bool + Send + Sync + 'static,
    ) -> Result<Received, Error> {
        let mut tally = self.shared.journal.subscribe();
        // On the collector's runtime, so that it works from any executor, and on the clock the collector runs by.
        let in_time = self.home.run_cancellable(async move {
            tokio::time::timeout(timeout, tally.wait_for(|tally| enough(tally))).await.is_ok()
        });
        if in_time.await? { Ok(self.received()) } else { Err(self.timed_out(wanted, timeout, self.tally())) }
    }

    /// [`wait_for`](Self::wait_for) for threads.
    ///
    /// # Errors
    ///
    /// As `wait_for`, and [`Error::WouldDeadlock`] on the thread that runs the collector.
    pub fn wait_for_blocking(&self, items: u64, timeout: Duration) -> Result<Received, Error> {
        self.wait_until_blocking(&format!("{items} items"), timeout, |tally| tally.items() >= items)
    }

    /// [`wait_for_signal`](Self::wait_for_signal) for threads.
    ///
    /// # Errors
    ///
    /// As [`wait_for_blocking`](Self::wait_for_blocking).
    pub fn wait_for_signal_blocking(
        &self,
        signal: Signal,
        items: u64,
        timeout: Duration,
    ) -> Result<Received, Error> {
        self.wait_until_blocking(&wanted(signal, items), timeout, |tally| tally.of(signal) >= items)
    }

    /// [`wait_until`](Self::wait_until) for threads, on the system's clock.
    ///
    /// # Errors
    ///
    /// As [`wait_for_blocking`](Self::wait_for_blocking).
    pub fn wait_until_blocking(
        &self,
        wanted: &str,
        timeout: Duration,
        enough: impl Fn(&Tally) -> bool,
    ) -> Result<Received, Error> {
        let wait = || self.shared.journal.wait(timeout, enough);
        let (tally, in_time) = self.home.blocking("a blocking wait", wait)?;
        if in_time { Ok(self.received()) } else { Err(self.timed_out(wanted, timeout, tally)) }
    }

    fn timed_out(&self, wanted: &str, waited: Duration, tally: Tally) -> Error {
        Error::Timeout { wanted: wanted.to_owned(), waited, seen: tally.to_string() }
    }

    /// Stops as a well-behaved server does: listens no more, says goodbye (HTTP/2 GOAWAY, HTTP/1.1
    /// `connection: close`), lets calls in flight finish within the [grace](CollectorBuilder::grace), then closes.
    /// Scripted hangs end at once. The ports stay reserved for [`restart`](Self::restart). Nothing happens when it is
    /// already down.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] when a port could not be kept; [`Error::RuntimeGone`].
    pub async fn stop(&self) -> Result<(), Error> {
        self.change(Change::Stop).await
    }

    /// Dies as in a crash: listener and all connections are closed, calls in flight get no answer. When this returns
    /// nothing more is received, and connecting is refused. The ports stay reserved for [`restart`](Self::restart).
    ///
    /// # Errors
    ///
    /// As [`stop`](Self::stop).
    pub async fn kill(&self) -> Result<(), Error> {
        self.change(Change::Kill).await
    }

    /// Listens again on the same ports and socket, after [`kill`](Self::kill)ing what still runs. What was received
    /// and the script stay.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] when an address cannot be had again; [`Error::RuntimeGone`].
    pub async fn restart(&self) -> Result<(), Error> {
        self.change(Change::Restart).await
    }

    /// [`stop`](Self::stop) for threads.
    ///
    /// # Errors
    ///
    /// As `stop`, and [`Error::WouldDeadlock`] on the thread that runs the collector.
    pub fn stop_blocking(&self) -> Result<(), Error> {
        self.change_blocking("stop_blocking", Change::Stop)
    }

    /// [`kill`](Self::kill) for threads.
    ///
    /// # Errors
    ///
    /// As [`stop_blocking`](Self::stop_blocking).
    pub fn kill_blocking(&self) -> Result<(), Error> {
        self.change_blocking("kill_blocking", Change::Kill)
    }

    /// [`restart`](Self::restart) for threads.
    ///
    /// # Errors
    ///
    /// As [`stop_blocking`](Self::stop_blocking).
    pub fn restart_blocking(&self) -> Result<(), Error> {
        self.change_blocking("restart_blocking", Change::Restart)
    }

    async fn change(&self, change: Change) -> Result<(), Error> {
        let life = Arc::clone(&self.life);
        // Goes on to its end when the caller gives up waiting: a half-stopped collector would be of no use.
        self.home.run(async move { life.lock().await.apply(change).await }).await?
    }

    fn change_blocking(&self, operation: &'static str, change: Change) -> Result<(), Error> {
        let life = Arc::clone(&self.life);
        let handle = self.home.handle();
        let change = || home::wait(&handle, async move { life.lock().await.apply(change).await });
        self.home.blocking(operation, change)??
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.shared.go_down();
        self.home.end();
        for site in &self.sites {
            site.remove_socket_file();
        }
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sites, .. } = self;
        f.debug_struct("Collector")
            .field("sites", sites)
            .field("tally", &self.tally())
            .finish_non_exhaustive()
    }
}

/// The items of a signal in words.
fn wanted(signal: Signal, items: u64) -> String {
    match signal {
        Signal::Traces => format!("{items} spans"),
        Signal::Metrics => format!("{items} data points"),
        Signal::Logs => format!("{items} log records"),
        _ => format!("{items} items of {signal}"),
    }
}
