//! Shutting down when the process is asked to end: SIGTERM, as service managers and Kubernetes send it, and Ctrl-C.
//!
//! For applications that ask for it, and then only. Never ends the process: that is for the application to do.

use crate::client::Client;
use crate::error::Error;
use crate::report::DeliveryReport;
use futures_util::future::select;
use std::io;
use std::pin::pin;
use std::time::Duration;

impl Client {
    /// Waits until the process is asked to end, by SIGTERM or SIGINT (on Windows by Ctrl-C), and then
    /// [`shutdown`](Self::shutdown)s within `deadline`. Returns as well when the client has been shut down otherwise.
    ///
    /// The first poll installs handlers for these signals, which stay for the life of the process: **from then on the
    /// signals no longer end it**. The application does, when this returns; so keep the deadline below the grace that it
    /// gets (Kubernetes: 30 s). Without this call the client touches no signal. Other listeners of tokio hear the signals,
    /// too; handlers installed by other means before are called, those installed later replace these.
    ///
    /// Works on any executor. Cancel safe: a shutdown that has begun goes on.
    ///
    /// ```no_run
    /// # async fn serve() {}
    /// # async fn f(client: otlp::Client) {
    /// use std::time::Duration;
    /// let on_signal = client.clone();
    /// tokio::spawn(async move {
    ///     let delivered = on_signal.shutdown_on_signal(Duration::from_secs(10)).await;
    ///     if let Err(error) = &delivered {
    ///         eprintln!("{error}");
    ///     }
    ///     std::process::exit(i32::from(delivered.is_err()));
    /// });
    /// serve().await;
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Self::shutdown), and [`Startup`](crate::ErrorKind::Startup) when the handlers can't be installed.
    pub async fn shutdown_on_signal(&self, deadline: Duration) -> Result<DeliveryReport, Error> {
        if let Some(runtime) = self.runtime().filter(|_| !self.shared().is_forked()) {
            // The handlers belong to the client's runtime: the caller need not have one.
            let installed = {
                let _entered = runtime.enter();
                Signals::install()
            };
            match installed {
                Ok(signals) => {
                    select(pin!(signals.received()), pin!(self.ended())).await;
                }
                // Of a client that was shut down the runtime is gone, and nothing is left to wait for.
                Err(_) if self.is_ended() => {}
                Err(e) => return Err(Error::startup("signal handlers could not be installed", e)),
            }
        }
        self.shutdown(deadline).await
    }
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 2]);

#[cfg(unix)]
impl Signals {
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?]))
    }

    async fn received(self) {
        let Self([mut terminate, mut interrupt]) = self;
        select(pin!(terminate.recv()), pin!(interrupt.recv())).await;
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn install() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn received(mut self) {
        self.0.recv().await;
    }
}
