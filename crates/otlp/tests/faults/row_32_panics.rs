//! Row 32: what users plug in panics. The panic goes no further than the client's thread, its items are counted, and what
//! comes after is delivered.

use crate::support::{PATIENCE, books, builder, grpc, retry_soon};
use otlp::{
    AlwaysOnSampler, BoxConnector, BoxError, BoxExportService, Client, ClientBuilder, DropReason,
    ExportRequest, ExportResponse, Sampler, SamplingParameters, SamplingResult, ToValue, ValueRef,
};
use otlp_testkit::Collector;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tower::layer::layer_fn;
use tower::{Service, ServiceExt};

/// Where the service panics, as long as it is told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    PollReady,
    Call,
    Future,
    FutureDrop,
}

#[derive(Clone)]
struct Panics {
    inner: BoxExportService,
    place: Place,
    on: Arc<AtomicBool>,
}

impl Panics {
    fn at(&self, place: Place) {
        if self.place == place && self.on.load(Ordering::SeqCst) {
            panic!("on purpose, at {place:?}");
        }
    }
}

impl Service<ExportRequest> for Panics {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<ExportResponse, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.at(Place::PollReady);
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ExportRequest) -> Self::Future {
        struct Bomb(Panics);
        impl Drop for Bomb {
            fn drop(&mut self) {
                if !std::thread::panicking() {
                    self.0.at(Place::FutureDrop);
                }
            }
        }
        self.at(Place::Call);
        let (bomb, answer) = (Bomb(self.clone()), self.inner.call(request));
        Box::pin(async move {
            let bomb = bomb;
            bomb.0.at(Place::Future);
            answer.await
        })
    }
}

/// Makes one span while the layer panics and one after; the first is lost to the layer, or delivered where the panic came
/// too late to harm it.
async fn survives(place: Place, add: impl FnOnce(ClientBuilder, PanicsLayer) -> ClientBuilder) {
    let collector = grpc().await;
    let on = Arc::new(AtomicBool::new(true));
    let layer = PanicsLayer { place, on: Arc::clone(&on) };
    let client = add(builder(collector.grpc_endpoint()).with_retry_config(retry_soon()), layer);
    let client = client.build().await.unwrap();
    let tracer = client.tracer("t");
    tracer.start("unlucky").end();
    let report = books(client.flush().await);
    let lost = report.dropped().get(DropReason::LayerFailed);
    assert_eq!(report.delivered() + lost, 1, "{place:?}: {report}");
    if place != Place::FutureDrop {
        assert_eq!(lost, 1, "{place:?}: {report}");
        let error = report.last_error.as_deref().unwrap();
        assert!(error.contains("on purpose"), "{place:?}: {error}");
    }

    on.store(false, Ordering::SeqCst);
    tracer.start("lucky").end();
    let report = books(client.flush().await);
    assert_eq!(report.lost().total(), 0, "{place:?}: {report}");
    assert!(collector.received().span_named("lucky").is_some(), "{place:?}: the client's thread lives");
    client.health_check().await.unwrap();
    assert_eq!(books(client.shutdown(PATIENCE).await).pending(), 0);
}

#[derive(Clone)]
struct PanicsLayer {
    place: Place,
    on: Arc<AtomicBool>,
}

impl tower::Layer<BoxExportService> for PanicsLayer {
    type Service = Panics;
    fn layer(&self, inner: BoxExportService) -> Panics {
        Panics { inner, place: self.place, on: Arc::clone(&self.on) }
    }
}

#[tokio::test]
async fn in_a_layer_around_batches() {
    // conf: BATCH-23
    for place in [Place::PollReady, Place::Call, Place::Future, Place::FutureDrop] {
        survives(place, |builder, layer| builder.with_layer(layer)).await;
    }
}

#[tokio::test]
async fn in_a_layer_around_attempts() {
    // conf: BATCH-23
    for place in [Place::PollReady, Place::Call, Place::Future, Place::FutureDrop] {
        survives(place, |builder, layer| builder.with_attempt_layer(layer)).await;
    }
}

/// The call is cancelled by the deadline of the shutdown, and what cancels it panics.
#[tokio::test]
async fn in_a_call_that_is_cancelled() {
    let collector = Collector::builder().grpc().reply(otlp_testkit::Reply::hang()).start().await.unwrap();
    let layer = PanicsLayer { place: Place::FutureDrop, on: Arc::new(AtomicBool::new(true)) };
    let client = builder(collector.grpc_endpoint()).with_layer(layer).build().await.unwrap();
    client.tracer("t").start("s").end();
    let report = books(client.shutdown(std::time::Duration::from_millis(100)).await);
    assert_eq!((report.accepted(), report.dropped().total(), report.pending()), (1, 1, 0), "{report}");
    // The books of the other signals were closed as well.
    assert!(client.stats(otlp::Signal::Logs).is_balanced());
    assert_eq!(client.health_check().await.unwrap_err().kind(), otlp::ErrorKind::ShutDown);
}

#[tokio::test]
async fn in_a_connector_layer() {
    let collector = grpc().await;
    let on = Arc::new(AtomicBool::new(true));
    let panics = Arc::clone(&on);
    let layer = layer_fn(move |inner: BoxConnector| {
        let panics = Arc::clone(&panics);
        inner.map_request(move |target| {
            assert!(!panics.load(Ordering::SeqCst), "on purpose");
            target
        })
    });
    let client = builder(collector.grpc_endpoint())
        .with_retry_config(retry_soon())
        .with_connector_layer(layer)
        .with_export_timeout(std::time::Duration::from_millis(200))
        .build()
        .await
        .unwrap();
    let tracer = client.tracer("t");
    tracer.start("unlucky").end();
    let report = books(client.flush().await);
    assert_eq!((report.accepted(), report.dropped().total()), (1, 1), "{report}");
    on.store(false, Ordering::SeqCst);
    tracer.start("lucky").end();
    assert_eq!(books(client.flush().await).delivered(), 1);
}

/// A sampler that panics samples nothing.
#[tokio::test]
async fn in_a_sampler() {
    struct Moody(AtomicBool);
    impl Sampler for Moody {
        fn should_sample(&self, parameters: &SamplingParameters<'_>) -> SamplingResult {
            assert!(self.0.fetch_xor(true, Ordering::SeqCst), "on purpose");
            AlwaysOnSampler.should_sample(parameters)
        }
        fn description(&self) -> std::borrow::Cow<'_, str> {
            "moody".into()
        }
    }
    let collector = grpc().await;
    let client = builder(collector.grpc_endpoint()).with_sampler(Moody(AtomicBool::new(false)));
    let client = client.build().await.unwrap();
    for _ in 0..10 {
        client.tracer("t").start("s").end();
    }
    crate::support::all_delivered(&client, &collector, 5).await;
}

/// An error that cannot say what it is.
#[derive(Debug)]
struct Speechless;

impl fmt::Display for Speechless {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

impl Error for Speechless {}

#[tokio::test]
async fn in_the_text_of_a_recorded_error() {
    let collector = grpc().await;
    let client: Client = crate::support::client(&collector).await;
    client.tracer("t").start("s").record_error(&Speechless).set_attribute("after", 1);
    crate::support::all_delivered(&client, &collector, 1).await;
    let span = collector.received().span_named("s").unwrap();
    let keys: Vec<_> =
        span.span.events[0].attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    assert_eq!(keys, ["exception.type", "exception.message"]);
    assert!(span.attribute("after").is_some());
}

/// The caller's own code on the caller's own stack: the panic is the caller's, the span is none the worse.
#[tokio::test]
async fn in_the_conversion_of_an_attribute() {
    struct Worthless;
    impl ToValue for Worthless {
        fn to_value(&self) -> ValueRef<'_> {
            panic!("on purpose")
        }
    }
    let collector = grpc().await;
    let client = crate::support::client(&collector).await;
    let mut span = client.tracer("t").start("s");
    let set = catch_unwind(AssertUnwindSafe(|| {
        span.set_attribute("before", Worthless);
    }));
    assert!(set.is_err());
    span.set_attribute("after", 1).end();
    crate::support::all_delivered(&client, &collector, 1).await;
    let span = collector.received().span_named("s").unwrap();
    assert_eq!(span.span.attributes.len(), 1);
}
