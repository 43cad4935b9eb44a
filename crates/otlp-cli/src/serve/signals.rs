//! Ctrl-C and SIGTERM as something that can be waited for.
//!
//! Used by everything that runs until it is told to end. From then on they no longer end the process by themselves.

use crate::exit::Trouble;
use std::io;

/// The wish of others that the command ends.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    both: [tokio::signal::unix::Signal; 2],
}

impl Signals {
    /// Begins to listen, so that none is missed; inside a runtime.
    pub(crate) fn listen() -> Result<Self, Trouble> {
        let failed = |error: io::Error| Trouble::Failed(format!("cannot listen for signals: {error}"));
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let one = |kind| signal(kind).map_err(failed);
            Ok(Self { both: [one(SignalKind::interrupt())?, one(SignalKind::terminate())?] })
        }
        #[cfg(not(unix))]
        {
            let _ = failed;
            Ok(Self {})
        }
    }

    /// Returns with the next signal.
    pub(crate) async fn any(&mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate] = &mut self.both;
            let (interrupt, terminate) = (std::pin::pin!(interrupt.recv()), std::pin::pin!(terminate.recv()));
            futures_util::future::select(interrupt, terminate).await;
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
