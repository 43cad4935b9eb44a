//! The error of requests for which no credentials could be had.
//!
//! `classify` reads it by type: it is retryable, because the data is fine and credentials may come back.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// No credentials could be had, so the request was not sent. Retryable, not before the next fetch.
///
/// ```
/// # tokio_test::block_on(async {
/// use otlp_model::{ExportRequest, ExportResponse, Signal};
/// use otlp_transport::{AuthLayer, BoxError, CredentialsError, Token};
/// use tower::{ServiceBuilder, ServiceExt};
/// let stack = ServiceBuilder::new()
///     .layer(AuthLayer::new(|| async { Err::<Token, BoxError>("the token endpoint answered 503".into()) }))
///     .service_fn(|_: ExportRequest| async { Ok::<_, BoxError>(ExportResponse::success()) });
/// let error = stack.oneshot(ExportRequest::new(Signal::Logs, 1, bytes::Bytes::new())).await.unwrap_err();
/// assert!(error.is::<CredentialsError>());
/// assert_eq!(error.to_string(), "could not get credentials: the token endpoint answered 503");
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct CredentialsError {
    /// Shared by all the requests that waited for the fetch.
    cause: Arc<dyn Error + Send + Sync>,
    wait: Duration,
    refused: bool,
}

impl CredentialsError {
    pub(super) fn new(cause: Arc<dyn Error + Send + Sync>, wait: Duration) -> Self {
        Self { cause, wait, refused: false }
    }

    /// The same, of a request whose first token was refused.
    pub(super) fn after_refusal(mut self) -> Self {
        self.refused = true;
        self
    }

    /// How long until they are fetched again, counted from this error.
    #[must_use]
    pub const fn wait(&self) -> Duration {
        self.wait
    }
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.refused {
            "the receiver refused the credentials, and others could not be had: "
        } else {
            "could not get credentials: "
        })?;
        self.cause.fmt(f)
    }
}

impl Error for CredentialsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}
