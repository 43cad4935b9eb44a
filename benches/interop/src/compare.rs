//! Whether what arrived is what was sent: every field, whatever the order and the grouping of items.
//!
//! An item is a span, log record or metric with its resource, its scope and their schemas, as text: that has every
//! field, and tells apart whatever can be told apart but the bits of NaN, which JSON does not have. A message that is absent and one that is empty (a status, a body, buckets) are the same, since the
//! Collector's own data cannot tell them apart. Pure.

use otlp_model::Signal;
use otlp_model::proto::generated::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use otlp_model::proto::generated::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use otlp_model::proto::generated::metrics::v1::exponential_histogram_data_point::Buckets;
use otlp_model::proto::generated::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics, metric::Data};
use otlp_model::proto::generated::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use otlp_testkit::Payload;
use prost::{DecodeError, Message};
use std::collections::BTreeMap;

/// The most lines of a difference that are shown.
const SHOWN: usize = 6;

/// A request of `signal` in protobuf.
pub(crate) fn decode(signal: Signal, bytes: &[u8]) -> Result<Payload, DecodeError> {
    Ok(match signal {
        Signal::Metrics => Payload::Metrics(ExportMetricsServiceRequest::decode(bytes)?),
        Signal::Logs => Payload::Logs(ExportLogsServiceRequest::decode(bytes)?),
        _ => Payload::Traces(ExportTraceServiceRequest::decode(bytes)?),
    })
}

/// How many items of a signal are in `payloads`; a metric is one.
pub(crate) fn count(signal: Signal, payloads: &[Payload]) -> usize {
    of(signal, payloads).map(|payload| items(payload).len()).sum()
}

/// An error that shows the first difference, if there is one in the items of `signal`.
pub(crate) fn same(signal: Signal, sent: &[Payload], arrived: &[Payload]) -> Result<(), String> {
    let mut balance: BTreeMap<String, i64> = BTreeMap::new();
    for (payloads, weight) in [(sent, 1), (arrived, -1)] {
        for item in of(signal, payloads).flat_map(items) {
            *balance.entry(item).or_default() += weight;
        }
    }
    balance.retain(|_, times| *times != 0);
    let with =
        |sign: i64| balance.iter().filter(move |(_, times)| times.signum() == sign).map(|(item, _)| &**item);
    let (missing, foreign): (Vec<&str>, Vec<&str>) = (with(1).collect(), with(-1).collect());
    if missing.is_empty() && foreign.is_empty() {
        return Ok(());
    }
    let mut told = format!(
        "{} items did not arrive as sent, {} arrived that were not sent",
        missing.len(),
        foreign.len()
    );
    match closest(&missing, &foreign) {
        Some((sent, arrived)) => told.push_str(&difference(sent, arrived)),
        None => {
            let whole = missing
                .iter()
                .chain(&foreign)
                .next()
                .map(|text| text.lines().take(400).collect::<Vec<_>>().join(" "));
            told.push_str(&format!("; for example {}", whole.unwrap_or_default()));
        }
    }
    Err(told)
}

fn of(signal: Signal, payloads: &[Payload]) -> impl Iterator<Item = &Payload> {
    payloads.iter().filter(move |payload| payload.signal() == signal)
}

/// Each item alone in a request of its own, as text.
fn items(payload: &Payload) -> Vec<String> {
    /// Walks resources, scopes, items.
    macro_rules! alone {
        ($request:ident . $groups:ident as $group:ident, $scopes:ident as $scoped:ident, $items:ident, $plain:ident) => {{
            let mut all = Vec::new();
            for group in &$request.$groups {
                for scoped in &group.$scopes {
                    for item in &scoped.$items {
                        let item = $plain(item.clone());
                        let scope = $scoped {
                            $items: vec![item],
                            ..$scoped {
                                scope: scoped.scope.clone(),
                                schema_url: scoped.schema_url.clone(),
                                $items: Vec::new(),
                            }
                        };
                        let alone = $group {
                            resource: group.resource.clone(),
                            schema_url: group.schema_url.clone(),
                            $scopes: vec![scope],
                        };
                        all.push(format!("{alone:#?}"));
                    }
                }
            }
            all
        }};
    }
    match payload {
        Payload::Traces(request) => {
            alone!(request.resource_spans as ResourceSpans, scope_spans as ScopeSpans, spans, span)
        }
        Payload::Metrics(request) => {
            alone!(
                request.resource_metrics as ResourceMetrics,
                scope_metrics as ScopeMetrics,
                metrics,
                metric
            )
        }
        Payload::Logs(request) => {
            alone!(request.resource_logs as ResourceLogs, scope_logs as ScopeLogs, log_records, record)
        }
    }
}

/// Without an empty status.
fn span(mut span: Span) -> Span {
    span.status = span.status.filter(|status| *status != Status::default());
    span
}

/// Without an empty body.
fn record(mut record: LogRecord) -> LogRecord {
    record.body = record.body.filter(|body| body.value.is_some());
    record
}

/// Without empty buckets.
fn metric(mut metric: Metric) -> Metric {
    if let Some(Data::ExponentialHistogram(histogram)) = &mut metric.data {
        for point in &mut histogram.data_points {
            for buckets in [&mut point.positive, &mut point.negative] {
                *buckets = buckets.take().filter(|buckets| *buckets != Buckets::default());
            }
        }
    }
    metric
}

/// The first that is missing, and the foreign one that has the most of its lines.
fn closest<'a>(missing: &[&'a str], foreign: &[&'a str]) -> Option<(&'a str, &'a str)> {
    let sent = *missing.first()?;
    let alike = |text: &str| text.lines().zip(sent.lines()).filter(|(left, right)| left == right).count();
    Some((sent, foreign.iter().copied().max_by_key(|text| alike(text))?))
}

/// The lines in which two texts differ, without what both begin and end with.
fn difference(sent: &str, arrived: &str) -> String {
    let (sent, arrived): (Vec<&str>, Vec<&str>) = (sent.lines().collect(), arrived.lines().collect());
    let before = sent.iter().zip(&arrived).take_while(|(left, right)| left == right).count();
    let most = sent.len().min(arrived.len()) - before;
    let after = sent
        .iter()
        .rev()
        .zip(arrived.iter().rev())
        .take(most)
        .take_while(|(left, right)| left == right)
        .count();
    let shown = |lines: &[&str]| {
        let lines = &lines[before..lines.len() - after];
        lines.iter().take(SHOWN).map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    };
    format!("; sent `{}`, arrived `{}`", shown(&sent), shown(&arrived))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{self, Breadth};

    #[test]
    fn grouping_and_order_do_not_matter_and_every_field_does() {
        for signal in Signal::ALL {
            let sent = [telemetry::request(signal, "run", Breadth::Whole)];
            assert_eq!(same(signal, &sent, &sent), Ok(()), "NaN is NaN");
            let mut parts: Vec<Payload> = Vec::new();
            if let [Payload::Traces(request)] = &sent {
                parts.extend(request.resource_spans.iter().rev().map(|group| {
                    Payload::Traces(ExportTraceServiceRequest { resource_spans: vec![group.clone()] })
                }));
                assert_eq!(same(signal, &sent, &parts), Ok(()));
            }
            let twice = [sent[0].clone(), sent[0].clone()];
            assert!(same(signal, &sent, &twice).is_err(), "duplicates are seen");
            assert!(same(signal, &sent, &[]).is_err());
            let other = [telemetry::request(signal, "other", Breadth::Whole)];
            let told = same(signal, &sent, &other).unwrap_err();
            assert!(told.contains("sent `\"run\",`, arrived `\"other\",`"), "{told}");
        }
    }
}
