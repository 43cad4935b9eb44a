//! The traced work: one HTTP request that asks a cache, a database and a payment service, on several tasks and threads.

use otlp::{AnyValue, FutureExt, KeyValue, SpanKind, StatusCode, TraceContext, Tracer};
use std::error::Error;
use std::time::Duration;

/// `POST /checkout`, from the first byte to the answer.
pub(crate) async fn handle_request(tracer: &Tracer) -> Result<(), Box<dyn Error>> {
    let mut request = tracer
        .span("POST /checkout")
        .kind(SpanKind::Server)
        .attribute("http.request.method", "POST")
        .attribute("http.route", "/checkout")
        .attribute("network.peer.port", 51_234)
        .start();
    let context = request.context();

    // Explicit context, for whoever likes it.
    let cart = load_cart(tracer, &context).await;

    // Spawned tasks: the context travels with the future.
    let (stock, price) = (reserve_stock(tracer.clone()), compute_price(tracer.clone(), context.clone()));
    let stock = tokio::spawn(stock.with_context(context.clone()));
    let price = tokio::spawn(price.with_context(context.clone()));
    stock.await?;
    let total = price.await??;

    let paid = pay(tracer, &context, total).await;
    publish_order(tracer, &context, cart);

    request
        .set_attribute("cart.items", cart)
        .set_attribute("cart.total", total)
        .set_attribute("customer.returning", true)
        .set_attribute("http.response.status_code", if paid { 200 } else { 402 })
        .end();
    Ok(())
}

/// The cache misses, so the database is asked: nested spans.
async fn load_cart(tracer: &Tracer, parent: &TraceContext) -> usize {
    let mut load = tracer.start_with_context("load cart", SpanKind::Internal, parent);

    let mut cache = tracer.start_with_context("GET cart:c-17", SpanKind::Client, &load.context());
    cache.set_attribute("db.system.name", "redis").set_attribute("db.operation.name", "GET");
    work(2).await;
    cache.add_event("cache miss", &[("cache.key", "cart:c-17".into()), ("cache.ttl_s", 300.into())]).end();

    let mut query = tracer.start_with_context("SELECT cart_items", SpanKind::Client, &load.context());
    query
        .set_attribute("db.system.name", "postgresql")
        .set_attribute("db.query.text", "SELECT * FROM cart_items WHERE cart_id = $1")
        .set_attribute("db.response.returned_rows", 3u64)
        .set_attribute("db.plan.hash", AnyValue::Bytes(vec![0xde, 0xad, 0xbe, 0xef]));
    work(9).await;
    query.end();

    load.set_attribute("cart.skus", ["tea", "mug", "spoon"]);
    3
}

/// Parented by the context that is current while the task is polled.
async fn reserve_stock(tracer: Tracer) {
    let mut reserve = tracer.start("reserve stock");
    let mut update = tracer.start_with_context("UPDATE stock", SpanKind::Client, &reserve.context());
    update.set_attribute("db.system.name", "postgresql").set_attribute("db.response.returned_rows", 3);
    work(12).await;
    update.end();
    let warehouse = vec![KeyValue::new("id", 7), KeyValue::new("city", "Rotterdam")];
    reserve.set_attribute("stock.warehouse", AnyValue::Map(warehouse));
}

/// Part of the work runs on a plain thread.
async fn compute_price(tracer: Tracer, parent: TraceContext) -> Result<f64, tokio::task::JoinError> {
    let mut price = tracer.start_with_context("compute price", SpanKind::Internal, &parent);
    let context = price.context();
    let rules = tokio::task::spawn_blocking(move || {
        let _current = context.attach();
        let mut rules = tracer.start("evaluate discount rules");
        let best = (1..200_000u32).map(f64::from).map(f64::sqrt).sum::<f64>() % 10.0;
        rules.set_attribute("rules.evaluated", 199_999).set_attribute("rules.best_discount", best);
        best
    });
    let total = 42.5 - rules.await?;
    price.set_attribute("price.total", total);
    Ok(total)
}

/// The first card is declined: the one error of the trace. The second attempt links the first.
async fn pay(tracer: &Tracer, parent: &TraceContext, total: f64) -> bool {
    let mut declined = tracer.start_with_context("POST /v1/charges", SpanKind::Client, parent);
    declined.set_attribute("server.address", "payments.example").set_attribute("payment.amount", total);
    work(15).await;
    declined
        .set_attribute("http.response.status_code", 402)
        .record_error(&std::io::Error::other("card declined"))
        .set_status(StatusCode::Error, "card declined");
    let first = declined.context();
    declined.end();

    let mut accepted = tracer.start_with_context("POST /v1/charges", SpanKind::Client, parent);
    accepted
        .add_link(&first, &[("payment.retry", 1.into())])
        .set_attribute("server.address", "payments.example")
        .set_attribute("payment.amount", total);
    work(11).await;
    accepted.set_attribute("http.response.status_code", 200).set_status(StatusCode::Ok, "");
    true
}

/// Ends on a thread of its own.
fn publish_order(tracer: &Tracer, parent: &TraceContext, items: usize) {
    let mut publish = tracer.start_with_context("publish order", SpanKind::Producer, parent);
    publish.set_attribute("messaging.destination.name", "orders").set_attribute("order.items", items);
    let sender = std::thread::spawn(move || publish.end());
    // A sender that panicked has dropped the span, which ended it.
    let _ = sender.join();
}

/// Stands for time spent elsewhere.
async fn work(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
