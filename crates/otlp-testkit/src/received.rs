//! What arrived, as a test wants to look at it: item by item with resource and scope, or call by call.
//!
//! A snapshot of the journal, read by tests. Never changes after it is taken.

use crate::{Attempt, Call, Payload};
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use otlp_model::proto::ConvertError;
use std::sync::Arc;

/// A snapshot of calls and what was in them, in order of arrival.
///
/// From [`Collector::received`](crate::Collector::received) (accepted calls), from
/// [`refused`](crate::Collector::refused) (the others), or from a wait.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let collector = otlp_testkit::Collector::builder().start().await?;
/// // … the code under test sends …
/// for received in collector.received().spans() {
///     println!("{} {} {:?}", received.service_name(), received.span.name, received.attribute("http.route"));
///     let span: otlp_model::SpanData = received.to_model()?;
///     assert!(span.context.is_valid());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Received {
    attempts: Vec<Arc<Attempt>>,
}

/// A span with the resource and scope it came under.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReceivedSpan {
    /// The resource; empty when the request had none.
    pub resource: Arc<Resource>,
    /// The instrumentation scope; empty when the request had none.
    pub scope: Arc<InstrumentationScope>,
    /// The span.
    pub span: Span,
    /// The call that brought it.
    pub attempt: Arc<Attempt>,
}

/// A log record with the resource and scope it came under.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReceivedLog {
    /// The resource; empty when the request had none.
    pub resource: Arc<Resource>,
    /// The instrumentation scope; empty when the request had none.
    pub scope: Arc<InstrumentationScope>,
    /// The log record.
    pub record: LogRecord,
    /// The call that brought it.
    pub attempt: Arc<Attempt>,
}

/// A metric with the resource and scope it came under.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReceivedMetric {
    /// The resource; empty when the request had none.
    pub resource: Arc<Resource>,
    /// The instrumentation scope; empty when the request had none.
    pub scope: Arc<InstrumentationScope>,
    /// The metric with its data points.
    pub metric: Metric,
    /// The call that brought it.
    pub attempt: Arc<Attempt>,
}

/// Walks a payload of one signal: resources, scopes, items.
macro_rules! flatten {
    ($received:expr, $payload:ident . $resources:ident . $scopes:ident . $items:ident => $output:ident { $field:ident }) => {{
        let mut all = Vec::new();
        for attempt in &$received.attempts {
            let Payload::$payload(request) = &attempt.call.payload else { continue };
            for group in &request.$resources {
                let resource = Arc::new(group.resource.clone().unwrap_or_default());
                for scoped in &group.$scopes {
                    let scope = Arc::new(scoped.scope.clone().unwrap_or_default());
                    all.extend(scoped.$items.iter().map(|item| $output {
                        resource: Arc::clone(&resource),
                        scope: Arc::clone(&scope),
                        $field: item.clone(),
                        attempt: Arc::clone(attempt),
                    }));
                }
            }
        }
        all
    }};
}

impl Received {
    pub(crate) fn new(attempts: Vec<Arc<Attempt>>) -> Self {
        Self { attempts }
    }

    /// Every span, duplicates included.
    #[must_use]
    pub fn spans(&self) -> Vec<ReceivedSpan> {
        flatten!(self, Traces.resource_spans.scope_spans.spans => ReceivedSpan { span })
    }

    /// Every log record, duplicates included.
    #[must_use]
    pub fn logs(&self) -> Vec<ReceivedLog> {
        flatten!(self, Logs.resource_logs.scope_logs.log_records => ReceivedLog { record })
    }

    /// Every metric, duplicates included. One metric may hold many data points, which are what counts as items.
    #[must_use]
    pub fn metrics(&self) -> Vec<ReceivedMetric> {
        flatten!(self, Metrics.resource_metrics.scope_metrics.metrics => ReceivedMetric { metric })
    }

    /// The spans' ids in order of arrival, duplicates included, without copying the spans. Ids of a wrong length are
    /// given as they came.
    pub fn span_ids(&self) -> impl Iterator<Item = &[u8]> + '_ {
        let resources = self.attempts.iter().filter_map(|attempt| match &attempt.call.payload {
            Payload::Traces(request) => Some(&request.resource_spans),
            _ => None,
        });
        let scopes = resources.flatten().flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| &scope.spans).map(|span| span.span_id.as_slice())
    }

    /// The first span of that name.
    #[must_use]
    pub fn span_named(&self, name: &str) -> Option<ReceivedSpan> {
        self.spans().into_iter().find(|received| received.span.name == name)
    }

    /// The calls with their replies.
    #[must_use]
    pub fn attempts(&self) -> &[Arc<Attempt>] {
        &self.attempts
    }

    /// The calls.
    pub fn calls(&self) -> impl ExactSizeIterator<Item = &Call> + '_ {
        self.attempts.iter().map(|attempt| &attempt.call)
    }

    /// Spans, data points and log records together.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.calls().map(|call| call.items).sum()
    }

    /// Whether nothing arrived.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.attempts.is_empty()
    }
}

/// The value of an attribute.
fn find<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a AnyValue> {
    attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()
}

macro_rules! lookups {
    ($name:ident . $item:ident => $model:ident) => {
        impl $name {
            /// The item as a type of `otlp-model`.
            ///
            /// # Errors
            ///
            /// When it has no meaning there, such as an id of a wrong length: the error names the field.
            pub fn to_model(&self) -> Result<otlp_model::$model, ConvertError> {
                self.$item.clone().try_into()
            }

            /// The resource as a type of `otlp-model`.
            #[must_use]
            pub fn resource_model(&self) -> otlp_model::Resource {
                (*self.resource).clone().into()
            }

            /// The scope as a type of `otlp-model`.
            #[must_use]
            pub fn scope_model(&self) -> otlp_model::InstrumentationScope {
                (*self.scope).clone().into()
            }

            /// An attribute of the resource.
            #[must_use]
            pub fn resource_attribute(&self, key: &str) -> Option<&AnyValue> {
                find(&self.resource.attributes, key)
            }

            /// The resource's `service.name`; empty when there is none.
            #[must_use]
            pub fn service_name(&self) -> &str {
                use opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue;
                match self.resource_attribute("service.name").and_then(|value| value.value.as_ref()) {
                    Some(StringValue(name)) => name,
                    _ => "",
                }
            }
        }
    };
}

lookups!(ReceivedSpan.span => SpanData);
lookups!(ReceivedLog.record => LogRecord);
lookups!(ReceivedMetric.metric => Metric);

impl ReceivedSpan {
    /// An attribute of the span.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&AnyValue> {
        find(&self.span.attributes, key)
    }
}

impl ReceivedLog {
    /// An attribute of the log record.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&AnyValue> {
        find(&self.record.attributes, key)
    }
}
