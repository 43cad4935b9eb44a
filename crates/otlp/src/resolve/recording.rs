//! What holds of what is recorded, and whose it is: the sampler, the limits, the propagator, the resource.

use super::{debug, pick};
use crate::builder::ClientBuilder;
use crate::explain::{Origin, ResolvedConfig};
use crate::foreign::contained;
use crate::logger::LogFilter;
use crate::propagation::{CompositePropagator, TextMapPropagator};
use crate::settings::{Given, LimitSettings, PropagatorName, SamplerSpec};
use otlp_model::{AnyValue, Limits, Resource};
use std::sync::Arc;

/// The sampler that is described; `None` if code has one, or nobody.
pub(super) fn sampler(options: &ClientBuilder, config: &mut ResolvedConfig) -> Option<SamplerSpec> {
    match (&options.sampler, &options.settings.sampler) {
        (Some(sampler), _) => {
            config.push("sampler", sampler.name(), Origin::Code);
            None
        }
        (None, Some(given)) => {
            config.push("sampler", &given.value, given.origin.clone());
            Some(given.value.clone())
        }
        (None, None) => {
            config.push("sampler", SamplerSpec::parent_based(SamplerSpec::AlwaysOn), Origin::Default);
            None
        }
    }
}

/// Which log records are taken.
pub(super) fn log_filter(options: &ClientBuilder, off: bool, config: &mut ResolvedConfig) -> LogFilter {
    let (default, settings) = (LogFilter::default(), &options.settings);
    LogFilter {
        off,
        threshold: pick(
            config,
            "log_severity_threshold",
            options.log_severity_threshold.as_ref(),
            settings.log_severity_threshold.as_ref(),
            default.threshold,
            debug,
        ),
        trace_based: pick(
            config,
            "trace_based_logs",
            options.trace_based_logs.as_ref(),
            settings.trace_based_logs.as_ref(),
            default.trace_based,
            bool::to_string,
        ),
    }
}

/// Of spans, and of log records.
pub(super) fn limits(options: &ClientBuilder, config: &mut ResolvedConfig) -> (Limits, Limits) {
    let (code, settings) = (options.limits.as_ref(), &options.settings);
    let mut spans = common("span_limits", code, &settings.span_limits, config);
    let mut limit = |name: &str, field: fn(&Limits) -> &usize, said: Option<&Given<usize>>| {
        let default = *field(&Limits::default());
        pick(config, format!("span_limits.{name}"), code.map(field), said, default, usize::to_string)
    };
    let said = &settings.span_limits;
    spans.events = limit("events", |limits| &limits.events, said.events.as_ref());
    spans.links = limit("links", |limits| &limits.links, said.links.as_ref());
    spans.attributes_per_event = limit(
        "attributes_per_event",
        |limits| &limits.attributes_per_event,
        said.attributes_per_event.as_ref(),
    );
    spans.attributes_per_link =
        limit("attributes_per_link", |limits| &limits.attributes_per_link, said.attributes_per_link.as_ref());
    (spans, common("log_limits", code, &settings.log_limits, config))
}

/// Those that spans and log records have.
fn common(of: &str, code: Option<&Limits>, said: &LimitSettings, config: &mut ResolvedConfig) -> Limits {
    let default = Limits::default();
    let length = said.attribute_value_length.clone();
    Limits {
        attribute_count: pick(
            config,
            format!("{of}.attribute_count"),
            code.map(|limits| &limits.attribute_count),
            said.attribute_count.as_ref(),
            default.attribute_count,
            usize::to_string,
        ),
        attribute_value_length: pick(
            config,
            format!("{of}.attribute_value_length"),
            code.map(|limits| &limits.attribute_value_length),
            length.map(|given| Given { value: Some(given.value), origin: given.origin }).as_ref(),
            default.attribute_value_length,
            |length| length.map_or_else(|| "unlimited".to_owned(), |length| length.to_string()),
        ),
        attribute_value_depth: pick(
            config,
            format!("{of}.attribute_value_depth"),
            code.map(|limits| &limits.attribute_value_depth),
            said.attribute_value_depth.as_ref(),
            default.attribute_value_depth,
            usize::to_string,
        ),
        ..code.copied().unwrap_or(default)
    }
}

pub(super) fn propagator(options: &ClientBuilder, config: &mut ResolvedConfig) -> Arc<dyn TextMapPropagator> {
    match (&options.propagator, &options.settings.propagators) {
        (Some(propagator), _) => {
            // Its `Debug` is the user's.
            let mut shown = String::new();
            if !contained(|| shown = format!("{propagator:?}")) {
                shown = String::from("set in code");
            }
            config.push("propagators", shown, Origin::Code);
            Arc::clone(propagator)
        }
        (None, Some(given)) => {
            let names: Vec<_> = given.value.iter().map(|name| name.as_str()).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(",") };
            config.push("propagators", names, given.origin.clone());
            PropagatorName::compose(&given.value)
        }
        (None, None) => {
            config.push("propagators", "tracecontext,baggage", Origin::Default);
            Arc::new(CompositePropagator::w3c())
        }
    }
}

/// What code gives, used as given, over what the environment gives (RES-06, RES-14); without either the default one, too.
/// The service's name has an order of its own (RES-09).
pub(super) fn resource(options: &ClientBuilder, config: &mut ResolvedConfig) -> Resource {
    let mut layers = Vec::new();
    let default = crate::default_resource();
    let unknown = default.get("service.name").cloned();
    if options.resource.is_none() {
        layers.push((default, Origin::Default));
    }
    let settings = &options.settings;
    for detected in [&settings.detected, &options.detected].into_iter().flatten() {
        layers.push((detected.clone(), Origin::Detected));
    }
    if let Some(given) = &settings.resource {
        layers.push((given.value.clone(), given.origin.clone()));
    }
    if let Some(given) = &settings.service_name {
        layers.push((named(given.value.clone()), given.origin.clone()));
    }
    if let Some(code) = &options.resource {
        let mut code = code.clone();
        // Whoever began with the default resource did not mean its name for a service that is not known.
        let said = layers.iter().any(|(layer, _)| layer.get("service.name").is_some());
        if said && code.get("service.name") == unknown.as_ref() {
            code.attributes.retain(|attribute| attribute.key != "service.name");
        }
        layers.push((code, Origin::Code));
    }
    if let Some(name) = &options.service_name {
        layers.push((named(name.clone().into_owned()), Origin::Code));
    }
    let resource = layers.iter().fold(Resource::new(), |sum, (layer, _)| sum.merge(layer.clone()));
    let schema = layers.iter().rev().find(|(layer, _)| !layer.schema_url.is_empty());
    if let (true, Some((_, origin))) = (resource.schema_url.is_empty(), schema) {
        let said_by = origin.name_of("with_resource");
        config.warn(format!("{said_by}: its schema URL is not that of what was detected; none is sent"));
    }
    for attribute in &resource.attributes {
        let last = layers.iter().rev().find(|(layer, _)| layer.get(&attribute.key).is_some());
        let origin = last.map_or(Origin::Default, |(_, origin)| origin.clone());
        config.push(format!("resource.{}", attribute.key), shown(&attribute.value), origin);
    }
    resource
}

fn named(name: String) -> Resource {
    Resource::new().with("service.name", name)
}

fn shown(value: &AnyValue) -> String {
    match value {
        AnyValue::String(text) => text.clone().into_owned(),
        other => format!("{other:?}"),
    }
}
