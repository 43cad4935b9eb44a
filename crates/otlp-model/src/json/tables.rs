//! The messages of OTLP: opentelemetry-proto 1.10, without profiles and without the fields only profiles use (MODEL-12).

use super::schema::{Field, Kind, Presence, Schema};
use crate::Signal;
use Kind::{
    Bool, Bytes, Double, Enum, Fixed32, Fixed64, Int64, Message, Sfixed64, Sint32, String, Uint32, Uint64,
};

const TRACE_ID: Kind = Kind::HexId(16);
const SPAN_ID: Kind = Kind::HexId(8);

pub(crate) fn request_schema(signal: Signal) -> &'static Schema {
    match signal {
        Signal::Traces => &TRACES,
        Signal::Metrics => &METRICS,
        Signal::Logs => &LOGS,
    }
}

pub(crate) fn response_schema(signal: Signal) -> &'static Schema {
    match signal {
        Signal::Traces => &TRACES_RESPONSE,
        Signal::Metrics => &METRICS_RESPONSE,
        Signal::Logs => &LOGS_RESPONSE,
    }
}

/// A field with the presence that proto3 gives its kind.
const fn field(number: u32, name: &'static str, kind: Kind) -> Field {
    let presence = if matches!(kind, Message(_)) { Presence::Explicit } else { Presence::Implicit };
    Field { number, name, kind, presence }
}

const fn optional(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, presence: Presence::Explicit }
}

const fn one_of(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, presence: Presence::OneOf }
}

const fn repeated(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, presence: Presence::Repeated }
}

const fn listed(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, presence: Presence::Listed }
}

macro_rules! messages {
    ($($name:ident = [$($field:expr),* $(,)?];)*) => {$(
        pub(super) static $name: Schema = Schema { fields: &[$($field),*] };
    )*};
}

// Requests and responses.
messages! {
    TRACES = [listed(1, "resourceSpans", Message(&RESOURCE_SPANS))];
    METRICS = [listed(1, "resourceMetrics", Message(&RESOURCE_METRICS))];
    LOGS = [listed(1, "resourceLogs", Message(&RESOURCE_LOGS))];

    TRACES_RESPONSE = [field(1, "partialSuccess", Message(&TRACES_PARTIAL_SUCCESS))];
    TRACES_PARTIAL_SUCCESS = [field(1, "rejectedSpans", Int64), field(2, "errorMessage", String)];
    METRICS_RESPONSE = [field(1, "partialSuccess", Message(&METRICS_PARTIAL_SUCCESS))];
    METRICS_PARTIAL_SUCCESS = [field(1, "rejectedDataPoints", Int64), field(2, "errorMessage", String)];
    LOGS_RESPONSE = [field(1, "partialSuccess", Message(&LOGS_PARTIAL_SUCCESS))];
    LOGS_PARTIAL_SUCCESS = [field(1, "rejectedLogRecords", Int64), field(2, "errorMessage", String)];
}

// common.proto and resource.proto.
messages! {
    ANY_VALUE = [
        one_of(1, "stringValue", String),
        one_of(2, "boolValue", Bool),
        one_of(3, "intValue", Int64),
        one_of(4, "doubleValue", Double),
        one_of(5, "arrayValue", Message(&ARRAY_VALUE)),
        one_of(6, "kvlistValue", Message(&KEY_VALUE_LIST)),
        one_of(7, "bytesValue", Bytes),
    ];
    ARRAY_VALUE = [listed(1, "values", Message(&ANY_VALUE))];
    KEY_VALUE_LIST = [listed(1, "values", Message(&KEY_VALUE))];
    KEY_VALUE = [field(1, "key", String), field(2, "value", Message(&ANY_VALUE))];
    INSTRUMENTATION_SCOPE = [
        field(1, "name", String),
        field(2, "version", String),
        repeated(3, "attributes", Message(&KEY_VALUE)),
        field(4, "droppedAttributesCount", Uint32),
    ];
    RESOURCE = [
        repeated(1, "attributes", Message(&KEY_VALUE)),
        field(2, "droppedAttributesCount", Uint32),
        repeated(3, "entityRefs", Message(&ENTITY_REF)),
    ];
    ENTITY_REF = [
        field(1, "schemaUrl", String),
        field(2, "type", String),
        repeated(3, "idKeys", String),
        repeated(4, "descriptionKeys", String),
    ];
}

// trace.proto
messages! {
    RESOURCE_SPANS = [
        field(1, "resource", Message(&RESOURCE)),
        repeated(2, "scopeSpans", Message(&SCOPE_SPANS)),
        field(3, "schemaUrl", String),
    ];
    SCOPE_SPANS = [
        field(1, "scope", Message(&INSTRUMENTATION_SCOPE)),
        repeated(2, "spans", Message(&SPAN)),
        field(3, "schemaUrl", String),
    ];
    SPAN = [
        field(1, "traceId", TRACE_ID),
        field(2, "spanId", SPAN_ID),
        field(3, "traceState", String),
        field(4, "parentSpanId", SPAN_ID),
        field(16, "flags", Fixed32),
        field(5, "name", String),
        field(6, "kind", Enum(&SPAN_KINDS)),
        field(7, "startTimeUnixNano", Fixed64),
        field(8, "endTimeUnixNano", Fixed64),
        repeated(9, "attributes", Message(&KEY_VALUE)),
        field(10, "droppedAttributesCount", Uint32),
        repeated(11, "events", Message(&EVENT)),
        field(12, "droppedEventsCount", Uint32),
        repeated(13, "links", Message(&LINK)),
        field(14, "droppedLinksCount", Uint32),
        field(15, "status", Message(&STATUS)),
    ];
    EVENT = [
        field(1, "timeUnixNano", Fixed64),
        field(2, "name", String),
        repeated(3, "attributes", Message(&KEY_VALUE)),
        field(4, "droppedAttributesCount", Uint32),
    ];
    LINK = [
        field(1, "traceId", TRACE_ID),
        field(2, "spanId", SPAN_ID),
        field(3, "traceState", String),
        repeated(4, "attributes", Message(&KEY_VALUE)),
        field(5, "droppedAttributesCount", Uint32),
        field(6, "flags", Fixed32),
    ];
    STATUS = [field(2, "message", String), field(3, "code", Enum(&STATUS_CODES))];
}

// logs.proto
messages! {
    RESOURCE_LOGS = [
        field(1, "resource", Message(&RESOURCE)),
        repeated(2, "scopeLogs", Message(&SCOPE_LOGS)),
        field(3, "schemaUrl", String),
    ];
    SCOPE_LOGS = [
        field(1, "scope", Message(&INSTRUMENTATION_SCOPE)),
        repeated(2, "logRecords", Message(&LOG_RECORD)),
        field(3, "schemaUrl", String),
    ];
    LOG_RECORD = [
        field(1, "timeUnixNano", Fixed64),
        field(11, "observedTimeUnixNano", Fixed64),
        field(2, "severityNumber", Enum(&SEVERITY_NUMBERS)),
        field(3, "severityText", String),
        field(5, "body", Message(&ANY_VALUE)),
        repeated(6, "attributes", Message(&KEY_VALUE)),
        field(7, "droppedAttributesCount", Uint32),
        field(8, "flags", Fixed32),
        field(9, "traceId", TRACE_ID),
        field(10, "spanId", SPAN_ID),
        field(12, "eventName", String),
    ];
}

// metrics.proto
messages! {
    RESOURCE_METRICS = [
        field(1, "resource", Message(&RESOURCE)),
        repeated(2, "scopeMetrics", Message(&SCOPE_METRICS)),
        field(3, "schemaUrl", String),
    ];
    SCOPE_METRICS = [
        field(1, "scope", Message(&INSTRUMENTATION_SCOPE)),
        repeated(2, "metrics", Message(&METRIC)),
        field(3, "schemaUrl", String),
    ];
    METRIC = [
        field(1, "name", String),
        field(2, "description", String),
        field(3, "unit", String),
        one_of(5, "gauge", Message(&GAUGE)),
        one_of(7, "sum", Message(&SUM)),
        one_of(9, "histogram", Message(&HISTOGRAM)),
        one_of(10, "exponentialHistogram", Message(&EXPONENTIAL_HISTOGRAM)),
        one_of(11, "summary", Message(&SUMMARY)),
        repeated(12, "metadata", Message(&KEY_VALUE)),
    ];
    GAUGE = [repeated(1, "dataPoints", Message(&NUMBER_DATA_POINT))];
    SUM = [
        repeated(1, "dataPoints", Message(&NUMBER_DATA_POINT)),
        field(2, "aggregationTemporality", Enum(&TEMPORALITIES)),
        field(3, "isMonotonic", Bool),
    ];
    HISTOGRAM = [
        repeated(1, "dataPoints", Message(&HISTOGRAM_DATA_POINT)),
        field(2, "aggregationTemporality", Enum(&TEMPORALITIES)),
    ];
    EXPONENTIAL_HISTOGRAM = [
        repeated(1, "dataPoints", Message(&EXPONENTIAL_HISTOGRAM_DATA_POINT)),
        field(2, "aggregationTemporality", Enum(&TEMPORALITIES)),
    ];
    SUMMARY = [repeated(1, "dataPoints", Message(&SUMMARY_DATA_POINT))];
    NUMBER_DATA_POINT = [
        repeated(7, "attributes", Message(&KEY_VALUE)),
        field(2, "startTimeUnixNano", Fixed64),
        field(3, "timeUnixNano", Fixed64),
        one_of(4, "asDouble", Double),
        one_of(6, "asInt", Sfixed64),
        repeated(5, "exemplars", Message(&EXEMPLAR)),
        field(8, "flags", Uint32),
    ];
    HISTOGRAM_DATA_POINT = [
        repeated(9, "attributes", Message(&KEY_VALUE)),
        field(2, "startTimeUnixNano", Fixed64),
        field(3, "timeUnixNano", Fixed64),
        field(4, "count", Fixed64),
        optional(5, "sum", Double),
        repeated(6, "bucketCounts", Fixed64),
        repeated(7, "explicitBounds", Double),
        repeated(8, "exemplars", Message(&EXEMPLAR)),
        field(10, "flags", Uint32),
        optional(11, "min", Double),
        optional(12, "max", Double),
    ];
    EXPONENTIAL_HISTOGRAM_DATA_POINT = [
        repeated(1, "attributes", Message(&KEY_VALUE)),
        field(2, "startTimeUnixNano", Fixed64),
        field(3, "timeUnixNano", Fixed64),
        field(4, "count", Fixed64),
        optional(5, "sum", Double),
        field(6, "scale", Sint32),
        field(7, "zeroCount", Fixed64),
        field(8, "positive", Message(&BUCKETS)),
        field(9, "negative", Message(&BUCKETS)),
        field(10, "flags", Uint32),
        repeated(11, "exemplars", Message(&EXEMPLAR)),
        optional(12, "min", Double),
        optional(13, "max", Double),
        field(14, "zeroThreshold", Double),
    ];
    BUCKETS = [field(1, "offset", Sint32), repeated(2, "bucketCounts", Uint64)];
    SUMMARY_DATA_POINT = [
        repeated(7, "attributes", Message(&KEY_VALUE)),
        field(2, "startTimeUnixNano", Fixed64),
        field(3, "timeUnixNano", Fixed64),
        field(4, "count", Fixed64),
        field(5, "sum", Double),
        repeated(6, "quantileValues", Message(&VALUE_AT_QUANTILE)),
        field(8, "flags", Uint32),
    ];
    VALUE_AT_QUANTILE = [field(1, "quantile", Double), field(2, "value", Double)];
    EXEMPLAR = [
        repeated(7, "filteredAttributes", Message(&KEY_VALUE)),
        field(2, "timeUnixNano", Fixed64),
        one_of(3, "asDouble", Double),
        one_of(6, "asInt", Sfixed64),
        field(4, "spanId", SPAN_ID),
        field(5, "traceId", TRACE_ID),
    ];
}

static SPAN_KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

static STATUS_CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

static TEMPORALITIES: [&str; 3] = [
    "AGGREGATION_TEMPORALITY_UNSPECIFIED",
    "AGGREGATION_TEMPORALITY_DELTA",
    "AGGREGATION_TEMPORALITY_CUMULATIVE",
];

static SEVERITY_NUMBERS: [&str; 25] = [
    "SEVERITY_NUMBER_UNSPECIFIED",
    "SEVERITY_NUMBER_TRACE",
    "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",
    "SEVERITY_NUMBER_TRACE4",
    "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",
    "SEVERITY_NUMBER_DEBUG3",
    "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",
    "SEVERITY_NUMBER_INFO2",
    "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",
    "SEVERITY_NUMBER_WARN",
    "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",
    "SEVERITY_NUMBER_WARN4",
    "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",
    "SEVERITY_NUMBER_ERROR3",
    "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",
    "SEVERITY_NUMBER_FATAL2",
    "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4",
];
