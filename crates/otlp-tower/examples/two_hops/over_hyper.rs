//! The front's HTTP client: hyper's, with the layer above it.

use super::shop::{BoxError, text};
use axum::body::Body;
use axum::http::Request;
use hyper_util::client::legacy::{Client as HttpClient, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use otlp::Client;
use otlp_tower::{TraceClient, TraceClientLayer};
use tower::{Layer, ServiceExt};

#[derive(Clone)]
pub(crate) struct Http(TraceClient<HttpClient<HttpConnector, Body>>);

impl Http {
    pub(crate) fn new(client: &Client) -> Result<Self, BoxError> {
        let http = HttpClient::builder(TokioExecutor::new()).build_http();
        Ok(Self(TraceClientLayer::new(client).layer(http)))
    }

    pub(crate) async fn get(&self, url: &str) -> Result<(u16, String), BoxError> {
        let response = self.0.clone().oneshot(Request::get(url).body(Body::empty())?).await?;
        Ok((response.status().as_u16(), text(response.into_body()).await?))
    }
}
