//! Events of `tracing` as log records.

use crate::support::{PATIENCE, World, int, keys, named, remote, tell_log, text};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use otlp::Severity;
use otlp_tracing::{OtlpLayer, OtlpSpanExt};
use std::error::Error;
use tracing::{debug, error, info, info_span, trace, warn};

/// The log records and spans that arrive of what `f` does.
fn told(
    world: World,
    change: impl FnOnce(OtlpLayer) -> OtlpLayer,
    f: impl FnOnce(),
) -> (Vec<LogRecord>, Vec<Span>) {
    let layer = world.layer().with_logs(world.client.logger("shop"));
    world.run(change(layer), f);
    let report = world.client.shutdown_blocking(PATIENCE).unwrap();
    let received = world.collector.received();
    assert!(report.is_balanced() && received.items() == report.delivered(), "{report}");
    let logs = received.logs().into_iter().inspect(|log| assert_eq!(log.scope.name, "shop"));
    let logs = logs.map(|log| log.record).collect();
    (logs, received.spans().into_iter().map(|received| received.span).collect())
}

fn body(record: &LogRecord) -> Option<String> {
    match record.body.clone()?.value? {
        Value::StringValue(text) => Some(text),
        other => panic!("{other:?}"),
    }
}

fn record<'a>(records: &'a [LogRecord], text: &str) -> &'a LogRecord {
    records.iter().find(|record| body(record).as_deref() == Some(text)).unwrap()
}

#[test]
fn an_event_is_a_record_of_its_span() {
    // conf: LOG-03, LOG-05, LOG-06
    let (records, spans) = told(
        World::new(),
        |layer| layer.with_span_events(false),
        || {
            let other = info_span!("other");
            let _span = info_span!("span").entered();
            info!(target: "shop", count = 3, "loaded {}", "cart");
            debug!(name: "cart.loaded", flag = true);
            warn!(parent: &other, "explicit");
            trace!(parent: None, "no parent");
            error!(error = "locked", "broken");
        },
    );
    let (span, other) = (named(&spans, "span"), named(&spans, "other"));
    let loaded = record(&records, "loaded cart");
    assert_eq!((loaded.severity_number, &*loaded.severity_text), (9, "INFO"));
    assert_eq!(keys(&loaded.attributes), ["target", "count"]);
    assert_eq!((int(&loaded.attributes, "count"), &*loaded.event_name), (Some(3), ""));
    assert_eq!((&loaded.trace_id, &loaded.span_id, loaded.flags & 1), (&span.trace_id, &span.span_id, 1));
    let unsaid = records.iter().find(|record| record.body.is_none()).unwrap();
    assert_eq!((&*unsaid.event_name, unsaid.severity_number), ("cart.loaded", 5));
    assert_eq!(record(&records, "explicit").span_id, other.span_id);
    assert!(record(&records, "no parent").trace_id.is_empty());
    assert_eq!(record(&records, "broken").severity_number, 17);
    assert!(spans.iter().all(|span| span.events.is_empty()));
    assert_eq!(span.status.clone().unwrap().message, "locked", "the span has failed all the same");
}

#[test]
fn events_may_be_on_spans_and_in_logs() {
    let (records, spans) = told(
        World::new(),
        |layer| layer.with_location(true),
        || {
            info!("outside");
            let _remote = remote(true).attach();
            info!("of a remote span");
            let _span = info_span!("span").entered();
            let cause = std::fmt::Error;
            info!(cause = &cause as &dyn Error, "inside");
        },
    );
    assert!(record(&records, "outside").trace_id.is_empty());
    assert_eq!(record(&records, "of a remote span").span_id, [9; 8]);
    let inside = record(&records, "inside");
    let expected =
        ["target", "code.file.path", "code.module.name", "code.line.number", "cause", "exception.message"];
    assert_eq!(keys(&inside.attributes), expected);
    assert_eq!(text(&inside.attributes, "code.file.path").as_deref(), Some(file!()));
    let events = &named(&spans, "span").events;
    assert_eq!((events.len(), &*events[0].name), (1, "inside"));
    assert_eq!(keys(&events[0].attributes)[1..], expected);
}

#[test]
fn a_record_of_the_log_crate_has_its_place_and_no_name_of_the_bridges() {
    let (records, _) = told(World::new(), |layer| layer.with_location(true), tell_log);
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(
        (body(record).as_deref(), &*record.event_name, record.severity_number),
        (Some("from log"), "", 13)
    );
    assert_eq!(
        keys(&record.attributes),
        ["target", "code.module.name", "code.file.path", "code.line.number"]
    );
    assert_eq!(text(&record.attributes, "target").as_deref(), Some("their::target"));
}

#[test]
fn of_logs_that_follow_traces_each_follows_its_own() {
    // conf: LOG-11
    let world = World::with(|builder| builder.with_sampler(otlp::ParentBasedSampler::default()));
    let layer = world.layer().with_logs(world.client.logger("shop").with_trace_based(true));
    let (records, _) = told(
        world,
        |_| layer,
        || {
            let sampled = info_span!("sampled");
            let unsampled = info_span!("unsampled");
            unsampled.set_parent(&remote(false)).unwrap();
            let _current = unsampled.enter();
            info!(parent: &sampled, "of the sampled one");
            info!("of the current one");
        },
    );
    assert_eq!(
        records.iter().map(|record| body(record).unwrap()).collect::<Vec<_>>(),
        ["of the sampled one"]
    );
}

#[test]
fn records_below_the_threshold_are_not_made_and_those_of_unsampled_spans_are() {
    // conf: LOG-11
    let threshold = |layer: OtlpLayer, world: &World| {
        layer.with_logs(world.client.logger("shop").with_severity_threshold(Severity::Warn))
    };
    let world = World::with(|builder| builder.with_sampler(otlp::AlwaysOffSampler));
    let layer = threshold(world.layer(), &world);
    let (records, spans) = told(
        world,
        |_| layer,
        || {
            let span = info_span!("span").entered();
            info!("too fine");
            warn!("loud enough");
            info_span!("below").in_scope(|| error!("of the unsampled span around it"));
            assert!(span.context().is_valid());
        },
    );
    assert_eq!((records.len(), spans.len()), (2, 0));
    assert!(records.iter().all(|record| record.flags & 1 == 0 && record.trace_id.len() == 16));
    assert_eq!(records[0].span_id, records[1].span_id);
}
