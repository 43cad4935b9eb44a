//! The variables of limits. Those of spans and of log records go before those of both; where neither is set, the
//! default holds.

use super::text::Reader;
use crate::settings::{Given, LimitSettings};

pub(super) fn of_spans(reader: &mut Reader<'_>) -> LimitSettings {
    LimitSettings {
        // No variable (ENV-22).
        attribute_value_depth: None,
        attribute_count: either(reader, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", COUNT),
        attribute_value_length: either(reader, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", LENGTH),
        events: reader.count("OTEL_SPAN_EVENT_COUNT_LIMIT"),
        links: reader.count("OTEL_SPAN_LINK_COUNT_LIMIT"),
        attributes_per_event: reader.count("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"),
        attributes_per_link: reader.count("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"),
    }
}

pub(super) fn of_logs(reader: &mut Reader<'_>) -> LimitSettings {
    LimitSettings {
        attribute_count: either(reader, "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", COUNT),
        attribute_value_length: either(reader, "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", LENGTH),
        ..LimitSettings::default()
    }
}

const COUNT: &str = "OTEL_ATTRIBUTE_COUNT_LIMIT";
const LENGTH: &str = "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT";

fn either(reader: &mut Reader<'_>, own: &'static str, both: &'static str) -> Option<Given<usize>> {
    reader.count(own).or_else(|| reader.count(both))
}
