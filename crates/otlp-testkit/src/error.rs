//! What can go wrong in a collector or proxy itself, told to the person who reads a failed test.
//!
//! Returned by every fallible method of the crate. Never used for what is *sent* to clients: that is a [`Reply`].
//!
//! [`Reply`]: crate::Reply

use std::io;
use std::time::Duration;

/// Why a collector or proxy could not do what the test asked of it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), otlp_testkit::Error> {
/// use std::time::Duration;
/// let collector = otlp_testkit::Collector::builder().http().start().await?;
/// let error = collector.wait_for(1, Duration::from_millis(1)).await.unwrap_err();
/// assert!(error.is_timeout());
/// assert!(error.to_string().starts_with("waited 1ms for 1 items, but 0 arrived"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address or socket path could not be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address or path.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// A `start` was called outside a tokio runtime.
    #[error("start() needs a tokio runtime around it; start_blocking() brings its own")]
    NoRuntime,
    /// The own thread or runtime could not be made.
    #[error("its own thread cannot be started: {0}")]
    Thread(#[source] io::Error),
    /// The runtime the collector or proxy lived on is gone.
    #[error("the runtime it lived on has ended, nothing runs there any more")]
    RuntimeGone,
    /// A blocking form was called on the very runtime thread that is needed in order to act.
    #[error(
        "{operation} would block the current-thread runtime that it waits for; \
         use the async form, or start with start_blocking()"
    )]
    WouldDeadlock {
        /// The method that was called.
        operation: &'static str,
    },
    /// A certificate or a key could not be made or used.
    #[cfg(feature = "tls")]
    #[error("the collector's TLS: {0}")]
    Tls(String),
    /// What was waited for did not arrive in time.
    #[error("waited {waited:?} for {wanted}, but {seen}")]
    Timeout {
        /// What was waited for, in words.
        wanted: String,
        /// How long was waited.
        waited: Duration,
        /// What had happened when the time was up, in words.
        seen: String,
    },
}

impl Error {
    #[cfg(feature = "tls")]
    pub(crate) fn tls(error: impl std::fmt::Display) -> Self {
        Self::Tls(error.to_string())
    }

    /// Whether this is a wait that ended without what was waited for.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }
}
