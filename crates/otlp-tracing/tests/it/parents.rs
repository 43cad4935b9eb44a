//! Who is whose parent: contextual, explicit, none, in another process; and what is sampled under them.

use crate::support::{World, named, parent, remote, spans_of, text};
use otlp::{
    AlwaysOffSampler, Baggage, EndedSpan, ParentBasedSampler, Sampler, SamplingDecision, SamplingParameters,
    SamplingResult, Signal, SpanHook, StartedSpan, StatusCode, TraceContext, TraceIdRatioBasedSampler,
};
use otlp_tracing::{OtlpSpanExt, SetParentError};
use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use tracing::field::Empty;
use tracing::{Span, info, info_span};

#[test]
fn parents_are_those_of_tracing() {
    let spans = spans_of(|| {
        let outer = info_span!("outer");
        let other = info_span!("other");
        let _outer = outer.enter();
        drop(info_span!("contextual"));
        drop(info_span!(parent: &other, "explicit"));
        drop(info_span!(parent: None, "root"));
        info_span!("inner").in_scope(|| drop(info_span!("innermost")));
        drop(info_span!("contextual again"));
    });
    let parents = ["outer", "contextual", "explicit", "root", "innermost", "contextual again"];
    let parents = parents.map(|name| parent(&spans, name));
    assert_eq!(parents, [None, Some("outer"), Some("other"), None, Some("inner"), Some("outer")]);
    assert_ne!(named(&spans, "root").trace_id, named(&spans, "outer").trace_id);
    assert_eq!(named(&spans, "innermost").trace_id, named(&spans, "outer").trace_id);
}

#[test]
fn a_remote_parent_given_before_the_span_is_entered_counts() {
    // conf: SPAN-05
    let world = World::new();
    world.run(world.layer(), || {
        let span = info_span!("request", early = 1, otel.kind = "server");
        span.set_parent(&remote(true).with_baggage(Baggage::default().insert("tenant", "blue"))).unwrap();
        span.in_scope(|| drop(info_span!("child")));
        let context = span.context();
        assert_eq!(
            (context.trace_id(), context.trace_state().as_str()),
            (remote(true).trace_id(), "vendor=1")
        );
        assert_eq!(context.baggage().get("tenant"), Some("blue"));
        assert_eq!(span.set_parent(&remote(true)), Err(SetParentError::AlreadySettled));
    });
    let spans = world.spans();
    let request = named(&spans, "request");
    assert_eq!((&request.trace_id[..], &request.parent_span_id[..]), (&[7; 16][..], &[9; 8][..]));
    assert_eq!((request.kind, request.attributes.len()), (2, 1));
    assert_eq!(parent(&spans, "child"), Some("request"));
}

#[test]
fn a_remote_parent_that_is_current_when_the_span_is_made_counts_too() {
    let spans = spans_of(|| {
        let _received = remote(true).attach();
        info_span!("request").in_scope(|| drop(info_span!("child")));
    });
    assert_eq!(named(&spans, "request").parent_span_id, [9; 8]);
    assert_eq!(named(&spans, "child").trace_id, [7; 16]);
}

#[test]
fn a_parent_comes_too_late_once_the_span_has_a_place() {
    let spans = spans_of(|| {
        let late = Err(SetParentError::AlreadySettled);
        let entered = info_span!("entered");
        entered.in_scope(|| {});
        let told = info_span!("told");
        let _ = told.context();
        let has_child = info_span!("has child");
        let _child = info_span!(parent: &has_child, "child");
        let linked = info_span!("linked");
        has_child.follows_from(&linked);
        assert_eq!(
            [&entered, &told, &has_child, &linked].map(|span| span.set_parent(&remote(true))),
            [late; 4]
        );
        assert_eq!(Span::none().set_parent(&remote(true)), Err(SetParentError::NotSeen));
    });
    assert!(spans.iter().all(|span| span.trace_id != [7; 16]));
}

#[test]
fn an_invalid_parent_makes_a_root() {
    let spans = spans_of(|| {
        let _outer = info_span!("outer").entered();
        info_span!("inner").set_parent(&TraceContext::default()).unwrap();
    });
    assert_eq!(parent(&spans, "inner"), None);
    assert_ne!(named(&spans, "inner").trace_id, named(&spans, "outer").trace_id);
}

#[test]
fn under_a_remote_parent_that_is_not_sampled_nothing_is_recorded_but_all_is_propagated() {
    // conf: SAMP-05, SAMP-11
    let world = World::new();
    world.run(world.layer(), || {
        let request = info_span!("request", a = 1);
        request.set_parent(&remote(false)).unwrap();
        let _request = request.enter();
        info!("nobody hears it");
        let child = info_span!("child");
        for span in [&request, &child] {
            let context = span.context();
            assert_eq!((context.trace_id(), context.is_sampled()), (remote(true).trace_id(), false));
        }
        assert_eq!(TraceContext::current(), Some(request.context()));
        // Below a span of ours that is not sampled there is nothing to begin with; elsewhere, there is.
        assert_eq!(child.set_parent(&remote(true)), Err(SetParentError::AlreadySettled));
        let message = info_span!(parent: None, "message", b = 1);
        message.set_parent(&remote(true)).unwrap();
        drop(info_span!(parent: &child, "grandchild"));
    });
    let spans = world.spans();
    assert_eq!(spans.iter().map(|span| &*span.name).collect::<Vec<_>>(), ["message"]);
    assert_eq!(spans[0].attributes.len(), 1);
}

#[test]
fn below_a_span_that_is_not_sampled_another_thread_begins_no_trace() {
    // conf: SAMP-05, SAMP-11
    let world = World::new();
    let own = world.client.tracer("own");
    let elsewhere = |work: Span| {
        let (own, dispatch) = (own.clone(), tracing::dispatcher::get_default(Clone::clone));
        let there = move || {
            let _work = work.enter();
            let current = TraceContext::current().unwrap();
            assert_eq!((current.trace_id(), current.is_sampled()), (remote(true).trace_id(), false));
            drop(info_span!("below"));
            own.start("below").end();
        };
        std::thread::spawn(move || tracing::dispatcher::with_default(&dispatch, there)).join().unwrap();
    };
    world.run(world.layer(), || {
        let request = info_span!("request");
        request.set_parent(&remote(false)).unwrap();
        elsewhere(request.in_scope(|| info_span!("work")));
        elsewhere(request.in_scope(|| info_span!("work").in_scope(|| info_span!("in it"))));
        // A span that is none of `tracing` stands around.
        let request = own.start_with_context("request", otlp::SpanKind::Server, &remote(false));
        let _request = request.enter();
        elsewhere(info_span!("work"));
        elsewhere(info_span!("work").in_scope(|| info_span!("in it")));
    });
    assert!(world.spans().is_empty());
}

#[test]
fn with_sampling_off_everything_is_propagated_as_not_sampled() {
    // conf: SAMP-07
    let world = World::with(|builder| builder.with_sampler(AlwaysOffSampler));
    world.run(world.layer(), || {
        let span = info_span!("root");
        span.set_parent(&remote(true)).unwrap();
        let context = span.context();
        assert_eq!((context.trace_id(), context.is_sampled()), (remote(true).trace_id(), false));
        let root = info_span!("another").context();
        assert!(root.is_valid() && !root.is_sampled());
    });
    assert!(world.spans().is_empty());
}

#[test]
fn whole_traces_are_kept_or_dropped_by_ratio() {
    // conf: SAMP-08
    let sampler = ParentBasedSampler::new(TraceIdRatioBasedSampler::new(0.5));
    let world = World::with(|builder| builder.with_sampler(sampler));
    world.run(world.layer(), || {
        for _ in 0..200 {
            let _root = info_span!("root").entered();
            drop(info_span!("child"));
        }
    });
    let spans = world.spans();
    let count = |name| spans.iter().filter(|span| span.name == name).count();
    assert!(count("root") == count("child") && (40..160).contains(&count("root")), "{}", count("root"));
    assert!(spans.iter().filter(|span| span.name == "child").all(|child| {
        spans.iter().any(|root| root.span_id == child.parent_span_id && root.trace_id == child.trace_id)
    }));
}

/// Remembers what it was asked, and says no where the attribute `keep` is false.
#[derive(Clone, Default)]
struct Rule(Arc<Mutex<Vec<String>>>);

impl Sampler for Rule {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        info!("a sampler that logs");
        let _span = info_span!("a sampler that traces").entered();
        let keys: Vec<&str> = span.attributes.iter().map(|attribute| &*attribute.key).collect();
        let line = format!("{} {:?} {keys:?} {}", span.name, span.kind, span.parent().is_some());
        self.0.lock().unwrap().push(line);
        let drop = span.attributes.contains(&otlp::KeyValue::new("keep", false));
        let decision = if drop { SamplingDecision::Drop } else { SamplingDecision::RecordAndSample };
        SamplingResult::new(decision, span.parent_trace_state())
    }

    fn description(&self) -> Cow<'_, str> {
        "Rule".into()
    }
}

#[test]
fn a_sampler_sees_the_name_the_kind_and_the_fields_and_may_log() {
    // conf: SAMP-01, SPAN-04
    let rule = Rule::default();
    let world = World::with(|builder| builder.with_sampler(rule.clone()));
    world.run(world.layer(), || {
        let kept = info_span!("kept", keep = true, otel.kind = "client", otel.name = Empty);
        kept.record("otel.name", "GET /");
        kept.set_attribute("late", 1);
        kept.set_parent(&remote(false)).unwrap();
        kept.in_scope(|| drop(info_span!("below", keep = false)));
        drop(info_span!("dropped", keep = false));
    });
    let spans = world.spans();
    let asked = rule.0.lock().unwrap().clone();
    for line in [
        "GET / Client [\"keep\", \"late\"] true",
        "below Internal [\"keep\"] true",
        "dropped Internal [\"keep\"] false",
    ] {
        assert_eq!(asked.iter().filter(|asked| *asked == line).count(), 1, "{line} in {asked:?}");
    }
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert!(
        names.contains(&"GET /") && !names.contains(&"below") && !names.contains(&"dropped"),
        "{names:?}"
    );
}

/// Remembers the names of spans that start and of those that end.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl SpanHook for Seen {
    fn on_start(&self, span: &mut StartedSpan<'_>) {
        self.0.lock().unwrap().push(format!("{} starts, child: {}", span.name(), span.parent().is_some()));
        span.set_attribute("seen", true);
    }

    fn on_end(&self, span: &mut EndedSpan<'_>) {
        self.0.lock().unwrap().push(format!("{} ends", span.view().unwrap().name));
    }
}

#[test]
fn a_hook_sees_a_span_when_it_is_made_and_its_end_only_if_it_is_sampled() {
    let seen = Seen::default();
    let world = World::with(|builder| builder.with_span_hook(seen.clone()));
    world.run(world.layer(), || {
        info_span!("dropped").set_parent(&remote(false)).unwrap();
        info_span!("kept").set_parent(&remote(true)).unwrap();
    });
    let spans = world.spans();
    let expected = ["dropped starts, child: false", "kept starts, child: false", "kept ends"];
    assert_eq!(*seen.0.lock().unwrap(), expected);
    assert_eq!(spans.len(), 1);
    assert_eq!(crate::support::keys(&spans[0].attributes), ["seen"]);
}

/// Says yes when the threads that ask at the same time all have had their turn to.
struct Slow;

impl Sampler for Slow {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        std::thread::yield_now();
        SamplingResult::new(SamplingDecision::RecordAndSample, span.parent_trace_state())
    }

    fn description(&self) -> Cow<'_, str> {
        "Slow".into()
    }
}

#[test]
fn spans_that_are_first_entered_on_many_threads_at_once_have_one_place() {
    let world = World::with(|builder| builder.with_sampler(Slow));
    let dispatch = {
        use tracing_subscriber::layer::SubscriberExt;
        tracing::Dispatch::new(tracing_subscriber::registry().with(world.layer()))
    };
    tracing::dispatcher::with_default(&dispatch, || {
        for _ in 0..20 {
            let span = info_span!("shared");
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    let (span, dispatch) = (span.clone(), &dispatch);
                    scope.spawn(move || {
                        tracing::dispatcher::with_default(dispatch, || {
                            span.in_scope(|| {
                                assert_eq!(TraceContext::current(), Some(span.context()));
                                drop(info_span!("child"));
                            });
                        });
                    });
                }
            });
        }
    });
    // All are ended by their handles; none waits for the end of the registry, which another thread may hold for a moment.
    assert_eq!(world.client.stats(Signal::Traces).accepted, 100);
    drop(dispatch);
    let spans = world.spans();
    let shared: Vec<_> = spans.iter().filter(|span| span.name == "shared").collect();
    assert_eq!(shared.len(), 20);
    for child in spans.iter().filter(|span| span.name == "child") {
        assert!(
            shared.iter().any(|span| span.span_id == child.parent_span_id && span.trace_id == child.trace_id)
        );
    }
}

#[test]
fn what_tracing_cannot_say_is_said_by_the_extension_trait() {
    // conf: SPAN-16, SPAN-18
    let spans = spans_of(|| {
        let span = info_span!("span");
        span.set_attribute("early", 1);
        span.add_link(&remote(true), &[("why", "cause".into())]);
        let _entered = span.enter();
        span.set_attribute("late", String::from("x"));
        span.update_name("renamed");
        span.add_event("now", &[("n", 1.into())]);
        let then = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
        span.add_event_at("then", then, &[]);
        span.set_status(StatusCode::Error, "locked");
        // On spans that are not recorded, nothing.
        Span::none().set_attribute("a", 1);
        Span::none().set_status(StatusCode::Ok, "");
        Span::none().add_event("a", &[]);
        Span::none().add_link(&remote(true), &[]);
    });
    let span = named(&spans, "renamed");
    assert_eq!(crate::support::keys(&span.attributes), ["early", "late"]);
    assert_eq!((span.links.len(), &*span.links[0].trace_state), (1, "vendor=1"));
    assert_eq!(text(&span.links[0].attributes, "why").as_deref(), Some("cause"));
    let events: Vec<_> = span.events.iter().map(|event| &*event.name).collect();
    assert_eq!((events, span.events[1].time_unix_nano), (vec!["now", "then"], 1_000_000_000));
    assert_eq!(span.status.clone().unwrap().message, "locked");
}

#[test]
fn follows_from_is_a_link() {
    // conf: SPAN-17
    let spans = spans_of(|| {
        let cause = info_span!("cause");
        let effect = info_span!("effect");
        effect.follows_from(&cause);
        effect.in_scope(|| effect.follows_from(cause.id()));
    });
    let links = &named(&spans, "effect").links;
    let cause = named(&spans, "cause");
    assert_eq!(links.len(), 2);
    assert!(links.iter().all(|link| link.span_id == cause.span_id && link.trace_id == cause.trace_id));
    assert_eq!(cause.links.len(), 0);
}
