//! The document as a whole: what of it becomes which setting.

use super::exporter::FromFile;
use super::node::{At, Node};
use super::parse::Lookup;
use super::{logger_configurator, meter_provider, processor, resource, sampler};
use crate::explain::Origin;
use crate::settings::{LimitSettings, PropagatorName, Settings};
use otlp_model::{Limits, Signal};
use std::path::Path;

const ROOT: [&str; 8] = [
    "file_format",
    "disabled",
    "resource",
    "propagator",
    "attribute_limits",
    "tracer_provider",
    "meter_provider",
    "logger_provider",
];

/// A provider that is not there is one that does nothing (CFG-13); the root may have what we do not know (CFG-26), and is warned of.
pub(super) fn settings(document: &Node, path: &Path, lookup: Lookup<'_>) -> Result<Settings, String> {
    let (root, from) = (At::root(document), FromFile(Origin::File(path.to_owned())));
    format(&root.need("file_format")?)?;
    let mut settings = Settings {
        by_specification: true,
        propagators: Some(from.given(propagators(&root)?)),
        ..Settings::default()
    };
    let general = match root.get("attribute_limits")? {
        Some(at) => limits(&from, at.only(&[LENGTH, DEPTH, COUNT])?, LimitSettings::default())?,
        None => LimitSettings::default(),
    };
    (settings.span_limits, settings.log_limits) = (general.clone(), general.clone());
    for signal in Signal::ALL {
        settings.signals.get_mut(signal).enabled = Some(from.given(false));
    }
    for (key, at) in root.entries()? {
        match key {
            "file_format" | "attribute_limits" | "propagator" => {}
            "disabled" => settings.disabled = Some(from.given(*at.node() != Node::Null && at.boolean()?)),
            "resource" => resource::resource(&from, &at, lookup, &mut settings)?,
            "tracer_provider" => {
                at.only(&["processors", "limits", "sampler", "id_generator"])?;
                if let Some(at) = at.get("id_generator")? {
                    let (_, random) = at.component("an id generator", &["random"])?;
                    random.only(&[])?;
                }
                processor::processors(&from, &at, Signal::Traces, &mut settings)?;
                settings.sampler = at
                    .get("sampler")?
                    .map(|at| sampler::sampler(&at))
                    .transpose()?
                    .map(|sampler| from.given(sampler));
                if let Some(at) = at.get("limits")? {
                    at.only(&[LENGTH, DEPTH, COUNT, EVENTS, LINKS, PER_EVENT, PER_LINK])?;
                    settings.span_limits = limits(&from, &at, general.clone())?;
                }
            }
            "logger_provider" => {
                at.only(&["processors", "limits", "logger_configurator/development"])?;
                processor::processors(&from, &at, Signal::Logs, &mut settings)?;
                if let Some(at) = at.get("logger_configurator/development")? {
                    logger_configurator::configurator(&from, &at, &mut settings)?;
                }
                if let Some(at) = at.get("limits")? {
                    settings.log_limits = limits(&from, at.only(&[LENGTH, DEPTH, COUNT])?, general.clone())?;
                }
            }
            "meter_provider" => meter_provider::meter_provider(&from, &at, &mut settings)?,
            _ => settings.warnings.push(format!(
                "{}: {}",
                path.display(),
                at.wrong(format_args!("is not known here, and ignored; supported is {}", ROOT.join(", ")))
            )),
        }
    }
    Ok(settings)
}

/// A text like "1.1": a number would lose the zero of 1.10 (CFG-02).
fn format(at: &At<'_>) -> Result<(), String> {
    let text = at.text().map_err(|_| at.wrong("must be a text in quotes, such as \"1.1\""))?;
    match text.split_once('.').map_or(text.as_str(), |(major, _)| major) {
        "1" => Ok(()),
        _ => Err(at.wrong("must be 1.x")),
    }
}

/// None means none (CFG-14).
fn propagators(root: &At<'_>) -> Result<Vec<PropagatorName>, String> {
    let mut names = Vec::new();
    let Some(at) = root.get("propagator")? else { return Ok(names) };
    at.only(&["composite", "composite_list"])?;
    let names_of_all = PropagatorName::ALL.map(PropagatorName::as_str);
    let mut add = |name: &str, at: &At<'_>| {
        let known = PropagatorName::ALL.into_iter().find(|known| known.as_str() == name);
        let known =
            known.ok_or_else(|| at.wrong(format_args!("{name:?} is a propagator that is not supported")))?;
        if !names.contains(&known) {
            names.push(known);
        }
        Ok::<_, String>(())
    };
    for item in at.get("composite")?.map(|at| at.list()).transpose()?.unwrap_or_default() {
        let (name, options) = item.component("a propagator", &names_of_all)?;
        options.only(&[])?;
        add(name, &item)?;
    }
    if let Some(at) = at.get("composite_list")? {
        let list = at.text()?;
        let words = list.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "none");
        words.into_iter().try_for_each(|name| add(name, &at))?;
    }
    Ok(names)
}

const LENGTH: &str = "attribute_value_length_limit";
const DEPTH: &str = "attribute_value_depth_limit";
const COUNT: &str = "attribute_count_limit";
const EVENTS: &str = "event_count_limit";
const LINKS: &str = "link_count_limit";
const PER_EVENT: &str = "event_attribute_count_limit";
const PER_LINK: &str = "link_attribute_count_limit";

/// Those here go before the general ones (CFG-22).
fn limits(from: &FromFile, at: &At<'_>, general: LimitSettings) -> Result<LimitSettings, String> {
    let limit = |key| {
        let count = at.get(key)?.map(|at| at.count(0)).transpose()?;
        Ok::<_, String>(count.map(|count| from.given(usize::try_from(count).unwrap_or(usize::MAX))))
    };
    let depth = at.get(DEPTH)?.map(|at| match at.count(1)? {
        depth if depth <= Limits::MAX_DEPTH as u64 => {
            Ok(from.given(usize::try_from(depth).unwrap_or(usize::MAX)))
        }
        _ => Err(at.wrong(format_args!("must be at most {}", Limits::MAX_DEPTH))),
    });
    Ok(LimitSettings {
        attribute_value_depth: depth.transpose()?.or(general.attribute_value_depth),
        attribute_value_length: limit(LENGTH)?.or(general.attribute_value_length),
        attribute_count: limit(COUNT)?.or(general.attribute_count),
        events: limit(EVENTS)?,
        links: limit(LINKS)?,
        attributes_per_event: limit(PER_EVENT)?,
        attributes_per_link: limit(PER_LINK)?,
    })
}
