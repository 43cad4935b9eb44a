//! What the environment makes of an application that listens to it, beyond where it sends to: things that keep telemetry from
//! being sent at all, and variables that do not count.
//!
//! Pure: read from the library's own account of its configuration.

use super::finding::{Diagnosis, Finding};
use super::settings::{Given, Setting};
use otlp::{Origin, ResolvedConfig};
use otlp_model::Signal;

/// What is worth a word, the worst first.
pub(super) fn findings(config: &ResolvedConfig, given: &Given<'_>) -> Vec<Finding> {
    let value = |name: &str| config.get(name).map(|entry| entry.value.as_str()).unwrap_or_default();
    let mut findings = Vec::new();
    if value("disabled") == "true" {
        let origin = config.get("disabled").map(|entry| entry.origin.to_string()).unwrap_or_default();
        let diagnosis = Diagnosis::new(
            "a client that listens to the environment is switched off: it sends nothing",
            format!("unset it ({origin}) where the application runs"),
            "options",
        );
        findings.push(Finding::failed("config", format!("{origin} is true"), diagnosis));
    }
    for warning in config.warnings() {
        let note = Finding::note("config", warning);
        // Others say themselves what to do.
        findings.push(if warning.starts_with("OTEL_") {
            note.diagnosed(Diagnosis::new(
                "a variable has a value that can't be used, so that it counts as if it were not there",
                "correct the variable, or unset it",
                "options",
            ))
        } else {
            note
        });
    }
    for signal in given.signals {
        if value(&format!("{signal}.enabled")) == "false" {
            findings
                .push(Finding::note("config", format!("{signal} are not exported, as the environment says")));
        }
    }
    if value("sampler").contains("always_off") {
        findings.push(Finding::note(
            "config",
            format!("no span is sampled: the sampler is {}", value("sampler")),
        ));
    }
    if given.endpoint.is_none() {
        findings.extend(elsewhere(config, given.signals));
    }
    findings
}

/// `variable` names a configuration file, which may say something else than what is examined.
pub(super) fn of_file(variable: &str, file: &str) -> Finding {
    let diagnosis = Diagnosis::new(
        "an application that is built with the feature config-file goes by this file, and by no other variable",
        "examine what the file says: otlp doctor with the endpoint of its exporter, --protocol, --header, --ca-file",
        "options",
    );
    Finding::note("config", format!("{variable} is {file}, which is not read here")).diagnosed(diagnosis)
}

/// Signals whose receiver is another than that of traces, which is the one that is examined.
fn elsewhere(config: &ResolvedConfig, signals: &[Signal]) -> Vec<Finding> {
    let of = |signal: Signal| config.get(&format!("{signal}.endpoint"));
    let own = |signal: &Signal| {
        let (traces, other) = (of(Signal::Traces)?, of(*signal)?);
        (*signal != Signal::Traces && other.value != traces.value).then(|| {
            let text = format!(
                "{signal} go to {}, which is not examined here: otlp doctor {} --signal {signal}",
                other.value, other.value
            );
            Finding::note("config", text).with("endpoint", other.value.clone())
        })
    };
    signals.iter().filter_map(own).collect()
}

/// Adds what else the environment says, to be seen.
pub(super) fn add_rest(config: &ResolvedConfig, settings: &mut Vec<Setting>) {
    for entry in config.entries() {
        let Origin::Variable(name) = &entry.origin else { continue };
        if !settings.iter().any(|setting| setting.origin == **name) {
            settings.push(Setting::new(entry.name.clone(), &entry.value, name));
        }
    }
}
