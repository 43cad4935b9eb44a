//! The three services, each with a client of its own, on ports of the system's choice.

use super::{front, inventory, prices};
use axum::body::Body;
use http_body_util::{BodyExt, Limited};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use otlp::{Client, DeliveryReport, Protocol};
use std::time::Duration;
use tokio::net::TcpListener;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

pub(crate) struct Shop {
    clients: Vec<Client>,
    front: String,
}

impl Shop {
    /// Starts prices, inventory and front; they send their telemetry to `collector`.
    pub(crate) async fn open(collector: &str) -> Result<Self, BoxError> {
        let mut clients = Vec::new();
        for name in ["prices", "inventory", "front"] {
            let builder = Client::builder().with_endpoint(collector).with_protocol(Protocol::Http);
            clients.push(builder.with_service_name(name).build().await?);
        }
        let (listener, prices) = listen().await?;
        tokio::spawn(prices::serve(clients[0].clone(), listener));
        let (listener, inventory) = listen().await?;
        tokio::spawn(inventory::serve(clients[1].clone(), listener, prices));
        let (listener, front) = listen().await?;
        tokio::spawn(front::serve(clients[2].clone(), listener, inventory));
        Ok(Self { clients, front })
    }

    /// Asks the front, as somebody who traces nothing.
    pub(crate) async fn get(&self, path: &str) -> Result<(u16, String), BoxError> {
        let client = HttpClient::builder(TokioExecutor::new()).build_http::<Body>();
        let response = client.get(format!("http://{}{path}", self.front).parse()?).await?;
        let status = response.status().as_u16();
        Ok((status, text(response.into_body()).await?))
    }

    /// Delivers what is left, and says what became of all.
    pub(crate) async fn close(self, within: Duration) -> Result<Vec<DeliveryReport>, otlp::Error> {
        let mut reports = Vec::new();
        for client in self.clients {
            reports.push(client.shutdown(within).await?);
        }
        Ok(reports)
    }
}

async fn listen() -> Result<(TcpListener, String), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    Ok((listener, address))
}

/// A body of no more than a kilobyte, as text.
pub(crate) async fn text<B>(body: B) -> Result<String, BoxError>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    #[expect(clippy::disallowed_methods, reason = "the body is capped")]
    let body = Limited::new(body, 1024).collect().await?;
    Ok(String::from_utf8(body.to_bytes().to_vec())?)
}
