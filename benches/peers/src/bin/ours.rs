//! The client of this repository, through the facade alone.
//!
//! Spans: `start_with_context`, for the root with an empty context, `set_attribute` for each attribute, `add_event`, `end`.
//! Log records: `Logger::record`, with severity and its text, body and attributes, `emit`.
//!
//! Settings: the defaults (64 MiB of queue, requests of at most 2 MiB, eight in flight, 1 s of delay, 10 s per attempt).
//! Lossless: `OverflowPolicy::Block`, so that `end` waits for room; nothing paces the producer from outside. Burst: the
//! default, the newest is dropped when the queue is full. Unsampled: `AlwaysOffSampler`, all calls as if sampled.
//! Compression: the default levels. The end is `shutdown_blocking`, which sends what waits and reports; its books must
//! balance.

use otlp::{
    AlwaysOffSampler, Client, DeliveryReport, Error, Logger, OverflowPolicy, Severity, SpanKind,
    TraceContext, Tracer,
};
use otlp_peers::contender::{Contender, Failure, run};
use otlp_peers::work::{self, Strings, Table};
use otlp_peers::{Mode, Order, Workload};
use std::ops::Range;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    run::<Ours>()
}

struct Ours {
    order: Order,
    table: Table,
    client: Client,
    tracer: Tracer,
    logger: Logger,
}

const PATIENCE: Duration = Duration::from_secs(60);

impl Contender for Ours {
    fn build(order: &Order) -> Result<Self, Failure> {
        let mut builder = otlp_peers::client::builder(order);
        builder = match order.mode {
            Mode::Lossless => builder.with_overflow_policy(OverflowPolicy::Block { timeout: PATIENCE }),
            Mode::Burst => builder,
            Mode::Unsampled if order.workload == Workload::Logs => {
                return Err(Failure::cannot("log records are not sampled"));
            }
            Mode::Unsampled => builder.with_sampler(AlwaysOffSampler),
        };
        let client = builder.build_blocking()?;
        let tracer = client.tracer(work::SCOPE);
        let logger = client.logger(work::SCOPE);
        Ok(Self { order: order.clone(), table: Table::new(), client, tracer, logger })
    }

    fn make(&self, items: Range<u64>) {
        match self.order.workload {
            Workload::Fixed => self.traces(items, work::fixed),
            Workload::Varied => self.traces(items, |number| self.table.strings(number)),
            Workload::Logs => self.logs(items),
        }
    }

    fn finish(self) -> Result<Option<u64>, Failure> {
        let report = match self.client.shutdown_blocking(PATIENCE) {
            Ok(report) => report,
            Err(error) => self.tolerate(error)?,
        };
        let made = if self.order.mode == Mode::Unsampled { 0 } else { self.order.items };
        if !report.is_balanced() || report.accepted() != made || report.pending() > 0 {
            return Err(Failure::new(format!("the books do not balance: {made} made, {report}")));
        }
        Ok(Some(report.accepted() - report.delivered()))
    }
}

impl Ours {
    #[inline]
    fn traces<'s>(&self, items: Range<u64>, strings: impl Fn(u64) -> Strings<'s>) {
        let mut number = items.start;
        while number < items.end {
            let end = items.end.min(number + work::TRACE);
            let mut root =
                self.tracer.start_with_context(work::NAME, SpanKind::Server, &TraceContext::default());
            fill(&mut root, strings(number), number);
            let context = root.context();
            for child in number + 1..end {
                let mut span = self.tracer.start_with_context(work::NAME, SpanKind::Server, &context);
                fill(&mut span, strings(child), child);
                span.end();
            }
            root.end();
            number = end;
        }
    }

    fn logs(&self, items: Range<u64>) {
        for number in items {
            self.logger
                .record(Severity::Info)
                .severity_text("INFO")
                .body(self.table.body(number))
                .attribute(work::METHOD, "GET")
                .attribute(work::USER, number)
                .attribute(work::HIT, true)
                .emit();
        }
    }

    /// A burst may lose, and then the report comes as an error.
    fn tolerate(&self, error: Error) -> Result<DeliveryReport, Failure> {
        match error.report() {
            Some(report) if self.order.mode == Mode::Burst => Ok(report.clone()),
            _ => Err(error.into()),
        }
    }
}

#[inline]
fn fill(span: &mut otlp::Span, [method, route, address, role]: Strings<'_>, number: u64) {
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
