//! One export after the other through all layers, from the queue to the connection, on one thread.

use crate::peer::Peer;
use otlp_batch::{Batch, BatchConfig, ChunkPool, Drain, PoolConfig};
use otlp_benches::typed;
use otlp_model::{Groups, InstrumentationScope, Limits, Outcome, RequestLimits, Resource, Signal};
use otlp_transport::{
    BoxError, Compression, Compressor, Connection, Endpoint, Grpc, Headers, Http, RetryPolicy,
    ServiceBuilderExt, Shutdown, Target,
};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tower::{Service, ServiceBuilder, ServiceExt};

/// The transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// OTLP/gRPC.
    Grpc,
    /// OTLP/HTTP.
    Http,
}

/// Sends `requests` requests of `spans` spans each, and checks that each was delivered.
pub(crate) fn run(protocol: Protocol, spans: u64, requests: u64) -> Result<(), BoxError> {
    let groups = Arc::new(Groups::new());
    let resource =
        Resource::new().with("service.name", "bench").with("host.name", "a").with("os.type", "linux");
    let group = groups.register(&resource, &InstrumentationScope::new("bench"));
    let record = typed(4_711).to_record(group, &Limits::default());
    let pool = ChunkPool::new(PoolConfig::default())?;
    let (queue, mut drain) = Drain::new(&BatchConfig::default(), &pool)?;

    let endpoint: Endpoint = "http://127.0.0.1:4317".parse()?;
    let connector = tower::service_fn(move |_: Target| async move {
        Ok::<_, Infallible>(Connection::new(match protocol {
            Protocol::Grpc => Peer::http2(),
            Protocol::Http => Peer::http1(),
        }))
    });
    let terminal = match protocol {
        Protocol::Grpc => otlp_transport::BoxExportService::new(Grpc::with_connector(endpoint, connector)),
        Protocol::Http => otlp_transport::BoxExportService::new(Http::with_connector(endpoint, connector)),
    };
    // As the client's own.
    let mut stack = ServiceBuilder::new()
        .assemble(groups, Signal::Traces, RequestLimits::default())
        .concurrency_limit(8)
        .compress(Compressor::new(Compression::None)?)
        .retry_export(RetryPolicy::default(), Shutdown::never())
        .attempt_timeout(Duration::from_secs(10))
        .export_headers(Headers::new())
        .service(terminal);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        for _ in 0..requests {
            for _ in 0..spans {
                queue.push(record.group, 1, &record.bytes).map_err(|reason| format!("{reason:?}"))?;
            }
            drain.stage();
            let (batch, ticket) = drain.take(spans, u64::MAX).ok_or("an empty queue")?;
            let outcome = ready(&mut stack).await?.call(batch).await?;
            if outcome.delivered != spans {
                return Err(format!("not delivered: {outcome:?}").into());
            }
            ticket.settle(&outcome);
        }
        Ok(())
    })
}

/// The kind of request has to be said once.
async fn ready<S: Service<Batch, Response = Outcome>>(stack: &mut S) -> Result<&mut S, S::Error> {
    stack.ready().await
}
