//! The read views over any bytes: they agree with prost about what is a request and what is in it, and reading allocates
//! nothing.

use allocation_counter::measure;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otlp_fuzz::Edited;
use otlp_model::json::request_from_json;
use otlp_model::{Signal, view};
use prost::Message;

const REQUEST: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"scopeSpans":[{"scope":{"name":"s","version":"1"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"GET","startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712660000000001","kind":2,"attributes":[{"key":"k","value":{"arrayValue":{"values":[{"intValue":"1"},{"kvlistValue":{"values":[{"key":"x","value":{"doubleValue":0.5}}]}}]}}}],"events":[{"name":"e","timeUnixNano":"7"}],"links":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}],"status":{"code":2,"message":"m"}},{"name":"PUT"}]}]},{}]}"#;

/// All that can be read of a request; the names of its spans, or the first error.
fn walk(bytes: &[u8]) -> Result<u64, otlp_model::DecodeError> {
    let mut spans = 0;
    for resource in view::traces(bytes).resources() {
        for scope in resource?.scopes() {
            for span in scope?.items() {
                let span = span?;
                spans += 1;
                for attribute in span.attributes.iter() {
                    attribute?;
                }
                for event in span.events() {
                    event?;
                }
                for link in span.links() {
                    link?;
                }
            }
        }
    }
    Ok(spans)
}

#[test]
fn views() {
    let seed = request_from_json(Signal::Traces, REQUEST.as_bytes()).expect("a good seed");
    bolero::check!().with_type::<Edited>().for_each(|edited| {
        let bytes = edited.bytes(&[&seed]);
        let mut walked = Ok(0);
        let used = measure(|| walked = walk(&bytes));
        assert_eq!(used.count_total, 0, "reading allocates nothing");
        let typed: Vec<_> = view::traces(&bytes).items().map(|span| span?.to_span_data()).collect();
        if let Ok(theirs) = ExportTraceServiceRequest::decode(&bytes[..]) {
            let scopes = theirs.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
            let theirs: Vec<_> = scopes.flat_map(|scope| &scope.spans).collect();
            assert_eq!(walked, Ok(theirs.len() as u64), "{bytes:?}");
            for (ours, theirs) in typed.iter().zip(theirs) {
                let ours = ours.as_ref().expect("prost takes it");
                assert_eq!(
                    (&*ours.name, ours.start_time_unix_nano),
                    (&*theirs.name, theirs.start_time_unix_nano)
                );
                assert_eq!(ours.events.len(), theirs.events.len());
            }
        }
        match view::traces(&bytes).items().find_map(Result::err) {
            Some(error) => assert!(error.offset() <= bytes.len()),
            None => assert!(walked.is_ok() || walked.is_err_and(|error| error.offset() <= bytes.len())),
        }
        // Other signals and other views take any bytes, too.
        let _ = view::logs(&bytes).items().filter(Result::is_ok).count();
        let _ = view::metrics(&bytes).items().filter(Result::is_ok).count();
    });
}
