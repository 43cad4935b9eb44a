//! Which server a request was meant for, and whose it was: what `Host`, `:authority` and the headers of proxies say. Pure,
//! borrows from the request, and takes whatever it is given.

use http::header::{FORWARDED, HOST, HeaderName};
use http::request::Parts;
use http::{HeaderMap, Uri};

/// A host, without brackets, and a port where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Host<'a> {
    pub(crate) address: &'a str,
    pub(crate) port: Option<u16>,
}

impl<'a> Host<'a> {
    /// Reads `host`, `host:port`, `[v6]:port`; `None` if there is no host in it.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text = text.rsplit_once('@').map_or(text, |(_, host)| host).trim();
        let (address, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, rest)) => (address, rest.strip_prefix(':')),
            // More than one colon without brackets is an address of IPv6.
            None if text.matches(':').count() == 1 => text.split_once(':').map(|(a, p)| (a, Some(p)))?,
            None => (text, None),
        };
        let port = port.and_then(|port| port.parse().ok());
        (!address.is_empty()).then_some(Self { address, port })
    }

    /// The host of a request: that of its URI (in HTTP/2, `:authority`), else that of its `Host` header.
    pub(crate) fn of(uri: &'a Uri, headers: &'a HeaderMap) -> Option<Self> {
        let text = uri.authority().map(http::uri::Authority::as_str).or_else(|| text(headers, &HOST))?;
        Self::parse(text)
    }
}

/// What proxies say of a request, if they are to be believed: of the first of them, the one next to the client.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Forwarded<'a> {
    pub(crate) host: Option<&'a str>,
    pub(crate) scheme: Option<&'a str>,
    pub(crate) client: Option<&'a str>,
}

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

impl<'a> Forwarded<'a> {
    /// `Forwarded` (RFC 7239), and where it says nothing the `X-Forwarded-…` headers.
    pub(crate) fn of(request: &'a Parts) -> Self {
        let headers = &request.headers;
        let first =
            |name: &HeaderName| text(headers, name).and_then(|list| list.split(',').next()).map(str::trim);
        let element = first(&FORWARDED);
        let parameter = |name: &str| {
            let pairs = element?.split(';').filter_map(|pair| pair.split_once('='));
            let mut values = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
            values.next().map(|(_, value)| value.trim().trim_matches('"'))
        };
        let client = parameter("for").or_else(|| first(&X_FORWARDED_FOR));
        Self {
            host: parameter("host").or_else(|| first(&X_FORWARDED_HOST)),
            scheme: parameter("proto").or_else(|| first(&X_FORWARDED_PROTO)),
            client: client.and_then(Host::parse).map(|host| host.address).filter(|client| is_address(client)),
        }
    }
}

/// Proxies may hide their clients: as `unknown`, or under a name that begins with an underscore (RFC 7239, section 6).
fn is_address(client: &str) -> bool {
    !client.eq_ignore_ascii_case("unknown") && !client.starts_with('_')
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hosts_are_read_with_and_without_ports() {
        let host = |address, port| Some(Host { address, port });
        for (text, expected) in [
            ("a.example", host("a.example", None)),
            ("a.example:8080", host("a.example", Some(8080))),
            ("user:pw@a.example:8080", host("a.example", Some(8080))),
            ("127.0.0.1:1", host("127.0.0.1", Some(1))),
            ("[::1]:80", host("::1", Some(80))),
            ("[::1]", host("::1", None)),
            ("2001:db8::1", host("2001:db8::1", None)),
            ("a.example:port", host("a.example", None)),
            ("a.example:99999", host("a.example", None)),
            ("", None),
            (":80", None),
        ] {
            assert_eq!(Host::parse(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_something_within_it(text in "[\\[\\]:@a-f0-9. ]{0,24}|.{0,24}") {
            if let Some(host) = Host::parse(&text) {
                prop_assert!(!host.address.is_empty() && text.contains(host.address));
            }
            if let Ok(value) = http::HeaderValue::from_str(&text) {
                let request = http::Request::builder().header(FORWARDED, value.clone());
                let (parts, ()) = request.header(X_FORWARDED_FOR.clone(), value).body(()).unwrap().into_parts();
                let said = Forwarded::of(&parts);
                prop_assert!([said.host, said.scheme, said.client].into_iter().flatten().all(|part| text.contains(part)));
            }
        }
    }

    #[test]
    fn what_the_first_proxy_says_is_taken() {
        let of = |headers: &[(&str, &str)]| {
            let mut request = http::Request::builder();
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            let said = Forwarded::of(&parts);
            [said.host, said.scheme, said.client].map(|text| text.map(str::to_owned))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of(&[]), [None, None, None]);
        assert_eq!(
            of(&[("forwarded", "For=\"[2001:db8::17]:4711\";proto=https;host=shop.example, for=10.0.0.1")]),
            [some("shop.example"), some("https"), some("2001:db8::17")]
        );
        assert_eq!(
            of(&[
                ("x-forwarded-for", "203.0.113.7, 10.0.0.1"),
                ("x-forwarded-host", "shop.example:8443"),
                ("x-forwarded-proto", "https"),
            ]),
            [some("shop.example:8443"), some("https"), some("203.0.113.7")]
        );
        for hidden in ["for=unknown", "for=_mystery;proto=https"] {
            assert_eq!(of(&[("forwarded", hidden)])[2], None);
        }
        assert_eq!(of(&[("forwarded", ";;=,"), ("x-forwarded-for", "")]), [None, None, None]);
    }
}
