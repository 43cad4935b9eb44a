//! What the environment or a configuration file says, typed, with the place where it says so.
//!
//! Filled by `env` and `config_file`, read once, by `resolve`. Decides nothing: what code says goes before all of it, and
//! what nobody says has its default there.

use crate::config::{Protocol, SerializationFormat};
use crate::explain::Origin;
use crate::signal_config::PerSignal;
use otlp_transport::{Compression, Headers};
use std::time::Duration;

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
    pub(crate) signals: PerSignal<SignalSettings>,
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
}

/// An endpoint's text, and whether it is one signal's, to be used as it is (URL-01), or a base (URL-02).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Address {
    pub(crate) text: String,
    pub(crate) exact: bool,
}
