//! Row 13: a storm of 429 and 503, with `Retry-After` in every shape. What is asked is honoured up to a maximum, nonsense is
//! not, retries stay within their budget, and nothing is lost.

use crate::attempts::Attempts;
use crate::support::{PATIENCE, all_delivered, batch_soon, books, builder, retry_soon};
use otlp::{
    CircuitBreakerConfig, Client, ClientBuilder, InstrumentationScope, LogRecord, Protocol,
    RetryBudgetConfig, RetryConfig, Signal,
};
use otlp_testkit::{Call, Collector, Reply, Script};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// When calls arrived, and of which signal.
#[derive(Clone, Default)]
struct Arrivals(Arc<Mutex<Vec<(Signal, Instant)>>>);

impl Arrivals {
    /// A script that writes down each arrival, and answers by its number, from 1.
    fn script(&self, answer: impl Fn(u64) -> Reply + Send + Sync + 'static) -> Script {
        let arrivals = self.clone();
        Script::from_fn(move |call: &Call| {
            arrivals.0.lock().unwrap().push((call.signal, Instant::now()));
            answer(call.number)
        })
    }

    fn all(&self) -> Vec<Instant> {
        self.0.lock().unwrap().iter().map(|(_, at)| *at).collect()
    }

    fn of(&self, signal: Signal) -> Vec<Instant> {
        self.0.lock().unwrap().iter().filter(|(of, _)| *of == signal).map(|(_, at)| *at).collect()
    }

    /// The time between the first and the second.
    fn first_wait(&self) -> Duration {
        let all = self.all();
        all[1] - all[0]
    }
}

async fn http(script: Script) -> Collector {
    Collector::builder().http().reply(script).start().await.unwrap()
}

async fn client(collector: &Collector, max_server_delay: Duration) -> Client {
    builder(collector.http_endpoint())
        .with_protocol(Protocol::Http)
        .with_batch_config(batch_soon())
        .with_retry_config(retry_soon())
        .with_max_server_delay(max_server_delay)
        .build()
        .await
        .unwrap()
}

/// The wait between a refusal with this `Retry-After` and the next attempt.
async fn wait_after(status: u16, retry_after: impl ToString, max_server_delay: Duration) -> Duration {
    let arrivals = Arrivals::default();
    let refusal = Reply::http_status(status).retry_after(retry_after);
    let script = arrivals.script(move |number| if number == 1 { refusal.clone() } else { Reply::ok() });
    let collector = http(script).await;
    let client = client(&collector, max_server_delay).await;
    client.tracer("t").start("s").end();
    all_delivered(&client, &collector, 1).await;
    arrivals.first_wait()
}

#[tokio::test]
async fn an_order_in_seconds_or_as_a_date_is_honoured_by_every_retryable_status() {
    // conf: RETRY-06, RETRY-09, HTTP-14, DEC-06
    let day = Duration::from_secs(86_400);
    for status in [429, 502, 503, 504] {
        let wait = wait_after(status, 1, day).await;
        assert!(wait >= Duration::from_secs(1), "{status}: {wait:?}");
    }
    // A date has whole seconds: three ahead are more than two.
    let date = httpdate_in(Duration::from_secs(3));
    let wait = wait_after(503, &date, day).await;
    assert!(wait >= Duration::from_millis(1_500), "{date}: {wait:?}");
}

/// An HTTP date so far ahead.
fn httpdate_in(ahead: Duration) -> String {
    #[expect(clippy::disallowed_methods, reason = "a date in a header is the wall clock's")]
    let now = SystemTime::now();
    httpdate::fmt_http_date(now + ahead)
}

#[tokio::test]
async fn a_huge_order_is_obeyed_for_the_maximum_and_nonsense_not_at_all() {
    // conf: RETRY-09, RETRY-11, SURV-08, SURV-24
    let max = Duration::from_millis(300);
    for huge in ["99999999999999999999999", "86400", "Wed, 21 Oct 2065 07:28:00 GMT"] {
        let wait = wait_after(429, huge, max).await;
        assert!(wait >= max && wait < PATIENCE, "{huge}: {wait:?}");
    }
    // Were one of these obeyed, for as long as anything may, the test would not end.
    let day = Duration::from_secs(86_400);
    for nonsense in ["-5", "0", "soon", "1.5", "", "Wed, 21 Oct 1998 07:28:00 GMT", "3 seconds", "0x10"] {
        let wait = wait_after(503, nonsense, day).await;
        assert!(wait < PATIENCE, "{nonsense}: {wait:?}");
    }
}

/// A client, whose spans and log records go to one receiver, and which tries again at once if it may.
async fn two_signals(
    collector: &Collector,
    attempts: &Attempts,
    options: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Client {
    let builder = builder(collector.http_endpoint())
        .with_protocol(Protocol::Http)
        .with_batch_config(batch_soon())
        .with_retry_config(RetryConfig { max_interval: Duration::from_millis(2), ..retry_soon() })
        .with_attempt_layer(attempts.layer());
    options(builder).build().await.unwrap()
}

fn log(client: &Client) {
    client.export_logs(&InstrumentationScope::new("t"), [LogRecord::default()]).unwrap();
}

/// Lets a span fail so often, and says how long the receiver then saw nothing of a log record that is made at once.
async fn silence(
    failures: u64,
    refusal: Reply,
    options: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Duration {
    let (arrivals, attempts) = (Arrivals::default(), Attempts::default());
    let script =
        arrivals.script(move |number| if number <= failures { refusal.clone() } else { Reply::ok() });
    let collector = http(script).await;
    let client = two_signals(&collector, &attempts, options).await;
    client.tracer("t").start("s").end();
    attempts.fail(failures).await;
    log(&client);
    // Shutdown would wait for nothing.
    client.flush().await.unwrap();
    all_delivered(&client, &collector, 2).await;
    arrivals.of(Signal::Logs)[0] - arrivals.of(Signal::Traces)[failures as usize - 1]
}

#[tokio::test]
async fn an_order_to_one_signal_holds_for_all() {
    // conf: RETRY-08
    let refusal = Reply::http_status(429).retry_after(1);
    let silence = silence(1, refusal, |builder| builder).await;
    assert!(silence >= Duration::from_secs(1), "{silence:?}");
}

#[tokio::test]
async fn the_circuit_that_one_signal_has_opened_holds_all_back() {
    // conf: RETRY-08
    let interval = Duration::from_secs(2);
    let circuit =
        CircuitBreakerConfig { failure_threshold: 3, initial_interval: interval, max_interval: interval };
    let silence = silence(3, Reply::http_status(503), |builder| builder.with_circuit_breaker(circuit)).await;
    // It varies by half.
    assert!(silence >= interval / 2, "{silence:?}");
}

#[tokio::test]
async fn all_signals_take_their_retries_out_of_one_budget() {
    // conf: RETRY-08
    let (arrivals, attempts, started) = (Arrivals::default(), Attempts::default(), Instant::now());
    let collector = http(arrivals.script(|_| Reply::http_status(503))).await;
    let client = two_signals(&collector, &attempts, |builder| {
        builder
            .with_circuit_breaker(CircuitBreakerConfig { failure_threshold: 0, ..Default::default() })
            .with_retry_budget(RetryBudgetConfig { ratio: 0.0, min_per_second: 1.0 })
    })
    .await;
    client.tracer("t").start("s").end();
    log(&client);
    // Two first attempts and the ten retries that are saved up; the next has to be earned. Two budgets would have twenty.
    attempts.fail(2 + 10 + 1).await;
    let earned = arrivals.all()[2 + 10] - started;
    assert!(earned >= Duration::from_secs(1), "{earned:?}");
    assert!(!arrivals.of(Signal::Logs).is_empty() && !arrivals.of(Signal::Traces).is_empty());
    collector.set_script(Reply::ok());
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.delivered(), report.lost().total()), (2, 0), "{report}");
}

#[tokio::test]
async fn a_receiver_that_refuses_everything_gets_a_fifth_more_than_the_first_attempts_and_the_floor() {
    // conf: RETRY-12, RETRY-20, SURV-04
    let collector = Collector::builder().grpc().reply(Reply::unavailable()).start().await.unwrap();
    let (ratio, min_per_second) = (0.2, 5.0);
    let client = builder(collector.grpc_endpoint())
        .with_batch_config(batch_soon())
        // Without back-off to speak of and without a circuit: only the budget is left to prevent a storm.
        .with_retry_config(RetryConfig { max_interval: Duration::from_millis(2), ..retry_soon() })
        .with_circuit_breaker(CircuitBreakerConfig {
            failure_threshold: 0,
            ..CircuitBreakerConfig::default()
        })
        .with_retry_budget(RetryBudgetConfig { ratio, min_per_second })
        .with_max_in_flight(64)
        .build()
        .await
        .unwrap();
    let (tracer, started) = (client.tracer("t"), Instant::now());
    for _ in 0..200 {
        tracer.start("s").end();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let attempts = collector.tally().calls() as f64;
    let seconds = started.elapsed().as_secs_f64();
    // Each batch in flight had one first attempt, and there were never more than 64.
    let most = 64.0 * (1.0 + ratio) + min_per_second * (seconds + 10.0);
    assert!(attempts <= most, "{attempts} attempts in {seconds} s, {most} allowed");
    collector.set_script(Reply::ok());
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.delivered(), report.lost().total()), (200, 0), "{report}");
}

#[tokio::test]
async fn a_storm_passes_without_a_loss() {
    // conf: RETRY-01, RETRY-08, SURV-04
    let storm = Script::from_fn(|call| match call.number {
        number @ 1..=60 => match number % 4 {
            0 => Reply::http_status(429),
            1 => Reply::http_status(503).retry_after(0),
            2 => Reply::unavailable().retry_after("never"),
            _ => Reply::ok(),
        },
        _ => Reply::ok(),
    });
    let collector = http(storm).await;
    let client = builder(collector.http_endpoint())
        .with_protocol(Protocol::Http)
        .with_batch_config(otlp::BatchConfig { max_batch_size: 10, ..batch_soon() })
        .with_retry_config(retry_soon())
        .with_retry_budget(RetryBudgetConfig { ratio: 1.0, min_per_second: 100.0 })
        .build()
        .await
        .unwrap();
    let tracer = client.tracer("t");
    (0..1_000).for_each(|_| tracer.start("s").end());
    all_delivered(&client, &collector, 1_000).await;
}
