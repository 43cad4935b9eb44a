//! Reading an endpoint's text.
//!
//! Used through `Endpoint`'s `FromStr`. Stricter than URLs are in general: what cannot be connected to is refused here,
//! not at the first export (conformance URL-11).

use super::{Endpoint, EndpointError, Parts, Scheme, Target};
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EndpointError::Empty);
        }
        let Some((scheme, rest)) = split_scheme(text) else {
            return host_and_port(text);
        };
        match scheme.to_ascii_lowercase().as_str() {
            "http" => http(rest, Scheme::Http),
            "https" if cfg!(feature = "_tls") => http(rest, Scheme::Https),
            "https" => Err(EndpointError::TlsUnsupported),
            "unix" => unix(rest),
            "dns" => match rest.strip_prefix("///") {
                Some(rest) => host_and_port(rest),
                None if rest.starts_with("//") => {
                    Err(EndpointError::UnsupportedScheme { scheme: "dns://server".into() })
                }
                None => host_and_port(rest),
            },
            _ => Err(EndpointError::UnsupportedScheme { scheme: scheme.into() }),
        }
    }
}

/// `scheme` and what follows its colon, unless `text` is `host:port` and has no scheme.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_name = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let known = ["unix", "dns"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    (is_name && (known || rest.starts_with("//"))).then_some((scheme, rest))
}

fn http(rest: &str, scheme: Scheme) -> Result<Endpoint, EndpointError> {
    let rest = rest.strip_prefix("//").ok_or(EndpointError::MissingHost)?;
    let has_at = rest.contains('@');
    let rest = rest.split_once('#').map_or(rest, |(before, _fragment)| before);
    let (rest, query) = match rest.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (rest, None),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // A password with `/`, `?` or `#` in it ends the authority early: the error must not repeat a part of it.
    let hidden = |error| if has_at { EndpointError::Credentials } else { error };
    let (host, port) = split_authority(authority).map_err(hidden)?;
    check_visible(path).map_err(|found| EndpointError::InvalidPath { found })?;
    check_visible(query.unwrap_or_default()).map_err(|found| EndpointError::InvalidPath { found })?;
    let port = port.unwrap_or(if scheme == Scheme::Https { 443 } else { 80 });
    let mut endpoint = Endpoint::tcp(host, port, authority.to_owned(), scheme);
    let parts = Arc::make_mut(&mut endpoint.0);
    parts.path = path.to_owned();
    parts.query = query.map(str::to_owned);
    Ok(endpoint)
}

/// `host:port` without a scheme, as gRPC clients write it.
fn host_and_port(text: &str) -> Result<Endpoint, EndpointError> {
    if text.contains(['/', '?', '#']) {
        return Err(EndpointError::MissingScheme);
    }
    let (host, port) = split_authority(text)?;
    let port = port.ok_or(EndpointError::MissingScheme)?;
    Ok(Endpoint::tcp(host, port, text.to_owned(), Scheme::None))
}

fn unix(rest: &str) -> Result<Endpoint, EndpointError> {
    // `unix:///abs` and `unix:/abs` are absolute, `unix:rel` is relative; `unix://name` would be a host.
    let path = match rest.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        Some(_) => return Err(EndpointError::InvalidSocketPath),
        None => rest,
    };
    if path.is_empty() || path.ends_with('/') || path.contains('\0') {
        return Err(EndpointError::InvalidSocketPath);
    }
    Ok(Endpoint(Arc::new(Parts {
        target: Target::Unix { path: PathBuf::from(path) },
        scheme_given: true,
        secure: false,
        authority: "localhost".to_owned(),
        path: String::new(),
        query: None,
        per_signal: false,
    })))
}

/// The host, without the brackets of an IPv6 literal, and the port.
fn split_authority(authority: &str) -> Result<(String, Option<u16>), EndpointError> {
    if authority.contains('@') {
        return Err(EndpointError::Credentials);
    }
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (literal, rest) = rest.split_once(']').ok_or_else(|| invalid_host(authority))?;
        literal.parse::<Ipv6Addr>().map_err(|_| invalid_host(authority))?;
        match rest.strip_prefix(':') {
            Some(port) => (literal, Some(port)),
            None if rest.is_empty() => (literal, None),
            None => return Err(invalid_host(authority)),
        }
    } else {
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        if host.is_empty() {
            return Err(EndpointError::MissingHost);
        }
        if !host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
            return Err(invalid_host(host));
        }
        (host, port)
    };
    let port = port.map(parse_port).transpose()?;
    Ok((host.to_owned(), port))
}

fn parse_port(text: &str) -> Result<u16, EndpointError> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ => Err(EndpointError::InvalidPort { port: shorten(text) }),
    }
}

fn invalid_host(host: &str) -> EndpointError {
    EndpointError::InvalidHost { host: shorten(host) }
}

/// The first character that a request line cannot carry.
fn check_visible(text: &str) -> Result<(), char> {
    match text
        .chars()
        .find(|c| !c.is_ascii_graphic() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '}'))
    {
        Some(found) => Err(found),
        None => Ok(()),
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}
