//! What the front talks to: an axum server, and a tonic client of the prices.

use super::prices::{Prices, Quote, QuoteRequest};
use axum::Router;
use axum::extract::{MatchedPath, Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use otlp::Client;
use otlp_tower::{TraceClient, TraceClientLayer, TraceServerLayer};
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint};
use tower::Layer;

type Inventory = Prices<TraceClient<Channel>>;

pub(crate) async fn serve(client: Client, listener: TcpListener, prices: String) -> std::io::Result<()> {
    let channel =
        Endpoint::from_shared(format!("http://{prices}")).map_err(std::io::Error::other)?.connect_lazy();
    // Above its channel, a request of tonic does not say which server it is for.
    let layer = TraceClientLayer::new(&client).with_authority(prices);
    let tracing = TraceServerLayer::new(&client)
        .with_filter(|request| request.uri.path() != "/healthz")
        .with_route(|request| Some(request.extensions.get::<MatchedPath>()?.as_str().into()));
    let app = Router::new()
        .route("/stock/{item}", get(stock))
        .route("/healthz", get(async || "well"))
        .layer(tracing)
        .with_state(Prices::new(layer.layer(channel)));
    axum::serve(listener, app).await
}

async fn stock(State(mut prices): State<Inventory>, Path(item): Path<String>) -> Result<String, StatusCode> {
    let request = QuoteRequest { item: item.clone() };
    match prices.quote(request).await {
        Ok(Quote { cents }) => Ok(format!("{item} costs {cents} cents")),
        Err(status) if status.code() == tonic::Code::NotFound => Err(StatusCode::NOT_FOUND),
        Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}
