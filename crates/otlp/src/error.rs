//! The one error of the facade: opaque, one pointer wide, with questions to ask.
//!
//! Messages say what failed, to which endpoint, why, what to do, and where the troubleshooting guide says more. They
//! never hold header values or other secrets.

use crate::report::DeliveryReport;
use otlp_model::{Dropped, Invalid, Signal, causes};
use std::error::Error as StdError;
use std::fmt;

/// What went wrong, roughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option of the builder has a value it can't have; the message names it.
    Configuration,
    /// The client's thread or runtime could not be started.
    Startup,
    /// No connection to the endpoint could be made, or it broke before the answer.
    Connect,
    /// No credentials could be had, so nothing was sent.
    Credentials,
    /// A deadline passed.
    Timeout,
    /// The receiver answered with an error, a redirect, or more than is read.
    Refused,
    /// Telemetry was lost; [`Error::report`] says how much and why.
    Lost,
    /// The client is shut down.
    ShutDown,
    /// The client was made by a process of which this one is a fork: it works only there. Make one here.
    Forked,
    /// Anything else, such as a failing user layer.
    Other,
}

/// An error of the client.
///
/// ```
/// # async fn f() {
/// let error = otlp::Client::builder().with_endpoint("localhost and a space").build().await.unwrap_err();
/// assert_eq!(error.kind(), otlp::ErrorKind::Configuration);
/// assert!(error.to_string().contains("with_endpoint"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(f());
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    section: Option<&'static str>,
    report: Option<DeliveryReport>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), section: None, report: None, source: None }))
    }

    /// A builder option with a value it can't have.
    pub(crate) fn option(name: &str, problem: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Configuration, format!("{name}: {problem}")).section("options")
    }

    /// The same of TLS, about which the guide says more.
    #[cfg(feature = "_tls")]
    pub(crate) fn tls_option(name: &str, problem: impl fmt::Display) -> Self {
        Self::option(name, problem).section("tls")
    }

    pub(crate) fn startup(message: &str, source: std::io::Error) -> Self {
        Self::new(ErrorKind::Startup, format!("{message}: {source}")).section("startup").caused_by(source)
    }

    pub(crate) fn shut_down() -> Self {
        Self::new(ErrorKind::ShutDown, "the client is shut down").section("lost")
    }

    pub(crate) fn forked() -> Self {
        let message = "the client belongs to the process that this one was forked from: \
                       make a client after the fork";
        Self::new(ErrorKind::Forked, message).section("fork")
    }

    /// A failed export, told by what is in its chain of causes.
    pub(crate) fn export(source: Box<dyn StdError + Send + Sync>) -> Self {
        let kind = kind_of(&*source);
        let section = match kind {
            ErrorKind::Connect if is_caused_by::<otlp_transport::NoAvailableConnection>(&*source) => {
                Some("pool")
            }
            ErrorKind::Connect if is_caused_by::<otlp_transport::ProxyError>(&*source) => Some("proxy"),
            #[cfg(feature = "_tls")]
            ErrorKind::Connect if is_tls(&*source) => Some("tls"),
            ErrorKind::Connect => Some("connect"),
            ErrorKind::Credentials => Some("credentials"),
            ErrorKind::Timeout => Some("timeout"),
            ErrorKind::Refused => Some("refused"),
            _ => Some("lost"),
        };
        let mut error = Self::new(kind, chain(&*source));
        error.0.section = section;
        error.0.source = Some(source);
        error
    }

    /// A flush or shutdown that did not deliver everything.
    pub(crate) fn undelivered(operation: &str, report: DeliveryReport) -> Self {
        let (lost, pending) = (report.lost(), report.pending());
        let (kind, mut message) = if lost.total() > 0 {
            (ErrorKind::Lost, format!("{operation} lost {} items ({lost})", lost.total()))
        } else {
            (ErrorKind::Timeout, format!("{operation} timed out after {:.1?}", report.elapsed))
        };
        if pending > 0 {
            message += &format!("; {pending} items are still pending");
        }
        message += &format!("; {report}");
        if let Some(last) = &report.last_error {
            message += &format!("; last error: {last}");
        }
        let mut error = Self::new(kind, message).section("lost");
        error.0.report = Some(report);
        error
    }

    /// Items that did not get into the queue.
    pub(crate) fn not_queued(
        signal: Signal,
        queued: u64,
        dropped: Dropped,
        invalid: Option<Invalid>,
    ) -> Self {
        let all = queued + dropped.total();
        let mut message =
            format!("of {all} {signal} items {queued} were queued, the others lost ({dropped})");
        if let Some(invalid) = invalid {
            message += &format!("; {invalid}");
        }
        Self::new(ErrorKind::Lost, message).section("lost")
    }

    fn section(mut self, section: &'static str) -> Self {
        self.0.section = Some(section);
        self
    }

    fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Box::new(source));
        self
    }

    /// What went wrong, roughly.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The books at the time of the failure, from `flush` and `shutdown`.
    #[must_use]
    pub fn report(&self) -> Option<&DeliveryReport> {
        self.0.report.as_ref()
    }

    /// Whether an option of the builder was wrong.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        self.kind() == ErrorKind::Configuration
    }

    /// Whether no connection could be made, or it broke before the answer.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.kind() == ErrorKind::Connect
    }

    /// Whether a deadline passed.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout || self.report().is_some_and(|report| report.timed_out)
    }

    /// Whether telemetry was lost.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.kind() == ErrorKind::Lost
    }
}

/// The kind of an export's error, told by its causes.
fn kind_of(error: &(dyn StdError + 'static)) -> ErrorKind {
    use otlp_transport::{
        ConnectError, ConnectionLost, CredentialsError, GrpcError, HttpError, NoAvailableConnection,
        Redirected, ResponseTooLarge, TimeoutError,
    };
    // First, for what is below is of the user's token endpoint.
    if is_caused_by::<CredentialsError>(error) {
        ErrorKind::Credentials
    } else if is_caused_by::<ConnectError>(error)
        || is_caused_by::<ConnectionLost>(error)
        || is_caused_by::<NoAvailableConnection>(error)
    {
        ErrorKind::Connect
    } else if is_caused_by::<TimeoutError>(error) {
        ErrorKind::Timeout
    } else if is_caused_by::<GrpcError>(error)
        || is_caused_by::<HttpError>(error)
        || is_caused_by::<Redirected>(error)
        || is_caused_by::<ResponseTooLarge>(error)
    {
        ErrorKind::Refused
    } else {
        ErrorKind::Other
    }
}

/// Whether TLS is the cause: of a connection that was not made, or, as an alert, of one that was lost.
#[cfg(feature = "_tls")]
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|error| {
        // An I/O error's source is that of the error inside of it.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        error.is::<otlp_transport::TlsError>()
            || inner.is_some_and(|inner| inner.is::<otlp_transport::TlsError>())
    })
}

/// Whether the error or one of its causes is an `E`.
pub(crate) fn is_caused_by<E: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|error| error.is::<E>())
}

/// The message of an error and of those causes that it does not already repeat. A failed connection has said it all:
/// what is below are the words of libraries.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    for error in causes(error) {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        if error.is::<otlp_transport::ConnectError>() {
            break;
        }
    }
    text
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match self.0.section {
            Some(section) => write!(f, " (see docs/troubleshooting.md#{section})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("report", &self.0.report)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
