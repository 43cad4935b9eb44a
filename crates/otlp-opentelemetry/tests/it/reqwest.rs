//! reqwest-tracing as it is published: under tracing-opentelemetry on the SDK, the same on our provider, and under the layer of
//! otlp-tracing, what it says of a client's requests arrives equal.

use crate::normal;
use crate::support::{PATIENCE, balanced, client_with_resource, grpc, resource};
use opentelemetry_0_33::trace::{Tracer, TracerProvider as _};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_sdk_0_33::trace::SdkTracerProvider;
use otlp_opentelemetry::opentelemetry_0_33::TracerProvider;
use otlp_testkit::Collector;
use otlp_tracing::OtlpLayer;
use reqwest_tracing::{SpanBackendWithUrl, TracingMiddleware};
use tokio::task::block_in_place;
use tracing::instrument::WithSubscriber as _;
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Instrument as _, info_span};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};

/// A request that is answered, and one that nobody hears, of one checkout.
async fn checkout(shop: String, nobody: String) {
    let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(TracingMiddleware::<SpanBackendWithUrl>::new())
        .build();
    let requests = async {
        assert_eq!(client.get(format!("{shop}/cart?token=1")).send().await.unwrap().status(), 404);
        assert!(client.post(nobody).send().await.is_err());
    };
    requests.instrument(info_span!("checkout")).await;
}

fn theirs<T>(tracer: T) -> impl Layer<Registry> + Send + Sync
where
    T: Tracer + Send + Sync + 'static,
    T::Span: Send + Sync,
{
    let layer = tracing_opentelemetry::layer().with_tracer(tracer);
    layer.with_tracked_inactivity(false).with_threads(false)
}

fn only_requests(layer: impl Layer<Registry> + Send + Sync + 'static) -> Dispatch {
    // What libraries below say of connections, they need not say twice in the same way.
    Dispatch::new(Registry::default().with(layer.with_filter(LevelFilter::INFO)))
}

/// That the ids of our roots are random we say, and the SDK does not.
fn spans(collector: &Collector) -> Vec<normal::Flat<Span>> {
    let mut spans = normal::spans(collector);
    spans.iter_mut().for_each(|span| span.4.flags &= !0x02);
    spans
}

/// The status of the answer to the first request.
fn status(spans: &mut [normal::Flat<Span>]) -> &mut Value {
    let of = |one: &&mut KeyValue| one.key == "http.response.status_code";
    spans[0].4.attributes.iter_mut().find(of).unwrap().value.as_mut().unwrap().value.as_mut().unwrap()
}

fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_reqwest_tracing_says_arrives_equal() {
    let (shop, dead) = (Collector::builder().http().start(), Collector::builder().http().start());
    let (shop, dead) = (shop.await.unwrap(), dead.await.unwrap());
    dead.kill().await.unwrap();
    let program =
        |subscriber| checkout(shop.http_endpoint(), dead.http_endpoint()).with_subscriber(subscriber);

    let expected = grpc().await;
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic();
    let exporter = exporter.with_endpoint(expected.grpc_endpoint()).build().unwrap();
    let sdk = SdkTracerProvider::builder().with_resource(resource()).with_batch_exporter(exporter).build();
    program(only_requests(theirs(sdk.tracer("tracing")))).await;
    block_in_place(|| sdk.shutdown_with_timeout(PATIENCE)).unwrap();
    let mut expected = spans(&expected);

    let (provided, traced) = (grpc().await, grpc().await);
    let client = client_with_resource(&provided).await;
    program(only_requests(theirs(TracerProvider::new(&client).tracer("tracing")))).await;
    balanced(&client, &provided).await;
    assert_eq!(spans(&provided), expected);

    let client = client_with_resource(&traced).await;
    program(only_requests(OtlpLayer::new(client.tracer("tracing")).with_threads(false))).await;
    balanced(&client, &traced).await;
    let mut traced = spans(&traced);
    // A `u64` is a text there: a row of the table of differences.
    assert_eq!(std::mem::replace(status(&mut traced), text("404")), Value::IntValue(404));
    assert_eq!(traced, expected);

    // That they are equal says little if they say little.
    let [get, post, checkout] = &*expected else { panic!("not three spans: {expected:#?}") };
    assert!([get, post].iter().all(|span| span.4.parent_span_id == checkout.4.span_id && span.4.kind == 3));
    assert_eq!(post.4.status.clone().unwrap().code, 2);
    assert_eq!(*status(&mut expected), text("404"));
}
