//! The headers of a request as a carrier of trace context and baggage. Used by the layers, and by whoever propagates
//! without them. Never fails: what does not fit into a header is left out.

use crate::attributes::text;
use http::{HeaderMap, HeaderName, HeaderValue};
use otlp::propagation::{Extractor, Injector};

/// Writes what a propagator injects into headers, replacing headers of the same name.
///
/// Names and values that HTTP does not allow are left out (conformance PROP-03).
///
/// ```
/// use otlp::propagation::Injector;
/// let mut headers = http::HeaderMap::new();
/// otlp_tower::HeaderInjector(&mut headers).set("traceparent", "00-…".replace('…', "0af7"));
/// assert_eq!(headers["traceparent"], "00-0af7");
/// ```
#[derive(Debug)]
pub struct HeaderInjector<'a>(pub &'a mut HeaderMap);

impl Injector for HeaderInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        // The usual names need no allocation.
        let name = match key {
            "traceparent" => Ok(HeaderName::from_static("traceparent")),
            "tracestate" => Ok(HeaderName::from_static("tracestate")),
            "baggage" => Ok(HeaderName::from_static("baggage")),
            _ => HeaderName::from_bytes(key.as_bytes()),
        };
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            // A map that is full of headers refuses more.
            let _ = self.0.try_insert(name, value);
        }
    }
}

/// Reads headers for a propagator, whatever the case of their names (conformance PROP-02, PROP-08). A value that is not UTF-8 is
/// `"\u{fffd}"`: it is there, and no format takes it.
///
/// ```
/// use otlp::propagation::Extractor;
/// let headers = http::HeaderMap::from_iter([(http::header::HOST, http::HeaderValue::from_static("a.example"))]);
/// assert_eq!(otlp_tower::HeaderExtractor(&headers).get("Host"), Some("a.example"));
/// ```
#[derive(Debug)]
pub struct HeaderExtractor<'a>(pub &'a HeaderMap);

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(readable)
    }

    fn get_all(&self, key: &str) -> Vec<&str> {
        self.0.get_all(key).iter().map(readable).collect()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

fn readable(value: &HeaderValue) -> &str {
    text(value).unwrap_or("\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp::TraceContext;
    use otlp::propagation::{TextMapPropagator, TraceContextPropagator};

    #[test]
    fn what_http_does_not_allow_is_not_injected() {
        // conf: PROP-03
        let mut headers = HeaderMap::new();
        let mut injector = HeaderInjector(&mut headers);
        injector.set("x y", "1".to_owned());
        injector.set("", "1".to_owned());
        injector.set("x", "a\r\nb: c".to_owned());
        injector.set("X-B3-TraceId", "1".to_owned());
        injector.set("traceparent", "2".to_owned());
        injector.set("traceparent", "3".to_owned());
        assert_eq!(headers.len(), 2);
        assert_eq!(headers["x-b3-traceid"], "1");
        assert_eq!(headers["traceparent"], "3");
    }

    #[test]
    fn all_values_and_keys_can_be_read_in_any_case() {
        // conf: PROP-02, PROP-08
        let mut headers = HeaderMap::new();
        for value in ["a=1", "b=2"] {
            headers.append("tracestate", HeaderValue::from_static(value));
        }
        headers.append("binary", HeaderValue::from_bytes(&[0xff]).unwrap());
        let extractor = HeaderExtractor(&headers);
        assert_eq!(extractor.get("TraceState"), Some("a=1"));
        assert_eq!(extractor.get_all("TRACESTATE"), ["a=1", "b=2"]);
        assert_eq!((extractor.get("binary"), extractor.get("missing")), (Some("\u{fffd}"), None));
        assert_eq!(extractor.get_all("binary"), ["\u{fffd}"]);
        assert_eq!(extractor.keys(), ["tracestate", "binary"]);
    }

    #[test]
    fn what_cannot_be_read_is_there_all_the_same() {
        // conf: PROP-09
        let mut headers = HeaderMap::new();
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        headers.append("traceparent", HeaderValue::from_static(parent));
        let extract =
            |headers: &_| TraceContextPropagator.extract(&TraceContext::default(), &HeaderExtractor(headers));
        assert!(extract(&headers).is_valid());
        headers.append("traceparent", HeaderValue::from_bytes(&[0xff]).unwrap());
        assert!(!extract(&headers).is_valid(), "of two, none counts");
    }
}
