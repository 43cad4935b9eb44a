//! The resource of a configuration file: what it says, and what is to be found out.

use super::exporter::FromFile;
use super::node::{At, Node};
use super::parse::Lookup;
use super::patterns;
use crate::detect;
use crate::settings::{Patterns, Settings};
use otlp_model::{AnyValue, Resource};

/// Attributes go before the list in one text; one that is null is not there (CFG-20).
pub(super) fn resource(
    from: &FromFile,
    at: &At<'_>,
    lookup: Lookup<'_>,
    settings: &mut Settings,
) -> Result<(), String> {
    at.only(&["attributes", "attributes_list", "schema_url", "detection/development"])?;
    if let Some(at) = at.get("detection/development")? {
        settings.detected = Some(detection(&at, lookup)?);
    }
    let mut resource = match at.get("attributes_list")? {
        Some(at) => crate::env::resource::attributes(&at.text()?).map_err(|problem| at.wrong(problem))?,
        None => Resource::new(),
    };
    for attribute in at.get("attributes")?.map(|at| at.list()).transpose()?.unwrap_or_default() {
        attribute.only(&["name", "value", "type"])?;
        let (key, value) = (attribute.need("name")?, attribute.need("value")?);
        let name = key.text()?;
        if name.is_empty() {
            return Err(key.wrong("must not be empty"));
        }
        let kind = attribute.get("type")?.map(|at| at.text()).transpose()?;
        if *value.node() != Node::Null {
            resource = resource.with(name, typed(&value, kind.as_deref().unwrap_or("string"))?);
        }
    }
    if let Some(url) = at.get("schema_url")? {
        resource.schema_url = url.text()?.into();
    }
    settings.resource = Some(from.given(resource));
    Ok(())
}

/// What this process finds out about itself; none of it where no detector is named.
fn detection(at: &At<'_>, lookup: Lookup<'_>) -> Result<Resource, String> {
    const DETECTORS: [&str; 6] = ["container", "host", "kubernetes", "os", "process", "service"];
    at.only(&["attributes", "detectors"])?;
    let wanted = match at.get("attributes")? {
        Some(at) => patterns::patterns(at.only(&[patterns::INCLUDED, patterns::EXCLUDED])?)?,
        None => Patterns::default(),
    };
    let mut found = Resource::new();
    for detector in at.get("detectors")?.map(|at| at.filled_list()).transpose()?.unwrap_or_default() {
        let (name, options) = detector.component("a detector", &DETECTORS)?;
        options.only(&[])?;
        found = found.merge(match name {
            "container" => detect::container(),
            "host" => detect::host(),
            "kubernetes" => detect::kubernetes(),
            "os" => detect::os(),
            "process" => detect::process(),
            _ => service(lookup),
        });
    }
    found.attributes.retain(|attribute| wanted.hold(&attribute.key));
    // Nothing claims no schema.
    Ok(if found.attributes.is_empty() { Resource::new() } else { found })
}

/// The schema's detector of the service is the one that knows its variable.
fn service(lookup: Lookup<'_>) -> Resource {
    let instance = detect::service_instance();
    match lookup("OTEL_SERVICE_NAME").filter(|name| !name.is_empty()) {
        Some(name) => instance.with("service.name", name),
        None => instance,
    }
}

fn typed(at: &At<'_>, kind: &str) -> Result<AnyValue, String> {
    if let Some(kind) = kind.strip_suffix("_array") {
        return at.list()?.iter().map(|at| typed(at, kind)).collect::<Result<_, _>>().map(AnyValue::Array);
    }
    match (kind, at.node()) {
        ("string", _) => at.text().map(AnyValue::from),
        ("bool", _) => at.boolean().map(AnyValue::from),
        ("int", Node::Int(value)) => Ok(AnyValue::from(*value)),
        ("double", _) => at.float().map(AnyValue::from),
        _ => Err(at.wrong(format_args!("is not of the type {kind:?}"))),
    }
}
