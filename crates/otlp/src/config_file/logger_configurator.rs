//! Which log records a configuration file takes. Of all loggers: those of single ones are said in code, where they are made.

use super::exporter::FromFile;
use super::node::At;
use crate::settings::Settings;
use otlp_model::{Severity, Signal};

/// After the provider's processors (LOG-12).
pub(super) fn configurator(from: &FromFile, at: &At<'_>, settings: &mut Settings) -> Result<(), String> {
    let Some(at) = at.only(&["default_config"])?.get("default_config")? else { return Ok(()) };
    at.only(&["enabled", "minimum_severity", "trace_based"])?;
    if let Some(at) = at.get("enabled")? {
        settings.signals.get_mut(Signal::Logs).enabled = Some(from.given(at.boolean()?));
    }
    settings.trace_based_logs =
        at.get("trace_based")?.map(|at| at.boolean()).transpose()?.map(|given| from.given(given));
    if let Some(at) = at.get("minimum_severity")? {
        let word = at.text()?;
        let named = (1..=24).filter_map(Severity::from_number).find(|severity| {
            // Only in small letters, as the schema has them.
            severity.as_str().eq_ignore_ascii_case(&word) && !word.contains(|c: char| c.is_ascii_uppercase())
        });
        let problem =
            "must be trace, debug, info, warn, error or fatal, or one of these with 2, 3 or 4 behind it";
        settings.log_severity_threshold = Some(from.given(named.ok_or_else(|| at.wrong(problem))?));
    }
    Ok(())
}
