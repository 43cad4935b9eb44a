//! What the snippets stand on: a client type whose connections go to the test's collector, whatever the endpoint says, and
//! values for names that a snippet takes for granted.

use otlp::{Client, ClientBuilder, Target};
use otlp_testkit::Collector;
use std::cell::RefCell;
use std::ops::Deref;
use std::sync::OnceLock;
use tower::util::MapRequestLayer;

pub(crate) use crate::support::{PATIENCE, all_delivered, books};

/// What a snippet fails with.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

type Options = Box<dyn Fn(ClientBuilder) -> ClientBuilder>;

thread_local! {
    static OPTIONS: RefCell<Option<Options>> = const { RefCell::new(None) };
}

/// In the place of the client of that name: its builder is the real one, with the options of the scene.
pub(crate) struct EnhancedOtlpClient;

impl EnhancedOtlpClient {
    pub(crate) fn builder() -> ClientBuilder {
        OPTIONS.with_borrow(|options| (options.as_ref().expect("a scene"))(Client::builder()))
    }
}

/// Sets what this thread's snippets do not say.
pub(crate) fn scene(options: impl Fn(ClientBuilder) -> ClientBuilder + 'static) {
    OPTIONS.set(Some(Box::new(options)));
}

/// The usual scene: connections to this endpoint of a collector or proxy.
pub(crate) fn scene_at(endpoint: String) {
    scene(move |builder| at(builder, &endpoint));
}

/// Connections go to `endpoint`, whatever the client's says.
pub(crate) fn at(builder: ClientBuilder, endpoint: &str) -> ClientBuilder {
    let address = endpoint.split_once("://").unwrap().1.parse::<std::net::SocketAddr>().unwrap();
    let target = Target::Tcp { host: address.ip().to_string(), port: address.port() };
    builder
        .with_service_name("guide")
        .without_proxy()
        .with_connector_layer(MapRequestLayer::new(move |_: Target| target.clone()))
}

/// A collector for gRPC, and the usual scene at it. It has a thread of its own, so that a test may block.
pub(crate) fn collector() -> Collector {
    let collector = Collector::builder().start_blocking().unwrap();
    scene_at(collector.grpc_endpoint());
    collector
}

/// A name that a snippet takes for granted, where no argument can bring it.
pub(crate) struct Free<T: 'static>(OnceLock<T>);

impl<T> Free<T> {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    pub(crate) fn set(&self, value: T) {
        assert!(self.0.set(value).is_ok(), "set once");
    }
}

impl<T> Deref for Free<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.get().expect("set before use")
    }
}

/// Looks until it is so.
pub(crate) async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// The work of snippets that do some.
pub(crate) async fn do_work() -> Outcome<()> {
    tokio::task::yield_now().await;
    Ok(())
}
