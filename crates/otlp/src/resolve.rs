//! From what was said to what holds: code, then the environment or a file, then the defaults.
//!
//! Called once by `build`, and by whoever only wants to know. Checks what options have to be together. Reads nothing, opens nothing.

mod describe;
mod endpoint;
mod recording;
mod signal;

use crate::builder::ClientBuilder;
use crate::config::TemporalityPreference;
use crate::error::Error;
use crate::explain::{Origin, ResolvedConfig};
use crate::logger::LogFilter;
use crate::propagation::TextMapPropagator;
use crate::settings::{Given, SamplerSpec};
use crate::signal_config::PerSignal;
use otlp_model::{Limits, Resource, Signal};
pub(crate) use signal::SignalOptions;
use std::fmt;
use std::sync::Arc;

/// What holds.
pub(crate) struct Resolved {
    pub(crate) signals: PerSignal<SignalOptions>,
    /// Described by the environment or a file; where it is not, code or the default decides.
    pub(crate) sampler: Option<SamplerSpec>,
    /// Of spans.
    pub(crate) limits: Limits,
    pub(crate) log_limits: Limits,
    pub(crate) log_filter: LogFilter,
    pub(crate) events_on_spans: bool,
    pub(crate) resource: Resource,
    pub(crate) propagator: Arc<dyn TextMapPropagator>,
    pub(crate) temporality: TemporalityPreference,
    pub(crate) config: ResolvedConfig,
}

/// Puts everything together.
pub(crate) fn resolve(options: &ClientBuilder) -> Result<Resolved, Error> {
    options.check()?;
    #[cfg(feature = "config-file")]
    if let Some((option, problem)) = &options.settings.refused {
        return Err(Error::option(option, problem));
    }
    let mut config = ResolvedConfig::default();
    for warning in &options.settings.warnings {
        config.warn(warning.as_str());
    }
    let disabled = pick(
        &mut config,
        "disabled",
        options.disabled.as_ref(),
        options.settings.disabled.as_ref(),
        false,
        bool::to_string,
    );
    let mut of = |signal| signal::resolve(options, signal, disabled, &mut config);
    let signals = PerSignal::new([of(Signal::Traces)?, of(Signal::Metrics)?, of(Signal::Logs)?]);
    let sampler = recording::sampler(options, &mut config);
    let propagator = recording::propagator(options, &mut config);
    let temporality = pick(
        &mut config,
        "temporality_preference",
        options.temporality.as_ref(),
        options.settings.temporality.as_ref(),
        TemporalityPreference::default(),
        debug,
    );
    let resource = recording::resource(options, &mut config);
    let (limits, log_limits) = recording::limits(options, &mut config);
    let log_filter = recording::log_filter(options, !signals.get(Signal::Logs).enabled, &mut config);
    let events_on_spans = pick(
        &mut config,
        "events_on_spans",
        options.events_on_spans.as_ref(),
        options.settings.events_on_spans.as_ref(),
        false,
        bool::to_string,
    );
    describe::general(options, &mut config);
    Ok(Resolved {
        signals,
        sampler,
        limits,
        log_limits,
        log_filter,
        events_on_spans,
        resource,
        propagator,
        temporality,
        config,
    })
}

/// The value that holds of those that code, the environment and the default have; and an entry about it.
fn pick<T: Clone>(
    config: &mut ResolvedConfig,
    name: impl Into<std::borrow::Cow<'static, str>>,
    code: Option<&T>,
    given: Option<&Given<T>>,
    default: T,
    show: impl FnOnce(&T) -> String,
) -> T {
    let (value, origin) = match (code, given) {
        (Some(value), _) => (value.clone(), Origin::Code),
        (None, Some(given)) => (given.value.clone(), given.origin.clone()),
        (None, None) => (default, Origin::Default),
    };
    config.push(name, show(&value), origin);
    value
}

fn debug<T: fmt::Debug>(value: &T) -> String {
    format!("{value:?}")
}
