//! Fields of every kind, and those that mean something else than an attribute.

use crate::support::{int, keys, named, spans_of, text, value};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use otlp::SpanKind;
use std::fmt;
use tracing::field::Empty;
use tracing::{info_span, span};

#[derive(Debug)]
struct Cart {
    #[expect(dead_code, reason = "shown by Debug")]
    items: u8,
}

impl fmt::Display for Cart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a cart")
    }
}

#[test]
fn values_keep_their_kind() {
    // conf: MODEL-34
    let spans = spans_of(|| {
        drop(info_span!(
            "span",
            bool = true,
            i64 = -3_i64,
            u64 = 4_u64,
            beyond = u64::MAX,
            small = 5_i128,
            big = i128::MIN,
            bigger = u128::MAX,
            f64 = 0.5,
            nan = f64::NAN,
            str = "text",
            empty = "",
            bytes = &b"\x00\xff"[..],
            debug = ?Cart { items: 1 },
            display = %Cart { items: 1 },
            none = Empty,
            "what it is"
        ));
    });
    let attributes = &spans[0].attributes;
    let text = |key| text(attributes, key);
    assert_eq!(value(attributes, "bool"), Some(Value::BoolValue(true)));
    assert_eq!(value(attributes, "f64"), Some(Value::DoubleValue(0.5)));
    assert!(matches!(value(attributes, "nan"), Some(Value::DoubleValue(nan)) if nan.is_nan()));
    assert_eq!(value(attributes, "bytes"), Some(Value::BytesValue(vec![0, 255])));
    assert_eq!(["i64", "u64", "small"].map(|key| int(attributes, key)), [Some(-3), Some(4), Some(5)]);
    assert_eq!(text("beyond").unwrap(), u64::MAX.to_string());
    assert_eq!(text("big").unwrap(), i128::MIN.to_string());
    assert_eq!(text("bigger").unwrap(), u128::MAX.to_string());
    assert_eq!((text("str").unwrap(), text("empty").unwrap()), ("text".to_owned(), String::new()));
    assert_eq!(
        (text("debug").unwrap(), text("display").unwrap()),
        ("Cart { items: 1 }".into(), "a cart".into())
    );
    assert_eq!(text("message").unwrap(), "what it is");
    assert!(!keys(attributes).contains(&"none"));
}

#[test]
fn values_recorded_later_replace_earlier_ones_also_after_the_span_was_entered() {
    // conf: MODEL-08
    let spans = spans_of(|| {
        let span = info_span!("span", a = 1, b = Empty, c = Empty, message = Empty);
        span.record("b", "before");
        let entered = span.entered();
        entered.record("a", 2).record("b", "after").record("c", tracing::field::debug(Some(3)));
        entered.record("message", "late").record("undeclared", 1);
    });
    let attributes = &spans[0].attributes;
    assert_eq!(int(attributes, "a"), Some(2));
    assert_eq!(text(attributes, "b").as_deref(), Some("after"));
    assert_eq!(text(attributes, "c").as_deref(), Some("Some(3)"));
    assert_eq!(text(attributes, "message").as_deref(), Some("late"));
    assert_eq!(attributes.len(), 4, "what is not declared is not there in tracing, either");
}

#[test]
fn fields_of_opentelemetry_set_name_kind_and_status() {
    // conf: SPAN-14, SPAN-15, SPAN-20
    let spans = spans_of(|| {
        drop(info_span!("a", otel.name = "GET /users", otel.kind = "SERVER", otel.status_code = "ok"));
        let error = info_span!("b", otel.kind = ?SpanKind::Client, otel.status_description = "locked");
        error.record("otel.status_description", "still locked");
        drop(error);
        drop(info_span!(
            "c",
            otel.status_message = "first",
            otel.status_code = "ERROR",
            otel.kind = "nonsense"
        ));
        let late = info_span!("d", otel.name = Empty, otel.kind = Empty, otel.status_code = Empty);
        late.record("otel.name", format_args!("late {}", 1)).record("otel.kind", "producer");
        late.in_scope(|| late.record("otel.name", "later").record("otel.status_code", "error"));
        drop(late);
        drop(info_span!("e", otel.name = 7, otel.other = "x", otel.kind = "consumer"));
    });
    let seen: Vec<_> = spans
        .iter()
        .map(|span| {
            let status = span.status.clone().unwrap_or_default();
            (&*span.name, span.kind, status.code, status.message)
        })
        .collect();
    let expected = [
        ("GET /users", 2, 1, String::new()),
        ("b", 3, 2, "still locked".to_owned()),
        ("c", 1, 2, "first".to_owned()),
        ("later", 4, 2, String::new()),
        ("e", 5, 0, String::new()),
    ];
    assert_eq!(seen, expected);
    assert_eq!(keys(&named(&spans, "e").attributes), ["otel.name", "otel.other"], "nothing else is special");
    assert!(spans[..4].iter().all(|span| span.attributes.is_empty()));
}

#[test]
fn more_fields_than_limits_allow_are_counted() {
    // conf: LIM-05
    let world = crate::support::World::with(|builder| {
        builder.with_limits(otlp::Limits { attribute_count: 2, ..otlp::Limits::default() })
    });
    world.run(world.layer(), || drop(span!(tracing::Level::INFO, "span", a = 1, b = 2, c = 3)));
    let spans = world.spans();
    assert_eq!((spans[0].attributes.len(), spans[0].dropped_attributes_count), (2, 1));
}

#[test]
fn a_debug_that_panics_is_named_in_its_place_and_harms_nothing() {
    struct Bomb;
    impl fmt::Debug for Bomb {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("a panic on purpose")
        }
    }
    let spans = spans_of(|| {
        let span = info_span!("span", a = ?Bomb, b = 1, c = Empty).entered();
        span.record("c", tracing::field::debug(Bomb));
        tracing::info!(d = ?Bomb, "event");
    });
    let attributes = &spans[0].attributes;
    let panicked = Some("(its Display panicked)".to_owned());
    assert_eq!(
        (text(attributes, "a"), int(attributes, "b"), text(attributes, "c")),
        (panicked.clone(), Some(1), panicked.clone())
    );
    assert_eq!(text(&crate::support::event(&spans[0], "event").attributes, "d"), panicked);
}
