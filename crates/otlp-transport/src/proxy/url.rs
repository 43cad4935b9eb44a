//! The address of a proxy, parsed before anything depends on it.
//!
//! Used by the layer and the environment. Never shows user and password, nor a text that it does not understand, which
//! may hold them.

use crate::{Endpoint, Target};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use std::fmt;
use std::str::FromStr;

/// Where an HTTP proxy is: `http://proxy:3128`, `proxy:3128`, `http://user:password@proxy:3128`.
///
/// Without a port it is port 80. User and password may be percent-encoded, and are sent as basic authentication. A path is
/// ignored. Proxies that are themselves spoken to with TLS (`https://`) or SOCKS are not supported.
///
/// `Display` and `Debug` leave user and password out.
///
/// ```
/// use otlp_transport::ProxyUrl;
/// let proxy: ProxyUrl = "http://user:hunter2@proxy.corp:3128/".parse()?;
/// assert_eq!(proxy.to_string(), "http://proxy.corp:3128");
/// assert!("socks5://proxy".parse::<ProxyUrl>().is_err());
/// # Ok::<(), otlp_transport::ProxyUrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    target: Target,
    /// The value of `proxy-authorization`.
    authorization: Option<String>,
}

impl ProxyUrl {
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

impl FromStr for ProxyUrl {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        let text = text.trim();
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, _)) if is_scheme(scheme) => {
                return Err(ProxyUrlError::UnsupportedScheme { scheme: scheme.to_ascii_lowercase() });
            }
            Some(_) => return Err(ProxyUrlError::Invalid),
            None => text,
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        // What looks like a path is more likely the rest of a password.
        if path.contains('@') {
            return Err(ProxyUrlError::Invalid);
        }
        // At the last `@`: a password may have been given with one in it.
        let (credentials, host) = match authority.rsplit_once('@') {
            Some((credentials, host)) => (Some(credentials), host),
            None => (None, authority),
        };
        let endpoint = format!("http://{host}").parse::<Endpoint>().map_err(|_| ProxyUrlError::Invalid)?;
        let authorization = credentials.map(basic).transpose()?;
        Ok(Self { target: endpoint.target().clone(), authorization })
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Basic authentication from the part of a URL before its `@`.
fn basic(credentials: &str) -> Result<String, ProxyUrlError> {
    let decode = |text| percent_decode_str(text).decode_utf8().map_err(|_| ProxyUrlError::Credentials);
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let (user, password) = (decode(user)?, decode(password)?);
    if user.contains(':') {
        return Err(ProxyUrlError::Credentials);
    }
    Ok(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.target)
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({self})")
    }
}

/// What is wrong with the address of a proxy. Whoever parsed it adds the name of the option or the variable.
///
/// ```
/// use otlp_transport::{ProxyUrl, ProxyUrlError};
/// let error = "https://proxy:443".parse::<ProxyUrl>().unwrap_err();
/// assert_eq!(error, ProxyUrlError::UnsupportedScheme { scheme: "https".into() });
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// A scheme other than `http`.
    #[error("has the unsupported scheme {scheme:?}; proxies are spoken to as http://proxy:port")]
    UnsupportedScheme {
        /// The scheme.
        scheme: String,
    },
    /// User or password that basic authentication cannot carry.
    #[error("has a user or password that is not UTF-8 once percent-decoded, or a colon in the user")]
    Credentials,
    /// No host, or a port that is none. The text is not repeated, for it may hold a password.
    #[error(
        "is no address of a proxy; write http://proxy:port or http://user:password@proxy:port, \
         user and password percent-encoded"
    )]
    Invalid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, shown, authorization) in [
            ("http://proxy:3128", "http://proxy:3128", None),
            (" HTTP://proxy:3128/path?x ", "http://proxy:3128", None),
            ("proxy:3128", "http://proxy:3128", None),
            ("proxy", "http://proxy:80", None),
            ("http://[::1]:8080", "http://[::1]:8080", None),
            ("http://Aladdin:open%20sesame@p:1", "http://p:1", Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
            ("Aladdin@p:1", "http://p:1", Some("Basic QWxhZGRpbjo=")),
            ("http://a:b@c@p:1", "http://p:1", Some("Basic YTpiQGM=")),
        ] {
            let url: ProxyUrl = text.parse().unwrap();
            assert_eq!((url.to_string().as_str(), url.authorization()), (shown, authorization), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        // conf: HDR-09
        for text in [
            "",
            "http://",
            "http://user:hunter2@",
            "http://user:hunter2/x@proxy:1",
            "http://user:1234/hunter2@proxy:1",
            "http://user:hunter2@proxy:x",
            "http://proxy:99999",
            "hun ter2",
            "unix:/hunter2",
            "socks5://user:hunter2@proxy",
            "http://user:hunter2%ff@proxy",
            "http://us%3Aer:hunter2@proxy",
            "user:hunter2://proxy",
        ] {
            let error = text.parse::<ProxyUrl>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{text}: {error}");
        }
        let url: ProxyUrl = "http://user:hunter2@proxy".parse().unwrap();
        let shown = format!("{url} {url:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("user") && !shown.contains("Basic"), "{shown}");
    }
}
