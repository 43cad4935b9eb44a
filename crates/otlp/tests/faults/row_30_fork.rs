//! Row 30: the application forks, as pre-forking servers and daemons do. In the child a client of the parent never hangs and
//! never sends what is the parent's, and says so; a client made in the child works, and its ids are new.

use crate::child;
use crate::support::{PATIENCE, batch_soon, books, builder, grpc};
use fork::Fork;
use otlp::{BatchConfig, Client, ErrorKind, InstrumentationScope, LogRecord, Signal, Tracer};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const CHILDREN: usize = 25;
const SPANS: usize = 20;

/// Forks while more threads than the queue has shards hold its locks as often as they can.
pub(crate) fn program() {
    let config = BatchConfig { max_queue_size: 500, max_batch_size: 100, ..batch_soon() };
    let client = builder(child::endpoint()).with_batch_config(config).build_blocking().unwrap();
    let tracer = client.tracer("parent");
    make(&tracer, "before");
    client.flush_blocking().unwrap();

    let done = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..12)
        .map(|_| {
            let (client, tracer, done) = (client.clone(), tracer.clone(), Arc::clone(&done));
            std::thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    (0..100).for_each(|_| tracer.start("noise").end());
                    let _ = client.stats(Signal::Traces);
                    drop(client.tracer("another"));
                }
            })
        })
        .collect();
    for _ in 0..child::argument().parse().unwrap() {
        match fork::fork().unwrap() {
            Fork::Child => in_the_child(client, &tracer),
            Fork::Parent(pid) => {
                // On the thread that forked: it would draw the same ids as the child's, which is a copy of it.
                make(&tracer, "after");
                let status = fork::waitpid(pid).unwrap();
                assert_eq!(status, 0, "the child failed");
            }
        }
    }
    done.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let report = books(client.shutdown_blocking(PATIENCE));
    child::say(report.accepted());
    child::say(report.delivered());
}

fn make(tracer: &Tracer, name: &str) {
    (0..SPANS).for_each(|_| tracer.start(name).end());
}

fn in_the_child(inherited: Client, tracer: &Tracer) -> ! {
    // Unwinding would end this thread, the only one, and with it the process, as if all were well.
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        std::process::exit(1);
    }));
    // Nobody else would end a child that hangs.
    std::thread::spawn(|| {
        let (_never, nothing) = std::sync::mpsc::channel::<()>();
        let _ = nothing.recv_timeout(PATIENCE / 3);
        std::process::exit(2);
    });
    // First, so that these ids come from where the parent's next ones come from.
    let own = builder(child::endpoint()).build_blocking().unwrap();
    make(&own.tracer("child"), "child");
    let report = own.shutdown_blocking(PATIENCE).unwrap();
    assert_eq!((report.accepted(), report.delivered()), (SPANS as u64, SPANS as u64));

    (0..100).for_each(|_| make(tracer, "made in the child by a tracer of the parent"));
    let results = [
        inherited.flush_blocking().map(drop),
        inherited.shutdown_blocking(Duration::from_secs(1)).map(drop),
        inherited.export_logs(&InstrumentationScope::default(), [LogRecord::default()]).map(drop),
        futures_util::FutureExt::now_or_never(inherited.flush()).expect("answered at once").map(drop),
        futures_util::FutureExt::now_or_never(inherited.health_check()).expect("answered at once"),
    ];
    for result in results {
        let error = result.expect_err("a client of the parent does nothing here");
        assert_eq!(error.kind(), ErrorKind::Forked, "{error}");
    }
    assert_eq!(inherited.stats(Signal::Traces), otlp::Stats::default(), "its books are the parent's");
    make(&inherited.tracer("late"), "made in the child by a tracer of the parent's client");

    drop(inherited);
    std::process::exit(0);
}

#[tokio::test]
async fn a_forked_child_never_hangs_never_sends_the_parents_data_and_makes_new_ids() {
    // conf: LIM-03
    let collector = grpc().await;
    let said = tokio::task::spawn_blocking({
        let endpoint = collector.grpc_endpoint();
        move || child::run("row_30_fork", &CHILDREN.to_string(), &endpoint).well()
    });
    let said = said.await.unwrap();
    let received = collector.received().spans();
    let of = |scope: &str| received.iter().filter(|span| span.scope.name == scope).count();
    assert_eq!(
        said[1],
        of("parent").to_string(),
        "what the parent delivered, once and from the parent alone"
    );
    assert_eq!(of("child"), CHILDREN * SPANS);
    assert_eq!(of("late") + of("another"), 0);
    let ids: HashSet<_> = received.iter().map(|span| &span.span.span_id).collect();
    let traces: HashSet<_> = received.iter().map(|span| &span.span.trace_id).collect();
    assert_eq!((ids.len(), traces.len()), (received.len(), received.len()), "no id twice");
}
