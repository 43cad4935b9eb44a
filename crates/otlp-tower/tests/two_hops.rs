//! The example of two hops: three services, one trace.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "it/support.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod support;

use opentelemetry_proto::tonic::trace::v1::Span;
use otlp::SpanId;
use otlp_testkit::{Claim, Collector, Ledger};
use shop::Shop;
use std::collections::HashMap;
use support::{PATIENCE, assert_attributes, assert_failed, assert_not_failed, attributes, claim};

#[path = "../examples/two_hops/front.rs"]
mod front;
#[path = "../examples/two_hops/http_client.rs"]
mod http_client;
#[path = "../examples/two_hops/inventory.rs"]
mod inventory;
#[path = "../examples/two_hops/prices.rs"]
mod prices;
#[path = "../examples/two_hops/shop.rs"]
mod shop;

/// The spans that one request made, each with its service; the books of all clients must balance.
async fn trace_of(path: &str, expected: (u16, &str)) -> HashMap<String, Span> {
    let collector = Collector::builder().http().start().await.unwrap();
    let shop = Shop::open(&collector.http_endpoint()).await.unwrap();
    let (status, body) = shop.get(path).await.unwrap();
    assert_eq!((status, body.as_str()), expected);
    let mut total = Claim::default();
    for report in shop.close(PATIENCE).await.unwrap() {
        let one = claim(&report);
        total.accepted += one.accepted;
        total.delivered += one.delivered;
        assert_eq!(one.unaccounted(), 0);
    }
    let received = collector.received();
    let mut ledger = Ledger::new();
    received.span_ids().for_each(|id| ledger.offered(SpanId::from_slice(id).unwrap()));
    let balance = ledger.check(total, &received).unwrap();
    assert_eq!((balance.received, balance.duplicates), (total.accepted, 0));
    let named = |received: otlp_testkit::ReceivedSpan| {
        let kind = ["", "internal", "server", "client"][received.span.kind as usize];
        (format!("{} {kind} {}", received.service_name(), received.span.name), received.span)
    };
    received.spans().into_iter().map(named).collect()
}

/// The trace from the front to the prices, outermost first.
const COURSE: [&str; 5] = [
    "front server GET /orders/{id}",
    "front client GET",
    "inventory server GET /stock/{item}",
    "inventory client shop.Prices/Quote",
    "prices server shop.Prices/Quote",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hops_are_one_trace() {
    // conf: SPAN-01, SPAN-03, SPAN-09, PROP-05, PROP-13, PROP-14
    let spans = trace_of("/orders/17", (200, "item-17 costs 700 cents")).await;
    let mut names: Vec<&str> = spans.keys().map(String::as_str).collect();
    names.sort_unstable();
    let mut expected = COURSE.to_vec();
    expected.extend(["front internal find order", "front internal read from disk"]);
    expected.sort_unstable();
    assert_eq!(names, expected);

    let course = COURSE.map(|name| &spans[name]);
    assert!(course[0].parent_span_id.is_empty());
    for pair in course.windows(2) {
        assert_eq!(pair[1].parent_span_id, pair[0].span_id, "{} is under {}", pair[1].name, pair[0].name);
        assert_eq!(pair[1].trace_id, pair[0].trace_id);
        assert!(pair[1].start_time_unix_nano >= pair[0].start_time_unix_nano);
    }
    assert_eq!(spans["front internal find order"].parent_span_id, course[0].span_id);
    assert_eq!(
        spans["front internal read from disk"].parent_span_id,
        spans["front internal find order"].span_id
    );
    // Whether the parent is in another process.
    assert_eq!(course.map(|span| span.flags & 0x300), [0x100, 0x100, 0x300, 0x100, 0x300]);
    spans.values().for_each(assert_not_failed);

    let [front, to_inventory, inventory, to_prices, prices] = course;
    assert_eq!(attributes(front)["http.route"], "/orders/{id}");
    assert_eq!(attributes(front)["client.address"], "127.0.0.1");
    let address = attributes(to_inventory)["server.port"].clone();
    let url = format!("http://127.0.0.1:{address}/stock/item-17?currency=EUR&sig=REDACTED");
    assert_attributes(
        to_inventory,
        &[
            ("http.request.method", "GET"),
            ("http.response.status_code", "200"),
            ("network.protocol.version", "1.1"),
            ("server.address", "127.0.0.1"),
            ("server.port", &address),
            ("url.full", &url),
        ],
    );
    assert_attributes(
        inventory,
        &[
            ("http.request.method", "GET"),
            ("http.response.status_code", "200"),
            ("http.route", "/stock/{item}"),
            ("network.protocol.version", "1.1"),
            ("server.address", "127.0.0.1"),
            ("server.port", &address),
            ("url.path", "/stock/item-17"),
            ("url.query", "currency=EUR&sig=REDACTED"),
            ("url.scheme", "http"),
        ],
    );
    for span in [to_prices, prices] {
        let port = attributes(span)["server.port"].clone();
        assert_attributes(
            span,
            &[
                ("rpc.method", "shop.Prices/Quote"),
                ("rpc.status_code", "OK"),
                ("rpc.system.name", "grpc"),
                ("server.address", "127.0.0.1"),
                ("server.port", &port),
            ],
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_item_is_an_error_where_somebody_was_refused() {
    let spans = trace_of("/orders/0", (502, "")).await;
    let [front, to_inventory, inventory, to_prices, prices] = COURSE.map(|name| &spans[name]);
    assert_not_failed(prices);
    assert_eq!(attributes(prices)["rpc.status_code"], "NOT_FOUND");
    assert_failed(to_prices, "NOT_FOUND", "nobody sells item-0");
    assert_not_failed(inventory);
    assert_failed(to_inventory, "404", "");
    assert_failed(front, "502", "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_service_is_an_error_all_the_way_up() {
    let spans = trace_of("/orders/13", (502, "")).await;
    let [front, to_inventory, inventory, to_prices, prices] = COURSE.map(|name| &spans[name]);
    for span in [prices, to_prices] {
        assert_failed(span, "DATA_LOSS", "the price list is gone");
    }
    for span in [inventory, to_inventory] {
        assert_failed(span, "500", "");
    }
    assert_failed(front, "502", "");
}
