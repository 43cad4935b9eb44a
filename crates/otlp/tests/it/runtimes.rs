//! The client inside every kind of runtime, and outside of all: flush and shutdown end in time and tell the truth.

use crate::support::{PATIENCE, books, builder};
use otlp::Client;
use otlp_testkit::Collector;
use std::sync::mpsc;

/// Runs `test` on a thread of its own and fails, rather than hangs, when it does not end.
fn in_time<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, ended) = mpsc::channel();
    let thread = std::thread::spawn(move || done.send(test()));
    match ended.recv_timeout(PATIENCE) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().expect_err("the test panicked"))
        }
    }
}

/// A collector and a client that need no runtime of the caller.
fn pair() -> (Collector, Client) {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let client = builder(collector.grpc_endpoint()).build_blocking().unwrap();
    (collector, client)
}

#[test]
fn on_a_current_thread_runtime_a_flush_delivers() {
    // The incumbent delivers nothing here and times out.
    in_time(|| {
        let (collector, client) = pair();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            client.tracer("t").start("s").end();
            assert_eq!(client.flush().await.unwrap().delivered(), 1);
            assert_eq!(client.flush_blocking().unwrap().delivered(), 1);
            assert_eq!(client.shutdown(PATIENCE).await.unwrap().delivered(), 1);
        });
        assert_eq!(collector.received().items(), 1);
    });
}

#[test]
fn on_one_worker_the_blocking_forms_block_nobody_else() {
    in_time(|| {
        let (collector, client) = pair();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let task = runtime.spawn(async move {
            client.tracer("t").start("s").end();
            client.flush_blocking().unwrap();
            client.shutdown_blocking(PATIENCE).unwrap().delivered()
        });
        assert_eq!(runtime.block_on(task).unwrap(), 1);
        assert_eq!(collector.received().items(), 1);
    });
}

#[test]
fn without_any_runtime() {
    in_time(|| {
        let (collector, client) = pair();
        client.tracer("t").start("s").end();
        assert_eq!(client.flush_blocking().unwrap().delivered(), 1);
        drop(client);
        assert_eq!(collector.received().items(), 1);
    });
}

#[test]
fn after_the_applications_runtime_is_gone() {
    in_time(|| {
        let (collector, client) = pair();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let tracer = client.tracer("t");
        runtime.block_on(async { tracer.start("s").end() });
        drop(runtime);
        assert_eq!(client.shutdown_blocking(PATIENCE).unwrap().delivered(), 1);
        assert_eq!(collector.received().items(), 1);
    });
}

#[test]
fn dropped_inside_a_runtime_and_while_panicking() {
    in_time(|| {
        let (collector, client) = pair();
        let tracer = client.tracer("t");
        let panicked = std::thread::spawn(move || {
            let _client = client;
            let _span = tracer.start("cut short");
            panic!("on purpose");
        })
        .join();
        assert!(panicked.is_err());
        assert_eq!(collector.received().items(), 1, "the span was ended and delivered by the drops");
    });
}

#[test]
fn from_a_thread_that_ends_and_from_many_at_once() {
    in_time(|| {
        let (collector, client) = pair();
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let client = client.clone();
                std::thread::spawn(move || {
                    let tracer = client.tracer("t");
                    (0..100).for_each(|_| tracer.start("s").end());
                    let _ = client.flush_blocking();
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let report = books(client.shutdown_blocking(PATIENCE));
        assert_eq!((report.accepted(), report.delivered()), (800, 800));
        assert_eq!(collector.received().items(), 800);
    });
}

#[test]
fn a_dead_endpoint_holds_up_neither_flush_nor_drop() {
    in_time(|| {
        let (collector, client) = pair();
        drop(client);
        let endpoint = collector.grpc_endpoint();
        drop(collector);
        let short = std::time::Duration::from_millis(100);
        let client =
            builder(endpoint).with_flush_timeout(short).with_drop_timeout(short).build_blocking().unwrap();
        client.tracer("t").start("s").end();
        let error = client.flush_blocking().unwrap_err();
        assert!(error.is_timeout(), "{error}");
        drop(client);
    });
}

#[test]
fn a_layer_that_spawns_when_it_is_made_lives_on_the_clients_own_runtime() {
    in_time(|| {
        let collector = Collector::builder().grpc().start_blocking().unwrap();
        // `Buffer` spawns its worker at once; around it, a service that is no `Clone` becomes one that is.
        let layer =
            tower::ServiceBuilder::new().buffer(8).rate_limit(1_000, std::time::Duration::from_secs(1));
        let client = builder(collector.grpc_endpoint()).with_attempt_layer(layer).build_blocking().unwrap();
        client.tracer("t").start("s").end();
        assert_eq!(client.shutdown_blocking(PATIENCE).unwrap().delivered(), 1);
    });
}

#[test]
fn deadlines_of_any_length_are_taken() {
    in_time(|| {
        let (collector, client) = pair();
        client.tracer("t").start("s").end();
        assert_eq!(client.flush_within_blocking(std::time::Duration::MAX).unwrap().delivered(), 1);
        assert_eq!(client.shutdown_blocking(std::time::Duration::MAX).unwrap().delivered(), 1);
        assert_eq!(collector.received().items(), 1);
    });
}
