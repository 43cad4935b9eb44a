//! What retries may cost a destination, on paused time: the budget, the circuit, and the pause that all share.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp_model::{DropReason, ExportRequest, ExportResponse, Signal, Undelivered};
use otlp_transport::{
    AdaptiveConcurrencyLayer, BoxError, CircuitBreaker, ExportFuture, HttpError, Retry, RetryBudget,
    RetryLayer, RetryPolicy, Shutdown, shutdown,
};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

/// A destination that answers by the clock, a millisecond after it was asked, and writes down when it was.
#[derive(Debug, Clone)]
struct Server {
    started: Instant,
    attempts: Arc<Mutex<Vec<Duration>>>,
    status: fn(Duration) -> u16,
}

impl Server {
    fn new(status: fn(Duration) -> u16) -> Self {
        Self { started: Instant::now(), attempts: Arc::default(), status }
    }

    /// The times of the attempts since the server was made.
    fn attempts(&self) -> Vec<Duration> {
        self.attempts.lock().unwrap().clone()
    }
}

impl Service<ExportRequest> for Server {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: ExportRequest) -> ExportFuture {
        let asked = self.started.elapsed();
        self.attempts.lock().unwrap().push(asked);
        let status = (self.status)(asked);
        ExportFuture::new(async move {
            tokio::time::sleep(MILLI).await;
            match status {
                200 => Ok(ExportResponse::success()),
                429 => Err(HttpError::new(429).with_retry_after(Some(10 * SECOND)).into()),
                status => Err(HttpError::new(status).into()),
            }
        })
    }
}

fn request() -> ExportRequest {
    ExportRequest::new(Signal::Traces, 1, b"x".as_slice())
}

fn down(_: Duration) -> u16 {
    503
}

fn down_for_30_s(at: Duration) -> u16 {
    if at < 30 * SECOND { 503 } else { 200 }
}

/// A circuit without a budget.
fn with_circuit(server: &Server, shutdown: Shutdown) -> Retry<Server> {
    RetryLayer::new(RetryPolicy::default())
        .with_shutdown(shutdown)
        .with_circuit(CircuitBreaker::default())
        .layer(server.clone())
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_everything_gets_a_fifth_more_and_the_floor() {
    // conf: RETRY-12, RETRY-20
    let server = Server::new(down);
    let budget = RetryBudget::new(0.2, 2.0).unwrap();
    let policy = RetryPolicy::builder().max_elapsed(120 * SECOND).build().unwrap();
    // Two signals' stacks, one budget.
    let layer = RetryLayer::new(policy).with_budget(budget);
    let stacks = [layer.layer(server.clone()), layer.layer(server.clone())];
    let mut exports = JoinSet::new();
    for number in 0..1_200 {
        exports.spawn(stacks[number % 2].clone().oneshot(request()));
        tokio::time::sleep(50 * MILLI).await;
    }
    let seconds = server.started.elapsed().as_secs_f64();
    let (firsts, attempts) = (1_200.0, server.attempts().len() as f64);
    let most = firsts * 1.2 + 2.0 * (seconds + 10.0);
    assert!(attempts <= most, "{attempts} attempts, {most} allowed");
    assert!(attempts > firsts * 1.2, "and what is allowed is used: {attempts}");
    // Nothing was given up because the budget was empty, only because time ran out.
    assert!(exports.try_join_next().is_none());
    while let Some(result) = exports.join_next().await {
        let error = result.unwrap().unwrap_err();
        assert_eq!(Undelivered::reason_of(&*error), Some(DropReason::RetriesExhausted));
    }
}

#[tokio::test(start_paused = true)]
async fn one_request_is_not_slowed_by_the_budget() {
    // conf: RETRY-01
    let server = Server::new(|at| if at < 20 * SECOND { 503 } else { 200 });
    let policy = RetryPolicy::builder().randomization_factor(0.0).build().unwrap();
    let stack = RetryLayer::new(policy).with_budget(RetryBudget::default()).layer(server.clone());
    stack.oneshot(request()).await.unwrap();
    let waits: Vec<_> = server.attempts().windows(2).map(|pair| pair[1] - pair[0]).collect();
    // A timer's step and the answer's millisecond, and nothing else.
    for (wait, millis) in waits.iter().zip([500, 750, 1_125, 1_687, 2_531, 3_796, 5_695, 8_542]) {
        assert!((millis..millis + 4).contains(&(wait.as_millis() as u64)), "{wait:?} {millis}");
    }
    assert!(waits.len() == 8, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_back_gets_all_its_retries_whatever_the_budget() {
    let server = Server::new(down_for_30_s);
    let budget = RetryBudget::new(0.0, 0.1).unwrap();
    let stack = RetryLayer::new(RetryPolicy::default()).with_budget(budget).layer(server.clone());
    let mut exports = JoinSet::new();
    (0..500).for_each(|_| drop(exports.spawn(stack.clone().oneshot(request()))));
    while let Some(result) = exports.join_next().await {
        result.unwrap().unwrap();
    }
    // A retry that is delivered gives back what it took: at 0.1 per second alone this would take over an hour.
    assert!(server.started.elapsed() < 100 * SECOND, "{:?}", server.started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn while_the_circuit_is_open_one_at_a_time_asks_and_then_all_go_on() {
    // conf: RETRY-08, RETRY-20
    let server = Server::new(down_for_30_s);
    let stack = with_circuit(&server, Shutdown::never());
    let mut exports = JoinSet::new();
    (0..24).for_each(|_| drop(exports.spawn(stack.clone().oneshot(request()))));
    while let Some(result) = exports.join_next().await {
        result.unwrap().unwrap();
    }
    let attempts = server.attempts();
    let (outage, after): (Vec<Duration>, Vec<Duration>) = attempts.iter().partition(|at| **at < 30 * SECOND);
    assert_eq!(outage[..24], [Duration::ZERO; 24], "all the first attempts");
    let probes = &outage[24..];
    assert!((5..16).contains(&probes.len()), "{probes:?}");
    assert!(probes.windows(2).all(|pair| pair[1] - pair[0] >= SECOND / 2), "never two at once: {probes:?}");

    // The first request that gets through frees the others, who come spread over a quarter of a second.
    let first = after.iter().min().unwrap();
    assert!(*first < 55 * SECOND, "{first:?}");
    assert_eq!(after.len(), 24);
    assert!(after.iter().all(|at| *at - *first <= 300 * MILLI), "{after:?}");
    assert!(after.windows(2).any(|pair| pair[0] != pair[1]), "spread");
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_keeps_new_requests_out_until_one_is_needed() {
    let server = Server::new(|at| if at < 10 * SECOND { 503 } else { 200 });
    let (policy, circuit) =
        (RetryPolicy::builder().max_attempts(Some(5)).build().unwrap(), CircuitBreaker::default());
    let stack = RetryLayer::new(policy).with_circuit(circuit.clone()).layer(server.clone());
    // Fails for good, and leaves the circuit open with nobody waiting for it.
    stack.clone().oneshot(request()).await.unwrap_err();
    assert!(circuit.is_open());

    let (mut one, mut other) = (stack.clone(), stack);
    let mut ready = tokio_test::task::spawn(one.ready());
    tokio_test::assert_pending!(ready.poll());
    tokio::time::sleep(2 * SECOND).await;
    let probe = tokio_test::assert_ready_ok!(ready.poll()).call(request());
    let probe = tokio::spawn(probe);
    tokio::task::yield_now().await;
    // It is the one; while it waits for its next turn, nobody else is needed.
    let waited = tokio::time::timeout(60 * SECOND, other.ready());
    let (result, ready) = tokio::join!(probe, waited);
    result.unwrap().unwrap();
    ready.unwrap().unwrap();
    assert!(!circuit.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_keeps_the_circuit_closed_whatever_it_says() {
    let server = Server::new(|at| if at.as_millis() % 2 == 0 { 400 } else { 200 });
    let circuit = CircuitBreaker::builder().failure_threshold(1).build().unwrap();
    let stack = RetryLayer::new(RetryPolicy::default()).with_circuit(circuit.clone()).layer(server.clone());
    for _ in 0..20 {
        drop(stack.clone().oneshot(request()).await);
        assert!(!circuit.is_open());
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_waits_for_no_circuit() {
    // conf: RETRY-13
    let server = Server::new(|at| if at < 20 * SECOND { 503 } else { 200 });
    let (trigger, signal) = shutdown::channel();
    let stack = with_circuit(&server, signal);
    let mut exports = JoinSet::new();
    (0..10).for_each(|_| drop(exports.spawn(stack.clone().oneshot(request()))));
    tokio::time::sleep(20 * SECOND).await;
    trigger.trigger(Some(Instant::now() + 5 * SECOND));
    let begun = Instant::now();
    // One that was not taken yet comes, too.
    exports.spawn(stack.oneshot(request()));
    while let Some(result) = exports.join_next().await {
        result.unwrap().unwrap();
    }
    assert!(begun.elapsed() < 10 * MILLI, "at once: {:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn shutdown_with_the_destination_down_ends_by_its_deadline_without_a_storm() {
    // conf: RETRY-13, TIME-02
    let server = Server::new(down);
    let (trigger, signal) = shutdown::channel();
    let stack = with_circuit(&server, signal);
    let mut exports = JoinSet::new();
    (0..10).for_each(|_| drop(exports.spawn(stack.clone().oneshot(request()))));
    tokio::time::sleep(20 * SECOND).await;
    let before = server.attempts().len();
    trigger.trigger(Some(Instant::now() + 5 * SECOND));
    let begun = Instant::now();
    while let Some(result) = exports.join_next().await {
        let error = result.unwrap().unwrap_err();
        assert_eq!(Undelivered::reason_of(&*error), Some(DropReason::Deadline));
    }
    assert!(begun.elapsed() <= 5 * SECOND + MILLI);
    let attempts = server.attempts().len() - before;
    assert!((10..=70).contains(&attempts), "each tried again, at the pace of its back-off: {attempts}");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_cancelled_leaves_its_place() {
    let server = Server::new(down_for_30_s);
    let stack = with_circuit(&server, Shutdown::never());
    let mut exports: Vec<_> = (0..6).map(|_| tokio::spawn(stack.clone().oneshot(request()))).collect();
    // Whoever is probing, or waits to: all but one are cancelled, at any moment.
    for (number, export) in exports.drain(1..).enumerate() {
        tokio::time::sleep(Duration::from_millis(700 * (number as u64 + 1))).await;
        export.abort();
    }
    exports.remove(0).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_ordered_pause_keeps_new_requests_where_they_are_and_clients_come_back_apart() {
    // conf: RETRY-08, RETRY-20
    fastrand::seed(11);
    let mut returns = Vec::new();
    for _client in 0..10 {
        let server = Server::new(|at| if at < 10 * SECOND { 429 } else { 200 });
        let stack = RetryLayer::new(RetryPolicy::default()).layer(server.clone());
        let mut exports = JoinSet::new();
        (0..8).for_each(|_| drop(exports.spawn(stack.clone().oneshot(request()))));
        tokio::time::sleep(SECOND).await;
        let mut new = stack.clone();
        let mut ready = tokio_test::task::spawn(new.ready());
        tokio_test::assert_pending!(ready.poll());
        drop(ready);
        while let Some(result) = exports.join_next().await {
            result.unwrap().unwrap();
        }
        let attempts = server.attempts();
        assert_eq!(attempts.len(), 16);
        let first = attempts.iter().find(|at| **at > SECOND).copied().unwrap();
        assert!((10 * SECOND..16 * SECOND).contains(&first), "{first:?}");
        returns.push(first);
    }
    returns.sort();
    assert!(returns[9] - returns[0] > SECOND, "{returns:?}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_circuit_keeps_no_permit_that_the_probe_needs() {
    let server = Server::new(|at| if at < 5 * SECOND { 503 } else { 200 });
    let limited = AdaptiveConcurrencyLayer::new(2).layer(server.clone());
    let circuit = CircuitBreaker::builder().failure_threshold(1).build().unwrap();
    let stack = RetryLayer::new(RetryPolicy::default()).with_circuit(circuit).layer(limited.clone());
    let (mut one, mut other) = (stack.clone(), stack);
    one.ready().await.unwrap();
    // It has a permit, and is called when the circuit is open and the other permit gone.
    other.ready().await.unwrap();
    let probe = tokio::spawn(one.call(request()));
    tokio::time::sleep(10 * MILLI).await;
    assert_eq!(limited.limit(), 1);
    let waiting = tokio::spawn(other.call(request()));
    let both = async { (probe.await.unwrap().unwrap(), waiting.await.unwrap().unwrap()) };
    tokio::time::timeout(60 * SECOND, both).await.expect("neither waits for the other");

    // The same for a service that is ready, and asked again.
    let gone = Server::new(down);
    let limited = AdaptiveConcurrencyLayer::new(1).layer(gone);
    let circuit = CircuitBreaker::builder().failure_threshold(1).build().unwrap();
    let layer = RetryLayer::new(RetryPolicy::default()).with_circuit(circuit.clone());
    let mut ready = layer.layer(limited.clone());
    ready.ready().await.unwrap();
    let elsewhere = tokio::spawn(layer.layer(Server::new(down)).oneshot(request()));
    tokio::time::sleep(10 * MILLI).await;
    assert!(circuit.is_open());
    tokio_test::assert_pending!(tokio_test::task::spawn(ready.ready()).poll());
    tokio_test::assert_ready!(tokio_test::task::spawn(limited.clone().ready()).poll()).unwrap();
    elsewhere.abort();
}
