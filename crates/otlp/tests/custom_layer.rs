//! A user's layer in each slot of the stack, with nothing but the public API.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp::{
    BoxError, Client, Connection, DropReason, ExportRequest, ExportResponse, RetryConfig, Target, Undelivered,
};
use otlp_testkit::Collector;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Layer, Service};

const PATIENCE: Duration = Duration::from_secs(60);

/// Counts what passes: works in every slot, because it is generic over the request.
#[derive(Clone, Default)]
struct CountLayer(Arc<AtomicU32>);

impl CountLayer {
    fn count(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

impl<S> Layer<S> for CountLayer {
    type Service = Count<S>;
    fn layer(&self, inner: S) -> Count<S> {
        Count { inner, count: Arc::clone(&self.0) }
    }
}

#[derive(Clone)]
struct Count<S> {
    inner: S,
    count: Arc<AtomicU32>,
}

impl<S: Service<R>, R> Service<R> for Count<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.inner.call(request)
    }
}

/// Fails the first calls without asking the service inside.
#[derive(Clone)]
struct FailFirst<S> {
    inner: S,
    left: Arc<AtomicU32>,
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

impl<S> Service<ExportRequest> for FailFirst<S>
where
    S: Service<ExportRequest, Response = ExportResponse, Error = BoxError, Future: Send + 'static>,
{
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = Answer<ExportResponse>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ExportRequest) -> Self::Future {
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            let unreachable = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            return Box::pin(async { Err(otlp_transport::ConnectionLost::new(unreachable).into()) });
        }
        Box::pin(self.inner.call(request))
    }
}

async fn send(client: &Client, spans: u64) -> otlp::DeliveryReport {
    let tracer = client.tracer("layers");
    (0..spans).for_each(|_| tracer.start("s").end());
    let report = match client.shutdown(PATIENCE).await {
        Ok(report) => report,
        Err(error) => error.report().unwrap().clone(),
    };
    assert!(report.is_balanced(), "{report:?}");
    report
}

#[tokio::test]
async fn each_slot_sees_its_own_unit() {
    let collector = Collector::builder().grpc().start().await.unwrap();
    let (batches, attempts, connections) = <(CountLayer, CountLayer, CountLayer)>::default();
    let failures = Arc::new(AtomicU32::new(2));
    let client = Client::builder()
        .with_endpoint(collector.grpc_endpoint())
        .with_retry_config(RetryConfig {
            initial_interval: Duration::from_millis(1),
            ..RetryConfig::default()
        })
        .with_layer(batches.clone())
        .with_attempt_layer(attempts.clone())
        .with_attempt_layer(tower::layer::layer_fn(move |inner| FailFirst {
            inner,
            left: Arc::clone(&failures),
        }))
        .with_connector_layer(connections.clone())
        .build()
        .await
        .unwrap();
    let report = send(&client, 10).await;
    assert_eq!((report.accepted(), report.delivered()), (10, 10));
    assert_eq!((batches.count(), attempts.count(), connections.count()), (1, 3, 1));
}

#[tokio::test]
async fn a_layer_can_tag_a_request() {
    let collector = Collector::builder().grpc().start().await.unwrap();
    let tag = tower::util::MapRequestLayer::new(|mut request: ExportRequest| {
        request.add_header("x-team", "payments");
        request
    });
    let client =
        Client::builder().with_endpoint(collector.grpc_endpoint()).with_layer(tag).build().await.unwrap();
    send(&client, 1).await;
    let received = collector.received();
    assert_eq!(received.calls().next().unwrap().header("x-team"), Some("payments"));
}

#[tokio::test]
async fn a_layer_can_send_elsewhere_and_the_connector_too() {
    let collector = Collector::builder().grpc().start().await.unwrap();
    let address: std::net::SocketAddr =
        collector.grpc_endpoint().strip_prefix("http://").unwrap().parse().unwrap();
    // Whatever the endpoint says, connect to the collector.
    let redirect = tower::layer::layer_fn(move |_| {
        tower::service_fn(move |_: Target| async move {
            let stream = tokio::net::TcpStream::connect(address).await?;
            Ok::<_, std::io::Error>(Connection::new(stream))
        })
    });
    let client = Client::builder()
        .with_endpoint("http://collector.invalid:4317")
        .with_connector_layer(redirect)
        .build()
        .await
        .unwrap();
    assert_eq!(send(&client, 3).await.delivered(), 3);
}

/// Never calls the service inside.
#[derive(Clone)]
struct Refuse(fn() -> BoxError);

impl Service<ExportRequest> for Refuse {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = Answer<ExportResponse>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: ExportRequest) -> Self::Future {
        let error = (self.0)();
        Box::pin(async { Err(error) })
    }
}

#[tokio::test]
async fn what_a_layer_refuses_is_counted_under_the_reason_it_gives() {
    let cases: [(fn() -> BoxError, DropReason); 2] = [
        (|| "no reason given".into(), DropReason::LayerFailed),
        (|| Undelivered::new(DropReason::NotRetryable, "not today").into(), DropReason::NotRetryable),
    ];
    for (refusal, reason) in cases {
        let client = Client::builder()
            .with_layer(tower::layer::layer_fn(move |_| Refuse(refusal)))
            .build()
            .await
            .unwrap();
        let report = send(&client, 7).await;
        assert_eq!(report.dropped().get(reason), 7, "{report}");
    }
}

#[tokio::test]
async fn a_layer_that_panics_loses_its_batch_and_nothing_else() {
    let collector = Collector::builder().grpc().start().await.unwrap();
    let first = Arc::new(AtomicU32::new(0));
    let trip = tower::util::MapRequestLayer::new(move |request: ExportRequest| {
        assert!(first.fetch_add(1, Ordering::SeqCst) > 0, "the first batch trips");
        request
    });
    let client =
        Client::builder().with_endpoint(collector.grpc_endpoint()).with_layer(trip).build().await.unwrap();
    client.tracer("t").start("s").end();
    let error = client.flush().await.unwrap_err();
    assert!(error.is_lost() && error.to_string().contains("the first batch trips"), "{error}");
    let report = send(&client, 4).await;
    assert_eq!((report.delivered(), report.dropped().get(DropReason::LayerFailed)), (4, 1));
}

#[tokio::test]
async fn a_layer_that_panics_fails_a_health_check_and_not_the_client() {
    let collector = Collector::builder().grpc().start().await.unwrap();
    let first = Arc::new(AtomicU32::new(0));
    let trip = tower::util::MapRequestLayer::new(move |request: ExportRequest| {
        assert!(first.fetch_add(1, Ordering::SeqCst) > 0, "the first attempt trips");
        request
    });
    let client = Client::builder().with_endpoint(collector.grpc_endpoint()).with_attempt_layer(trip);
    let client = client.build().await.unwrap();
    let error = client.health_check().await.unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    client.health_check().await.unwrap();
    assert_eq!(send(&client, 2).await.delivered(), 2);
}
