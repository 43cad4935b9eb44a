//! What the tests share: a client at a collector, the check of its books, and spans as texts.

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use otlp::{Client, ClientBuilder, DeliveryReport, Protocol, Signal, SpanId};
use otlp_testkit::{Claim, Collector, Ledger};
use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Body = StreamBody<stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, BoxError>>>>;

/// Long enough for a busy machine; no test passes by waiting for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A caller's context, as a header.
pub(crate) const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
pub(crate) const UNSAMPLED_PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

pub(crate) struct World {
    pub(crate) client: Client,
    collector: Collector,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        let collector = Collector::builder().http().start().await.unwrap();
        let builder = Client::builder()
            .with_endpoint(collector.http_endpoint())
            .with_protocol(Protocol::Http)
            .with_service_name("test")
            .with_flush_timeout(PATIENCE);
        Self { client: change(builder).build().await.unwrap(), collector }
    }

    /// How many spans have ended.
    pub(crate) fn ended(&self) -> u64 {
        self.client.stats(Signal::Traces).accepted
    }

    /// Waits until so many spans have arrived: what a server does after its answer takes its time.
    pub(crate) async fn arrived(&self, spans: u64) {
        self.collector.wait_for(spans, PATIENCE).await.unwrap();
    }

    /// All spans that were made, in the order they ended in; the books must balance.
    pub(crate) async fn spans(self) -> Vec<Span> {
        let report = self.client.shutdown(PATIENCE).await.unwrap();
        let received = self.collector.received();
        let mut ledger = Ledger::new();
        received.span_ids().for_each(|id| ledger.offered(SpanId::from_slice(id).unwrap()));
        let balance = ledger.check(claim(&report), &received).unwrap();
        assert_eq!((balance.received, balance.duplicates), (report.accepted(), 0));
        received.spans().into_iter().map(|received| received.span).collect()
    }

    /// The only span that was made.
    pub(crate) async fn span(self) -> Span {
        let mut spans = self.spans().await;
        assert_eq!(spans.len(), 1, "{spans:?}");
        spans.remove(0)
    }
}

pub(crate) fn claim(report: &DeliveryReport) -> Claim {
    Claim {
        accepted: report.accepted(),
        delivered: report.delivered(),
        rejected: report.rejected(),
        dropped: report.dropped().total(),
        pending: report.pending(),
    }
}

/// A span's attributes as texts.
pub(crate) fn attributes(span: &Span) -> BTreeMap<&str, String> {
    let value = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let text = |any: Option<&Value>| match any {
        Some(Value::ArrayValue(array)) => {
            let values = array.values.iter().map(|any| any.value.as_ref().map(value).unwrap_or_default());
            values.collect::<Vec<_>>().join("|")
        }
        Some(other) => value(other),
        None => String::new(),
    };
    let pairs = span.attributes.iter().map(|attribute| {
        (attribute.key.as_str(), text(attribute.value.as_ref().and_then(|any| any.value.as_ref())))
    });
    pairs.collect()
}

/// The span has these attributes and no others.
#[track_caller]
pub(crate) fn assert_attributes(span: &Span, expected: &[(&str, &str)]) {
    let expected = expected.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    assert_eq!(attributes(span), expected);
}

/// `error.type`, and the status as its code (2 is an error) and description.
pub(crate) fn failure(span: &Span) -> (Option<String>, i32, String) {
    let status = span.status.clone().unwrap_or_default();
    (attributes(span).remove("error.type"), status.code, status.message)
}

/// The span has failed as this kind of error.
#[track_caller]
pub(crate) fn assert_failed(span: &Span, kind: &str, description: &str) {
    assert_eq!(failure(span), (Some(kind.to_owned()), 2, description.to_owned()));
}

#[track_caller]
pub(crate) fn assert_not_failed(span: &Span) {
    assert_eq!(failure(span), (None, 0, String::new()));
}

pub(crate) fn get(uri: &str) -> Request<()> {
    Request::get(uri).body(()).unwrap()
}

pub(crate) fn frame(data: &'static str) -> Result<Frame<Bytes>, BoxError> {
    Ok(Frame::data(Bytes::from_static(data.as_bytes())))
}

pub(crate) fn trailers(pairs: &[(&'static str, &str)]) -> Result<Frame<Bytes>, BoxError> {
    let pairs =
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
    Ok(Frame::trailers(HeaderMap::from_iter(pairs)))
}

/// A body of frames, whose length and end nobody knows ahead.
pub(crate) fn body(frames: Vec<Result<Frame<Bytes>, BoxError>>) -> Body {
    StreamBody::new(stream::iter(frames))
}

/// An answer that is all there with its head.
pub(crate) fn empty(status: u16) -> Response<http_body_util::Empty<Bytes>> {
    Response::builder().status(status).body(http_body_util::Empty::new()).unwrap()
}
