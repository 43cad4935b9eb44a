//! The headers of a request: our own first, then those of users and layers, checked.
//!
//! Used by both terminals. Never lets a user's header change how a request is framed (HDR-08), and marks every user's
//! value sensitive, so that no `Debug` shows it (HDR-09).

use crate::InvalidHeader;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
#[cfg(any(feature = "grpc", feature = "http"))]
use http::header::{HeaderMap, USER_AGENT};
use http::header::{HeaderName, HeaderValue};

/// Headers that frame a request or belong to one connection; `grpc-*` besides.
const OWN: [&str; 15] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
];

/// Whether names consist of such, in HTTP and in gRPC.
pub(crate) fn is_of_name(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'.' | b'-')
}

/// A user's header as it goes on the wire: one that both HTTP and gRPC can carry.
pub(crate) fn user_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), InvalidHeader> {
    let invalid = |problem| Err(InvalidHeader::new(name, problem));
    let lower = name.to_ascii_lowercase();
    if lower.is_empty() || !lower.bytes().all(is_of_name) {
        return invalid("a name consists of letters, digits, '_', '.' and '-' (what follows is not shown)");
    }
    if OWN.contains(&lower.as_str()) || lower.starts_with("grpc-") {
        return invalid("the exporter sets it itself");
    }
    if !value.bytes().all(|b| matches!(b, 0x20..=0x7e)) {
        return invalid("its value has characters other than printable ASCII");
    }
    if lower.ends_with("-bin") && STANDARD.decode(value).or_else(|_| STANDARD_NO_PAD.decode(value)).is_err() {
        return invalid("its name ends in -bin, so its value must be base64");
    }
    match (HeaderName::from_bytes(lower.as_bytes()), HeaderValue::from_str(value)) {
        (Ok(name), Ok(mut value)) => {
            value.set_sensitive(true);
            Ok((name, value))
        }
        _ => invalid("HTTP forbids its name or its value"),
    }
}

/// Adds the headers of users and layers to our own; a `user-agent` goes before ours (UA-02).
#[cfg(any(feature = "grpc", feature = "http"))]
pub(crate) fn add_user_headers(
    headers: &mut HeaderMap,
    added: &[(String, String)],
) -> Result<(), InvalidHeader> {
    for (name, value) in added {
        let (name, value) = user_header(name, value)?;
        if name == USER_AGENT {
            let ours = headers.get(USER_AGENT).and_then(|ours| ours.to_str().ok()).unwrap_or_default();
            let theirs = value.to_str().unwrap_or_default();
            if let Ok(both) = HeaderValue::from_str(format!("{theirs} {ours}").trim()) {
                headers.insert(USER_AGENT, both);
            }
        } else {
            headers.append(name, value);
        }
    }
    Ok(())
}

/// Our `user-agent` (UA-01).
#[cfg(any(feature = "grpc", feature = "http"))]
pub(crate) const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("OTel-OTLP-Exporter-Rust/", env!("CARGO_PKG_VERSION")));

/// The encodings that this build can decode, for `accept-encoding` and, after `identity`, `grpc-accept-encoding`.
#[cfg(any(feature = "grpc", feature = "http"))]
pub(crate) const DECODABLE: Option<&str> = match (cfg!(feature = "gzip"), cfg!(feature = "zstd")) {
    (true, true) => Some("gzip,zstd"),
    (true, false) => Some("gzip"),
    (false, true) => Some("zstd"),
    (false, false) => None,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_may_set() {
        // conf: HDR-08, GRPC-11
        for (name, value) in [
            ("x-tenant", "a b"),
            ("Authorization", "Bearer =="),
            ("a.b_c-1", ""),
            ("k-bin", "AAE="),
            ("k-bin", "AAE"),
        ] {
            assert!(user_header(name, value).is_ok(), "{name}: {value}");
        }
        for (name, value) in [
            ("", "x"),
            ("x y", "v"),
            ("x:", "v"),
            ("é", "v"),
            ("Content-Type", "v"),
            ("grpc-timeout", "1S"),
            ("TE", "x"),
            ("x", "line\nbreak"),
            ("x", "caf\u{e9}"),
            ("x", "tab\t"),
            ("k-bin", "not base64"),
        ] {
            let error = user_header(name, value).unwrap_err();
            assert_eq!(error.name(), name.split([' ', ':', 'é']).next().unwrap());
            assert!(
                !error.to_string().contains("not base64") && !error.to_string().contains('\n'),
                "{error}"
            );
        }
    }

    #[test]
    fn a_value_in_the_place_of_the_name_is_not_shown() {
        // conf: HDR-09
        for line in
            ["authorization: Bearer hunter2", "Authorization=Bearer hunter2", "authorization\nhunter2"]
        {
            let error = user_header(line, "").unwrap_err();
            assert!(error.name().eq_ignore_ascii_case("authorization"), "{error}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    #[cfg(any(feature = "grpc", feature = "http"))]
    fn values_are_not_shown() {
        // conf: HDR-09, HDR-07
        let mut headers = HeaderMap::new();
        add_user_headers(&mut headers, &[("Authorization".into(), "Bearer hunter2".into())]).unwrap();
        assert_eq!(headers.get("authorization").unwrap(), "Bearer hunter2");
        assert!(!format!("{headers:?}").contains("hunter2"));
    }
}
