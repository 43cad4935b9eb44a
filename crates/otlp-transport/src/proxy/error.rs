//! What goes wrong between us and a proxy, and what to do about it.
//!
//! Found as the cause of a `ConnectError`. Shows neither user nor password, nor a word of what the proxy said but its
//! status: the text would be whatever stands there.

use super::ProxyUrl;
use crate::error::root;
use crate::{BoxError, Target};
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The proxy gave no connection to the target.
///
/// ```
/// # tokio_test::block_on(async {
/// use otlp_transport::{Connector, ProxyError, ProxyLayer, Target};
/// use tower::{ServiceBuilder, ServiceExt};
/// let connector = ServiceBuilder::new()
///     .layer(ProxyLayer::new("http://proxy.invalid:3128".parse()?))
///     .service(Connector::new());
/// let error = connector.oneshot(Target::Tcp { host: "collector".into(), port: 4317 }).await.unwrap_err();
/// let error = error.downcast_ref::<ProxyError>().unwrap();
/// assert!(error.to_string().starts_with("the proxy http://proxy.invalid:3128 cannot be reached"));
/// assert_eq!(error.status(), None);
/// # Ok::<(), otlp_transport::ProxyUrlError>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct ProxyError {
    proxy: ProxyUrl,
    target: Target,
    problem: Problem,
}

#[derive(Debug)]
pub(super) enum Problem {
    /// No connection to the proxy.
    Unreachable(BoxError),
    /// The connection broke.
    Lost(std::io::Error),
    /// It ended before the answer did.
    Closed,
    /// An answer other than a success.
    Refused(u16),
    /// What came is no answer of HTTP.
    NotHttp,
    /// The answer has more headers than are read.
    TooLong,
    /// Nothing in this time.
    Silent(Duration),
    /// The target cannot be written into a request.
    Unspeakable,
}

impl ProxyError {
    pub(super) fn new(proxy: ProxyUrl, target: Target, problem: Problem) -> Self {
        Self { proxy, target, problem }
    }

    /// The HTTP status the proxy answered with, if it answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.problem {
            Problem::Refused(status) => Some(status),
            _ => None,
        }
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { proxy, target, problem } = self;
        write!(f, "the proxy {proxy} ")?;
        match problem {
            Problem::Unreachable(source) => {
                write!(f, "cannot be reached: {}; check its address", root(&**source))
            }
            Problem::Lost(source) => write!(f, "broke the connection: {}", source.kind()),
            Problem::Closed => write!(f, "closed the connection when it was asked for {target}"),
            Problem::Refused(status) => {
                write!(f, "answered {status}")?;
                if let Some(reason) =
                    http::StatusCode::from_u16(*status).ok().and_then(|s| s.canonical_reason())
                {
                    write!(f, " {reason}")?;
                }
                write!(f, " when it was asked for {target}")?;
                f.write_str(match status {
                    407 if proxy.authorization().is_some() => "; it does not take this user and password",
                    407 => "; it wants a user and password: http://user:password@proxy:port",
                    400 | 403 | 405 => "; does it allow CONNECT to this host and port?",
                    502..=504 => "; it could not reach the receiver",
                    _ => "",
                })
            }
            Problem::NotHttp => f.write_str("did not answer in HTTP/1; is there a proxy at this address?"),
            Problem::TooLong => f.write_str("answered with more headers than are read"),
            Problem::Silent(timeout) => write!(f, "gave no connection to {target} within {timeout:?}"),
            Problem::Unspeakable => {
                f.write_str("cannot be asked for a host with such characters in its name")
            }
        }
    }
}

impl Error for ProxyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.problem {
            Problem::Unreachable(source) => Some(&**source),
            Problem::Lost(source) => Some(source),
            _ => None,
        }
    }
}
