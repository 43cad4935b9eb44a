//! A queue between two services: each message carries its producer's context, and a consumer of batches links to all of them.
//!
//! ```text
//! cargo run --release -p otlp --example queue_worker
//! ```
//!
//! Producer and worker have a client each, as though they were processes of their own, and only bytes of messages pass
//! between them. A batch has many producers and a span one parent, so the worker's span is the root of a trace and has a
//! link for each message; the names are those of OpenTelemetry's conventions for messaging. Fails unless everything arrived
//! as it should.

use otlp::{AnyValue, Client, KeyValue, Link, Protocol, SpanId, SpanKind, TraceContext};
use otlp_testkit::{Claim, Collector, Ledger, ReceivedSpan};
use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::time::Duration;
use tokio::sync::mpsc;

const QUEUE: &str = "orders";
const MESSAGES: usize = 10;
const BATCH: usize = 4;

/// What goes through the queue. A real one has headers for such things, too.
struct Message {
    id: usize,
    headers: HashMap<String, String>,
    body: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let collector = Collector::builder().grpc().start().await?;
    let (shop, warehouse) = (client("shop", &collector).await?, client("warehouse", &collector).await?);

    let (queue, messages) = mpsc::channel(MESSAGES);
    for id in 0..MESSAGES {
        queue.send(place_order(&shop, id)).await?;
    }
    drop(queue);
    work(&warehouse, messages).await;

    let mut claim = Claim::default();
    for client in [shop, warehouse] {
        let report = client.shutdown(Duration::from_secs(5)).await?;
        claim.accepted += report.accepted();
        claim.delivered += report.delivered();
    }
    // Every span was accepted, arrived, and nothing else did.
    let expected = (2 * MESSAGES + MESSAGES.div_ceil(BATCH)) as u64;
    let balance = Ledger::<SpanId>::new().check(claim, &collector.received())?;
    if (claim.accepted, balance.received) != (expected, expected) {
        return Err(format!("{expected} spans were made: {claim}").into());
    }
    check_links(&collector.received().spans())?;
    println!("{claim}");
    Ok(())
}

async fn client(name: &'static str, collector: &Collector) -> Result<Client, otlp::Error> {
    let builder = Client::builder().with_endpoint(collector.grpc_endpoint()).with_protocol(Protocol::Grpc);
    builder.with_service_name(name).build().await
}

/// The producer: one trace for each order. What is injected is the context of the span that sends.
fn place_order(shop: &Client, id: usize) -> Message {
    let tracer = shop.tracer("shop");
    tracer.in_span("place order", |_| {
        let send = tracer
            .span(format!("send {QUEUE}"))
            .kind(SpanKind::Producer)
            .attribute("messaging.system", "in_memory")
            .attribute("messaging.operation.name", "send")
            .attribute("messaging.operation.type", "send")
            .attribute("messaging.destination.name", QUEUE)
            .attribute("messaging.message.id", id.to_string())
            .start();
        let mut message = Message { id, headers: HashMap::new(), body: format!("order {id}") };
        shop.propagator().inject(&send.context(), &mut message.headers);
        message
    })
}

/// The consumer: one span for each batch, until the queue is closed.
async fn work(warehouse: &Client, mut messages: mpsc::Receiver<Message>) {
    let tracer = warehouse.tracer("warehouse");
    let mut batch = Vec::with_capacity(BATCH);
    while messages.recv_many(&mut batch, BATCH).await > 0 {
        let mut span = tracer
            .span(format!("process {QUEUE}"))
            .kind(SpanKind::Consumer)
            .root()
            .attribute("messaging.system", "in_memory")
            .attribute("messaging.operation.name", "process")
            .attribute("messaging.operation.type", "process")
            .attribute("messaging.destination.name", QUEUE)
            .attribute("messaging.batch.message_count", batch.len());
        for message in &batch {
            let producer = warehouse.propagator().extract(&TraceContext::default(), &message.headers);
            // A message of somebody who traces nothing has no context, and then there is nothing to link to.
            if producer.is_valid() {
                let id = KeyValue::new("messaging.message.id", message.id.to_string());
                let context = producer.span_context().clone();
                span = span.link(Link { context, attributes: vec![id], ..Link::default() });
            }
        }
        span.in_span(|span| {
            let bytes: usize = batch.drain(..).map(|message| message.body.len()).sum();
            span.set_attribute("warehouse.bytes", bytes);
        });
    }
}

/// Each sending span is linked to once, with its trace, its message's id and the sign that it is of another process.
fn check_links(spans: &[ReceivedSpan]) -> Result<(), Box<dyn Error>> {
    let (mut sent, mut linked) = (HashSet::new(), HashSet::new());
    for received in spans {
        let span = received.to_model()?;
        match span.kind {
            SpanKind::Producer => {
                let context = &span.context;
                sent.insert((context.trace_id(), context.span_id(), message_id(&span.attributes)));
            }
            SpanKind::Consumer => {
                println!("{}: {} links", span.name, span.links.len());
                if span.parent_span_id.is_valid() || !span.links.iter().all(|link| link.context.is_remote()) {
                    return Err("a batch has a parent, or a link that is not remote".into());
                }
                let of = |link: &Link| {
                    (link.context.trace_id(), link.context.span_id(), message_id(&link.attributes))
                };
                linked.extend(span.links.iter().map(of));
            }
            _ => {}
        }
    }
    match sent.len() == MESSAGES && sent == linked {
        true => Ok(()),
        false => Err(format!("sent: {sent:?}, linked: {linked:?}").into()),
    }
}

fn message_id(attributes: &[KeyValue]) -> Option<String> {
    let pair = attributes.iter().find(|pair| pair.key == "messaging.message.id")?;
    match &pair.value {
        AnyValue::String(id) => Some(id.to_string()),
        _ => None,
    }
}
