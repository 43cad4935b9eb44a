//! Row 31: the client in every shape of runtime and outside of all, each in a process of its own. Flush and shutdown end within
//! their deadline and tell the truth: with a collector, with none, and with one that never answers.

use crate::child::{self, Running};
use crate::support::{PATIENCE, batch_soon, builder};
use otlp::{BoxExportService, Client, DeliveryReport, Error, ExportRequest};
use otlp_testkit::Collector;
use std::future::Future;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// What each client makes.
const SPANS: u64 = 3;
/// When nothing can be delivered, and how much later a call may return on a busy machine: less than any timeout of the
/// client's that is not the deadline.
const DEADLINE: Duration = Duration::from_millis(200);
const SLACK: Duration = Duration::from_secs(8);

/// A shape: its name, how many clients it has, and what it does with them.
type Shape = (&'static str, usize, fn(Clients));

const SHAPES: &[Shape] = &[
    ("current_thread", 1, current_thread),
    ("blocking_inside_block_on", 1, blocking_inside_block_on),
    ("one_worker", 1, one_worker),
    ("multi_thread", 1, multi_thread),
    ("no_tokio", 1, no_tokio),
    ("spawn_blocking", 1, spawn_blocking),
    ("runtime_dropped", 1, runtime_dropped),
    ("drop_on_a_worker", 1, drop_on_a_worker),
    ("panic_hook", 1, panic_hook),
    ("several_clients", 3, several_clients),
    ("process_exit", 1, process_exit),
];

/// Makes the clients of a shape, all with the same deadline.
#[derive(Clone, Copy)]
struct Clients(Duration);

pub(crate) fn program() {
    let argument = child::argument();
    let (shape, deadline) = argument.split_once(' ').unwrap();
    let (_, _, run) = SHAPES.iter().find(|(name, ..)| *name == shape).unwrap();
    run(Clients(Duration::from_millis(deadline.parse().unwrap())));
}

impl Clients {
    fn build(self) -> Client {
        builder(child::endpoint())
            .with_batch_config(batch_soon())
            .with_flush_timeout(self.0)
            .with_drop_timeout(self.0)
            .build_blocking()
            .unwrap()
    }

    fn tell(self, operation: &str, result: Result<DeliveryReport, Error>) {
        let (kind, report) = match &result {
            Ok(report) => (String::from("Ok"), report),
            Err(error) => (format!("{:?}", error.kind()), error.report().unwrap()),
        };
        assert!(report.is_balanced(), "{report:?}");
        assert!(report.elapsed < self.0 + SLACK, "{operation} took {:?}", report.elapsed);
        let (delivered, pending, lost) = (report.delivered(), report.pending(), report.lost().total());
        child::say(format!("{operation}: {kind}, {delivered} delivered, {pending} pending, {lost} lost"));
    }

    async fn flush_and_shutdown(self, client: &Client) {
        make(client);
        self.tell("flush", client.flush().await);
        self.tell("shutdown", client.shutdown(self.0).await);
    }

    fn flush_and_shutdown_blocking(self, client: &Client) {
        make(client);
        self.tell("flush", client.flush_blocking());
        self.tell("shutdown", client.shutdown_blocking(self.0));
    }
}

fn make(client: &Client) {
    let tracer = client.tracer("shape");
    (0..SPANS).for_each(|_| tracer.start("s").end());
}

fn workers(count: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(count).enable_all().build().unwrap()
}

fn current_thread(clients: Clients) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { clients.flush_and_shutdown(&clients.build()).await });
}

fn blocking_inside_block_on(clients: Clients) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { clients.flush_and_shutdown_blocking(&clients.build()) });
}

fn one_worker(clients: Clients) {
    let runtime = workers(1);
    let task = runtime.spawn(async move {
        let client = clients.build();
        make(&client);
        clients.tell("flush", client.flush().await);
        clients.tell("shutdown", client.shutdown_blocking(clients.0));
    });
    runtime.block_on(task).unwrap();
}

fn multi_thread(clients: Clients) {
    let runtime = workers(4);
    let task = runtime.spawn(async move { clients.flush_and_shutdown(&clients.build()).await });
    runtime.block_on(task).unwrap();
}

/// Also the async forms, on an executor that knows nothing of tokio.
fn no_tokio(clients: Clients) {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let client = clients.build();
    let mut both = pin!(clients.flush_and_shutdown(&client));
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    while both.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Pending {
        std::thread::park();
    }
}

fn spawn_blocking(clients: Clients) {
    let runtime = workers(1);
    let task = runtime.spawn_blocking(move || clients.flush_and_shutdown_blocking(&clients.build()));
    runtime.block_on(task).unwrap();
}

fn runtime_dropped(clients: Clients) {
    let runtime = workers(2);
    let client = runtime.block_on(async { clients.build() });
    drop(runtime);
    clients.flush_and_shutdown_blocking(&client);
}

/// In the `Drop` of a task's state, on a thread of the runtime that goes away.
fn drop_on_a_worker(clients: Clients) {
    struct State(Client, Clients);
    impl Drop for State {
        fn drop(&mut self) {
            self.1.flush_and_shutdown_blocking(&self.0);
        }
    }
    let runtime = workers(1);
    let (started, running) = std::sync::mpsc::channel();
    let state = State(clients.build(), clients);
    runtime.spawn(async move {
        let _state = state;
        started.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    running.recv().unwrap();
    drop(runtime);
}

fn panic_hook(clients: Clients) {
    let client = clients.build();
    std::panic::set_hook(Box::new(move |_| clients.flush_and_shutdown_blocking(&client)));
    assert!(std::thread::spawn(|| panic!("on purpose")).join().is_err());
    // What the harness says of this program is not a second panic.
    drop(std::panic::take_hook());
}

fn several_clients(clients: Clients) {
    let threads = [(); 3].map(|()| {
        std::thread::spawn(move || {
            let client = clients.build();
            make(&client);
            (client.flush_blocking(), client.shutdown_blocking(clients.0))
        })
    });
    for (flush, shutdown) in threads.map(|thread| thread.join().unwrap()) {
        clients.tell("flush", flush);
        clients.tell("shutdown", shutdown);
    }
}

/// With the client still there.
fn process_exit(clients: Clients) {
    let client = clients.build();
    clients.flush_and_shutdown_blocking(&client);
    std::process::exit(0);
}

/// Runs every shape against the endpoint: each must say this of each flush and shutdown.
fn all_shapes(endpoint: &str, deadline: Duration, flush: &str, shutdown: &str) -> u64 {
    let mut made = 0;
    for (shape, clients, _) in SHAPES {
        let argument = format!("{shape} {}", deadline.as_millis());
        let said = child::run("row_31_runtimes", &argument, endpoint).well();
        let expected = [format!("flush: {flush}"), format!("shutdown: {shutdown}")];
        assert_eq!(said.len(), 2 * clients, "{shape}: {said:?}");
        assert!(said.chunks(2).all(|pair| pair == expected), "{shape}: {said:?}");
        made += *clients as u64 * SPANS;
    }
    made
}

#[test]
fn with_a_collector_every_shape_delivers() {
    // conf: BATCH-10, BATCH-12
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let all = "Ok, 3 delivered, 0 pending, 0 lost";
    let made = all_shapes(&collector.grpc_endpoint(), PATIENCE, all, all);
    assert_eq!(collector.received().items(), made);
}

#[test]
fn without_a_collector_every_shape_ends_in_time_and_owns_up_to_the_loss() {
    // conf: BATCH-13, RETRY-13, SURV-23
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    collector.kill_blocking().unwrap();
    let (flush, shutdown) =
        ("Timeout, 0 delivered, 3 pending, 0 lost", "Lost, 0 delivered, 0 pending, 3 lost");
    all_shapes(&collector.grpc_endpoint(), DEADLINE, flush, shutdown);
}

#[test]
fn with_a_collector_that_never_answers_every_shape_ends_in_time_and_owns_up_to_the_loss() {
    // conf: BATCH-13, TIME-02
    // The kernel makes the connections; nobody ever reads from them.
    let black_hole = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", black_hole.local_addr().unwrap());
    let (flush, shutdown) =
        ("Timeout, 0 delivered, 3 pending, 0 lost", "Lost, 0 delivered, 0 pending, 3 lost");
    all_shapes(&endpoint, DEADLINE, flush, shutdown);
}

/// Unwinding out of the application: first the span ends, then the last handle delivers it.
#[test]
fn dropped_while_panicking_the_client_delivers() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let ended = child::run("row_31_panicking", "60000", &collector.grpc_endpoint());
    assert!(!ended.status.success(), "it panicked");
    assert_eq!(collector.received().items(), SPANS + 1);

    collector.kill_blocking().unwrap();
    let mut command = child::command("row_31_panicking", "200", &collector.grpc_endpoint());
    // A drop answers to nobody, but tells its books to those who read stderr.
    command.env("OTLP_DEBUG", "1");
    let ended = Running::start(command).end();
    assert!(!ended.status.success(), "it panicked, and ended though nobody took its spans");
    // At its deadline: until then they are tried again, for five minutes, and are pending.
    let books = "traces: 4 accepted = 0 delivered + 0 rejected + 4 dropped + 0 pending";
    assert!(ended.output.contains(books) && ended.output.contains("dropped (deadline)"), "{}", ended.output);
}

pub(crate) fn panicking() {
    let clients = Clients(Duration::from_millis(child::argument().parse().unwrap()));
    let client = clients.build();
    make(&client);
    let _span = client.tracer("shape").start("cut short");
    panic!("on purpose");
}

/// A layer that flushes its own client, on the client's thread: nothing could be delivered while that waits, so it does not.
pub(crate) fn own_thread() {
    let slot: Arc<Mutex<Option<Client>>> = Arc::default();
    let held = Arc::clone(&slot);
    let layer = tower::layer::layer_fn(move |inner: BoxExportService| {
        let held = Arc::clone(&held);
        BoxExportService::new(inner.map_request(move |request: ExportRequest| {
            if let Some(client) = held.lock().unwrap().take() {
                Clients(PATIENCE).tell("flush", client.flush_within_blocking(PATIENCE));
            }
            request
        }))
    });
    let client = builder(child::endpoint()).with_layer(layer).build_blocking().unwrap();
    *slot.lock().unwrap() = Some(client.clone());
    make(&client);
    Clients(PATIENCE).tell("shutdown", client.shutdown_blocking(PATIENCE));
}

#[test]
fn on_the_clients_own_thread_nothing_waits() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let said = child::run("row_31_own_thread", "", &collector.grpc_endpoint()).well();
    let (flush, shutdown) =
        ("flush: Timeout, 0 delivered, 3 pending, 0 lost", "shutdown: Ok, 3 delivered, 0 pending, 0 lost");
    assert_eq!(said, [flush, shutdown]);
    assert_eq!(collector.received().items(), SPANS);
}
