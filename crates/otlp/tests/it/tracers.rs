//! What a tracer promises of the spans it starts: whose they are, whether they record, where their ids come from.

use crate::support::{PATIENCE, Warnings, all_delivered, builder, client, grpc};
use otlp::{
    Client, IdGenerator, InstrumentationScope, KeyValue, Sampler, SamplingDecision, SamplingParameters,
    SamplingResult, Span, SpanId, SpanKind, TraceContext, TraceId, Tracer,
};
use otlp_testkit::Payload;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};

/// Answers the same each time, and counts.
struct Fixed(SamplingDecision, Arc<AtomicU64>);

impl Sampler for Fixed {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        self.1.fetch_add(1, Ordering::Relaxed);
        SamplingResult::new(self.0, span.parent_trace_state())
    }

    fn description(&self) -> std::borrow::Cow<'_, str> {
        "fixed".into()
    }
}

#[tokio::test]
async fn what_is_sampled_records_and_the_sampler_is_asked_once() {
    // conf: SPAN-23, SPAN-20, SPAN-04
    let collector = grpc().await;
    for decision in [SamplingDecision::Drop, SamplingDecision::RecordOnly, SamplingDecision::RecordAndSample]
    {
        let asked = Arc::new(AtomicU64::new(0));
        let sampler = Fixed(decision, Arc::clone(&asked));
        let client = builder(collector.grpc_endpoint()).with_sampler(sampler).build().await.unwrap();
        let mut span = client.tracer("t").start("s");
        assert_eq!(span.is_recording(), span.context().is_sampled(), "{decision:?}");
        assert_eq!(span.is_recording(), decision == SamplingDecision::RecordAndSample);
        assert!(span.context().is_valid(), "ids are made whatever the decision");
        span.update_name("another");
        drop(span);
        client.shutdown(PATIENCE).await.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
    assert_eq!(collector.received().items(), 1);
}

#[tokio::test]
async fn a_tracer_is_enabled_until_its_client_has_shut_down() {
    // conf: SPAN-24
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    assert!(tracer.is_enabled());
    client.shutdown(PATIENCE).await.unwrap();
    assert!(!tracer.is_enabled() && !client.tracer("later").is_enabled());
    drop(client);
    assert!(!tracer.is_enabled());
    assert!(tracer.start("s").context().is_valid(), "it still hands contexts on");
}

#[tokio::test]
async fn a_tracer_is_its_whole_scope_and_needs_no_name() {
    // conf: SPAN-25
    let collector = grpc().await;
    let client = client(&collector).await;
    let scope = InstrumentationScope::new("name").with_version("1");
    let other = InstrumentationScope { attributes: vec![KeyValue::new("a", 1)], ..scope.clone() };
    let warnings = Warnings::default();
    let _warnings = tracing::subscriber::set_default(warnings.clone());
    let schema = InstrumentationScope { schema_url: "https://example.com/schema".into(), ..scope.clone() };
    for scope in
        [&scope, &other, &schema, &scope, &InstrumentationScope::new("name"), &InstrumentationScope::new("")]
    {
        client.tracer_with_scope(scope).start("s").end();
    }
    // Told of once, however many there are.
    drop(client.tracer(""));
    all_delivered(&client, &collector, 6).await;
    let warnings = warnings.0.lock().unwrap().clone();
    assert!(warnings.len() == 1 && warnings[0].contains("a tracer without a name"), "{warnings:?}");
    let received = collector.received();
    let scopes = received.attempts().iter().flat_map(|attempt| match &attempt.call.payload {
        Payload::Traces(request) => &request.resource_spans[..],
        _ => &[],
    });
    let mut spans: Vec<usize> =
        scopes.flat_map(|resource| &resource.scope_spans).map(|scope| scope.spans.len()).collect();
    spans.sort_unstable();
    assert_eq!(spans, [1, 1, 1, 1, 2], "the one that was asked for twice is one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tracers_and_spans_are_for_all_threads() {
    // conf: SPAN-30
    const fn shared<T: Send + Sync>() {}
    const { (shared::<Tracer>(), shared::<Span>(), shared::<Client>(), shared::<TraceContext>()) };
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    let root = Mutex::new(tracer.start("root"));
    let together = Barrier::new(4);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (tracer, root, together) = (&tracer, &root, &together);
            scope.spawn(move || {
                together.wait();
                for number in 0..25 {
                    root.lock().unwrap().set_attribute(format!("{thread}.{number}"), number);
                    tracer
                        .start_with_context("child", SpanKind::Internal, &root.lock().unwrap().context())
                        .end();
                }
            });
        }
    });
    drop(root);
    all_delivered(&client, &collector, 101).await;
    let received = collector.received();
    assert_eq!(received.span_named("root").unwrap().span.attributes.len(), 100);
    let ids: HashSet<Vec<u8>> = received.spans().into_iter().map(|span| span.span.span_id).collect();
    assert_eq!(ids.len(), 101);
}

#[test]
fn the_end_of_a_span_waits_for_nobody() {
    // conf: SPAN-12
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let stuck = tower::layer::layer_fn(move |_| {
        let released = Arc::clone(&released);
        tower::service_fn(move |_: otlp::ExportRequest| {
            // The client's own thread stands still here, as if a write to the network did not return.
            let _ = released.lock().unwrap().recv();
            async { Ok::<_, otlp::BoxError>(otlp::ExportResponse::success()) }
        })
    });
    let client = Client::builder().with_layer(stuck).build_blocking().unwrap();
    let tracer = client.tracer("t");
    // The flush makes it stand still; the spans after it end all the same, or this test hangs.
    tracer.start("first").end();
    let flush = std::thread::spawn({
        let client = client.clone();
        move || client.flush_blocking()
    });
    (0..1_000).for_each(|_| tracer.start("s").end());
    assert_eq!(client.stats(otlp::Signal::Traces).delivered, 0);
    drop(release);
    flush.join().unwrap().unwrap();
    let report = client.shutdown_blocking(PATIENCE).unwrap();
    assert!(report.is_balanced() && report.delivered() == 1_001, "{report}");
}

#[tokio::test]
async fn a_span_that_has_ended_may_be_a_parent_and_is_touched_by_nobody() {
    // conf: SPAN-11, SPAN-07
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    let mut parent = tracer.start("parent");
    let child = tracer.start_with_context("child", SpanKind::Internal, &parent.context());
    let current = parent.enter();
    parent.end();
    assert!(child.is_recording(), "the end of a parent is not that of its children");
    assert_eq!(TraceContext::current(), Some(parent.context()), "nor does it detach anything");
    let late = tracer.start("late");
    assert_eq!(late.context().trace_id(), parent.context().trace_id());
    drop((current, child, late, parent));
    all_delivered(&client, &collector, 3).await;
    let received = collector.received();
    let parent = received.span_named("parent").unwrap().span.span_id;
    assert_eq!(received.span_named("late").unwrap().span.parent_span_id, parent);
}

#[test]
fn without_recording_a_context_still_passes_through() {
    // conf: SPAN-21, SPAN-22
    use otlp::propagation::{CompositePropagator, TextMapPropagator};
    let w3c = CompositePropagator::w3c();
    let sent = [
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"),
        ("tracestate", "a=1"),
        ("baggage", "b=2"),
    ];
    let mut span = Span::non_recording(&w3c.extract(&TraceContext::default(), &sent));
    span.set_attribute("k", 1).update_name("n").end();
    let mut onward = Vec::new();
    w3c.inject(&span.context(), &mut onward);
    assert_eq!(onward, sent.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let nothing = Span::non_recording(&TraceContext::default());
    assert!(!nothing.context().is_valid() && !nothing.is_recording());
}

/// Counts up, unless told to misbehave.
struct Counter {
    next: AtomicU64,
    is_random: bool,
    answer: fn(u64) -> u64,
}

impl Counter {
    fn draw(&self) -> u64 {
        (self.answer)(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

impl IdGenerator for Counter {
    fn trace_id(&self) -> TraceId {
        TraceId::from_bytes(u128::from(self.draw()).to_be_bytes())
    }

    fn span_id(&self) -> SpanId {
        SpanId::from_bytes(self.draw().to_be_bytes())
    }

    fn is_random(&self) -> bool {
        self.is_random
    }
}

fn with_ids(answer: fn(u64) -> u64, is_random: bool) -> (Client, Tracer) {
    let counter = Counter { next: AtomicU64::new(1), is_random, answer };
    let client = Client::builder().with_id_generator(counter).with_drop_timeout(std::time::Duration::ZERO);
    let client = client.build_blocking().unwrap();
    let tracer = client.tracer("t");
    (client, tracer)
}

#[test]
fn ids_can_come_from_elsewhere_and_say_whether_they_are_random() {
    // conf: LIM-01, LIM-02
    for is_random in [false, true] {
        let (_client, tracer) = with_ids(|number| number, is_random);
        let root = tracer.start("root").context();
        assert_eq!(
            (root.trace_id().to_string(), root.span_id().to_string()),
            (format!("{:032}", 1), format!("{:016}", 2))
        );
        assert_eq!((root.flags().is_random(), root.is_sampled()), (is_random, true));
        let child = tracer.start_with_context("child", SpanKind::Internal, &root).context();
        assert_eq!((child.trace_id(), child.span_id().to_string()), (root.trace_id(), format!("{:016}", 3)));
        assert_eq!(child.flags(), root.flags(), "the trace's, whoever made it");
    }
}

#[test]
fn ids_that_are_none_are_not_used() {
    // conf: LIM-03
    let answers: [fn(u64) -> u64; 2] = [|_| 0, |_| panic!("no ids today")];
    for answer in answers {
        let (_client, tracer) = with_ids(answer, false);
        let contexts = [tracer.start("one").context(), tracer.start("two").context()];
        assert!(contexts.iter().all(TraceContext::is_valid));
        assert_ne!(contexts[0].trace_id(), contexts[1].trace_id());
        assert!(contexts[0].flags().is_random(), "those of the client are");
    }
}
