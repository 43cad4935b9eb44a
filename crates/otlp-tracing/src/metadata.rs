//! What is known of a span or event by where it stands in the source: target, level, place.
//!
//! Events that the `log` crate's bridge makes stand nowhere: their fields say where the record came from.

use otlp::KeyValue;
use tracing::Metadata;

pub(crate) const TARGET: &str = "target";
pub(crate) const LEVEL: &str = "level";
pub(crate) const FILE: &str = "code.file.path";
pub(crate) const LINE: &str = "code.line.number";
pub(crate) const MODULE: &str = "code.module.name";

/// Tells `set` where in the source it is.
pub(crate) fn location(metadata: &'static Metadata<'static>, mut set: impl FnMut(KeyValue)) {
    if let Some(file) = metadata.file() {
        set(KeyValue::new(FILE, file));
    }
    if let Some(module) = metadata.module_path() {
        set(KeyValue::new(MODULE, module));
    }
    if let Some(line) = metadata.line() {
        set(KeyValue::new(LINE, line));
    }
}

/// Whether it is a record of the `log` crate, made into an event.
pub(crate) fn is_log_record(metadata: &Metadata<'_>) -> bool {
    metadata.target() == "log" && metadata.fields().field("log.target").is_some()
}

/// The attribute that a field of such an event says, if it is one that is about the record.
pub(crate) fn of_log_field(field: &str) -> Option<&'static str> {
    match field {
        "log.target" => Some(TARGET),
        "log.module_path" => Some(MODULE),
        "log.file" => Some(FILE),
        "log.line" => Some(LINE),
        _ => None,
    }
}

/// Whether it is about the client itself, and must not become its telemetry.
pub(crate) fn is_of_the_client(target: &str) -> bool {
    const CRATES: [&str; 8] =
        ["", "_batch", "_model", "_opentelemetry", "_sampling", "_tower", "_tracing", "_transport"];
    let Some(rest) = target.strip_prefix("otlp") else { return false };
    // Byte by byte: to search for a text takes as long as to make a span.
    let (name, path) = rest.split_at(rest.bytes().position(|byte| byte == b':').unwrap_or(rest.len()));
    CRATES.contains(&name) && (path.is_empty() || path.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_the_client_is_told_from_what_is_named_alike() {
        for target in ["otlp", "otlp::tls", "otlp_transport::pool::keeper", "otlp_tracing"] {
            assert!(is_of_the_client(target), "{target}");
        }
        for target in ["otlp_demo", "otlphant::x", "otlp:x", "otlp_tracing: x", "shop::otlp", "otl", ""] {
            assert!(!is_of_the_client(target), "{target}");
        }
    }
}
