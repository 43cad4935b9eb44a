//! What the inventory talks to: a gRPC service of one method, with its client. Written by hand in place of what tonic's
//! code generator makes, so that the example needs no protoc.

use otlp::Client;
use otlp_tower::TraceServerLayer;
use std::convert::Infallible;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codegen::http::{self, uri::PathAndQuery};
use tonic::codegen::{BoxFuture, Service, StdError};
use tonic::server::NamedService;
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct QuoteRequest {
    #[prost(string, tag = "1")]
    pub(crate) item: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Quote {
    #[prost(uint64, tag = "1")]
    pub(crate) cents: u64,
}

const QUOTE: &str = "/shop.Prices/Quote";

pub(crate) async fn serve(client: Client, listener: TcpListener) -> Result<(), tonic::transport::Error> {
    Server::builder()
        .layer(TraceServerLayer::new(&client))
        .add_service(PricesServer)
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await
}

/// The client.
#[derive(Clone)]
pub(crate) struct Prices<T>(tonic::client::Grpc<T>);

impl<T> Prices<T>
where
    T: GrpcService<Body, ResponseBody: Send + 'static>,
    <T::ResponseBody as tonic::codegen::Body>::Error: Into<StdError> + Send,
{
    pub(crate) fn new(inner: T) -> Self {
        Self(tonic::client::Grpc::new(inner))
    }

    pub(crate) async fn quote(&mut self, request: QuoteRequest) -> Result<Quote, Status> {
        self.0.ready().await.map_err(|error| Status::unavailable(error.into().to_string()))?;
        let codec = ProstCodec::default();
        let answer = self.0.unary(Request::new(request), PathAndQuery::from_static(QUOTE), codec).await?;
        Ok(answer.into_inner())
    }
}

/// The server.
#[derive(Clone)]
struct PricesServer;

impl NamedService for PricesServer {
    const NAME: &'static str = "shop.Prices";
}

impl Service<http::Request<Body>> for PricesServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            if request.uri().path() != QUOTE {
                return Ok(Status::unimplemented("no such method").into_http());
            }
            let mut grpc = tonic::server::Grpc::new(ProstCodec::default());
            Ok(grpc.unary(tower::service_fn(quote), request).await)
        })
    }
}

async fn quote(request: Request<QuoteRequest>) -> Result<Response<Quote>, Status> {
    match request.get_ref().item.as_str() {
        "item-0" => Err(Status::not_found("nobody sells item-0")),
        "item-13" => Err(Status::data_loss("the price list is gone")),
        item => Ok(Response::new(Quote { cents: 100 * item.len() as u64 })),
    }
}
