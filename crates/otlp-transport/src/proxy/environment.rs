//! What the environment says about proxies, as other exporters read it.
//!
//! Used once, when a stack is built. Reads through a lookup function and decides for one endpoint; the layer does not know
//! where its proxy came from.

use super::{NoProxy, ProxyLayer, ProxyUrl, ProxyUrlError};
use crate::{Endpoint, Target};
use std::net::IpAddr;

impl ProxyLayer {
    /// The proxy that the environment has for `endpoint`, if any.
    ///
    /// `HTTPS_PROXY` holds for endpoints over TLS, `HTTP_PROXY` for others, `ALL_PROXY` for both where
    /// the former is not set; in upper case first, then in lower case; empty is not set. `HTTP_PROXY` in upper case does not count
    /// where `REQUEST_METHOD` is set: in a CGI program it is a header that the client chose. Hosts in `NO_PROXY`
    /// ([`NoProxy`]), `localhost`, loopback addresses and unix sockets have no proxy.
    ///
    /// # Errors
    ///
    /// The variable that would count is no address of a proxy.
    ///
    /// ```
    /// use otlp_transport::{Endpoint, ProxyLayer};
    /// let environment = |name: &str| (name == "HTTP_PROXY").then(|| "http://proxy:3128".to_owned());
    /// let endpoint: Endpoint = "http://collector:4317".parse()?;
    /// assert!(ProxyLayer::from_env(&endpoint, environment)?.is_some());
    /// assert!(ProxyLayer::from_env(&Endpoint::default_grpc(), environment)?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_env(
        endpoint: &Endpoint,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ProxyVariableError> {
        let Target::Tcp { host, port } = endpoint.target() else { return Ok(None) };
        let get = |name: &'static str| {
            lookup(name).filter(|value| !value.trim().is_empty()).map(|value| (name, value))
        };
        let either = |[upper, lower]: [&'static str; 2]| get(upper).or_else(|| get(lower));
        let own = if endpoint.is_secure() {
            either(["HTTPS_PROXY", "https_proxy"])
        } else if get("REQUEST_METHOD").is_some() {
            get("http_proxy")
        } else {
            either(["HTTP_PROXY", "http_proxy"])
        };
        let Some((variable, value)) = own.or_else(|| either(["ALL_PROXY", "all_proxy"])) else {
            return Ok(None);
        };
        let except =
            either(["NO_PROXY", "no_proxy"]).map(|(_, list)| NoProxy::parse(&list)).unwrap_or_default();
        if is_loopback(host) || except.matches(host, *port) {
            return Ok(None);
        }
        let proxy: ProxyUrl = value.parse().map_err(|problem| ProxyVariableError { variable, problem })?;
        Ok(Some(Self::new(proxy)))
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let address = host.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback());
    address || host.eq_ignore_ascii_case("localhost")
}

/// A variable of the environment holds no address of a proxy.
///
/// ```
/// use otlp_transport::{Endpoint, ProxyLayer};
/// let environment = |name: &str| (name == "all_proxy").then(|| "socks5://proxy".to_owned());
/// let endpoint: Endpoint = "http://collector:4317".parse()?;
/// let error = ProxyLayer::from_env(&endpoint, environment).unwrap_err();
/// assert_eq!(error.variable(), "all_proxy");
/// assert!(error.to_string().starts_with("the variable all_proxy has the unsupported scheme \"socks5\""));
/// # Ok::<(), otlp_transport::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the variable {variable} {problem}")]
pub struct ProxyVariableError {
    variable: &'static str,
    problem: ProxyUrlError,
}

impl ProxyVariableError {
    /// Its name.
    #[must_use]
    pub const fn variable(&self) -> &'static str {
        self.variable
    }

    /// What is wrong with its value.
    #[must_use]
    pub const fn problem(&self) -> &ProxyUrlError {
        &self.problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(host: &str, secure: bool) -> Endpoint {
        let endpoint: Endpoint = format!("http://{host}:4317").parse().unwrap();
        #[cfg(feature = "_tls")]
        if secure {
            return endpoint.secured();
        }
        assert!(!secure, "there is no TLS in this build");
        endpoint
    }

    fn proxy(host: &str, secure: bool, variables: &[(&str, &str)]) -> Option<String> {
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        ProxyLayer::from_env(&endpoint(host, secure), lookup).unwrap().map(|layer| layer.url().to_string())
    }

    #[test]
    fn which_variable_counts() {
        let all = [
            ("HTTPS_PROXY", "S:1"),
            ("https_proxy", "s:1"),
            ("HTTP_PROXY", "H:1"),
            ("http_proxy", "h:1"),
            ("ALL_PROXY", "A:1"),
            ("all_proxy", "a:1"),
        ];
        let of = |secure, variables: &[(&str, &str)]| proxy("collector", secure, variables);
        let is = |host: &str| Some(format!("http://{host}:1"));
        #[cfg(feature = "_tls")]
        {
            assert_eq!(
                (of(true, &all), of(true, &all[1..]), of(true, &all[2..])),
                (is("S"), is("s"), is("A"))
            );
            assert_eq!(of(true, &all[2..4]), None);
        }
        assert_eq!(
            (of(false, &all), of(false, &all[3..]), of(false, &all[4..])),
            (is("H"), is("h"), is("A"))
        );
        assert_eq!(of(false, &all[5..]), is("a"));
        assert_eq!(of(false, &all[..2]), None);
        assert_eq!(of(false, &[("HTTP_PROXY", " "), ("http_proxy", "h:1")]), is("h"), "empty is not set");
    }

    #[test]
    fn a_cgi_program_does_not_believe_its_client() {
        let cgi = ("REQUEST_METHOD", "POST");
        assert_eq!(proxy("collector", false, &[("HTTP_PROXY", "evil:1"), cgi]), None);
        let both = [("HTTP_PROXY", "evil:1"), ("http_proxy", "h:1"), cgi];
        assert_eq!(proxy("collector", false, &both), Some("http://h:1".into()));
    }

    #[test]
    fn who_has_no_proxy() {
        for host in ["localhost", "LocalHost.", "127.0.0.1", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]"] {
            assert_eq!(proxy(host, false, &[("ALL_PROXY", "p:1")]), None, "{host}");
        }
        let list = |value| [("ALL_PROXY", "p:1"), value];
        assert_eq!(proxy("c.example", false, &list(("NO_PROXY", "example"))), None);
        assert_eq!(proxy("c.example", false, &list(("no_proxy", "c.example:4317"))), None);
        assert!(proxy("c.example", false, &list(("no_proxy", "c.example:4318"))).is_some());
        assert_eq!(proxy("10.1.1.1", false, &list(("NO_PROXY", "*"))), None);
        let unix = "unix:///run/otlp.sock".parse().unwrap();
        assert!(ProxyLayer::from_env(&unix, |_| Some("p:1".into())).unwrap().is_none());
    }

    #[test]
    fn a_bad_variable_matters_only_where_it_would_count() {
        let lookup = |name: &str| (name == "HTTP_PROXY").then(|| "https://user:hunter2@p".to_owned());
        let error = ProxyLayer::from_env(&endpoint("c", false), lookup).unwrap_err();
        assert_eq!(error.variable(), "HTTP_PROXY");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        #[cfg(feature = "_tls")]
        assert_eq!(ProxyLayer::from_env(&endpoint("c", true), lookup).map(|layer| layer.is_none()), Ok(true));
        assert_eq!(proxy("localhost", false, &[("HTTP_PROXY", "https://p")]), None);
    }
}
