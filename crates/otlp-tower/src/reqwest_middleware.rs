//! `TraceClientLayer` as a middleware of `reqwest-middleware` (feature of that name). Decides nothing of its own: it gives
//! the request to the layer's code in the form it takes, and the response back in the form reqwest takes.

use crate::TraceClientLayer;
use crate::body::ResponseBody;
use crate::exchange::Exchange;
use crate::failure;
use http::Extensions;
use reqwest::{Body, Request, Response, ResponseBuilderExt};
use reqwest_middleware::{Error, Middleware, Next, Result};
use std::error::Error as _;
use std::mem;
use std::pin::pin;

/// A middleware of `reqwest-middleware`, which is not made of tower services; needs the feature `reqwest-middleware`.
///
/// As with the layer, below a middleware that retries there is a span for each time, above it one for all. Extensions of the
/// request are those of the middleware, `with_extension`.
///
/// ```
/// # fn f(client: otlp::Client) {
/// let http = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
///     .with(otlp_tower::TraceClientLayer::new(&client))
///     .build();
/// # drop(http);
/// # }
/// ```
#[async_trait::async_trait]
impl Middleware for TraceClientLayer {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let Some(mut exchange) = self.begin_reqwest(&mut request, extensions) else {
            return next.run(request, extensions).await;
        };
        let mut response = pin!(exchange.run(|| next.run(request, extensions)));
        match std::future::poll_fn(|cx| exchange.run(|| response.as_mut().poll(cx))).await {
            Ok(response) => Ok(answered(response, exchange)),
            Err(error) => {
                let (kind, message) = tell(&error);
                exchange.errored_as(kind, &message);
                Err(error)
            }
        }
    }
}

impl TraceClientLayer {
    fn begin_reqwest(&self, request: &mut Request, extensions: &mut Extensions) -> Option<Exchange> {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = request.method().clone();
        // A URL that is not one of HTTP is for reqwest to refuse.
        parts.uri = request.url().as_str().parse().ok()?;
        parts.version = request.version();
        parts.headers = mem::take(request.headers_mut());
        parts.extensions = mem::take(extensions);
        let exchange = self.begin(&mut parts);
        *request.headers_mut() = parts.headers;
        *extensions = parts.extensions;
        exchange
    }
}

fn answered(response: Response, mut exchange: Exchange) -> Response {
    let url = response.url().clone();
    let (mut parts, body) = http::Response::<Body>::from(response).into_parts();
    let is_whole = exchange.answered(&parts, &body);
    let body = if is_whole { body } else { Body::wrap(ResponseBody::new(body, Some(exchange))) };
    // On its way through `http::Response` a response loses its URL, unless it is put there.
    if let Ok(carrier) = http::Response::builder().url(url).body(()) {
        parts.extensions.extend(carrier.into_parts().0.extensions);
    }
    http::Response::from_parts(parts, body).into()
}

/// What an error is called, and its text without the URL, which may hold secrets.
fn tell(error: &Error) -> (&'static str, String) {
    let Error::Reqwest(error) = error else { return ("reqwest_middleware::Error", failure::text_of(error)) };
    let kind = match error {
        error if error.is_timeout() => "timeout",
        error if error.is_connect() => failure::io_in(error).unwrap_or("connect"),
        error if error.is_redirect() => "redirect",
        error if error.is_builder() => "builder",
        error => failure::io_in(error).unwrap_or("reqwest::Error"),
    };
    let causes = || failure::causes(error.source()).map(failure::text_of).collect::<Vec<_>>().join(": ");
    (kind, failure::foreign(causes).unwrap_or_default())
}
