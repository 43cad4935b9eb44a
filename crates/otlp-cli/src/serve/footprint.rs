//! How much memory items take, so that the store can be bounded in bytes.
//!
//! Used by the store, once per batch. Counts what items own, by length; what an allocator adds is not counted. Pure.

use super::items::Batch;
use otlp_model::{AnyValue, Exemplar, KeyValue, MetricData};
use std::mem::{size_of, size_of_val};

/// The bytes that a batch owns.
pub(crate) fn of(batch: &Batch) -> usize {
    let spans = batch.spans.iter().map(|stored| {
        let span = &stored.span;
        let events = span.events.iter().map(|event| event.name.len() + attributes(&event.attributes));
        let links = span.links.iter().map(|link| attributes(&link.attributes));
        size_of_val(&**stored)
            + span.name.len()
            + span.status.description.len()
            + attributes(&span.attributes)
            + size_of_val(&*span.events)
            + size_of_val(&*span.links)
            + events.sum::<usize>()
            + links.sum::<usize>()
    });
    let logs = batch.logs.iter().map(|stored| {
        let record = &stored.record;
        size_of_val(&**stored)
            + record.severity_text.len()
            + record.event_name.len()
            + record.body.as_ref().map_or(0, value)
            + attributes(&record.attributes)
    });
    let metrics = batch.metrics.iter().map(|stored| {
        let metric = &stored.metric;
        size_of_val(&**stored)
            + metric.name.len()
            + metric.description.len()
            + metric.unit.len()
            + attributes(&metric.metadata)
            + points(&metric.data)
    });
    size_of::<Batch>() + origins(batch) + spans.chain(logs).chain(metrics).sum::<usize>()
}

/// Origins are shared by neighbours.
fn origins(batch: &Batch) -> usize {
    let all = (batch.spans.iter().map(|stored| &stored.origin))
        .chain(batch.logs.iter().map(|stored| &stored.origin))
        .chain(batch.metrics.iter().map(|stored| &stored.origin));
    let (mut bytes, mut last) = (0, std::ptr::null());
    for origin in all {
        if !std::ptr::eq(last, &raw const **origin) {
            last = &raw const **origin;
            let scope = &origin.scope;
            bytes += size_of_val(&**origin)
                + attributes(&origin.resource.attributes)
                + origin.resource.schema_url.len()
                + scope.name.len()
                + scope.version.len()
                + scope.schema_url.len()
                + attributes(&scope.attributes);
        }
    }
    bytes
}

fn attributes(attributes: &[KeyValue]) -> usize {
    let owned = attributes.iter().map(|attribute| attribute.key.len() + value(&attribute.value));
    size_of_val(attributes) + owned.sum::<usize>()
}

fn value(of: &AnyValue) -> usize {
    match of {
        AnyValue::String(text) => text.len(),
        AnyValue::Bytes(bytes) => bytes.len(),
        AnyValue::Array(values) => size_of_val(&**values) + values.iter().map(value).sum::<usize>(),
        AnyValue::Map(entries) => attributes(entries),
        AnyValue::Empty | AnyValue::Bool(_) | AnyValue::Int(_) | AnyValue::Double(_) => 0,
    }
}

fn points(data: &MetricData) -> usize {
    let exemplars = |of: &[Exemplar]| {
        size_of_val(of) + of.iter().map(|it| attributes(&it.filtered_attributes)).sum::<usize>()
    };
    macro_rules! sum {
        ($points:expr, |$point:ident| $owned:expr) => {
            size_of_val(&*$points)
                + $points.iter().map(|$point| attributes(&$point.attributes) + $owned).sum::<usize>()
        };
    }
    match data {
        MetricData::Gauge(gauge) => sum!(gauge.data_points, |point| exemplars(&point.exemplars)),
        MetricData::Sum(of) => sum!(of.data_points, |point| exemplars(&point.exemplars)),
        MetricData::Histogram(histogram) => sum!(histogram.data_points, |point| {
            size_of_val(&*point.bucket_counts)
                + size_of_val(&*point.explicit_bounds)
                + exemplars(&point.exemplars)
        }),
        MetricData::ExponentialHistogram(histogram) => sum!(histogram.data_points, |point| {
            size_of_val(&*point.positive.bucket_counts)
                + size_of_val(&*point.negative.bucket_counts)
                + exemplars(&point.exemplars)
        }),
        MetricData::Summary(summary) => {
            sum!(summary.data_points, |point| size_of_val(&*point.quantile_values))
        }
        // A kind that this crate does not know is one that the reader of the model never gives.
        _ => 0,
    }
}
