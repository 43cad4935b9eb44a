//! What must not be seen of a URL: credentials before the host, and the values of query parameters that are known to be
//! secrets. Pure; a URL without any is borrowed.

use http::Uri;
use std::borrow::Cow;

/// The parameters whose values the conventions want hidden: signatures and keys of pre-signed URLs.
const SENSITIVE: [&str; 7] = [
    "AWSAccessKeyId",
    "Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Goog-Signature",
    "sig",
];

const REDACTED: &str = "REDACTED";

/// The names of query parameters whose values are hidden: the conventions', or the user's in their place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sensitive(Option<Vec<String>>);

impl Sensitive {
    pub(crate) fn new(keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(Some(keys.into_iter().map(Into::into).collect()))
    }

    /// Letter case counts, as the conventions say. A name that is percent-encoded is compared decoded: receivers decode
    /// it, too.
    fn hides(&self, key: &str) -> bool {
        let key = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
        match &self.0 {
            None => SENSITIVE.contains(&key.as_ref()),
            Some(keys) => keys.iter().any(|hidden| *hidden == key),
        }
    }

    /// A query, without its `?`: values that are secrets are replaced, their names stay.
    pub(crate) fn query<'a>(&self, query: &'a str) -> Cow<'a, str> {
        let is_secret = |pair: &str| pair.split_once('=').is_some_and(|(key, _)| self.hides(key));
        if !query.split('&').any(is_secret) {
            return Cow::Borrowed(query);
        }
        let mut redacted = String::with_capacity(query.len());
        for (at, pair) in query.split('&').enumerate() {
            if at > 0 {
                redacted.push('&');
            }
            match pair.split_once('=') {
                Some((key, _)) if self.hides(key) => redacted.extend([key, "=", REDACTED]),
                _ => redacted.push_str(pair),
            }
        }
        Cow::Owned(redacted)
    }

    /// An absolute URL: of `uri`, and where it has no host, of `host`, over `http` unless it says otherwise. Without any
    /// host, as much as there is.
    pub(crate) fn full(&self, uri: &Uri, host: Option<&str>) -> String {
        let mut url = String::new();
        if let Some(authority) = uri.authority().map(http::uri::Authority::as_str).or(host) {
            url.extend([uri.scheme_str().unwrap_or("http"), "://"]);
            match authority.rsplit_once('@') {
                Some((credentials, host)) => {
                    url.push_str(REDACTED);
                    if credentials.contains(':') {
                        url.extend([":", REDACTED]);
                    }
                    url.extend(["@", host]);
                }
                None => url.push_str(authority),
            }
        }
        url.push_str(uri.path());
        if let Some(query) = uri.query() {
            url.push('?');
            url.push_str(&self.query(query));
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_of_sensitive_parameters_are_hidden_and_nothing_else() {
        let default = Sensitive::default();
        for (query, expected) in [
            ("", ""),
            ("q=OpenTelemetry", "q=OpenTelemetry"),
            ("q=OpenTelemetry&sig=abc", "q=OpenTelemetry&sig=REDACTED"),
            (
                "sig=a%26b=c&X-Amz-Signature=1&x=2&sig=",
                "sig=REDACTED&X-Amz-Signature=REDACTED&x=2&sig=REDACTED",
            ),
            ("%73ig=abc&s%69g", "%73ig=REDACTED&s%69g"),
            ("Sig=1&sigma=2&sig&=3&&", "Sig=1&sigma=2&sig&=3&&"),
        ] {
            assert_eq!(default.query(query), expected);
        }
        assert!(matches!(default.query("a=1&b=2"), Cow::Borrowed(_)));
        let own = Sensitive::new(["token"]);
        assert_eq!(own.query("token=1&sig=2"), "token=REDACTED&sig=2");
        assert_eq!(Sensitive::new([""; 0]).query("sig=2"), "sig=2");
    }

    proptest! {
        #[test]
        fn only_values_of_sensitive_names_change(
            pairs in prop::collection::vec(("[a-z%&]{0,3}|sig|%73ig|X-Goog-Signature", prop::option::of("[a-z=%]{0,8}")), 0..6),
        ) {
            let pairs = pairs.iter().map(|(key, value)| match value {
                Some(value) => format!("{key}={value}"),
                None => key.clone(),
            });
            let query = pairs.collect::<Vec<_>>().join("&");
            let redacted = Sensitive::default().query(&query).into_owned();
            prop_assert_eq!(query.split('&').count(), redacted.split('&').count());
            for (before, after) in query.split('&').zip(redacted.split('&')) {
                match before.split_once('=') {
                    Some((key @ ("sig" | "%73ig" | "X-Goog-Signature"), _)) => {
                        prop_assert_eq!(after, format!("{key}=REDACTED"));
                    }
                    _ => prop_assert_eq!(after, before),
                }
            }
        }
    }

    #[test]
    fn a_url_shows_no_credentials() {
        let default = Sensitive::default();
        for (uri, host, expected) in [
            ("https://a.example:8443/x?y=1", None, "https://a.example:8443/x?y=1"),
            ("https://a.example", None, "https://a.example/"),
            ("https://user:pa@a.example/x?sig=1", None, "https://REDACTED:REDACTED@a.example/x?sig=REDACTED"),
            ("https://token@a.example/", None, "https://REDACTED@a.example/"),
            ("https://user:p@ss@a.example/", None, "https://REDACTED:REDACTED@a.example/"),
            ("/x?y=1", Some("b.example:80"), "http://b.example:80/x?y=1"),
            ("/x", None, "/x"),
        ] {
            // A URI with two `@` does not parse, which is as good.
            if let Ok(uri) = uri.parse() {
                assert_eq!(default.full(&uri, host), expected);
            }
        }
    }
}
