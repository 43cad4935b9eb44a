//! The circuit breaker in the whole client: what a receiver that is down gets to see of it, and what becomes of the data.

use crate::support::{PATIENCE, all_delivered, batch_soon, books, builder, retry_soon};
use otlp::{
    BatchConfig, BoxError, BoxExportService, CircuitBreakerConfig, Client, ExportRequest, ExportResponse,
};
use otlp_testkit::{Collector, Reply, Script};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::layer::layer_fn;
use tower::{Layer, ServiceExt};

/// What happened to an attempt. Beginnings and ends are numbered together, in their order.
#[derive(Debug, Clone, Default)]
struct Attempt {
    began: usize,
    ended: usize,
    failed: bool,
}

#[derive(Clone, Default)]
struct Attempts(Arc<Mutex<Log>>);

#[derive(Default)]
struct Log {
    events: usize,
    attempts: Vec<Attempt>,
}

impl Log {
    fn event(&mut self) -> usize {
        self.events += 1;
        self.events
    }
}

impl Attempts {
    fn layer(&self) -> impl Layer<BoxExportService, Service = BoxExportService> + Send + Sync + 'static {
        let log = Arc::clone(&self.0);
        layer_fn(move |inner: BoxExportService| {
            let log = Arc::clone(&log);
            BoxExportService::new(tower::service_fn(move |request: ExportRequest| {
                let number = {
                    let mut log = log.lock().unwrap();
                    let began = log.event();
                    log.attempts.push(Attempt { began, ..Attempt::default() });
                    log.attempts.len() - 1
                };
                let (inner, log) = (inner.clone(), Arc::clone(&log));
                async move {
                    let answer: Result<ExportResponse, BoxError> = inner.oneshot(request).await;
                    let mut log = log.lock().unwrap();
                    log.attempts[number].ended = log.event();
                    log.attempts[number].failed = answer.is_err();
                    answer
                }
            }))
        })
    }

    fn all(&self) -> Vec<Attempt> {
        self.0.lock().unwrap().attempts.clone()
    }
}

async fn client(collector: &Collector, attempts: &Attempts) -> Client {
    builder(collector.grpc_endpoint())
        .with_batch_config(BatchConfig { max_batch_size: 10, ..batch_soon() })
        .with_retry_config(retry_soon())
        .with_circuit_breaker(CircuitBreakerConfig {
            failure_threshold: 5,
            initial_interval: Duration::from_millis(10),
            max_interval: Duration::from_millis(50),
        })
        .with_attempt_layer(attempts.layer())
        .build()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_receiver_that_is_down_gets_one_request_at_a_time_and_all_of_them_once_it_is_back() {
    // conf: RETRY-01, RETRY-08, SURV-04
    let outage = Script::new().first(30, Reply::unavailable()).then(Reply::ok());
    let collector = Collector::builder().grpc().reply(outage).start().await.unwrap();
    let attempts = Attempts::default();
    let client = client(&collector, &attempts).await;
    let tracer = client.tracer("t");
    (0..1_000).for_each(|_| tracer.start("s").end());
    // Shutdown would wait for no circuit.
    books(Ok(client.flush_within(PATIENCE).await.unwrap()));
    all_delivered(&client, &collector, 1_000).await;

    let attempts = attempts.all();
    assert_eq!(attempts.iter().filter(|attempt| attempt.failed).count(), 30);
    // Eight may be under way when the fifth failure opens the circuit; after that, nothing but probes.
    let probes: Vec<_> = attempts.iter().skip(5 + 8).take_while(|attempt| attempt.failed).collect();
    assert!(probes.len() >= 30 - 5 - 8 - 1, "{attempts:?}");
    assert!(probes.windows(2).all(|pair| pair[0].ended < pair[1].began), "never two at once: {attempts:?}");
}

#[tokio::test]
async fn while_the_circuit_is_open_data_stays_in_the_queue_and_shutdown_is_not_held_up() {
    // conf: RETRY-13, SURV-23
    let collector = Collector::builder().grpc().reply(Reply::unavailable()).start().await.unwrap();
    let attempts = Attempts::default();
    let client = builder(collector.grpc_endpoint())
        .with_batch_config(BatchConfig { max_batch_size: 10, ..batch_soon() })
        .with_retry_config(retry_soon())
        // Once it is open, it stays so for longer than this test takes.
        .with_circuit_breaker(CircuitBreakerConfig {
            failure_threshold: 5,
            initial_interval: Duration::from_secs(3_600),
            max_interval: Duration::from_secs(3_600),
        })
        .with_attempt_layer(attempts.layer())
        .build()
        .await
        .unwrap();
    let tracer = client.tracer("t");
    (0..1_000).for_each(|_| tracer.start("s").end());
    collector.wait_for_calls(5, PATIENCE).await.unwrap();
    let stats = client.stats(otlp::Signal::Traces);
    assert_eq!((stats.pending(), stats.dropped.total()), (1_000, 0), "{stats:?}");
    assert!(stats.queued >= 1_000 - 80, "eight batches at most were taken: {stats:?}");

    // The receiver is back, and nobody has noticed yet: shutdown waits for no circuit.
    collector.set_script(Reply::ok());
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.delivered(), report.lost().total()), (1_000, 0), "{report}");
}
