//! Carriers: what a context is written into and read from. Maps and lists of texts are here; the environment of a process
//! is in `environment.rs`, the headers of an HTTP request in the crate `otlp-tower`.
//!
//! They know no format. Names are compared without regard to case, as HTTP does (conformance PROP-02).

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

/// What a context is written into.
///
/// ```
/// use otlp::propagation::Injector;
/// let mut headers = vec![("TraceParent".to_owned(), "old".to_owned())];
/// headers.set("traceparent", "new".to_owned());
/// assert_eq!(headers, [("traceparent".to_owned(), "new".to_owned())]);
/// ```
pub trait Injector {
    /// Sets `key`, replacing all values it has, in whatever case. Keys and values are printable ASCII (conformance
    /// PROP-03), unless a propagator of your own writes others.
    fn set(&mut self, key: &str, value: String);
}

/// What a context is read from.
///
/// A value that is not UTF-8 is given as `"\u{fffd}"`, not left out: no format takes it, and what is there but cannot be
/// read must not pass as absent (of two `traceparent` headers none counts, conformance PROP-09).
///
/// ```
/// use otlp::propagation::Extractor;
/// let headers = [("TraceState", "a=1"), ("host", "shop"), ("tracestate", "b=2")];
/// assert_eq!(headers.get("tracestate"), Some("a=1"));
/// assert_eq!(headers.get_all("tracestate"), ["a=1", "b=2"]);
/// assert_eq!(headers.keys(), ["TraceState", "host", "tracestate"]);
/// ```
pub trait Extractor {
    /// The first value of `key`, in whatever case the carrier has it.
    fn get(&self, key: &str) -> Option<&str>;

    /// All values of `key`, in their order; none if it is absent. Unless a carrier says otherwise, the first.
    fn get_all(&self, key: &str) -> Vec<&str> {
        self.get(key).into_iter().collect()
    }

    /// All keys, as the carrier has them.
    fn keys(&self) -> Vec<&str>;
}

impl<S: BuildHasher> Injector for HashMap<String, String, S> {
    fn set(&mut self, key: &str, value: String) {
        self.retain(|name, _| !name.eq_ignore_ascii_case(key));
        self.insert(key.to_owned(), value);
    }
}

impl Injector for BTreeMap<String, String> {
    fn set(&mut self, key: &str, value: String) {
        self.retain(|name, _| !name.eq_ignore_ascii_case(key));
        self.insert(key.to_owned(), value);
    }
}

impl Injector for Vec<(String, String)> {
    fn set(&mut self, key: &str, value: String) {
        self.retain(|(name, _)| !name.eq_ignore_ascii_case(key));
        self.push((key.to_owned(), value));
    }
}

/// Values of keys that differ in their case only come in the order of the keys.
impl<K: AsRef<str>, V: AsRef<str>, S> Extractor for HashMap<K, V, S> {
    fn get(&self, key: &str) -> Option<&str> {
        self.get_all(key).first().copied()
    }

    fn get_all(&self, key: &str) -> Vec<&str> {
        let found = self.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        let mut found: Vec<(&str, &str)> = found.filter(|(name, _)| name.eq_ignore_ascii_case(key)).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, value)| value).collect()
    }

    fn keys(&self) -> Vec<&str> {
        Self::keys(self).map(AsRef::as_ref).collect()
    }
}

fn value_of<'a>(key: &str, name: &impl AsRef<str>, value: &'a impl AsRef<str>) -> Option<&'a str> {
    name.as_ref().eq_ignore_ascii_case(key).then(|| value.as_ref())
}

/// Carriers that have an order of their own.
macro_rules! ordered {
    ($carrier:ty $(, $len:ident)?) => {
        impl<K: AsRef<str>, V: AsRef<str> $(, const $len: usize)?> Extractor for $carrier {
            fn get(&self, key: &str) -> Option<&str> {
                self.iter().find_map(|(name, value)| value_of(key, name, value))
            }

            fn get_all(&self, key: &str) -> Vec<&str> {
                self.iter().filter_map(|(name, value)| value_of(key, name, value)).collect()
            }

            fn keys(&self) -> Vec<&str> {
                self.iter().map(|(name, _)| name.as_ref()).collect()
            }
        }
    };
}

ordered!(BTreeMap<K, V>);
ordered!(Vec<(K, V)>);
ordered!([(K, V); N], N);
// Of a slice a reference is the carrier: `&slice`.
ordered!(&[(K, V)]);
