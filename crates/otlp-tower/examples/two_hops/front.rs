//! What customers talk to: an axum server, and an HTTP client of the inventory.

use super::http_client::Http;
use super::shop::BoxError;
use axum::Router;
use axum::extract::{ConnectInfo, MatchedPath, Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use otlp::{Client, Tracer};
use otlp_tower::TraceServerLayer;
use std::net::SocketAddr;
use tokio::net::TcpListener;

#[derive(Clone)]
struct Front {
    tracer: Tracer,
    inventory: String,
    http: Http,
}

pub(crate) async fn serve(client: Client, listener: TcpListener, inventory: String) -> Result<(), BoxError> {
    let front = Front { tracer: client.tracer("front"), inventory, http: Http::new(&client)? };
    let tracing = TraceServerLayer::new(&client)
        .with_route(|request| Some(request.extensions.get::<MatchedPath>()?.as_str().into()))
        .with_peer(|request| Some(request.extensions.get::<ConnectInfo<SocketAddr>>()?.0));
    let app = Router::new().route("/orders/{id}", get(order)).layer(tracing).with_state(front);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
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
        match self.http.get(&url).await? {
            (200, text) => Ok(text),
            (status, _) => Err(format!("the inventory answered {status}").into()),
        }
    }
}
