//! `otlp serve --ui` in a real browser: what was sent is seen, found and walked through, and the page does nothing else.

mod browser;
mod shop;

// The quickstart's own trace: what its page promises is what is looked at.
#[path = "../../../otlp/examples/quickstart/checkout.rs"]
mod checkout;

use crate::serving::Serving;
use crate::support::run_with;
use browser::Browser;
use otlp::{Client, Protocol};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const HOSTILE: &str = "<img src=x onerror=document.title='owned'>";

fn page() -> (Serving, String) {
    let serving = Serving::start(&["--quiet", "--ui", "0"]);
    let origin = format!("http://{}", serving.ui.clone().unwrap());
    (serving, origin)
}

fn send(serving: &Serving, lines: &str) {
    let endpoint = format!("http://{}", serving.grpc);
    let said = run_with(&["send", "-", "--endpoint", &endpoint, "-p", "grpc"], lines.as_bytes());
    assert_eq!(said.code, Some(0), "{said:?}");
}

/// What the quickstart sends, and a span and a log record whose every text is markup.
fn send_quickstart(serving: &Serving) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::builder()
            .with_endpoint(format!("http://{}", serving.grpc))
            .with_protocol(Protocol::Grpc)
            .with_service_name("checkout")
            .build()
            .await
            .unwrap();
        checkout::handle_request(&client.tracer("checkout")).await.unwrap();
        let mut span = client.tracer(HOSTILE).start(HOSTILE);
        span.set_attribute(HOSTILE, HOSTILE).add_event(HOSTILE, &[(HOSTILE, HOSTILE.into())]);
        span.end();
        client.shutdown(Duration::from_secs(30)).await.unwrap();
    });
}

/// The text of what a selector finds first.
fn text(selector: &str) -> String {
    format!("(document.querySelector({selector:?})?.innerText ?? '')")
}

/// The row of a list that has a text.
fn row(list: &str, text: &str) -> String {
    format!(
        "[...document.querySelectorAll('.rows.{list} .row')].find((row) => row.innerText.includes({text:?}))"
    )
}

#[test]
fn the_quickstarts_trace_is_seen_in_a_browser() {
    let (serving, origin) = page();
    let Some(mut browser) = Browser::open(&origin) else { return };
    browser.until(&format!("{}.includes('No traces yet')", text(".empty")));

    // What arrives appears by itself.
    send_quickstart(&serving);
    browser.until(&format!("{} !== undefined", row("traces", "POST /checkout")));
    browser.until(&format!("{} !== undefined", row("traces", HOSTILE)));
    browser.until(&format!("{}.includes('12 spans')", text("#received")));

    // A click opens the waterfall.
    browser.click(&row("traces", "POST /checkout"));
    browser.until("document.querySelectorAll('.rows.spans .row').length === 11");
    let first = browser.eval("document.querySelector('.rows.spans .row .text').textContent");
    assert_eq!(first, "POST /checkout");
    let bars = browser
        .eval("[...document.querySelectorAll('.bar')].every((bar) => bar.getBoundingClientRect().width > 2)");
    assert_eq!(bars, true);
    assert_eq!(browser.eval("document.querySelectorAll('.rows.spans [aria-level=\"1\"]').length"), 1);

    // Another shows the attributes and the event of a span.
    browser.click(&row("spans", "GET cart:c-17"));
    for part in ["db.system.name", "redis", "cache miss", "cache.ttl_s", "300", "service.name"] {
        browser.until(&format!("{}.includes({part:?})", text(".details")));
    }
    browser.click(&row("spans", "reserve stock"));
    browser.until(&format!(r#"{}.includes('{{"id":7,"city":"Rotterdam"}}')"#, text(".details")));

    // A link leads to the span it names.
    browser.click("[...document.querySelectorAll('.rows.spans .row')].filter((row) => row.innerText.includes('/v1/charges'))[1]");
    browser.until(&format!("{}.includes('payment.retry')", text(".details")));
    browser.click("document.querySelector('.details .events a')");
    browser.until(&format!("{}.includes('card declined')", text(".details .message")));

    // What telemetry says is text, whatever it looks like.
    browser.press("Escape");
    browser.until(&format!("{} !== undefined", row("traces", HOSTILE)));
    browser.click(&row("traces", HOSTILE));
    browser.until(&format!("{}.split({HOSTILE:?}).length === 8", text(".details")));
    assert_eq!(browser.eval("document.querySelectorAll('main img').length"), 0);
    browser.blameless();
}

#[test]
fn everything_is_reached_by_keys_and_found_by_words() {
    let (serving, origin) = page();
    send(&serving, &shop::telemetry());
    let Some(mut browser) = Browser::open(&origin) else { return };
    browser.until("document.querySelectorAll('.rows.traces .row').length > 10");

    // The search narrows the list, and the address keeps it.
    browser.press("/");
    browser.write("insufficient funds");
    browser.until("document.querySelectorAll('.rows.traces .row').length === 1");
    browser.press("Enter");
    browser.press("j");
    browser.press("Enter");
    browser.until("document.querySelectorAll('.rows.spans .row').length === 22");
    browser.until("document.querySelectorAll('.rows.records .row').length === 7");

    // Down and up, fold and unfold.
    browser.press("j");
    browser.press("ArrowDown");
    browser.until(&format!("{}.includes('GET session:s-81c2')", text(".details h2")));
    browser.press("ArrowLeft");
    browser.press("ArrowLeft");
    browser.until("document.querySelectorAll('.rows.spans .row').length === 21");
    browser.press("ArrowRight");
    browser.until("document.querySelectorAll('.rows.spans .row').length === 22");

    // In a trace the search marks, and goes from match to match.
    browser.press("/");
    browser.write("acquirer.code=51");
    browser.until(&format!("{}.includes('authorise card')", text(".details h2")));
    assert_eq!(browser.eval("document.querySelectorAll('.span-row.dim').length"), 21);
    for part in ["insufficient funds", "payments::Declined", "answers 503, trying again"] {
        browser.until(&format!("{}.includes({part:?})", text(".details")));
    }

    // Esc leaves the search box, clears it, and goes back to the list as it was.
    browser.press("Escape");
    browser.press("Escape");
    browser.until("location.hash === '#/traces?search=insufficient%20funds'");
    browser.until("document.querySelectorAll('.rows.traces .row').length === 1");
    browser.press("Escape");
    browser.until("document.querySelectorAll('.rows.traces .row').length > 10");

    // Logs, the whole of one, and its trace at its span.
    browser.press("2");
    browser.until("document.querySelectorAll('.rows.logs .row').length === 7");
    browser.press("/");
    browser.write("declined");
    browser.until("document.querySelectorAll('.rows.logs .row').length === 1");
    browser.press("Enter");
    browser.press("j");
    browser.until(&format!("{}.includes('thread.name')", text(".details")));
    browser.press("Enter");
    browser.until(&format!("location.hash.startsWith('#/trace/{}')", shop::TRACE));
    browser.until(&format!("{}.includes('authorise card')", text(".details h2")));
    browser.press("Escape");
    browser.until("location.hash === '#/logs?search=declined'");

    // Metrics: a plot each, lines or bars.
    browser.press("3");
    browser.until("document.querySelectorAll('.card').length === 3");
    assert_eq!(browser.eval("document.querySelectorAll('.card polyline').length"), 5);
    assert_eq!(browser.eval("document.querySelectorAll('.card rect').length"), 10);
    browser.press("j");
    browser.press("Enter");
    browser.until("document.activeElement.matches('.card.wide')");

    // The help, over everything.
    browser.press("?");
    browser.until("document.querySelector('#help').open");
    browser.press("Escape");
    browser.until("!document.querySelector('#help').open");
    browser.blameless();
}

#[test]
fn an_address_of_no_trace_says_so_and_the_page_goes_on() {
    let (serving, origin) = page();
    let Some(mut browser) = Browser::open(&origin) else { return };
    let unknown = format!("{:032x}", 7);
    for (id, heading) in [
        ("4bf92f3577b34da6", "This is no trace id: one has 32 hexadecimal digits"),
        ("4bf92f3577b34da6a3ce929d0e0e473g", "This is no trace id"),
        ("%2e%2e", "This is no trace id"),
        // Others may say that their spans have this one.
        (&*"0".repeat(32), "Nothing of this trace has arrived"),
        (&*unknown, "Nothing of this trace has arrived"),
    ] {
        let url = format!("{origin}/#/trace/{id}");
        browser.call("Page.navigate", serde_json::json!({ "url": url }));
        browser.until(&format!("{}.startsWith({heading:?})", text("main h1")));
        browser.until(&format!("{} === 'Live'", text("#live-text")));
        // Keys do what they can.
        browser.press("z");
        browser.press("j");
    }
    // Its log records may have come alone.
    let record = format!(r#"{{"traceId":"{unknown}","body":{{"stringValue":"alone"}}}}"#);
    send(&serving, &format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}"#));
    browser.until(&format!("{} === 'No span of this trace has arrived'", text("main h1")));
    browser.until("document.querySelectorAll('.rows.records .row').length === 1");
    browser.press("Escape");
    browser.until(&format!("{}.includes('No traces yet')", text(".empty")));
    // Nor is a name that every object of JavaScript has one of a list.
    browser.eval(
        "new Promise((done) => {
            addEventListener('hashchange', () => done(0), { once: true });
            location.hash = '#/constructor';
        })",
    );
    browser.until(&format!("{}.includes('No traces yet')", text(".empty")));
    browser.blameless();
}

#[test]
fn a_server_that_answers_with_an_error_is_not_said_to_be_gone() {
    let (_serving, origin) = page();
    let Some(mut browser) = Browser::open(&origin) else { return };
    browser.until(&format!("{} === 'Live'", text("#live-text")));
    browser.eval("void (window.fetch = async () => new Response('', { status: 500 }))");
    browser.until(&format!("{} === 'Server error'", text("#live-text")));
    browser.eval("void (window.fetch = async () => { throw new TypeError('gone'); })");
    browser.until(&format!("{} === 'No server'", text("#live-text")));
}

#[test]
fn dark_narrow_and_thousands_of_rows_are_coped_with() {
    let (serving, origin) = page();
    send(&serving, &many());
    let Some(mut browser) = Browser::open(&origin) else { return };
    browser.until(&format!(
        "{}.includes('3,001 traces') || {}.includes('3\u{202f}001 traces')",
        text(".summary"),
        text(".summary")
    ));
    assert!(browser.eval("document.querySelectorAll('.row').length").as_u64().unwrap() < 100);
    browser.press("End");
    browser.until(&format!("{} !== undefined", row("traces", "number 0")));

    browser.call("Page.navigate", serde_json::json!({ "url": format!("{origin}/#/trace/{:032x}", DEEP) }));
    browser.until("document.querySelectorAll('.rows.spans .row').length > 0");
    assert!(browser.eval("document.querySelectorAll('.row').length").as_u64().unwrap() < 100);
    browser.press("End");
    browser.until("document.activeElement.getAttribute('aria-activedescendant') === 'spans-4999'");

    // Two rows of letters on a background: light on dark, and dark on light.
    let brightness = "(() => { const of = (colour) => colour.match(/\\d+/g).slice(0, 3).reduce((sum, it) => sum + Number(it), 0); \
        const style = getComputedStyle(document.body); return of(style.color) - of(style.backgroundColor); })()";
    browser.scheme("light");
    assert!(browser.eval(brightness).as_i64().unwrap() < -300);
    browser.scheme("dark");
    assert!(browser.eval(brightness).as_i64().unwrap() > 300);

    browser.size(360, 640);
    browser.until("document.documentElement.scrollWidth <= 360");
    browser.blameless();
}

/// The trace of 5000 spans.
const DEEP: u128 = 1 << 64;

/// 3000 traces of a span, and one of 5000 that are each other's parents.
fn many() -> String {
    let span = |trace: u128, id: u64, parent: u64, name: String| {
        let (start, parent) = (
            1_700_000_000_000_000_000 + id * 1000,
            if parent == 0 { String::new() } else { format!("{parent:016x}") },
        );
        format!(
            r#"{{"traceId":"{trace:032x}","spanId":"{id:016x}","parentSpanId":"{parent}","name":"{name}","startTimeUnixNano":"{start}","endTimeUnixNano":"{}"}}"#,
            start + 900
        )
    };
    let mut spans: Vec<String> =
        (0..3000).map(|it| span(u128::from(it) + 1, it + 1, 0, format!("number {it}"))).collect();
    spans.extend(
        (0..5000)
            .map(|it| span(DEEP, it + 10_000, if it == 0 { 0 } else { it + 9_999 }, format!("deep {it}"))),
    );
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(",")) + "\n"
}

#[test]
fn a_span_that_comes_as_another_goes_is_shown() {
    let serving = Serving::start(&["--quiet", "--ui", "0", "--keep", "2"]);
    let origin = format!("http://{}", serving.ui.clone().unwrap());
    let Some(mut browser) = Browser::open(&origin) else { return };
    send(&serving, &of_trace(&[(1, 0)]));
    send(&serving, &of_trace(&[(2, 0)]));
    browser.call("Page.navigate", serde_json::json!({ "url": format!("{origin}/#/trace/{DEEP:032x}") }));
    browser.until(&format!("{} !== undefined", row("spans", "number 1")));
    send(&serving, &of_trace(&[(3, 0)]));
    browser.until(&format!("{} !== undefined", row("spans", "number 3")));
    assert_eq!(browser.eval("document.querySelectorAll('.rows.spans .row').length"), 2);
    browser.blameless();
}

#[test]
fn a_parent_is_missing_only_if_it_has_not_arrived() {
    let (serving, origin) = page();
    send(&serving, &of_trace(&[(1, 1), (2, 3), (3, 2), (4, 5)]));
    let Some(mut browser) = Browser::open(&origin) else { return };
    browser.call("Page.navigate", serde_json::json!({ "url": format!("{origin}/#/trace/{DEEP:032x}") }));
    for (number, is_missing) in [(1, false), (2, false), (3, false), (4, true)] {
        let name = format!("number {number}");
        browser.until(&format!("{} !== undefined", row("spans", &name)));
        browser.click(&row("spans", &name));
        browser.until(&format!("{} === {name:?}", text(".details h2")));
        let told = browser.eval(&format!("{}.includes('has not arrived')", text(".details")));
        assert_eq!(told, is_missing, "{name}");
    }
    browser.blameless();
}

/// One request with spans of one trace, by their number and that of their parent.
fn of_trace(spans: &[(u64, u64)]) -> String {
    let span = |(id, parent): &(u64, u64)| {
        let parent = if *parent == 0 { String::new() } else { format!("{parent:016x}") };
        format!(
            r#"{{"traceId":"{DEEP:032x}","spanId":"{id:016x}","parentSpanId":"{parent}","name":"number {id}","startTimeUnixNano":"{id}"}}"#
        )
    };
    let spans: Vec<String> = spans.iter().map(span).collect();
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(",")) + "\n"
}

#[test]
fn the_farthest_numbers_and_the_longest_lists_are_shown() {
    let (serving, origin) = page();
    let point = |time: u64, value: f64| format!(r#"{{"timeUnixNano":"{time}","asDouble":{value:e}}}"#);
    let points = [point(1, f64::MAX), point(2, -f64::MAX), point(3, 0.0)].join(",");
    let tiny = [point(1, 0.0), point(2, 5e-324)].join(",");
    let metric =
        |name: &str, points: &str| format!(r#"{{"name":"{name}","gauge":{{"dataPoints":[{points}]}}}}"#);
    let metrics = [metric("far", &points), metric("near", &tiny)].join(",");
    send(&serving, &format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{metrics}]}}]}}]}}"#));
    let Some(mut browser) = Browser::open(&origin) else { return };
    browser.until(&format!("{}.includes('5 data points')", text("#received")));
    browser.press("3");
    browser.until("document.querySelectorAll('.card polyline').length === 2");
    let drawn = "[...document.querySelectorAll('.card polyline')].map((line) => line.getAttribute('points'))";
    assert_eq!(
        browser.eval(drawn),
        serde_json::json!(["4.0,7.0 160.0,95.0 316.0,51.0", "4.0,95.0 316.0,7.0"])
    );

    // More than a call can have arguments. Not on the page: it would take long to lay out, and nothing else would be shown.
    let shown = browser.eval(
        "(async () => {
            const { spanDetails } = await import('/details.js');
            const { barPlot } = await import('/plot.js');
            const many = (one) => Array.from({ length: 150000 }, () => one);
            const event = { name: '', time: '0', attributes: [], dropped: 0 };
            const link = { trace: 'a', span: 'b', attributes: [], dropped: 0 };
            const from = { service: 's', scope: { name: '', version: '' }, attributes: [] };
            const span = { name: '', from, kind: '', status: { code: 'unset', message: '' }, nanos: 0, begin: 0, start: '0', id: 'c',
                parent: '', attributes: many({ key: 'k', type: 'string', value: 'v' }), events: many(event), links: many(link),
                dropped: { attributes: 0, events: 0, links: 0 } };
            const parts = spanDetails(span, { id: 't', start: '0', spans: [span], logs: [] });
            const all = document.createDocumentFragment();
            for (const part of [...parts, barPlot({ buckets: many([0, 1, 1]), quantiles: [] }, '')]) all.append(part);
            return ['li', 'th', 'rect'].map((name) => all.querySelectorAll(name).length);
        })()",
    );
    assert_eq!(shown, serde_json::json!([300000, 150000, 150000]));
    browser.blameless();
}

#[test]
fn who_asks_by_another_name_is_refused() {
    let (_serving, origin) = page();
    let address = origin.strip_prefix("http://").unwrap();
    let asked = |host: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET /api/traces HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let ours = asked(address);
    assert!(ours.starts_with("HTTP/1.1 200 "), "{ours}");
    assert!(ours.contains("content-security-policy: default-src 'self'"), "{ours}");
    assert!(!ours.to_ascii_lowercase().contains("access-control"), "{ours}");
    assert!(asked("rebound.example").starts_with("HTTP/1.1 403 "));
}
