//! How a function under `#[instrument]` gets a parent in another process: its span is entered before its first line runs.

use crate::support::{World, named, parent, remote, spans_of, spans_with};
use opentelemetry_proto::tonic::trace::v1::Span as Received;
use otlp::{Client, FutureExt, TraceContext};
use otlp_tracing::{OtlpSpanExt, SetParentError};
use std::collections::HashMap;
use tracing::{Span, info_span, instrument};

/// Sets its own parent, which is a success or not.
#[instrument]
fn serve(expected: Result<(), SetParentError>) {
    assert_eq!(Span::current().set_parent(&remote(true)), expected);
    info_span!("below").in_scope(|| {});
}

/// Both spans of the function are in the trace of the remote one, one below the other.
fn assert_are_below_the_remote_span(spans: &[Received]) {
    assert_eq!(named(spans, "serve").parent_span_id, [9; 8]);
    assert_eq!(parent(spans, "below"), Some("serve"));
    assert!(spans.iter().all(|span| span.trace_id == [7; 16]));
}

#[test]
fn what_is_current_when_a_function_is_called_is_its_parent_and_inside_it_is_too_late() {
    let spans = spans_of(|| {
        let _current = remote(true).attach();
        serve(Err(SetParentError::AlreadySettled));
    });
    assert_are_below_the_remote_span(&spans);
}

#[test]
fn the_context_of_its_future_is_the_parent_of_an_async_function() {
    #[instrument(name = "serve")]
    async fn serve_later() {
        tokio::task::yield_now().await;
        info_span!("below").in_scope(|| {});
    }
    let spans = spans_of(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(serve_later().with_context(remote(true)));
    });
    assert_are_below_the_remote_span(&spans);
}

#[test]
fn headers_written_inside_one_function_are_the_parent_of_another() {
    #[instrument]
    fn call(client: &Client) -> HashMap<String, String> {
        let mut headers = HashMap::new();
        client.propagator().inject(&Span::current().context(), &mut headers);
        headers
    }
    let world = World::new();
    world.run(world.layer(), || {
        let headers = call(&world.client);
        let parent = world.client.propagator().extract(&TraceContext::default(), &headers);
        let _current = parent.attach();
        serve(Err(SetParentError::AlreadySettled));
    });
    let spans = world.spans();
    assert_eq!(parent(&spans, "serve"), Some("call"));
    assert_eq!(named(&spans, "serve").trace_id, named(&spans, "call").trace_id);
}

#[test]
fn without_activated_contexts_a_function_may_set_its_own_parent() {
    let spans = spans_with(|layer| layer.with_context_activation(false), || serve(Ok(())));
    assert_are_below_the_remote_span(&spans);
}
