//! Our client, as an application has it: sends the telemetry of a case, and tells what it has sent.
//!
//! Typed data is what [`telemetry`](crate::telemetry) says. What tracers and loggers make has times and ids of its own, so that a
//! layer on top of the stack writes down what goes through it.

use crate::case::{Case, Packing, Security, Wire};
use crate::certificates::Certificates;
use crate::telemetry::{self, Breadth};
use crate::{Failure, compare, matrix};
use otlp::{
    Client, ClientBuilder, Compression, ExportRequest, InstrumentationScope, Limits, LogRecord, Metric,
    Protocol, Resource, SerializationFormat, Signal, SpanData, SpanKind, StatusCode, TlsConfig,
};
use otlp_testkit::Payload;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a healthy receiver may take for everything.
const PATIENCE: Duration = Duration::from_secs(60);
/// The scope of what is made and not typed.
const LIVE: &str = "live";

/// A client for a case, with an endpoint of its wire and security.
pub(crate) fn client(case: Case, endpoint: &str, certificates: &Certificates) -> ClientBuilder {
    let (protocol, format) = match case.wire {
        Wire::Grpc => (Protocol::Grpc, SerializationFormat::Protobuf),
        Wire::Protobuf => (Protocol::Http, SerializationFormat::Protobuf),
        Wire::Json => (Protocol::Http, SerializationFormat::Json),
    };
    let builder = Client::builder()
        .with_endpoint(endpoint)
        .with_protocol(protocol)
        .with_serialization_format(format)
        .with_compression(match case.packing {
            Packing::None => Compression::None,
            Packing::Gzip => Compression::Gzip,
            Packing::Zstd => Compression::Zstd,
        })
        .with_service_name("interop")
        .with_limits(Limits::UNLIMITED)
        .without_proxy();
    match case.security {
        Security::Plain => builder,
        Security::Tls => {
            builder.with_tls_config(TlsConfig { ca_file: certificates.ca(), ..TlsConfig::default() })
        }
        Security::Mutual => builder.with_tls_config(TlsConfig {
            ca_file: certificates.ca(),
            cert_file: certificates.client_cert(),
            key_file: certificates.client_key(),
            ..TlsConfig::default()
        }),
    }
}

/// For the matrix.
pub(crate) fn with(certificates: &Certificates) -> Box<matrix::Send<'_>> {
    Box::new(|case, endpoint, breadth| send(client(case, endpoint, certificates), &case.to_string(), breadth))
}

/// Sends all signals, and returns what was sent; an error if the client does not say that all were delivered.
fn send(builder: ClientBuilder, run: &str, breadth: Breadth) -> Result<Vec<Payload>, Failure> {
    let tape = Tape::default();
    let resource = Resource::new().with("service.name", "interop").with("interop.run", run.to_owned());
    let client = builder.with_resource(resource).with_layer(tape.layer()).build_blocking()?;
    let typed: Vec<Payload> = Signal::ALL.map(|signal| telemetry::request(signal, run, breadth)).to_vec();
    for payload in &typed {
        export(&client, payload)?;
    }
    make(&client);
    let report = client.shutdown_blocking(PATIENCE)?;
    let payloads = tape.played()?;
    for signal in Signal::ALL {
        let typed_alone: Vec<Payload> = payloads.iter().map(without_live).collect();
        compare::same(signal, &typed, &typed_alone).map_err(|difference| {
            format!("{signal} left the client otherwise than they were given: {difference}")
        })?;
    }
    if !report.is_balanced() || report.delivered() != report.accepted() {
        return Err(format!("not all was delivered: {report}").into());
    }
    Ok(payloads)
}

/// Gives the items of a request to the client, with their resources and scopes.
fn export(client: &Client, payload: &Payload) -> Result<(), Failure> {
    /// Walks resources, scopes, items.
    macro_rules! give {
        ($request:ident . $groups:ident, $scopes:ident, $items:ident as $item:ident, $export:ident) => {
            for group in &$request.$groups {
                let mut resource = Resource::from(group.resource.clone().unwrap_or_default());
                resource.schema_url = group.schema_url.clone().into();
                for scoped in &group.$scopes {
                    let mut scope = InstrumentationScope::from(scoped.scope.clone().unwrap_or_default());
                    scope.schema_url = scoped.schema_url.clone().into();
                    let items: Result<Vec<$item>, _> =
                        scoped.$items.iter().cloned().map($item::try_from).collect();
                    client.$export(&resource, &scope, items?)?;
                }
            }
        };
    }
    match payload {
        Payload::Traces(request) => {
            give!(request.resource_spans, scope_spans, spans as SpanData, export_traces_from)
        }
        Payload::Metrics(request) => {
            give!(request.resource_metrics, scope_metrics, metrics as Metric, export_metrics_from);
        }
        Payload::Logs(request) => {
            give!(request.resource_logs, scope_logs, log_records as LogRecord, export_logs_from)
        }
    }
    Ok(())
}

/// What an application makes: spans within each other, and log records within them.
fn make(client: &Client) {
    let (tracer, logger) = (client.tracer(LIVE), client.logger(LIVE));
    let mut root =
        tracer.span("GET /cart/{id}").kind(SpanKind::Server).attribute("http.route", "/cart/{id}").start();
    root.set_attribute("cart.items", 3)
        .set_attribute("cart.price", 42.5)
        .set_attribute("user.name", "Müller, 李");
    root.in_span(|| {
        let mut child = tracer.span("SELECT").kind(SpanKind::Client).start();
        child.set_attribute("db.rows", vec![otlp::AnyValue::Int(1), otlp::AnyValue::Bool(true)]);
        child.add_event("retry", &[("attempt", 2.into())]);
        child.record_error(&std::io::Error::other("connection reset"));
        child.set_status(StatusCode::Error, "gave up");
        child.end();
        logger.record(otlp::Severity::Warn).body("cart is slow").attribute("cart.items", 3).emit();
    });
    let context = root.context();
    root.end();
    let mut linked = tracer.start("linked");
    linked.add_link(&context, &[("why", "follows".into())]);
    linked.end();
}

/// The request without what tracers and loggers have made.
fn without_live(payload: &Payload) -> Payload {
    let mut payload = payload.clone();
    let is_typed = |name: Option<&str>| name != Some(LIVE);
    match &mut payload {
        Payload::Traces(request) => {
            let scopes = request.resource_spans.iter_mut().map(|group| &mut group.scope_spans);
            scopes.for_each(|scopes| {
                scopes.retain(|scoped| is_typed(scoped.scope.as_ref().map(|scope| &*scope.name)))
            });
        }
        Payload::Logs(request) => {
            let scopes = request.resource_logs.iter_mut().map(|group| &mut group.scope_logs);
            scopes.for_each(|scopes| {
                scopes.retain(|scoped| is_typed(scoped.scope.as_ref().map(|scope| &*scope.name)))
            });
        }
        Payload::Metrics(_) => {}
    }
    payload
}

/// What went through the top of the stack, in protobuf.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<(Signal, bytes::Bytes)>>>);

impl Tape {
    fn layer(
        &self,
    ) -> tower::util::MapRequestLayer<impl Fn(ExportRequest) -> ExportRequest + Clone + Send + Sync + 'static>
    {
        let Self(requests) = self.clone();
        tower::util::MapRequestLayer::new(move |request: ExportRequest| {
            let entry = (request.signal(), request.body().to_bytes());
            requests.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
            request
        })
    }

    fn played(&self) -> Result<Vec<Payload>, prost::DecodeError> {
        let requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().map(|(signal, bytes)| compare::decode(*signal, bytes)).collect()
    }
}
