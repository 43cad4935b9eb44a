//! The front's HTTP client: reqwest, with the layer as its middleware.

use super::shop::{BoxError, text};
use otlp::Client;
use otlp_tower::TraceClientLayer;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

#[derive(Clone)]
pub(crate) struct Http(ClientWithMiddleware);

impl Http {
    pub(crate) fn new(client: &Client) -> Result<Self, BoxError> {
        let http = reqwest::Client::builder().build()?;
        Ok(Self(ClientBuilder::new(http).with(TraceClientLayer::new(client)).build()))
    }

    pub(crate) async fn get(&self, url: &str) -> Result<(u16, String), BoxError> {
        let response = self.0.get(url).send().await?;
        Ok((response.status().as_u16(), text(reqwest::Body::from(response)).await?))
    }
}
