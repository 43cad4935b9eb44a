//! Errors: as exceptions with their sources, and as the span's status.

use crate::support::{event, keys, spans_of, spans_with, text, value};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::error::Error;
use std::fmt;
use tracing::field::Empty;
use tracing::{error, info, info_span, instrument};

#[derive(Debug)]
struct Failure(&'static str, Option<Box<Failure>>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|source| source as _)
    }
}

fn failure() -> Failure {
    Failure("no cart", Some(Box::new(Failure("no database", Some(Box::new(Failure("no network", None)))))))
}

fn status(span: &Span) -> (i32, String) {
    let status = span.status.clone().unwrap_or_default();
    (status.code, status.message)
}

fn sources(attributes: &[opentelemetry_proto::tonic::common::v1::KeyValue], key: &str) -> Vec<String> {
    let Some(Value::ArrayValue(array)) = value(attributes, key) else {
        panic!("no array {key}: {attributes:?}")
    };
    let text = |value: Option<Value>| match value {
        Some(Value::StringValue(text)) => text,
        other => panic!("{other:?}"),
    };
    array.values.into_iter().map(|value| text(value.value)).collect()
}

const CHAIN: &str = "no cart\nCaused by: no database\nCaused by: no network";

#[test]
fn an_error_field_of_a_span_is_an_exception_with_its_sources() {
    // conf: SPAN-19
    let spans = spans_of(|| {
        let failure = failure();
        drop(info_span!("at once", cause = &failure as &dyn Error));
        let late = info_span!("late", cause = Empty);
        late.record("cause", &failure as &dyn Error);
    });
    for span in &spans {
        assert_eq!(text(&span.attributes, "cause").as_deref(), Some("no cart"));
        assert_eq!(sources(&span.attributes, "cause.chain"), ["no database", "no network"]);
        let exception = event(span, "exception");
        assert_eq!(text(&exception.attributes, "exception.message").as_deref(), Some("no cart"));
        assert_eq!(text(&exception.attributes, "exception.stacktrace").as_deref(), Some(CHAIN));
        assert_eq!(status(span).0, 0, "an exception is no failure of the span");
    }
}

#[test]
fn an_error_field_of_an_event_says_what_an_exception_says() {
    let spans = spans_of(|| {
        let failure = failure();
        let _span = info_span!("span").entered();
        info!(cause = &failure as &dyn Error, "will try again");
        info!(cause = &Failure("alone", None) as &dyn Error);
    });
    let told = event(&spans[0], "will try again");
    let expected = ["level", "target", "cause", "cause.chain", "exception.message", "exception.stacktrace"];
    assert_eq!(keys(&told.attributes), expected);
    assert_eq!(sources(&told.attributes, "cause.chain"), ["no database", "no network"]);
    assert_eq!(text(&told.attributes, "exception.stacktrace").as_deref(), Some(CHAIN));
    let alone = event(&spans[0], "exception");
    assert_eq!(keys(&alone.attributes), ["level", "target", "cause", "exception.message"]);
    assert_eq!(status(&spans[0]).0, 0);
}

#[instrument(err)]
fn fails() -> Result<(), Failure> {
    Err(failure())
}

#[instrument(err(level = "warn"))]
fn fails_quietly() -> Result<(), Failure> {
    Err(failure())
}

#[test]
fn an_instrumented_function_that_fails_is_an_exception_and_an_error_status() {
    let spans = spans_of(|| {
        fails().unwrap_err();
        fails_quietly().unwrap_err();
    });
    for span in &spans {
        assert_eq!(status(span), (2, "no cart".to_owned()));
        let exception = event(span, "exception");
        assert_eq!(keys(&exception.attributes), ["level", "target", "exception.message"]);
        assert_eq!(text(&exception.attributes, "exception.message").as_deref(), Some("no cart"));
    }
    assert_eq!(spans.len(), 2);
}

#[test]
fn an_error_that_is_told_as_such_is_no_failure_of_the_span_but_at_level_error() {
    let spans = spans_of(|| {
        let failure = failure();
        info_span!("handled").in_scope(|| info!(error = &failure as &dyn Error));
        info_span!("failed").in_scope(|| error!(error = &failure as &dyn Error));
    });
    assert_eq!([&spans[0], &spans[1]].map(status), [(0, String::new()), (2, "no cart".to_owned())]);
    let expected = ["level", "target", "error", "error.chain", "exception.message", "exception.stacktrace"];
    for span in &spans {
        assert_eq!(keys(&event(span, "exception").attributes), expected);
    }
}

#[test]
fn an_event_of_level_error_makes_the_status_an_error_and_keeps_a_description() {
    // conf: SPAN-14, SPAN-15
    let spans = spans_of(|| {
        info_span!("plain").in_scope(|| error!("broken"));
        info_span!("described").in_scope(|| {
            error!(error = %failure(), "broken");
            error!("and more so");
        });
        info_span!("ok", otel.status_code = "ok").in_scope(|| error!("handled"));
    });
    let statuses: Vec<_> = spans.iter().map(status).collect();
    assert_eq!(statuses, [(2, String::new()), (2, "no cart".to_owned()), (1, String::new())]);
    assert_eq!(text(&event(&spans[1], "broken").attributes, "error").as_deref(), Some("no cart"));
}

#[test]
fn exceptions_and_statuses_may_be_off() {
    let spans = spans_with(
        |layer| layer.with_exceptions(false).with_error_status(false),
        || {
            fails().unwrap_err();
            let failure = failure();
            drop(info_span!("span", cause = &failure as &dyn Error));
        },
    );
    assert!(spans.iter().all(|span| status(span).0 == 0));
    let event = &spans[0].events[0];
    assert!(event.name.starts_with("event "), "{}", event.name);
    assert_eq!(keys(&event.attributes), ["level", "target", "error"]);
    assert!(spans[1].events.is_empty());
    assert_eq!(keys(&spans[1].attributes), ["cause", "cause.chain"]);
}

#[test]
fn an_endless_chain_of_sources_ends() {
    #[derive(Debug)]
    struct Endless;
    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("again")
        }
    }
    impl Error for Endless {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }
    let spans = spans_of(|| drop(info_span!("span", cause = &Endless as &dyn Error)));
    assert_eq!(sources(&spans[0].attributes, "cause.chain").len(), 32);
}
