//! Through an HTTP proxy, without the facade: the one of the environment or the one given, for an endpoint given.
//!
//! ```text
//! HTTP_PROXY=http://proxy:3128 cargo run -p otlp-transport --example proxy -- http://collector:4318
//! cargo run -p otlp-transport --example proxy -- http://collector:4318 http://user:password@proxy:3128
//! ```
//!
//! It sends one empty request, which receivers take, and says what came of it.

use otlp_model::{ExportRequest, Signal};
use otlp_transport::{BoxError, Connector, Endpoint, Http, ProxyLayer, ServiceBuilderExt};
use std::time::Duration;
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let endpoint = arguments.next().map_or_else(|| Ok(Endpoint::default_http()), |text| text.parse())?;
    let proxy = match arguments.next() {
        Some(url) => Some(ProxyLayer::new(url.parse()?)),
        // Not for localhost, not for what NO_PROXY excepts.
        None => ProxyLayer::from_env(&endpoint, |name| std::env::var(name).ok())?,
    };
    match &proxy {
        Some(layer) => println!("{endpoint} by way of {}", layer.url()),
        None => println!("{endpoint} without a proxy"),
    }

    let connector = ServiceBuilder::new()
        // One's own layers of connectors would stand here: they see the endpoint's target.
        .option_layer(proxy)
        // Sees the target of the proxy, if there is one.
        .service(Connector::new().with_timeout(Duration::from_secs(3)));
    let stack = ServiceBuilder::new()
        .attempt_timeout(Duration::from_secs(10))
        .service(Http::with_connector(endpoint, connector));
    match stack.oneshot(ExportRequest::new(Signal::Traces, 0, bytes::Bytes::new())).await {
        Ok(_) => println!("taken"),
        Err(error) => println!("{error}"),
    }
    Ok(())
}
