//! The `OTEL_` variables, read into settings.
//!
//! Used by the builder when it is asked to. A bad value is a warning and then as if it were not there: it stops no program,
//! and never panics. Variables come through a function, so that a test can have some of its own; nothing is written.

mod exporter;
mod limits;
pub(crate) mod resource;
mod sampler;
mod text;

use crate::settings::{Given, PropagatorName, Settings};
use otlp_model::Signal;
use text::Reader;

/// What the variables say.
///
/// A configuration file takes the place of all others, but for those that it refers to (ENV-18).
pub(crate) fn read(lookup: impl Fn(&str) -> Option<String>) -> Settings {
    let mut reader = Reader::new(&lookup);
    #[cfg(feature = "config-file")]
    if let Some(path) = reader.text("OTEL_CONFIG_FILE") {
        return file(path.value.as_ref(), "OTEL_CONFIG_FILE", &lookup);
    }
    let mut settings = Settings {
        by_specification: true,
        disabled: reader.boolean("OTEL_SDK_DISABLED"),
        service_name: reader.text("OTEL_SERVICE_NAME"),
        resource: reader.parsed("OTEL_RESOURCE_ATTRIBUTES", resource::attributes),
        propagators: propagators(&mut reader),
        temporality: exporter::temporality(&mut reader),
        sampler: sampler::sampler(&mut reader),
        span_limits: limits::of_spans(&mut reader),
        log_limits: limits::of_logs(&mut reader),
        ..Settings::default()
    };
    for signal in Signal::ALL {
        *settings.signals.get_mut(signal) = exporter::signal(&mut reader, signal);
    }
    #[cfg(not(feature = "config-file"))]
    if reader.text("OTEL_CONFIG_FILE").is_some() {
        let problem = "the feature `config-file` is off, so it is not read; the other variables hold";
        reader.warn("OTEL_CONFIG_FILE", problem);
    }
    settings.warnings = reader.into_warnings();
    settings
}

/// The settings of a file; of one that can't be used, the problem, under the name of what asked for it.
#[cfg(feature = "config-file")]
pub(crate) fn file(
    path: &std::path::Path,
    option: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Settings {
    crate::config_file::read(path, lookup).unwrap_or_else(|problem| Settings {
        refused: Some((option.to_owned(), format!("{}: {problem}", path.display()))),
        ..Settings::default()
    })
}

/// What this process' environment says of a variable; what is no UTF-8 in it becomes U+FFFD, and will be refused as that.
pub(crate) fn of_process(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// A list; one name that is not known costs only itself.
fn propagators(reader: &mut Reader<'_>) -> Option<Given<Vec<PropagatorName>>> {
    let list = reader.text("OTEL_PROPAGATORS")?;
    let (mut names, mut is_none) = (Vec::new(), false);
    for word in list.value.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let known = PropagatorName::ALL.into_iter().find(|name| name.as_str().eq_ignore_ascii_case(word));
        match known {
            Some(name) if !names.contains(&name) => names.push(name),
            Some(_) => {}
            None if word.eq_ignore_ascii_case("none") => is_none = true,
            None => reader.warn(
                "OTEL_PROPAGATORS",
                format_args!(
                    "{word:?} is not one of tracecontext, baggage, b3, b3multi and none; it is left out"
                ),
            ),
        }
    }
    if is_none {
        names.clear();
    } else if names.is_empty() {
        return None;
    }
    Some(Given { value: names, origin: list.origin })
}
