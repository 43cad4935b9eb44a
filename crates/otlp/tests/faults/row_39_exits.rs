//! Row 39: threads and processes that end in the middle of things. Spans work until the last destructor of a thread, nothing
//! unwinds or aborts, and no end of a process waits for the client.

use crate::child;
use crate::support::{PATIENCE, batch_soon, builder};
use otlp::{Client, Span, Tracer};
use otlp_testkit::Collector;
use std::cell::RefCell;
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::Duration;

fn client() -> Client {
    builder(child::endpoint()).with_batch_config(batch_soon()).build_blocking().unwrap()
}

/// What a thread-local holds until its thread is torn down.
struct Last {
    span: Span,
    tracer: Tracer,
    client: Option<Client>,
}

impl Drop for Last {
    fn drop(&mut self) {
        self.span.set_attribute("late", true).end();
        let in_destructor = self.tracer.start("in a destructor");
        let _current = in_destructor.context().attach();
        self.tracer.start("child in a destructor").end();
        drop(in_destructor);
        // The last handle, in one of them: it delivers.
        drop(self.client.take());
    }
}

thread_local! {
    static LAST: RefCell<Vec<Last>> = const { RefCell::new(Vec::new()) };
}

/// Ends spans, starts others, and drops the client, in destructors of thread-locals: made before and after those of the
/// client, so that some run when those are gone.
pub(crate) fn thread_locals() {
    let client = client();
    let threads = [false, true].map(|first| {
        let client = client.clone();
        std::thread::spawn(move || {
            if first {
                LAST.with_borrow_mut(Vec::clear);
            }
            let tracer = client.tracer("t");
            tracer.start("first").end();
            let last = Last { span: tracer.start("held by the thread"), tracer, client: Some(client) };
            LAST.with_borrow_mut(|held| held.push(last));
        })
    });
    drop(client);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn spans_end_in_the_destructors_of_a_thread() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    child::run("row_39_thread_locals", "", &collector.grpc_endpoint()).well();
    let received = collector.received();
    assert_eq!(received.items(), 2 * 4);
    let held = received.span_named("held by the thread").unwrap();
    assert!(held.attribute("late").is_some());
}

/// Threads that make spans as long as the process lives; returns when all are under way.
fn busy(client: &Client) {
    let (made, first) = mpsc::channel();
    for _ in 0..4 {
        let (tracer, made) = (client.tracer("t"), made.clone());
        std::thread::spawn(move || {
            loop {
                tracer.start("s").end();
                let _ = made.send(());
                std::thread::yield_now();
            }
        });
    }
    (0..100).for_each(|_| first.recv().unwrap());
}

/// Exits with spans pending, threads at work and the client alive.
pub(crate) fn exit() {
    let client = client();
    busy(&client);
    std::process::exit(7);
}

#[test]
fn an_exit_waits_for_nothing() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    collector.kill_blocking().unwrap();
    let ended = child::run("row_39_exit", "", &collector.grpc_endpoint());
    assert_eq!(ended.status.code(), Some(7), "{}", ended.output);
}

/// Returns from `main`, in effect, with threads at work and the client in a static, which is never dropped.
pub(crate) fn main_returns() {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    let client = CLIENT.get_or_init(client);
    busy(client);
    let report = client.flush_within_blocking(PATIENCE).unwrap();
    child::say(report.delivered() > 0);
}

#[test]
fn a_main_that_returns_waits_for_nothing() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    assert_eq!(child::run("row_39_main_returns", "", &collector.grpc_endpoint()).well(), ["true"]);
    assert!(collector.received().items() > 0);
}

/// A shutdown that races with the end of the process.
pub(crate) fn exit_during_shutdown() {
    let client = client();
    busy(&client);
    let (begun, under_way) = mpsc::channel();
    std::thread::spawn(move || {
        begun.send(()).unwrap();
        client.shutdown_blocking(Duration::from_secs(30))
    });
    under_way.recv().unwrap();
    std::process::exit(7);
}

#[test]
fn an_exit_does_not_wait_for_a_shutdown() {
    let collector = Collector::builder().grpc().reply(otlp_testkit::Reply::hang()).start_blocking().unwrap();
    let ended = child::run("row_39_exit_during_shutdown", "", &collector.grpc_endpoint());
    assert_eq!(ended.status.code(), Some(7), "{}", ended.output);
}
