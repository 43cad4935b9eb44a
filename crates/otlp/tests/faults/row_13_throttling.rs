//! Row 13: a storm of 429 and 503, with `Retry-After` in every shape. What is asked is honoured up to a maximum, nonsense is
//! not, retries stay within their budget, and nothing is lost.

use crate::support::{PATIENCE, all_delivered, batch_soon, books, builder, retry_soon};
use otlp::{CircuitBreakerConfig, Client, Protocol, RetryBudgetConfig, RetryConfig};
use otlp_testkit::{Call, Collector, Reply, Script};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// When calls arrived.
#[derive(Clone, Default)]
struct Arrivals(Arc<Mutex<Vec<Instant>>>);

impl Arrivals {
    /// A script that writes down each arrival, and answers by its number, from 1.
    fn script(&self, answer: impl Fn(u64) -> Reply + Send + Sync + 'static) -> Script {
        let arrivals = self.clone();
        Script::from_fn(move |call: &Call| {
            arrivals.0.lock().unwrap().push(Instant::now());
            answer(call.number)
        })
    }

    fn all(&self) -> Vec<Instant> {
        self.0.lock().unwrap().clone()
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

#[tokio::test]
async fn an_order_to_one_signal_holds_for_all() {
    // conf: RETRY-08
    let arrivals = Arrivals::default();
    let refusal = Reply::http_status(429).retry_after(1);
    let script = arrivals.script(move |number| if number == 1 { refusal.clone() } else { Reply::ok() });
    let collector = http(script).await;
    let client = client(&collector, Duration::from_secs(60)).await;
    client.tracer("t").start("s").end();
    tokio::time::timeout(PATIENCE, async {
        while arrivals.all().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    // The answer to the first is on its way or there; two batch delays later it is there.
    let refused = Instant::now();
    client.tracer("t").start("another").end();
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.delivered(), report.lost().total()), (2, 0));
    assert!(refused.elapsed() >= Duration::from_millis(900), "{:?}", refused.elapsed());
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
