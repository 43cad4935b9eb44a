//! What a request holds, item by item, each with the resource and scope it came under.
//!
//! Made by the intake from a request in protobuf; kept by the store, printed by the live tail. Never changed afterwards.

use super::text;
use otlp_model::{
    AnyValue, DecodeError, InstrumentationScope, LogRecord, Metric, Resource, Signal, SpanData, view,
};
use std::fmt;
use std::sync::Arc;

/// Items that a request may have, with the events and links of spans. One may be two bytes on the wire and takes hundreds in memory;
/// one that says anything is so long that no request of the largest size has as many.
const MOST: u64 = 1 << 20;

/// Why a request is not taken.
#[derive(Debug)]
pub(crate) enum Unfit {
    Broken(DecodeError),
    TooMany,
}

impl From<DecodeError> for Unfit {
    fn from(error: DecodeError) -> Self {
        Self::Broken(error)
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(error) => error.fmt(f),
            Self::TooMany => write!(f, "it has more than {MOST} items, events and links"),
        }
    }
}

/// Where an item comes from.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    /// Shared by all scopes of it: it may be as large as the request, and they as many.
    pub(crate) resource: Arc<Resource>,
    pub(crate) scope: InstrumentationScope,
}

impl Origin {
    /// The resource's `service.name`, [cut](text::cut); empty when it has none.
    pub(crate) fn service(&self) -> &str {
        match self.resource.get("service.name") {
            Some(AnyValue::String(name)) => text::cut(name),
            _ => "",
        }
    }
}

/// A span as it was received.
#[derive(Debug)]
pub(crate) struct StoredSpan {
    pub(crate) origin: Arc<Origin>,
    pub(crate) span: SpanData,
}

/// A log record as it was received.
#[derive(Debug)]
pub(crate) struct StoredLog {
    pub(crate) origin: Arc<Origin>,
    pub(crate) record: LogRecord,
}

impl StoredLog {
    /// When it happened, or was observed; in nanoseconds since the Unix epoch, 0 if nobody said.
    pub(crate) fn time_unix_nano(&self) -> u64 {
        match self.record.time_unix_nano {
            0 => self.record.observed_time_unix_nano,
            time => time,
        }
    }
}

/// A metric with its data points, as it was received.
#[derive(Debug)]
pub(crate) struct StoredMetric {
    pub(crate) origin: Arc<Origin>,
    pub(crate) metric: Metric,
}

/// The items of one request; of one signal, so that two of the three are empty.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) spans: Vec<Arc<StoredSpan>>,
    pub(crate) logs: Vec<Arc<StoredLog>>,
    pub(crate) metrics: Vec<Arc<StoredMetric>>,
    /// Data points of metrics that are none: without data of a known kind, or without the temporality they must have.
    pub(crate) rejected: u64,
}

impl Batch {
    /// Decodes a request in protobuf.
    pub(crate) fn decode(signal: Signal, protobuf: &[u8]) -> Result<Self, Unfit> {
        Self::decode_at_most(MOST, signal, protobuf)
    }

    fn decode_at_most(most: u64, signal: Signal, protobuf: &[u8]) -> Result<Self, Unfit> {
        let (mut batch, mut room) = (Self::default(), most);
        let mut take = |items: u64| -> Result<(), Unfit> {
            room = room.checked_sub(items).ok_or(Unfit::TooMany)?;
            Ok(())
        };
        // The signals differ in the type of their items alone, which no closure can be generic over.
        macro_rules! each {
            ($view:path, |$origin:ident, $item:ident| $keep:expr) => {
                for group in $view(protobuf).resources() {
                    let group = group?;
                    let resource = Arc::new(group.to_resource()?);
                    for scoped in group.scopes() {
                        let scoped = scoped?;
                        let resource = Arc::clone(&resource);
                        let $origin = Arc::new(Origin { resource, scope: scoped.to_scope()? });
                        for item in scoped.items() {
                            let $item = item?;
                            $keep
                        }
                    }
                }
            };
        }
        match signal {
            Signal::Metrics => each!(view::metrics, |origin, metric| {
                let points = metric.data_point_count()?;
                take(points.saturating_add(1))?;
                match metric.to_metric()? {
                    Some(metric) => {
                        batch.metrics.push(Arc::new(StoredMetric { origin: Arc::clone(&origin), metric }))
                    }
                    None => batch.rejected += points,
                }
            }),
            Signal::Logs => each!(view::logs, |origin, record| {
                take(1)?;
                let record = record.to_log_record()?;
                batch.logs.push(Arc::new(StoredLog { origin: Arc::clone(&origin), record }));
            }),
            _ => each!(view::traces, |origin, span| {
                take(1 + (span.events().count() + span.links().count()) as u64)?;
                let span = span.to_span_data()?;
                batch.spans.push(Arc::new(StoredSpan { origin: Arc::clone(&origin), span }));
            }),
        }
        Ok(batch)
    }

    /// Spans, log records and data points.
    pub(crate) fn items(&self) -> u64 {
        self.spans.len() as u64 + self.logs.len() as u64 + self.data_points()
    }

    pub(crate) fn data_points(&self) -> u64 {
        self.metrics.iter().map(|stored| stored.metric.data_points() as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::json::request_from_json;

    #[test]
    fn a_request_has_so_many_items_and_no_more() {
        let cases = [
            (Signal::Traces, r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{},{}]},{"spans":[{}]}]}]}"#),
            (Signal::Traces, r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"events":[{},{}]}]}]}]}"#),
            (Signal::Traces, r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"links":[{},{}]}]}]}]}"#),
            (Signal::Logs, r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{},{}]}]}]}"#),
            (
                Signal::Metrics,
                r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{},{}]}}]}]}]}"#,
            ),
            (Signal::Metrics, r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{}},{},{}]}]}]}"#),
        ];
        for (signal, json) in cases {
            let protobuf = request_from_json(signal, json.as_bytes()).unwrap();
            assert!(Batch::decode_at_most(3, signal, &protobuf).is_ok(), "{json}");
            let refused = Batch::decode_at_most(2, signal, &protobuf);
            assert!(matches!(refused, Err(Unfit::TooMany)), "{json}");
        }
    }

    #[test]
    fn items_keep_their_origin_and_metrics_that_are_none_are_rejected() {
        let json = br#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},
            "scopeMetrics":[{"scope":{"name":"s"},"metrics":[
                {"name":"good","gauge":{"dataPoints":[{"asInt":"1"},{"asInt":"2"}]}},
                {"name":"without temporality","sum":{"dataPoints":[{"asInt":"1"},{"asInt":"2"},{"asInt":"3"}]}},
                {"name":"without data"}]}]}]}"#;
        let protobuf = request_from_json(Signal::Metrics, json).unwrap();
        let batch = Batch::decode(Signal::Metrics, &protobuf).unwrap();
        assert_eq!((batch.items(), batch.rejected), (2, 3));
        let origin = &batch.metrics[0].origin;
        assert_eq!((origin.service(), &*origin.scope.name), ("a", "s"));
        assert!(Batch::decode(Signal::Metrics, &protobuf[..protobuf.len() - 1]).is_err());
    }
}
