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

use otlp::{Client, Logger, Severity, SpanKind, TraceContext, Tracer};
use otlp_peers::client::{self, fill};
use otlp_peers::contender::{Contender, Failure, run};
use otlp_peers::work::{self, Strings, Table};
use otlp_peers::{Order, Workload};
use std::ops::Range;
use std::process::ExitCode;

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

impl Contender for Ours {
    fn build(order: &Order) -> Result<Self, Failure> {
        let client = client::build(order)?;
        let tracer = client.tracer(work::SCOPE);
        let logger = client.logger(work::SCOPE);
        Ok(Self { order: order.clone(), table: Table::new(), client, tracer, logger })
    }

    fn make(&self, items: Range<u64>) {
        match self.order.workload {
            Workload::Fixed | Workload::Full => self.traces(items, work::fixed),
            Workload::Varied => self.traces(items, |number| self.table.strings(number)),
            Workload::Logs => self.logs(items),
        }
    }

    fn finish(self) -> Result<Option<u64>, Failure> {
        client::finish(&self.client, &self.order)
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
}
