//! Events of `tracing` on the span they happen in.

use crate::support::{event, int, keys, named, spans_of, spans_with, tell_log, text, value};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use otlp_tracing::OtlpSpanExt;
use tracing::{Level, debug, error, event as tracing_event, info, info_span};

#[test]
fn an_event_is_on_its_span_with_message_level_target_and_fields() {
    let spans = spans_of(|| {
        let span = info_span!("span").entered();
        info!(target: "shop", count = 3, ratio = 0.5, "loaded {}", "cart");
        debug!(name: "named", flag = true);
        tracing_event!(Level::WARN, who = "x");
        drop(span);
        info!("outside");
    });
    let loaded = event(&spans[0], "loaded cart");
    assert_eq!(keys(&loaded.attributes), ["level", "target", "count", "ratio"]);
    assert_eq!(text(&loaded.attributes, "level").as_deref(), Some("INFO"));
    assert_eq!(text(&loaded.attributes, "target").as_deref(), Some("shop"));
    assert_eq!(int(&loaded.attributes, "count"), Some(3));
    assert_eq!(value(&event(&spans[0], "named").attributes, "flag"), Some(Value::BoolValue(true)));
    assert!(
        spans[0].events[2].name.starts_with("event "),
        "what tracing calls it: {:?}",
        spans[0].events[2].name
    );
    assert_eq!(spans[0].events.len(), 3);
    let span = &spans[0];
    let times: Vec<u64> = span.events.iter().map(|event| event.time_unix_nano).collect();
    assert!(
        times.is_sorted() && span.start_time_unix_nano <= times[0] && times[2] <= span.end_time_unix_nano
    );
    assert!(span.status.is_none());
}

#[test]
fn an_event_with_an_empty_message_is_called_as_one_without() {
    let spans = spans_of(|| {
        let _span = info_span!("span").entered();
        info!(name: "named", "");
        info!(name: "named", error = "locked", "");
    });
    let names: Vec<_> = spans[0].events.iter().map(|event| &*event.name).collect();
    assert_eq!(names, ["named", "exception"]);
    assert_eq!(spans[0].status.clone().unwrap().message, "locked");
}

#[test]
fn an_explicit_parent_of_an_event_is_honoured() {
    let spans = spans_of(|| {
        let other = info_span!("other");
        let _current = info_span!("current").entered();
        info!(parent: &other, "to other");
        info!(parent: None, "to none");
        info!("to current");
    });
    assert_eq!(named(&spans, "other").events.len(), 1);
    assert_eq!(named(&spans, "current").events.len(), 1);
    event(named(&spans, "other"), "to other");
}

#[test]
fn an_event_belongs_to_the_span_that_is_current_in_the_registry() {
    let spans = spans_of(|| {
        let (a, b) = (info_span!("a"), info_span!("b"));
        let (_in_a, in_b) = (a.enter(), b.enter());
        // What is entered already does not become current by being entered again.
        a.in_scope(|| info!("to b"));
        drop(in_b);
        info!("to a");
    });
    event(named(&spans, "b"), "to b");
    event(named(&spans, "a"), "to a");
}

#[test]
fn the_time_of_an_event_is_before_its_fields_are_shown() {
    /// Tells its span when it is shown.
    struct Slow(tracing::Span);
    impl std::fmt::Debug for Slow {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.add_event("shown", &[]);
            f.write_str("slow")
        }
    }
    let spans = spans_of(|| {
        let span = info_span!("span").entered();
        info!(slow = ?Slow(span.clone()), "event");
    });
    let [shown, told] = ["shown", "event"].map(|name| event(&spans[0], name).time_unix_nano);
    assert!(told <= shown, "{told} {shown}");
}

#[test]
fn events_may_be_off() {
    let spans = spans_with(
        |layer| layer.with_span_events(false),
        || {
            let _span = info_span!("span").entered();
            error!("nobody hears it");
        },
    );
    assert!(spans[0].events.is_empty() && spans[0].status.is_none());
}

#[test]
fn records_of_the_log_crate_keep_their_place() {
    let with = |location| {
        spans_with(
            |layer| layer.with_location(location),
            || {
                let _span = info_span!("span").entered();
                tell_log();
            },
        )
    };
    let spans = with(true);
    let attributes = &event(&spans[0], "from log").attributes;
    assert_eq!(
        keys(attributes),
        ["level", "target", "code.module.name", "code.file.path", "code.line.number"]
    );
    assert_eq!(text(attributes, "target").as_deref(), Some("their::target"));
    assert_eq!(int(attributes, "code.line.number"), Some(7));
    assert_eq!(keys(&event(&with(false)[0], "from log").attributes), ["level", "target"]);
}

#[test]
fn a_field_that_names_a_metric_is_an_attribute() {
    let spans = spans_of(|| {
        info_span!("span").in_scope(|| info!(monotonic_counter.carts = 1, histogram.size = 2.5, "loaded"));
    });
    let attributes = &event(&spans[0], "loaded").attributes;
    assert_eq!(keys(attributes), ["level", "target", "monotonic_counter.carts", "histogram.size"]);
    assert_eq!(int(attributes, "monotonic_counter.carts"), Some(1));
}
