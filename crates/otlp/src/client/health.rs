//! How the client and its receivers fare: the check that asks the receivers, and what the books, the queues, the connections
//! and the TLS files say now. Nothing here sends what was recorded, or counts as a report.

use super::Client;
use crate::error::Error;
use otlp_batch::Stats;
use otlp_model::Signal;
use otlp_transport::PoolStats;
use tokio::sync::oneshot;

impl Client {
    /// Sends one empty request, without a retry: is the receiver there, and does it speak OTLP? Where signals go to several
    /// receivers, each is asked; where none is on, nobody is, and all is well. Layers around attempts
    /// and connections see it; layers around batches do not.
    ///
    /// # Errors
    ///
    /// What an export would fail with, [`ShutDown`](crate::ErrorKind::ShutDown), or
    /// [`Forked`](crate::ErrorKind::Forked) in a fork of the client's process.
    pub async fn health_check(&self) -> Result<(), Error> {
        if self.inner.shared.is_forked() {
            return Err(Error::forked());
        }
        let (check, answer) = oneshot::channel();
        self.inner.checks.send(check).map_err(|_| Error::shut_down())?;
        answer.await.unwrap_or_else(|_| {
            let ended = self.inner.checks.is_closed();
            Err(if ended {
                Error::shut_down()
            } else {
                Error::export("a layer panicked in the health check".into())
            })
        })
    }

    /// How the TLS files fare: how often changed ones were taken into use, and what is wrong with those on disk if the ones
    /// in use are older. Files are read when a connection is made. `None` if no endpoint is `https`; of several
    /// receivers, all reloads and the first problem.
    ///
    /// ```
    /// # async fn f() -> Result<(), otlp::Error> {
    /// let client = otlp::Client::builder().with_endpoint("http://localhost:4317").build().await?;
    /// assert_eq!(client.tls_status(), None);
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(f()).unwrap();
    /// ```
    #[cfg(feature = "_tls")]
    #[must_use]
    pub fn tls_status(&self) -> Option<crate::TlsStatus> {
        self.inner.destinations.tls_status()
    }

    /// The books of a signal now. Does not count as a report.
    #[must_use]
    pub fn stats(&self, signal: Signal) -> Stats {
        self.inner.shared.lane(signal).stats()
    }

    /// How many items wait in the queues, over all signals; those in flight are not counted.
    ///
    /// # Errors
    ///
    /// None today: a result for the troubleshooting guide's `get_queue_size().await?`.
    #[expect(clippy::unused_async, reason = "the guide's signature")]
    pub async fn get_queue_size(&self) -> Result<usize, Error> {
        let queued: u64 = Signal::ALL.into_iter().map(|signal| self.stats(signal).queued).sum();
        Ok(usize::try_from(queued).unwrap_or(usize::MAX))
    }

    /// The connections to the receiver now; those to several, where signals have their own, together.
    ///
    /// ```
    /// # async fn f() -> Result<(), otlp::Error> {
    /// let client = otlp::Client::builder().with_endpoint("http://localhost:4317").build().await?;
    /// let pool = client.get_connection_pool_stats().await?;
    /// println!("{} active, {} idle", pool.active_connections, pool.idle_connections);
    /// println!("{} requests wait", pool.waiting_connections);
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(f()).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Forked`](crate::ErrorKind::Forked) in a fork of the client's process.
    #[expect(clippy::unused_async, reason = "the guide's signature")]
    pub async fn get_connection_pool_stats(&self) -> Result<PoolStats, Error> {
        if self.inner.shared.is_forked() {
            return Err(Error::forked());
        }
        Ok(self.inner.destinations.pool_stats())
    }
}
