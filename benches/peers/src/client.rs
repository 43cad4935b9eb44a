//! The client of this repository, as it is set up and ended wherever it takes part, and its span of the work.

use crate::contender::Failure;
use crate::work::{self, Strings};
use crate::{Compression, Mode, Order, Transport, Workload};
use otlp::{AlwaysOffSampler, Client, ClientBuilder, OverflowPolicy, Protocol, Resource};
use std::time::Duration;

/// How long a producer waits for room, and the end for what waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// Its builder for an order, with everything but what the mode asks for.
pub fn builder(order: &Order) -> ClientBuilder {
    let resource = work::RESOURCE.into_iter().fold(Resource::new(), |all, (key, value)| all.with(key, value));
    Client::builder()
        .with_endpoint(format!("http://{}", order.sink))
        .with_resource(resource)
        .with_protocol(protocol(order.transport))
        .with_compression(match order.compression {
            Compression::None => otlp::Compression::None,
            Compression::Gzip => otlp::Compression::Gzip,
            Compression::Zstd => otlp::Compression::Zstd,
        })
}

/// What it calls a transport.
#[must_use]
pub const fn protocol(transport: Transport) -> Protocol {
    match transport {
        Transport::Grpc => Protocol::Grpc,
        Transport::Http => Protocol::Http,
    }
}

/// The client for an order, its mode included.
///
/// # Errors
///
/// [`Failure::cannot`] for log records that are not sampled; what building it answers.
pub fn build(order: &Order) -> Result<Client, Failure> {
    let builder = builder(order);
    let builder = match order.mode {
        Mode::Lossless => builder.with_overflow_policy(OverflowPolicy::Block { timeout: PATIENCE }),
        Mode::Burst => builder,
        Mode::Unsampled if order.workload == Workload::Logs => {
            return Err(Failure::cannot("log records are not sampled"));
        }
        Mode::Unsampled => builder.with_sampler(AlwaysOffSampler),
    };
    Ok(builder.build_blocking()?)
}

/// Ends it, checks its books, and returns how many items it has lost.
///
/// # Errors
///
/// The answer to the shutdown, unless it is a burst, which may lose: then the report comes as an error. Books that do not
/// balance, or are not those of the order.
pub fn finish(client: &Client, order: &Order) -> Result<Option<u64>, Failure> {
    let report = match client.shutdown_blocking(PATIENCE) {
        Ok(report) => report,
        Err(error) => match error.report() {
            Some(report) if order.mode == Mode::Burst => report.clone(),
            _ => return Err(error.into()),
        },
    };
    let made = if order.mode == Mode::Unsampled { 0 } else { order.items };
    if !report.is_balanced() || report.accepted() != made || report.pending() > 0 {
        return Err(Failure::new(format!("the books do not balance: {made} made, {report}")));
    }
    Ok(Some(report.accepted() - report.delivered()))
}

/// Writes the attributes and the event of a span.
#[inline]
pub fn fill(span: &mut otlp::Span, [method, route, address, role]: Strings<'_>, number: u64) {
    span.set_attribute(work::METHOD, method)
        .set_attribute(work::STATUS, 200)
        .set_attribute(work::ROUTE, route)
        .set_attribute(work::ADDRESS, address)
        .set_attribute(work::USER, number as i64)
        .set_attribute(work::PORT, 8080)
        .set_attribute(work::HIT, true)
        .set_attribute(work::SHARE, 0.25)
        .add_event(work::EVENT, &[(work::ROLE, role.into())]);
}
