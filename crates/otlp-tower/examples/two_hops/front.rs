//! What customers talk to: an axum server, and a hyper client of the inventory.

use super::shop::{BoxError, text};
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Path, State};
use axum::http::{Request, StatusCode};
use axum::routing::get;

use hyper_util::client::legacy::{Client as HttpClient, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use otlp::{Client, Tracer};
use otlp_tower::{TraceClient, TraceClientLayer, TraceServerLayer};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};

type Http = TraceClient<HttpClient<HttpConnector, Body>>;

#[derive(Clone)]
struct Front {
    tracer: Tracer,
    inventory: String,
    http: Http,
}

pub(crate) async fn serve(client: Client, listener: TcpListener, inventory: String) -> std::io::Result<()> {
    let http = HttpClient::builder(TokioExecutor::new()).build_http();
    let front =
        Front { tracer: client.tracer("front"), inventory, http: TraceClientLayer::new(&client).layer(http) };
    let tracing = TraceServerLayer::new(&client)
        .with_route(|request| Some(request.extensions.get::<MatchedPath>()?.as_str().into()))
        .with_peer(|request| Some(request.extensions.get::<ConnectInfo<SocketAddr>>()?.0));
    let app = Router::new().route("/orders/{id}", get(order)).layer(tracing).with_state(front);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
}

async fn order(State(front): State<Front>, Path(id): Path<u32>) -> Result<String, StatusCode> {
    // A child of the server's span, which is current here; and what it is current for is under it.
    let span = front.tracer.start("find order");
    let item = {
        let _current = span.context().attach();
        front.tracer.start("read from disk").end();
        format!("item-{id}")
    };
    drop(span);
    front.ask(&item).await.map_err(|_| StatusCode::BAD_GATEWAY)
}

impl Front {
    async fn ask(&self, item: &str) -> Result<String, BoxError> {
        let url = format!("http://{}/stock/{item}?currency=EUR&sig=hunter2", self.inventory);
        let request = Request::get(url).body(Body::empty())?;
        let response = self.http.clone().oneshot(request).await?;
        if !response.status().is_success() {
            return Err(format!("the inventory answered {}", response.status()).into());
        }
        text(response.into_body()).await
    }
}
