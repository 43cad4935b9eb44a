//! Instrumentation that knows the OpenTelemetry API alone, on the client's own path: the provider has changed, nothing else.
//!
//! Starts a collector in the same process, so that it needs nothing else. In your program the crate is called `opentelemetry`.

use opentelemetry_0_33::trace::{SpanKind, TraceContextExt as _, Tracer as _};
use opentelemetry_0_33::{Context, KeyValue, global};
use otlp_opentelemetry::opentelemetry_0_33::{OtlpPropagator, TracerProvider};
use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

/// A library's own, as it is published: it has never heard of us.
mod library {
    use super::*;

    pub(crate) fn call(request: &str) -> HashMap<String, String> {
        let tracer = global::tracer("library");
        let span = tracer.span_builder(request.to_owned()).with_kind(SpanKind::Client).start(&tracer);
        let cx = Context::current_with_span(span);
        cx.span().set_attribute(KeyValue::new("http.request.method", "GET"));
        let mut headers = HashMap::new();
        global::get_text_map_propagator(|propagator| propagator.inject_context(&cx, &mut headers));
        headers
    }

    pub(crate) fn serve(headers: &HashMap<String, String>) {
        let parent = global::get_text_map_propagator(|propagator| propagator.extract(headers));
        let tracer = global::tracer("library");
        tracer.span_builder("serve").with_kind(SpanKind::Server).start_with_context(&tracer, &parent);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let collector = otlp_testkit::Collector::builder().start_blocking()?;
    let client = otlp::Client::builder().with_endpoint(collector.grpc_endpoint()).build().await?;
    // Were those of the SDK.
    global::set_tracer_provider(TracerProvider::new(&client));
    global::set_text_map_propagator(OtlpPropagator::new(client.propagator().clone()));

    let headers = library::call("GET /cart");
    library::serve(&headers);

    let report = client.shutdown(Duration::from_secs(5)).await?;
    let spans = collector.received().spans();
    assert!(
        spans.len() == 2 && spans[0].span.trace_id == spans[1].span.trace_id,
        "one trace of two services"
    );
    for received in spans {
        let trace = otlp::TraceId::from_slice(&received.span.trace_id).unwrap_or_default();
        println!("{:<10} {} in trace {trace}", received.span.name, received.scope.name);
    }
    println!("{report}");
    Ok(())
}
