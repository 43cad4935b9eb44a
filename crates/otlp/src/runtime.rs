//! The client's own thread: a private current-thread runtime that moves batches and answers health checks.
//!
//! It makes the client work under every runtime of the host, and under none. Telemetry of the libraries on this thread
//! goes nowhere, so that exporting can't make telemetry about itself (conformance BATCH-26); but for tokio's, see `console`.

use crate::deaf::Deaf;
use crate::error::{self, Error};
use crate::stack::Probe;
use futures_util::future::join_all;
use otlp_batch::Stats;
use otlp_model::ExportRequest;
#[cfg(all(tokio_unstable, feature = "tokio-console"))]
use otlp_model::Signal;
use otlp_transport::{BoxError, ConnectionLost};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use tokio::sync::{mpsc, oneshot};
use tower::ServiceExt;
use tracing::dispatcher::{self, DefaultGuard, Dispatch};

/// A worker of any stack.
pub(crate) type Work = Pin<Box<dyn Future<Output = Stats> + Send>>;

/// What runs beside the workers, and ends with them.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Asks for one health check.
pub(crate) type Check = oneshot::Sender<Result<(), Error>>;

thread_local! {
    static CURRENT: Cell<bool> = const { Cell::new(false) };
    /// What keeps the client's thread silent, unless a line is told.
    static SILENCE: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a line about exporting is being told on this thread: telemetry that is made of it must go nowhere.
pub(crate) fn is_telling() -> bool {
    TELLING.try_with(Cell::get).unwrap_or(false)
}

/// Lets `say` be heard by the application's subscriber, though this is the client's thread.
pub(crate) fn aloud(say: impl FnOnce()) {
    /// Also when it panics.
    struct SilentAgain(bool);

    impl Drop for SilentAgain {
        fn drop(&mut self) {
            if self.0 {
                be_silent();
            }
        }
    }

    let silence = SILENCE.take();
    let _again = SilentAgain(silence.is_some());
    drop(silence);
    telling(say);
}

/// Records no span of this thread meanwhile.
pub(crate) fn telling(say: impl FnOnce()) {
    /// Also when it panics.
    struct Before(bool);

    impl Drop for Before {
        fn drop(&mut self) {
            TELLING.set(self.0);
        }
    }

    let _before = Before(TELLING.replace(true));
    crate::span::without_spares(say);
}

/// By one [deaf](Deaf) subscriber for all clients, made once. Making one has all call sites of the process decide anew who is interested,
/// under a lock that a fork may leave locked forever. With none at all, a call site that is first reached on this thread would be
/// decided by it alone: nobody would hear it on other threads either.
fn be_silent() {
    static SILENT: OnceLock<Dispatch> = OnceLock::new();
    let silent = || SILENT.get_or_init(|| Dispatch::new(Deaf)).clone();
    #[cfg(all(tokio_unstable, feature = "tokio-console"))]
    let silent = || crate::console::of_this_thread().unwrap_or_else(silent);
    SILENCE.set(Some(dispatcher::set_default(&silent())));
}

/// Whether this is the thread of a client.
pub(crate) fn is_current() -> bool {
    CURRENT.try_with(Cell::get).unwrap_or(false)
}

/// The private runtime before it has its thread.
pub(crate) struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    pub(crate) fn new() -> Result<Self, Error> {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
            .map_err(|error| Error::startup("the client's runtime could not be started", error))
    }

    /// A handle that does not keep the runtime alive.
    #[cfg(feature = "signal")]
    pub(crate) fn handle(&self) -> Option<tokio::runtime::Handle> {
        self.0.as_ref().map(|runtime| runtime.handle().clone())
    }

    /// Calls `build` inside the runtime: layers of users may spawn tasks when they are made, and these belong here, not
    /// on a runtime of the host, which may end before the client does.
    pub(crate) fn within<R>(&self, build: impl FnOnce() -> R) -> R {
        let _entered = self.0.as_ref().map(tokio::runtime::Runtime::enter);
        build()
    }

    /// Starts the thread; it ends when all workers have ended.
    pub(crate) fn start(
        self,
        workers: Vec<Work>,
        probes: Vec<Probe>,
        checks: mpsc::UnboundedReceiver<Check>,
        beside: Task,
    ) -> Result<(), Error> {
        #[cfg(all(tokio_unstable, feature = "tokio-console"))]
        let console = crate::voice::subscriber();
        let run = move || {
            CURRENT.set(true);
            #[cfg(all(tokio_unstable, feature = "tokio-console"))]
            if let Some(console) = console {
                crate::console::watch_this_thread(console);
            }
            be_silent();
            // Taken in here, so that it ends in silence, too: what then closes its connections would tell of it.
            let this = self;
            if let Some(runtime) = &this.0 {
                runtime.block_on(async {
                    spawn("otlp health checks", answer(probes, checks));
                    spawn("otlp losses", beside);
                    #[cfg(all(tokio_unstable, feature = "tokio-console"))]
                    let workers = workers.into_iter().zip(Signal::ALL).map(crate::console::worker);
                    join_all(workers).await;
                });
            }
        };
        std::thread::Builder::new()
            .name(String::from("otlp"))
            .spawn(run)
            .map(drop)
            .map_err(|error| Error::startup("the client's thread could not be started", error))
    }
}

impl Drop for Runtime {
    /// Without waiting: a runtime that waits for its end must not be dropped inside another, and it is the caller's
    /// thread that drops this one when `build` fails.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// `name` is what tokio-console calls the task.
fn spawn(name: &str, task: impl Future<Output = ()> + Send + 'static) {
    #[cfg(all(tokio_unstable, feature = "tokio-console"))]
    crate::console::spawn(name, task);
    #[cfg(not(all(tokio_unstable, feature = "tokio-console")))]
    {
        let _ = name;
        tokio::spawn(task);
    }
}

/// Each check is a task of its own: one that hangs holds up no other.
async fn answer(probes: Vec<Probe>, mut checks: mpsc::UnboundedReceiver<Check>) {
    while let Some(check) = checks.recv().await {
        let all = probes.clone().into_iter().map(ask);
        spawn("otlp health check", async move {
            let answer: Result<(), _> = join_all(all).await.into_iter().collect();
            // Whoever asked may have gone.
            let _ = check.send(answer.map_err(Error::export));
        });
    }
}

async fn ask(Probe { signal, service }: Probe) -> Result<(), BoxError> {
    let empty = || ExportRequest::new(signal, 0, bytes::Bytes::new());
    let mut answer = service.clone().oneshot(empty()).await;
    // A connection kept from before may have been stale; the check is about now, so it gets a fresh one.
    if answer.as_ref().is_err_and(|error| error::is_caused_by::<ConnectionLost>(&**error)) {
        answer = service.oneshot(empty()).await;
    }
    answer.map(drop)
}
