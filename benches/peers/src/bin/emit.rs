//! emit with emit_otlp, as their documentation sets them up.
//!
//! Spans: `SpanGuard::from_runtime` on the shared runtime, with the attributes as the span's own properties (cheaper than
//! those of the `#[emit::span]` macro, which go into the ambient context), completed inside its `Frame`; children are made while the root's frame
//! is active. Properties are taken by reference, so no string is copied before the span is complete. emit has no span events
//! but one: an `err` property becomes an `exception` event with one attribute, and an error status with the same text; that is what stands for
//! the event here. Log records: an event with the body as its template's text, level info and three properties.
//!
//! Settings: `emit::setup().emit_to(emit_otlp::new()…spawn()).init()`, the defaults (a queue of 10,000 events, requests of at most
//! 1 MiB, one at a time). gzip is on by default there, and switched off for runs without compression; there is no zstd.
//! Lossless: the channel's own metric of its length is read, and the producer sleeps, 1 ms at a time, while three quarters of the queue are
//! taken; it is read only when so much was made since that it could be. Burst: nothing of that; a queue that is full is emptied at once, which
//! emit counts. Unsampled: `emit_when` with a filter that says no, all calls as if sampled.
//! The end is `blocking_flush`; it must say that all was flushed.

use emit::metric::Source;
use emit::span::{SpanGuard, SpanKind};
use emit::{Empty, Event, Level, Template};
use emit_otlp::Otlp;
use otlp_peers::contender::{Contender, Failure, run};
use otlp_peers::work::{self, Strings, Table};
use otlp_peers::{Compression, Mode, Order, Transport, Workload};
use std::cell::Cell;
use std::ops::Range;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    run::<Emit>()
}

/// What the channel of a signal holds.
const QUEUE: u64 = 10_000;

struct Emit {
    order: Order,
    table: Table,
    otlp: &'static Otlp,
    flush: Box<dyn Fn() -> bool + Sync>,
}

impl Contender for Emit {
    fn build(order: &Order) -> Result<Self, Failure> {
        match (order.compression, order.workload, order.mode) {
            (Compression::Zstd, _, _) => return Err(Failure::cannot("emit has no zstd")),
            (_, Workload::Logs, Mode::Unsampled) => {
                return Err(Failure::cannot("log records are not sampled"));
            }
            _ => {}
        }
        let transport = |path: &str| {
            let transport = match order.transport {
                Transport::Grpc => emit_otlp::grpc(format!("http://{}", order.sink)),
                Transport::Http => emit_otlp::http(format!("http://{}{path}", order.sink)),
            };
            transport.allow_compression(order.compression == Compression::Gzip)
        };
        let builder = emit_otlp::new().resource(work::RESOURCE);
        let otlp = match order.workload {
            Workload::Logs => builder.logs(emit_otlp::logs_proto(transport("/v1/logs"))),
            _ => builder.traces(emit_otlp::traces_proto(transport("/v1/traces"))),
        };
        let setup = emit::setup().emit_to(otlp.spawn());
        let wait = Duration::from_secs(30);
        let (otlp, flush): (_, Box<dyn Fn() -> bool + Sync>) = if order.mode == Mode::Unsampled {
            let init = setup.emit_when(emit::filter::from_fn(|_| false)).init();
            (init.emitter(), Box::new(move || init.blocking_flush(wait)))
        } else {
            let init = setup.init();
            (init.emitter(), Box::new(move || init.blocking_flush(wait)))
        };
        Ok(Self { order: order.clone(), table: Table::new(), otlp, flush })
    }

    fn make(&self, items: Range<u64>) {
        let pace = ThreadPace::new(self);
        match self.order.workload {
            Workload::Fixed | Workload::Full => traces(items, &pace, work::fixed),
            Workload::Varied => traces(items, &pace, |number| self.table.strings(number)),
            Workload::Logs => self.logs(items, &pace),
        }
    }

    fn finish(self) -> Result<Option<u64>, Failure> {
        let flushed = (self.flush)();
        let [_, truncated, failed] = self.channel();
        if self.order.mode == Mode::Lossless && (!flushed || truncated + failed > 0) {
            return Err(Failure::new(format!(
                "flushed: {flushed}, queue emptied {truncated} times, {failed} batches failed"
            )));
        }
        Ok(Some(truncated * QUEUE))
    }
}

impl Emit {
    /// The channel's length, how often it was full and therefore emptied, and how many batches failed.
    fn channel(&self) -> [u64; 3] {
        let figures = [const { Cell::new(0) }; 3];
        self.otlp.metric_source().sample_metrics(emit::metric::sampler::from_fn(|metric| {
            let (Some(name), Some(value)) =
                (metric.name(), metric.value().and_then(|value| value.cast::<u64>()))
            else {
                return;
            };
            let words = ["queue_length", "queue_full_truncated", "queue_batch_failed"];
            if let Some(place) = words.iter().position(|word| name.get().ends_with(word)) {
                figures[place].set(value);
            }
        }));
        figures.map(|figure| figure.get())
    }

    #[expect(clippy::too_many_arguments, reason = "the macro makes a function of its properties")]
    fn logs(&self, items: Range<u64>, pace: &ThreadPace<'_>) {
        for number in items {
            emit::emit!(evt: Event::new(
                emit::path!("users"),
                Template::literal_ref(self.table.body(number)),
                Empty,
                emit::props! {
                    lvl: Level::Info,
                    #[emit::key("http.request.method")] method: "GET",
                    #[emit::key("user.id")] user: number,
                    #[emit::key("cache.hit")] hit: true,
                },
            ));
            pace.made(1);
        }
    }
}

#[inline]
fn traces<'s>(items: Range<u64>, pace: &ThreadPace<'_>, strings: impl Fn(u64) -> Strings<'s>) {
    let mut number = items.start;
    while number < items.end {
        let end = items.end.min(number + work::TRACE);
        span(strings(number), number, || {
            for child in number + 1..end {
                span(strings(child), child, || ());
            }
        });
        pace.made(end - number);
        number = end;
    }
}

#[expect(clippy::too_many_arguments, reason = "the macro makes a function of its properties")]
#[inline]
fn span([method, route, address, role]: Strings<'_>, number: u64, children: impl FnOnce()) {
    let properties = emit::props! {
        span_name: work::NAME,
        #[emit::as_value] span_kind: SpanKind::Server,
        #[emit::key("http.request.method")] method,
        #[emit::key("http.response.status_code")] status: 200,
        #[emit::key("http.route")] route,
        #[emit::key("server.address")] address,
        #[emit::key("user.id")] user: number,
        #[emit::key("server.port")] port: 8080,
        #[emit::key("cache.hit")] hit: true,
        #[emit::key("queue.share")] share: 0.25,
        err: role,
    };
    let (mut guard, frame) =
        SpanGuard::from_runtime(emit::runtime::shared(), Empty, emit::path!("users"), properties);
    frame.call(move || {
        guard.start();
        children();
        guard.complete();
    });
}

/// Holds one producing thread back, by the channel's own metric.
struct ThreadPace<'a> {
    emit: &'a Emit,
    /// How many this thread may make before it has to ask again.
    allowed: Cell<u64>,
}

impl<'a> ThreadPace<'a> {
    fn new(emit: &'a Emit) -> Self {
        let allowed = if emit.order.mode == Mode::Lossless { 0 } else { u64::MAX };
        Self { emit, allowed: Cell::new(allowed) }
    }

    #[inline]
    fn made(&self, items: u64) {
        match self.allowed.get().checked_sub(items) {
            Some(allowed) => self.allowed.set(allowed),
            None => self.wait(),
        }
    }

    /// Waits until there is room for some hundreds, and takes this thread's share of it.
    #[cold]
    fn wait(&self) {
        let threads = self.emit.order.threads.max(1);
        loop {
            let [length, ..] = self.emit.channel();
            let room = (QUEUE / 4 * 3).saturating_sub(length);
            if room >= 500 {
                return self.allowed.set(room / threads);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
