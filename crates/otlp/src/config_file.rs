//! OpenTelemetry's declarative configuration: a YAML file, read into the same settings as the environment.
//!
//! Used by the builder when it is asked to, or when `OTEL_CONFIG_FILE` names a file. Here a mistake is an error, by its path in the
//! file: whoever wrote a file means all of it. What we do not have is refused, never ignored.

mod document;
mod exporter;
mod logger_configurator;
mod meter_provider;
mod node;
mod parse;
mod patterns;
mod processor;
mod resource;
mod sampler;
mod substitute;

use crate::settings::Settings;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// No file of the kind is larger; the whole example of the specification has 40 KiB.
const MAX_BYTES: u64 = 1024 * 1024;

/// What the file says.
pub(crate) fn read(path: &Path, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Settings, String> {
    if !path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
        return Err("the file's name must end in .yaml or .yml".to_owned());
    }
    let mut text = String::new();
    let file = File::open(path).map_err(|error| format!("the file can't be read: {error}"))?;
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| format!("the file can't be read: {error}"))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(format!("the file has more than {MAX_BYTES} bytes"));
    }
    settings(&text, path, lookup)
}

fn settings(text: &str, path: &Path, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Settings, String> {
    document::settings(&parse::parse(text, lookup)?, path, lookup)
}

#[cfg(test)]
mod tests;
