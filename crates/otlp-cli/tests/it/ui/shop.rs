//! The telemetry of a shop of five services, as OTLP/JSON lines: one checkout, others like it, logs and metrics.
//!
//! For what the quickstart does not make, and for pictures. Its times and ids are fixed, so that these are always the same.

use serde_json::{Value, json};

const START: u64 = 1_790_000_000_000_000_000;
const MICRO: u64 = 1_000;

/// The trace that is looked at.
pub(crate) const TRACE: &str = "5b8efff798038103d269b633813fc60c";

/// Requests of all signals, a line each.
pub(crate) fn telemetry() -> String {
    let mut lines: Vec<Value> = (1..=40).map(earlier).collect();
    lines.extend(checkout());
    lines.extend(logs());
    lines.push(metrics());
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A span of the checkout: service, own number and its parent's, name, kind, start and end in microseconds.
type Row = (&'static str, u8, u8, &'static str, u8, u64, u64, &'static [(&'static str, &'static str)]);

const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const PRODUCER: u8 = 4;
const CONSUMER: u8 = 5;
const INTERNAL: u8 = 1;

const SPANS: [Row; 22] = [
    (
        "gateway",
        1,
        0,
        "POST /checkout",
        SERVER,
        0,
        241_800,
        &[
            ("http.request.method", "POST"),
            ("http.route", "/checkout"),
            ("url.scheme", "https"),
            ("client.address", "203.0.113.24"),
            ("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0"),
            ("http.response.status_code", "200"),
        ],
    ),
    (
        "gateway",
        2,
        1,
        "verify session",
        INTERNAL,
        900,
        6_300,
        &[("session.id", "s-81c2"), ("session.renewed", "false")],
    ),
    (
        "gateway",
        3,
        2,
        "GET session:s-81c2",
        CLIENT,
        1_500,
        4_200,
        &[("db.system.name", "redis"), ("db.operation.name", "GET")],
    ),
    (
        "gateway",
        4,
        1,
        "POST checkout/orders",
        CLIENT,
        8_100,
        236_400,
        &[("server.address", "checkout"), ("http.response.status_code", "200")],
    ),
    (
        "checkout",
        5,
        4,
        "POST /orders",
        SERVER,
        10_200,
        234_900,
        &[("http.route", "/orders"), ("order.id", "o-20261"), ("cart.items", "3"), ("cart.total", "42.50")],
    ),
    (
        "checkout",
        6,
        5,
        "load cart",
        INTERNAL,
        11_000,
        38_900,
        &[("cart.id", "c-17"), ("cart.skus", "tea, mug, spoon")],
    ),
    ("checkout", 7, 6, "GET cart:c-17", CLIENT, 11_400, 13_900, &[("db.system.name", "redis")]),
    (
        "checkout",
        8,
        6,
        "SELECT cart_items",
        CLIENT,
        14_600,
        37_800,
        &[
            ("db.system.name", "postgresql"),
            ("db.namespace", "shop"),
            ("db.query.text", "SELECT sku, quantity, price FROM cart_items WHERE cart_id = $1"),
            ("db.response.returned_rows", "3"),
        ],
    ),
    (
        "checkout",
        9,
        5,
        "stock.Stock/Reserve",
        CLIENT,
        40_100,
        92_700,
        &[("rpc.system", "grpc"), ("rpc.service", "stock.Stock"), ("rpc.grpc.status_code", "0")],
    ),
    (
        "stock",
        10,
        9,
        "stock.Stock/Reserve",
        SERVER,
        42_800,
        90_600,
        &[("rpc.system", "grpc"), ("stock.warehouse", "Rotterdam")],
    ),
    (
        "stock",
        11,
        10,
        "UPDATE stock",
        CLIENT,
        44_000,
        71_300,
        &[("db.system.name", "postgresql"), ("db.response.returned_rows", "3")],
    ),
    ("stock", 12, 10, "plan picking", INTERNAL, 72_500, 89_400, &[("picking.route", "A7-A9-C2")]),
    (
        "checkout",
        13,
        5,
        "compute price",
        INTERNAL,
        41_000,
        66_200,
        &[("price.total", "42.50"), ("price.currency", "EUR")],
    ),
    (
        "checkout",
        14,
        13,
        "evaluate discount rules",
        INTERNAL,
        42_000,
        64_900,
        &[("rules.evaluated", "412"), ("rules.matched", "2")],
    ),
    (
        "checkout",
        15,
        5,
        "POST payments/v1/charges",
        CLIENT,
        95_200,
        148_600,
        &[("server.address", "payments"), ("http.response.status_code", "402")],
    ),
    (
        "payments",
        16,
        15,
        "POST /v1/charges",
        SERVER,
        97_600,
        146_100,
        &[
            ("http.route", "/v1/charges"),
            ("payment.method", "card"),
            ("payment.amount", "42.50"),
            ("payment.attempt", "1"),
        ],
    ),
    (
        "payments",
        17,
        16,
        "authorise card",
        CLIENT,
        99_800,
        143_900,
        &[("server.address", "acquirer.example"), ("acquirer.code", "51")],
    ),
    (
        "checkout",
        18,
        5,
        "POST payments/v1/charges",
        CLIENT,
        151_000,
        213_400,
        &[("server.address", "payments"), ("http.response.status_code", "200")],
    ),
    (
        "payments",
        19,
        18,
        "POST /v1/charges",
        SERVER,
        153_100,
        211_200,
        &[
            ("http.route", "/v1/charges"),
            ("payment.method", "wallet"),
            ("payment.amount", "42.50"),
            ("payment.attempt", "2"),
        ],
    ),
    (
        "payments",
        20,
        19,
        "authorise wallet",
        CLIENT,
        155_000,
        208_700,
        &[("server.address", "wallet.example")],
    ),
    (
        "checkout",
        21,
        5,
        "orders publish",
        PRODUCER,
        215_900,
        222_300,
        &[("messaging.system", "kafka"), ("messaging.destination.name", "orders")],
    ),
    (
        "mailer",
        22,
        21,
        "orders process",
        CONSUMER,
        224_000,
        262_500,
        &[
            ("messaging.system", "kafka"),
            ("messaging.message.id", "m-7781"),
            ("mail.template", "order-confirmed"),
        ],
    ),
];

fn checkout() -> Vec<Value> {
    SPANS.iter().map(|row| request(row.0, "resourceSpans", "scopeSpans", "spans", span(row))).collect()
}

fn span(&(_, number, parent, name, kind, start, end, attributes): &Row) -> Value {
    let mut span = json!({
        "traceId": TRACE, "spanId": id(number), "name": name, "kind": kind,
        "startTimeUnixNano": at(start), "endTimeUnixNano": at(end),
        "attributes": attributes.iter().map(|(key, value)| attribute(key, value)).collect::<Value>(),
    });
    if parent > 0 {
        span["parentSpanId"] = json!(id(parent));
    }
    match number {
        7 => {
            span["events"] = json!([{ "name": "cache miss", "timeUnixNano": at(13_500), "attributes": [attribute("cache.key", "cart:c-17")] }])
        }
        15 | 16 => span["status"] = json!({ "code": 2, "message": "402 Payment Required" }),
        17 => {
            span["status"] = json!({ "code": 2, "message": "card declined: insufficient funds" });
            span["events"] = json!([
                { "name": "retry", "timeUnixNano": at(121_000), "attributes": [attribute("retry.reason", "acquirer was busy"), attribute("retry.attempt", "2")] },
                { "name": "exception", "timeUnixNano": at(143_100), "attributes": [
                    attribute("exception.type", "payments::Declined"), attribute("exception.message", "insufficient funds (code 51)"),
                ] },
            ]);
        }
        18 => {
            span["links"] = json!([{ "traceId": TRACE, "spanId": id(15), "attributes": [attribute("payment.retry", "1")] }])
        }
        19 => span["status"] = json!({ "code": 1 }),
        _ => {}
    }
    span
}

/// Another trace, for the list.
fn earlier(number: u64) -> Value {
    let names = [
        "GET /products/{sku}",
        "POST /cart/items",
        "GET /search",
        "PUT /cart/items/{id}",
        "GET /orders/{id}",
    ];
    let name = names[(number % 5) as usize];
    let start = START - (41 - number) * 3_700_000_000 - number * number * 7_130_000;
    let took = (number * number * 1_103 % 97 + 4) * 1_000_000;
    let mut span = json!({
        "traceId": format!("{:032x}", 0xabc0_0000_u64 + number), "spanId": id(1), "name": name, "kind": SERVER,
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + took).to_string(),
        "attributes": [attribute("http.route", name), attribute("http.response.status_code", if number % 9 == 4 { "500" } else { "200" })],
    });
    if number % 9 == 4 {
        span["status"] = json!({ "code": 2, "message": "upstream reset" });
    }
    request("gateway", "resourceSpans", "scopeSpans", "spans", span)
}

fn logs() -> Vec<Value> {
    [
        ("gateway", 1, 9, 700, "request from 203.0.113.24 accepted"),
        ("checkout", 6, 5, 13_600, "cart c-17 is not in the cache, asking the database"),
        ("stock", 12, 9, 88_800, "3 items reserved in Rotterdam, route A7-A9-C2"),
        ("payments", 17, 13, 120_700, "acquirer.example answers 503, trying again"),
        ("payments", 17, 17, 143_300, "card declined: insufficient funds (code 51)"),
        ("checkout", 18, 13, 150_900, "paying with the wallet instead"),
        ("mailer", 22, 9, 261_400, "confirmation of o-20261 sent"),
    ]
    .into_iter()
    .map(|(service, span, severity, time, body)| {
        let record = json!({
            "traceId": TRACE, "spanId": id(span), "timeUnixNano": at(time), "severityNumber": severity,
            "body": { "stringValue": body }, "attributes": [attribute("order.id", "o-20261"), attribute("thread.name", "worker-3")],
        });
        request(service, "resourceLogs", "scopeLogs", "logRecords", record)
    })
    .collect()
}

fn metrics() -> Value {
    let minute = |minute: u64| (START + minute * 60_000_000_000).to_string();
    let wave = |minute: u64, base: f64, by: f64| base + by * ((minute as f64) / 4.0).sin();
    let gauge = |pool: &str, base: f64| -> Vec<Value> {
        (0..40).map(|at| json!({ "timeUnixNano": minute(at), "asDouble": wave(at, base, base / 3.0), "attributes": [attribute("pool", pool)] })).collect()
    };
    let counter = |route: &str, rate: u64| -> Vec<Value> {
        (0..40).map(|at| json!({ "timeUnixNano": minute(at), "startTimeUnixNano": minute(0), "asInt": (at * rate + at * at / 3).to_string(), "attributes": [attribute("http.route", route)] })).collect()
    };
    let counts: Vec<String> =
        [0, 4, 31, 118, 240, 176, 83, 35, 9, 2, 1].iter().map(ToString::to_string).collect();
    let pools = [gauge("primary", 12.0), gauge("replica", 7.0)].concat();
    let routes = [counter("/orders", 31), counter("/cart", 54), counter("/products", 88)].concat();
    json!({ "resourceMetrics": [{ "resource": resource("checkout"), "scopeMetrics": [{ "scope": { "name": "shop" }, "metrics": [
        { "name": "db.client.connections", "unit": "{connection}", "description": "Connections in use", "gauge": { "dataPoints": pools } },
        { "name": "http.server.requests", "unit": "{request}", "sum": { "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": routes } },
        { "name": "http.server.request.duration", "unit": "ms", "description": "Duration of requests", "histogram": { "aggregationTemporality": 2, "dataPoints": [{
            "timeUnixNano": minute(39), "startTimeUnixNano": minute(0), "count": "699", "sum": 34_512.0, "min": 1.9, "max": 1210.0,
            "explicitBounds": [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0], "bucketCounts": counts, "attributes": [attribute("http.route", "/orders")],
        }] } },
    ] }] }] })
}

fn request(service: &str, resources: &str, scopes: &str, items: &str, item: Value) -> Value {
    json!({ resources: [{ "resource": resource(service), scopes: [{ "scope": { "name": "shop", "version": "1.4.2" }, items: [item] }] }] })
}

fn resource(service: &str) -> Value {
    json!({ "attributes": [
        attribute("service.name", service), attribute("service.version", "1.4.2"), attribute("host.name", "node-3"), attribute("deployment.environment.name", "production"),
    ] })
}

/// Digits become a number, as an instrumentation would have them.
fn attribute(key: &str, value: &str) -> Value {
    let value = match (value.parse::<i64>(), value.parse::<f64>(), value.parse::<bool>()) {
        (Ok(int), ..) => json!({ "intValue": int.to_string() }),
        (_, Ok(double), _) => json!({ "doubleValue": double }),
        (.., Ok(truth)) => json!({ "boolValue": truth }),
        _ => json!({ "stringValue": value }),
    };
    json!({ "key": key, "value": value })
}

fn id(number: u8) -> String {
    format!("{:016x}", 0x0b10_c4de_0000_0000_u64 + u64::from(number))
}

fn at(micros: u64) -> String {
    (START + micros * MICRO).to_string()
}
