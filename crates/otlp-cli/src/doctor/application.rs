//! What the configuration makes of an application that goes by it, beyond where it sends to: things that keep telemetry from
//! being sent at all, and what does not count.
//!
//! Pure: read from the library's own account of its configuration.

use super::finding::{Diagnosis, Finding, names};
use super::settings::Setting;
use crate::section::Section;
use otlp::{ConfigEntry, Origin, ResolvedConfig};
use otlp_model::Signal;

/// What is worth a word, the worst first. `asked` are the signals that were asked for; nothing for all.
pub(super) fn findings(config: &ResolvedConfig, asked: &[Signal]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(entry) = config.get("disabled").filter(|entry| entry.value == "true") {
        let (what, cure) = match &entry.origin {
            Origin::Variable(name) => (name.to_string(), format!("unset it ({name})")),
            origin => (format!("{origin}: disabled"), format!("take disabled out of {origin}")),
        };
        let diagnosis = Diagnosis::new(
            "a client that is configured so is switched off: it sends nothing",
            format!("{cure} where the application runs"),
            Section::Options,
        );
        findings.push(Finding::failed("config", format!("{what} is true"), diagnosis));
    }
    let off: Vec<(Signal, &ConfigEntry)> =
        Signal::ALL.into_iter().filter_map(|signal| Some((signal, off(config, signal)?))).collect();
    if off.len() == Signal::ALL.len() {
        findings.push(nothing_is_exported(&off));
    }
    for warning in config.warnings() {
        if let Some(finding) = ignored_endpoint(config, asked, warning) {
            findings.push(finding);
            continue;
        }
        let note = Finding::note("config", warning);
        // Others say themselves what to do.
        findings.push(if warning.starts_with("OTEL_") {
            note.diagnosed(Diagnosis::new(
                "a variable has a value that can't be used, so that it counts as if it were not there",
                "correct the variable, or unset it",
                Section::Options,
            ))
        } else {
            note
        });
    }
    let examined = examined(config, asked);
    for (signal, entry) in off.iter().filter(|(signal, _)| asked.is_empty() || asked.contains(signal)) {
        let rest = if examined.contains(signal) { "" } else { ", and not examined" };
        let text = format!("{signal} are not exported, as {} says{rest}", entry.origin);
        findings.push(Finding::note("config", text));
    }
    if examined.contains(&Signal::Traces) {
        findings.extend(config.get("sampler").and_then(sampling));
    }
    findings
}

/// What there is to say of a variable that says no endpoint, where another one is used for it, which may be there and well.
fn ignored_endpoint(config: &ResolvedConfig, asked: &[Signal], warning: &str) -> Option<Finding> {
    let (name, _) = warning.split_once(": ")?;
    let of =
        |signal: &Signal| format!("OTEL_EXPORTER_OTLP_{}_ENDPOINT", signal.as_str().to_ascii_uppercase());
    let own = Signal::ALL.into_iter().find(|signal| of(signal) == name);
    if own.is_none() && name != "OTEL_EXPORTER_OTLP_ENDPOINT" {
        return None;
    }
    let instead = |signal: Signal| {
        let entry = config.get(&format!("{signal}.endpoint"))?;
        let counts = match entry.origin {
            // The command line goes before the variable, good or not.
            Origin::Code => false,
            Origin::Default => true,
            _ => own.is_some(),
        };
        counts.then(|| format!("{signal} to {}", entry.value))
    };
    let examined = examined(config, asked).into_iter().filter(|signal| own.is_none_or(|own| own == *signal));
    let elsewhere: Vec<String> = examined.filter_map(instead).collect();
    let diagnosis = Diagnosis::new(
        format!(
            "the variable says no address that can be used: a client ignores it, and sends elsewhere, {}",
            elsewhere.join(", ")
        ),
        format!("correct {name} where the application runs, as http://host:4318 or https://host"),
        Section::Options,
    );
    (!elsewhere.is_empty()).then(|| Finding::failed("config", warning, diagnosis))
}

/// What there is to say of a sampler that takes no root. What else it has is for spans with a parent, which may come sampled from
/// elsewhere.
fn sampling(entry: &ConfigEntry) -> Option<Finding> {
    let ConfigEntry { value, origin, .. } = entry;
    let recorded = value.trim_start_matches("always_record(");
    let root = recorded.trim_start_matches("parentbased(");
    if !["always_off", "traceidratio(0)", "probability(0)"].iter().any(|off| root.starts_with(off)) {
        return None;
    }
    if root != recorded {
        let text = format!(
            "no trace begins here: the sampler is {value}, as {origin} says; a span is sent only if it has a sampled parent"
        );
        return Some(Finding::note("config", text));
    }
    let diagnosis = Diagnosis::new(
        "a client that is configured so drops every span: no trace is sent, and nothing says so",
        format!(
            "name another sampler, or none: OTEL_TRACES_SAMPLER=parentbased_always_on is the default; \
             here it is {origin} that says it"
        ),
        Section::Options,
    );
    Some(Finding::failed("config", format!("no span is sampled: the sampler is {value}"), diagnosis))
}

/// What says that a signal is not exported, if something does.
fn off(config: &ResolvedConfig, signal: Signal) -> Option<&ConfigEntry> {
    config.get(&format!("{signal}.enabled")).filter(|entry| entry.value == "false")
}

/// The signals to examine: those that are asked for, else those that are exported; if that is none, all are tried all the same.
pub(super) fn examined(config: &ResolvedConfig, asked: &[Signal]) -> Vec<Signal> {
    if !asked.is_empty() {
        return asked.to_vec();
    }
    let exported: Vec<Signal> =
        Signal::ALL.into_iter().filter(|signal| off(config, *signal).is_none()).collect();
    if exported.is_empty() { Signal::ALL.to_vec() } else { exported }
}

fn nothing_is_exported(off: &[(Signal, &ConfigEntry)]) -> Finding {
    let mut origins: Vec<String> = off.iter().map(|(_, entry)| entry.origin.to_string()).collect();
    origins.dedup();
    let diagnosis = Diagnosis::new(
        "a client that is configured so exports nothing",
        "set the variable to otlp, or unset it; in a file, give each signal that is to be exported its provider",
        Section::Options,
    );
    let text = format!("no signal is exported, as {} says", origins.join(", "));
    Finding::failed("config", text, diagnosis)
}

/// `file`, which `named_by` names (and for the library `option`), is refused: `error` says where and why.
pub(super) fn of_refused(file: &str, option: &str, named_by: &str, error: &otlp::Error) -> Finding {
    let diagnosis = Diagnosis::new(
        format!("a client that is to go by {file} is not made: the file can't be used"),
        "name a file that is there and may be read here, and correct it at the place that is named above; what of the schema is \
         supported is in docs/configuration.md",
        Section::Options,
    );
    let text = error.to_string();
    // The section is told by the verdict, and the option as it is called here.
    let text = text.strip_suffix(&format!(" (see {})", diagnosis.page())).unwrap_or(&text);
    let text = text.strip_prefix(&format!("{option}: ")).unwrap_or(text);
    Finding::failed("config", format!("{named_by}: {text}"), diagnosis).with("file", file)
}

/// What is told of each receiver already.
const TOLD: [&str; 6] = ["endpoint", "protocol", "compression", "request_timeout", "headers.", "tls."];

/// Adds what else is configured for the signals that are examined, to be seen.
pub(super) fn add_rest(config: &ResolvedConfig, examined: &[Signal], settings: &mut Vec<Setting>) {
    let is_told = |name: &str| match name.split_once('.') {
        Some((first, option)) if names(&Signal::ALL).contains(&first) => {
            !names(examined).contains(&first) || TOLD.iter().any(|told| option.starts_with(told))
        }
        _ => false,
    };
    for entry in config.entries().filter(|entry| !is_told(&entry.name)) {
        match &entry.origin {
            // One variable may say it for all signals.
            Origin::Variable(name) if settings.iter().any(|setting| setting.origin == **name) => {}
            origin @ (Origin::Variable(_) | Origin::File(_)) => {
                settings.push(Setting::new(entry.name.clone(), &entry.value, origin));
            }
            _ => {}
        }
    }
}
