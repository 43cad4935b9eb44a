//! The programs that are run under both layers. Names of spans are unique.

use crate::support::context;
use log::Log as _;
use opentelemetry_0_33::trace::{
    SpanContext, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry_0_33::{Context, KeyValue};
use opentelemetry_sdk_0_33::trace::SdkTracerProvider;
use otlp::{StatusCode, TraceContext};
use otlp_opentelemetry::opentelemetry_0_33::{TracerProvider, context_with, from_span_context};
use otlp_tracing::OtlpSpanExt;
use std::any::Any;
use std::error::Error;
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};
use tracing::field::Empty;
use tracing::{Level, Span, debug_span, error, info, info_span, instrument, trace, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// What an extension trait says that `tracing` has no words for.
pub(super) trait Extension {
    /// Makes it a child of another process's span.
    fn set_parent(&self, span: &Span);

    /// A child whose parent comes too late.
    fn is_too_late(&self, span: &Span) -> bool;

    /// Makes another process's span current, until what is returned goes.
    fn attach_parent(&self) -> Box<dyn Any>;

    /// A span made through the OpenTelemetry API, under what is current there.
    fn start_by_api(&self, name: &'static str);

    /// The same under the context of this span.
    fn start_by_api_under(&self, span: &Span, name: &'static str);

    /// A link, attributes, events, and a status.
    fn tell(&self, span: &Span);

    /// Sets the status to none.
    fn unset_status(&self, span: &Span);

    /// Two links to no span, one of which has an attribute.
    fn link_nowhere(&self, span: &Span);

    /// Whether the span says that it is part of a sampled trace.
    fn is_sampled(&self, span: &Span) -> bool;
}

/// Each with the provider of spans that know the OpenTelemetry API alone.
pub(super) struct Theirs(pub(super) SdkTracerProvider);
pub(super) struct Ours(pub(super) TracerProvider);

const TIME: Duration = Duration::from_nanos(77);

impl Extension for Theirs {
    fn set_parent(&self, span: &Span) {
        let parent = Context::new().with_remote_span_context(context(7));
        OpenTelemetrySpanExt::set_parent(span, parent).unwrap();
    }

    fn is_too_late(&self, span: &Span) -> bool {
        OpenTelemetrySpanExt::set_parent(span, Context::new()).is_err()
    }

    fn attach_parent(&self) -> Box<dyn Any> {
        Box::new(Context::new().with_remote_span_context(context(7)).attach())
    }

    fn start_by_api(&self, name: &'static str) {
        self.0.tracer("api").start(name);
    }

    fn start_by_api_under(&self, span: &Span, name: &'static str) {
        self.0.tracer("api").start_with_context(name, &OpenTelemetrySpanExt::context(span));
    }

    fn tell(&self, span: &Span) {
        OpenTelemetrySpanExt::add_link(span, context(8));
        span.add_link_with_attributes(context(9), vec![KeyValue::new("why", "because")]);
        OpenTelemetrySpanExt::set_attribute(span, "not.declared", 3);
        OpenTelemetrySpanExt::add_event(span, "told", vec![KeyValue::new("by", "the extension")]);
        span.add_event_with_timestamp("then", UNIX_EPOCH + TIME, Vec::new());
        OpenTelemetrySpanExt::set_status(span, Status::error("told"));
    }

    fn unset_status(&self, span: &Span) {
        OpenTelemetrySpanExt::set_status(span, Status::Unset);
    }

    fn link_nowhere(&self, span: &Span) {
        OpenTelemetrySpanExt::add_link(span, SpanContext::NONE);
        span.add_link_with_attributes(SpanContext::NONE, vec![KeyValue::new("why", "because")]);
    }

    fn is_sampled(&self, span: &Span) -> bool {
        OpenTelemetrySpanExt::context(span).span().span_context().is_sampled()
    }
}

impl Extension for Ours {
    fn set_parent(&self, span: &Span) {
        OtlpSpanExt::set_parent(span, &TraceContext::new(from_span_context(&context(7)))).unwrap();
    }

    fn is_too_late(&self, span: &Span) -> bool {
        OtlpSpanExt::set_parent(span, &TraceContext::default()).is_err()
    }

    fn attach_parent(&self) -> Box<dyn Any> {
        Box::new(TraceContext::new(from_span_context(&context(7))).attach())
    }

    fn start_by_api(&self, name: &'static str) {
        self.0.tracer("api").start(name);
    }

    fn start_by_api_under(&self, span: &Span, name: &'static str) {
        let cx = context_with(&Context::current(), &OtlpSpanExt::context(span));
        self.0.tracer("api").start_with_context(name, &cx);
    }

    fn tell(&self, span: &Span) {
        let link = |id| TraceContext::new(from_span_context(&context(id)));
        OtlpSpanExt::add_link(span, &link(8), &[]);
        OtlpSpanExt::add_link(span, &link(9), &[("why", "because".into())]);
        OtlpSpanExt::set_attribute(span, "not.declared", 3);
        OtlpSpanExt::add_event(span, "told", &[("by", "the extension".into())]);
        span.add_event_at("then", UNIX_EPOCH + TIME, &[]);
        OtlpSpanExt::set_status(span, StatusCode::Error, "told");
    }

    fn unset_status(&self, span: &Span) {
        OtlpSpanExt::set_status(span, StatusCode::Unset, "");
    }

    fn link_nowhere(&self, span: &Span) {
        OtlpSpanExt::add_link(span, &TraceContext::default(), &[]);
        OtlpSpanExt::add_link(span, &TraceContext::default(), &[("why", "because".into())]);
    }

    fn is_sampled(&self, span: &Span) -> bool {
        OtlpSpanExt::context(span).is_sampled()
    }
}

#[derive(Debug)]
struct Shown;

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("as it is displayed")
    }
}

/// Everything but errors.
pub(super) fn everything(extension: &dyn Extension) {
    let request = info_span!(
        "request",
        otel.kind = "server",
        otel.name = "GET /cart",
        bool = true,
        negative = i64::MIN,
        small = 3_i32,
        double = 0.25,
        text = "text",
        empty = "",
        debug = ?Shown,
        display = %Shown,
        late = Empty,
        never = Empty,
        "what it is"
    );
    extension.set_parent(&request);
    request.record("late", "before it is entered");
    request.in_scope(|| {
        info!(target: "shop", items = 3, ratio = 0.5, fast = true, who = ?Shown, "cart is {}", "loaded");
        trace!(name: "named", flag = false);
        warn!(who = "nobody");
        info!(said = false, "");
        record_of_log();
        assert!(extension.is_sampled(&request) && extension.is_too_late(&request));
        let inner =
            debug_span!("inner", otel.kind = "client", otel.status_code = "ok", n = Empty, share = Empty);
        inner.follows_from(&request);
        inner.record("n", 7);
        inner.in_scope(|| {
            inner.record("share", 8.5);
            info!("inside");
            info!(parent: &request, "to the outer one");
            info!(parent: None, "to none");
            info_span!("innermost").in_scope(|| warn!("deep"));
        });
        extension.tell(&request);
    });
    let told = info_span!("told before it is entered", otel.kind = "PRODUCER");
    extension.tell(&told);
    drop(told.entered());
    info_span!("described", otel.status_description = "locked").in_scope(|| {});
    info_span!("failed", otel.status_code = "ERROR", otel.kind = "consumer").in_scope(|| {});
    info_span!("fails later", otel.status_code = Empty).in_scope(|| {
        Span::current().record("otel.status_code", "error");
    });
    info_span!("nonsense", otel.kind = "nonsense", otel.status_code = "nonsense", otel.other = "x");
    never_entered_or_often();
    parents();
    let flood = info_span!("flood").entered();
    (0..130).for_each(|n| info!(n, "one of many"));
    drop(flood);
    work(3, "x");
}

/// A record of the `log` crate, by its bridge as it is published, without making that the process's logger.
fn record_of_log() {
    tracing_log::LogTracer::new().log(
        &log::Record::builder()
            .args(format_args!("from log"))
            .level(log::Level::Warn)
            .target("their::target")
            .module_path(Some("their::module"))
            .file(Some("their.rs"))
            .line(Some(7))
            .build(),
    );
}

fn never_entered_or_often() {
    info_span!("never entered", otel.name = "nobody was there");
    let often = info_span!("often");
    (0..3).for_each(|n| often.in_scope(|| info!(n, "again")));
    info!(parent: &often, "from outside");
    let elsewhere = info_span!("elsewhere");
    std::thread::spawn(move || drop(elsewhere)).join().unwrap();
}

fn parents() {
    let root = info_span!("root of its own");
    let _entered = root.enter();
    let other = info_span!(parent: None, "another root");
    info_span!(parent: &other, "under another root").in_scope(|| {});
    drop(info_span!(parent: &other, "also under it"));
}

#[instrument(level = "debug", skip(unshown), fields(more = 1))]
fn work(number: i64, unshown: &str) {
    tracing::event!(Level::DEBUG, number, unshown);
}

/// A function that is called under the span of another process.
pub(super) fn called_under_a_parent(extension: &dyn Extension) {
    let _parent = extension.attach_parent();
    serve(extension);
}

#[instrument(skip_all)]
fn serve(extension: &dyn Extension) {
    assert!(extension.is_too_late(&Span::current()));
    info!("served");
}

/// A function that learns of its parent when it runs: only where entering a span does not give it its place.
#[instrument(skip_all)]
pub(super) fn finds_its_parent(extension: &dyn Extension) {
    extension.set_parent(&Span::current());
    info_span!("below").in_scope(|| info!("served"));
}

/// An error with a source.
#[derive(Debug)]
pub(crate) struct Failure(pub(super) &'static str, pub(super) Option<Box<Failure>>);

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

/// No cart, because of no network.
pub(crate) fn failure() -> Failure {
    Failure("no cart", Some(Box::new(Failure("no network", None))))
}

#[instrument(err)]
pub(super) fn fails() -> Result<(), Failure> {
    Err(failure())
}

#[instrument(err(Debug, level = "warn"))]
fn fails_quietly() -> Result<(), Failure> {
    Err(failure())
}

/// Errors of every kind.
pub(super) fn errors(extension: &dyn Extension) {
    quiet_errors(extension);
    fails().unwrap_err();
    info_span!("broken").in_scope(|| error!(n = 3, "broken"));
}

/// What makes the status an error, and is an exception if there is nothing else to it.
pub(super) fn failures(_: &dyn Extension) {
    fails().unwrap_err();
    fails_quietly().unwrap_err();
    info_span!("broken").in_scope(|| error!(n = 3, "broken"));
    info_span!("without a word").in_scope(|| info!(error = %failure(), ""));
}

/// Errors that no event of level error tells.
pub(super) fn quiet_errors(_: &dyn Extension) {
    fails_quietly().unwrap_err();
    let failure = failure();
    let span = info_span!("with a field", cause = &failure as &dyn Error);
    span.in_scope(|| info!(cause = &failure as &dyn Error, "will try again"));
}
