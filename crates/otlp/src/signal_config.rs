//! Options of one signal: where it differs from what the builder says for all of them.
//!
//! Plain data, read when the builder is resolved. What is not said here is as the builder, the environment or the default
//! says.

use crate::config::{BatchConfig, Protocol, SerializationFormat};
#[cfg(feature = "_tls")]
use crate::tls::TlsConfig;
use otlp_model::Signal;
use otlp_transport::{Compression, Endpoint};
use std::fmt;
use std::time::Duration;

/// What is different for one signal; see [`with_signal_config`](crate::ClientBuilder::with_signal_config).
///
/// `None`, the default of every field, is what holds for all signals. Signals with the same endpoint, protocol and TLS
/// configuration share their connections, their retry budget and their circuit; others have their own.
///
/// ```
/// use otlp::{Client, Signal, SignalConfig};
/// let builder = Client::builder().with_endpoint("http://collector:4317").with_signal_config(
///     Signal::Logs,
///     SignalConfig {
///         endpoint: Some("http://logs.internal:4317".to_string()),
///         headers: Some(vec![("x-tenant".to_string(), "shop".to_string())]),
///         ..SignalConfig::default()
///     },
/// );
/// # let _ = builder;
/// ```
#[derive(Clone, PartialEq, Default)]
pub struct SignalConfig {
    /// Whether the signal is made at all. Default yes; with `Some(false)` its spans, records or data points are discarded where they
    /// are made and enter no books. Spans then hand on the context they were started in.
    pub enabled: Option<bool>,
    /// Where this signal goes. Over HTTP it is used exactly as given, path included: nothing is appended (conformance URL-01),
    /// unlike to [`with_endpoint`](crate::ClientBuilder::with_endpoint), which is a base.
    pub endpoint: Option<String>,
    /// gRPC or HTTP.
    pub protocol: Option<Protocol>,
    /// Protobuf or JSON.
    pub format: Option<SerializationFormat>,
    /// All headers of this signal: those set for all signals are not sent with it (conformance DEC-09). The values are secrets.
    pub headers: Option<Vec<(String, String)>>,
    /// How requests are compressed.
    pub compression: Option<Compression>,
    /// How long one attempt may take; above zero.
    pub request_timeout: Option<Duration>,
    /// How long a batch may be tried; above zero.
    pub export_timeout: Option<Duration>,
    /// Batch size, delay, queue bound and strategy.
    pub batch: Option<BatchConfig>,
    /// Certificates, keys and authorities from files.
    #[cfg(feature = "_tls")]
    pub tls: Option<TlsConfig>,
}

impl fmt::Debug for SignalConfig {
    /// Header values and what of an endpoint may be secret are left out (conformance HDR-09).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |headers: &Vec<(String, String)>| {
            headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        f.debug_struct("SignalConfig")
            .field("enabled", &self.enabled)
            .field("endpoint", &self.endpoint.as_ref().map(|text| text.parse::<Endpoint>().ok()))
            .field("protocol", &self.protocol)
            .field("format", &self.format)
            .field("headers", &self.headers.as_ref().map(names))
            .field("compression", &self.compression)
            .field("request_timeout", &self.request_timeout)
            .field("export_timeout", &self.export_timeout)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}

/// One value for each signal.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct PerSignal<T>([T; 3]);

impl<T> PerSignal<T> {
    /// In the order of [`Signal::ALL`].
    pub(crate) const fn new(values: [T; 3]) -> Self {
        Self(values)
    }

    pub(crate) fn get(&self, signal: Signal) -> &T {
        let [traces, metrics, logs] = &self.0;
        match signal {
            Signal::Metrics => metrics,
            Signal::Logs => logs,
            _ => traces,
        }
    }

    pub(crate) fn get_mut(&mut self, signal: Signal) -> &mut T {
        let [traces, metrics, logs] = &mut self.0;
        match signal {
            Signal::Metrics => metrics,
            Signal::Logs => logs,
            _ => traces,
        }
    }
}
