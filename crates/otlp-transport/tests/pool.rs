//! The pool of connections as its users see it: bounds, waiting, ages, warmth, numbers.

#![cfg(all(feature = "grpc", feature = "http"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/gate.rs"]
mod gate;

use gate::{Gate, request};
use otlp_model::ExportResponse;
use otlp_transport::{
    BoxConnector, BoxError, ConnectError, Connection, Disposition, Endpoint, ErrorType, Grpc, Http,
    NoAvailableConnection, PoolConfig, Target, classify,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower::ServiceExt;

type Answer = JoinHandle<Result<ExportResponse, BoxError>>;

fn http(gate: &Gate, config: PoolConfig) -> Http<BoxConnector> {
    Http::with_connector(Endpoint::default_http(), gate.connector.clone()).with_pool(config).unwrap()
}

fn grpc(gate: &Gate, config: PoolConfig) -> Grpc<BoxConnector> {
    Grpc::with_connector(Endpoint::default_grpc(), gate.connector.clone()).with_pool(config).unwrap()
}

fn send_http(http: &Http<BoxConnector>, number: u8) -> Answer {
    tokio::spawn(http.clone().oneshot(request(number)))
}

fn send_grpc(grpc: &Grpc<BoxConnector>, number: u8) -> Answer {
    tokio::spawn(grpc.clone().oneshot(request(number)))
}

#[tokio::test(start_paused = true)]
async fn requests_wait_in_line_for_the_connections_there_may_be() {
    // conf: HTTP-06, HTTP-07, CONC-02
    let mut gate = Gate::new(None);
    let http = http(&gate, PoolConfig { max_connections: 2, ..PoolConfig::default() });
    let answers: Vec<_> = (0..6).map(|number| send_http(&http, number)).collect();
    let mut held = vec![gate.arrival().await, gate.arrival().await];
    let stats = http.pool().stats();
    assert_eq!((stats.active_connections, stats.idle_connections), (2, 0));
    assert_eq!((stats.waiting_connections, stats.requests_in_flight), (4, 2));
    // One is answered, and the next in line comes.
    for number in 2..6 {
        held.remove(0).answer();
        let next = gate.arrival().await;
        assert_eq!(*next.body, [number]);
        held.push(next);
        let stats = http.pool().stats();
        assert_eq!((stats.active_connections, stats.waiting_connections), (2, 5 - usize::from(number)));
    }
    held.into_iter().for_each(gate::Arrival::answer);
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    let stats = http.pool().stats();
    assert_eq!((stats.active_connections, stats.idle_connections, stats.waiting_connections), (0, 2, 0));
    assert_eq!((stats.connections_opened, stats.connections_closed, stats.requests_in_flight), (2, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn waiting_has_a_bound_and_its_error_says_what_to_do() {
    // conf: TIME-02, TIME-03, RETRY-15
    let mut gate = Gate::new(None);
    let http = http(&gate, PoolConfig { max_connections: 1, ..PoolConfig::default() });
    let first = send_http(&http, 0);
    let held = gate.arrival().await;
    let began = Instant::now();
    let error = http.clone().oneshot(request(1)).await.unwrap_err();
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    assert_eq!(
        error.to_string(),
        "no available connections in pool for http://localhost:4318 within 5s: all 1 of at most 1 are in use, \
         1 requests wait; raise max_connections or connection_timeout, or send fewer requests at once"
    );
    assert_eq!(error.downcast_ref::<NoAvailableConnection>().unwrap().waited(), Duration::from_secs(5));
    assert_eq!(classify(&Err(error)), Disposition::Retryable { error_type: ErrorType::Network, after: None });
    // It leaves nothing behind.
    assert_eq!(http.pool().stats().waiting_connections, 0);
    held.answer();
    first.await.unwrap().unwrap();
    assert!(gate.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_leaves_the_line() {
    let mut gate = Gate::new(None);
    let http = http(&gate, PoolConfig { max_connections: 1, ..PoolConfig::default() });
    let first = send_http(&http, 0);
    let held = gate.arrival().await;
    let (gone, last) = (send_http(&http, 1), send_http(&http, 2));
    tokio::task::yield_now().await;
    assert_eq!(http.pool().stats().waiting_connections, 2);
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    assert_eq!(http.pool().stats().waiting_connections, 1);
    held.answer();
    let next = gate.arrival().await;
    assert_eq!(*next.body, [2]);
    next.answer();
    last.await.unwrap().unwrap();
    first.await.unwrap().unwrap();
    assert_eq!(http.pool().stats().connections_opened, 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_given_up_takes_its_connection_with_it() {
    // conf: SURV-21
    let mut gate = Gate::new(None);
    let config = PoolConfig { max_connections: 1, ..PoolConfig::default() };
    let http = http(&gate, config.clone());
    let given_up = send_http(&http, 0);
    let _held = gate.arrival().await;
    given_up.abort();
    let _ = given_up.await;
    let next = send_http(&http, 1);
    let arrival = gate.arrival().await;
    assert_eq!(arrival.connection, 1);
    arrival.answer();
    next.await.unwrap().unwrap();

    // Over HTTP/2 what is under way beside it ends well.
    let mut gate = Gate::new(None);
    let grpc = grpc(&gate, config);
    let (given_up, stays) = (send_grpc(&grpc, 0), send_grpc(&grpc, 1));
    let (_held, beside) = (gate.arrival().await, gate.arrival().await);
    given_up.abort();
    let _ = given_up.await;
    let stats = grpc.pool().stats();
    assert_eq!((stats.draining_connections, stats.active_connections), (1, 0));
    let next = send_grpc(&grpc, 2);
    let arrival = gate.arrival().await;
    assert_eq!(arrival.connection, 1);
    arrival.answer();
    beside.answer();
    next.await.unwrap().unwrap();
    stays.await.unwrap().unwrap();
    assert_eq!(gate.end().await, 0);
}

#[tokio::test(start_paused = true)]
async fn http2_connections_are_shared_up_to_what_the_server_takes() {
    // conf: GRPC-19, GRPC-29, CONC-02
    let mut gate = Gate::new(2);
    let config = PoolConfig { max_connections: 3, ..PoolConfig::default() };
    let grpc = grpc(&gate, config);
    let answers: Vec<_> = (0..9).map(|number| send_grpc(&grpc, number)).collect();
    let mut held = Vec::new();
    for _ in 0..6 {
        held.push(gate.arrival().await);
    }
    for connection in 0..3 {
        assert_eq!(held.iter().filter(|arrival| arrival.connection == connection).count(), 2);
    }
    let stats = grpc.pool().stats();
    assert_eq!((stats.active_connections, stats.requests_in_flight, stats.waiting_connections), (3, 6, 3));
    held.into_iter().for_each(gate::Arrival::answer);
    for _ in 0..3 {
        gate.arrival().await.answer();
    }
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(grpc.pool().stats().connections_opened, 3);
}

#[tokio::test(start_paused = true)]
async fn one_http2_connection_serves_many_requests_at_once() {
    // conf: GRPC-19, GRPC-29
    let mut gate = Gate::new(None);
    let grpc = grpc(&gate, PoolConfig::default());
    let answers: Vec<_> = (0..50).map(|number| send_grpc(&grpc, number)).collect();
    let mut held = Vec::new();
    for _ in 0..50 {
        held.push(gate.arrival().await);
    }
    let stats = grpc.pool().stats();
    assert_eq!((stats.active_connections, stats.requests_in_flight), (1, 50));
    held.into_iter().for_each(gate::Arrival::answer);
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(grpc.pool().stats().idle_connections, 1);
}

#[tokio::test(start_paused = true)]
async fn idle_connections_close_but_for_those_to_keep() {
    let mut gate = Gate::new(None);
    let http = http(&gate, PoolConfig { min_connections: 1, ..PoolConfig::default() });
    let answers = [send_http(&http, 0), send_http(&http, 1)];
    let held = [gate.arrival().await, gate.arrival().await];
    held.into_iter().for_each(gate::Arrival::answer);
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    let began = Instant::now();
    gate.end().await;
    assert_eq!(began.elapsed().as_secs(), 90);
    tokio::task::yield_now().await;
    let stats = http.pool().stats();
    assert_eq!((stats.idle_connections, stats.connections_opened, stats.connections_closed), (1, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn an_old_connection_ends_with_its_requests_and_has_a_successor() {
    let mut gate = Gate::new(None);
    let grpc = grpc(&gate, PoolConfig::default());
    let old = send_grpc(&grpc, 0);
    let held = gate.arrival().await;
    tokio::time::sleep(Duration::from_secs(601)).await;
    let stats = grpc.pool().stats();
    assert_eq!((stats.draining_connections, stats.active_connections), (1, 0));
    let new = send_grpc(&grpc, 1);
    let arrival = gate.arrival().await;
    assert_eq!(arrival.connection, 1);
    arrival.answer();
    held.answer();
    old.await.unwrap().unwrap();
    new.await.unwrap().unwrap();
    assert_eq!(gate.end().await, 0);
}

#[tokio::test(start_paused = true)]
async fn warm_connections_are_there_before_anybody_asks_and_again_when_they_end() {
    // conf: SURV-23
    let mut gate = Gate::new(None);
    let down = Arc::new(AtomicUsize::new(5));
    let (left, inner) = (Arc::clone(&down), gate.connector.clone());
    let connector = BoxConnector::new(tower::service_fn(move |target: Target| {
        let down = left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        let inner = inner.clone();
        async move { if down { Err("it is down".into()) } else { inner.oneshot(target).await } }
    }));
    let config =
        PoolConfig { min_connections: 2, max_age: Some(Duration::from_secs(1000)), ..PoolConfig::default() };
    let http = Http::with_connector(Endpoint::default_http(), connector).with_pool(config).unwrap();
    assert_eq!(http.pool().stats().opening_connections, 0, "nothing is opened by building");
    http.pool().warm_up();
    // Nobody hears of the failures.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let stats = http.pool().stats();
    assert_eq!((stats.idle_connections, stats.connections_failed), (2, 5));
    // They have no idle timeout, but grow old.
    tokio::time::sleep(Duration::from_secs(800)).await;
    assert_eq!(http.pool().stats().connections_opened, 2);
    gate.end().await;
    gate.end().await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let stats = http.pool().stats();
    assert_eq!((stats.idle_connections, stats.connections_opened, stats.connections_closed), (2, 4, 2));
}

#[tokio::test(start_paused = true)]
async fn connections_close_with_the_last_clone() {
    let mut gate = Gate::new(None);
    let http = http(&gate, PoolConfig { min_connections: 3, ..PoolConfig::default() });
    let (clone, pool) = (http.clone(), http.pool());
    let answer = send_http(&http, 0);
    gate.arrival().await.answer();
    answer.await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(http);
    assert_eq!(pool.stats().idle_connections, 3);
    drop(clone);
    for _ in 0..3 {
        gate.end().await;
    }
    tokio::task::yield_now().await;
    let stats = pool.stats();
    assert_eq!((stats.idle_connections, stats.draining_connections, stats.connections_closed), (0, 0, 3));
    // And none is opened again.
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!((pool.stats().connections_opened, pool.stats().opening_connections), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn all_who_hoped_for_a_connection_hear_why_there_is_none() {
    // conf: HTTP-16
    let connector = tower::service_fn(|_: Target| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Err::<Connection, _>(BoxError::from("proxy says no"))
    });
    let grpc = Grpc::with_connector(Endpoint::default_grpc(), connector);
    let answers: Vec<_> = (0..5).map(|number| tokio::spawn(grpc.clone().oneshot(request(number)))).collect();
    for answer in answers {
        let error = answer.await.unwrap().unwrap_err();
        assert!(error.is::<ConnectError>());
        assert_eq!(error.to_string(), "failed to connect to http://localhost:4317: proxy says no");
    }
    let stats = grpc.pool().stats();
    assert_eq!((stats.connections_failed, stats.waiting_connections, stats.opening_connections), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_never_comes_back_is_given_up() {
    // conf: TIME-02
    let mut gate = Gate::new(None);
    let (first, inner) = (Arc::new(AtomicUsize::new(0)), gate.connector.clone());
    let connector = BoxConnector::new(tower::service_fn(move |target: Target| {
        let hangs = first.fetch_add(1, SeqCst) == 0;
        let inner = inner.clone();
        async move { if hangs { std::future::pending().await } else { inner.oneshot(target).await } }
    }));
    let grpc = Grpc::with_connector(Endpoint::default_grpc(), connector);
    let error = grpc.clone().oneshot(request(0)).await.unwrap_err();
    assert!(error.is::<NoAvailableConnection>(), "{error}");
    tokio::time::sleep(Duration::from_secs(120)).await;
    let answer = tokio::spawn(grpc.clone().oneshot(request(1)));
    gate.arrival().await.answer();
    answer.await.unwrap().unwrap();
}

#[test]
fn a_pool_outlives_the_runtime_of_its_connections() {
    let gate = Gate::new(None);
    let http =
        http(&gate, PoolConfig { connection_timeout: Duration::from_secs(60), ..PoolConfig::default() });
    let mut gate = Some(gate);
    for opened in 1..4 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let gate = gate.as_mut().unwrap();
            let answer = send_http(&http, 0);
            gate.arrival().await.answer();
            answer.await.unwrap().unwrap();
        });
        drop(runtime);
        let stats = http.pool().stats();
        assert_eq!((stats.connections_opened, stats.connections_closed), (opened, opened));
    }
}
