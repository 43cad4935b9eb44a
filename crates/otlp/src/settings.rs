//! What the environment or a configuration file says, typed, with the place where it says so.
//!
//! Filled by `env` and `config_file`, read once, by `resolve`. Decides nothing: what code says goes before all of it, and
//! what nobody says has its default there.

#[cfg(feature = "config-file")]
mod composable;
#[cfg(feature = "config-file")]
mod patterns;
mod propagators;
mod sampler;

use crate::config::{Protocol, SerializationFormat, TemporalityPreference};
use crate::explain::Origin;
use crate::signal_config::PerSignal;
#[cfg(feature = "config-file")]
pub(crate) use composable::{ComposableSpec, RuleSpec, SpanParent};
use otlp_model::{Resource, Severity};
use otlp_transport::{Compression, Endpoint, EndpointError, Headers};
#[cfg(feature = "config-file")]
pub(crate) use patterns::Patterns;
pub(crate) use propagators::PropagatorName;
pub(crate) use sampler::SamplerSpec;
use std::time::Duration;

/// A timeout of so many milliseconds. None is no limit (ENV-09), which is a year where a bound has to be (TIME-02).
pub(crate) fn timeout(ms: u64) -> Duration {
    const NO_LIMIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    if ms == 0 { NO_LIMIT } else { Duration::from_millis(ms).min(NO_LIMIT) }
}

/// A value, and who gave it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Given<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// Everything that is said beside code.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// Whether the defaults of the environment variables' specification hold where they differ from ours: OTLP over HTTP.
    pub(crate) by_specification: bool,
    pub(crate) disabled: Option<Given<bool>>,
    pub(crate) service_name: Option<Given<String>>,
    pub(crate) resource: Option<Given<Resource>>,
    /// What a file has this process find out about itself.
    pub(crate) detected: Option<Resource>,
    pub(crate) propagators: Option<Given<Vec<PropagatorName>>>,
    pub(crate) temporality: Option<Given<TemporalityPreference>>,
    pub(crate) sampler: Option<Given<SamplerSpec>>,
    /// Records of a lower severity are left out.
    pub(crate) log_severity_threshold: Option<Given<Severity>>,
    /// Whether those of spans that are not sampled are.
    pub(crate) trace_based_logs: Option<Given<bool>>,
    /// Whether events among the log records are copied to their spans.
    pub(crate) events_on_spans: Option<Given<bool>>,
    pub(crate) span_limits: LimitSettings,
    pub(crate) log_limits: LimitSettings,
    pub(crate) signals: PerSignal<SignalSettings>,
    /// A file that was asked for and can't be used: what asked for it, and what is wrong.
    #[cfg(feature = "config-file")]
    pub(crate) refused: Option<(String, String)>,
    /// What could not be used, and why.
    pub(crate) warnings: Vec<String>,
}

/// What is said of one signal, by itself or for all.
#[derive(Debug, Clone, Default)]
pub(crate) struct SignalSettings {
    pub(crate) enabled: Option<Given<bool>>,
    pub(crate) endpoint: Option<Given<Address>>,
    pub(crate) protocol: Option<Given<(Protocol, SerializationFormat)>>,
    pub(crate) headers: Option<Given<Headers>>,
    pub(crate) compression: Option<Given<Compression>>,
    pub(crate) request_timeout: Option<Given<Duration>>,
    pub(crate) export_timeout: Option<Given<Duration>>,
    pub(crate) batch_size: Option<Given<usize>>,
    pub(crate) batch_delay: Option<Given<Duration>>,
    pub(crate) queue_size: Option<Given<usize>>,
    /// Whether whoever makes an item need not wait for its delivery.
    pub(crate) async_export: Option<Given<bool>>,
    /// Whether an endpoint without a scheme is reached in clear text, over gRPC.
    pub(crate) insecure: Option<Given<bool>>,
    #[cfg(feature = "_tls")]
    pub(crate) ca_file: Option<Given<String>>,
    #[cfg(feature = "_tls")]
    pub(crate) cert_file: Option<Given<String>>,
    #[cfg(feature = "_tls")]
    pub(crate) key_file: Option<Given<String>>,
}

/// An endpoint's text, and whether it is one signal's, to be used as it is (URL-01), or a base (URL-02).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Address {
    pub(crate) text: String,
    pub(crate) exact: bool,
}

impl Address {
    /// Judged where it is read, so that the place can be told. Of `https` without TLS compiled in the client is told when it is
    /// built: sending elsewhere would be worse.
    pub(crate) fn new(text: &str, exact: bool) -> Result<Self, EndpointError> {
        match text.parse::<Endpoint>() {
            Ok(_) | Err(EndpointError::TlsUnsupported) => Ok(Self { text: text.to_owned(), exact }),
            Err(problem) => Err(problem),
        }
    }
}

/// Limits of spans or of log records.
#[derive(Debug, Clone, Default)]
pub(crate) struct LimitSettings {
    pub(crate) attribute_count: Option<Given<usize>>,
    pub(crate) attribute_value_length: Option<Given<usize>>,
    pub(crate) attribute_value_depth: Option<Given<usize>>,
    pub(crate) events: Option<Given<usize>>,
    pub(crate) links: Option<Given<usize>>,
    pub(crate) attributes_per_event: Option<Given<usize>>,
    pub(crate) attributes_per_link: Option<Given<usize>>,
}
