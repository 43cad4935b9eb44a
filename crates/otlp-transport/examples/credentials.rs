//! Tokens that expire, without the facade: fetched once for two stacks, renewed ahead of their end, replaced when refused.
//!
//! The receiver is a function in this program; with `Grpc` or `Http` in its place the rest stays as it is.
//!
//! ```text
//! cargo run -p otlp-transport --example credentials
//! ```

use bytes::Bytes;
use otlp_model::{ExportRequest, ExportResponse, Signal};
use otlp_transport::{
    AuthLayer, BoxError, HttpError, Observation, RetryPolicy, ServiceBuilderExt, Token, shutdown,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    // Where a request to a token endpoint would be. The first one fails, as such things do.
    let fetches = Arc::new(AtomicU32::new(0));
    let auth = AuthLayer::new(move || {
        let number = fetches.fetch_add(1, Ordering::Relaxed);
        async move {
            println!("fetch {number}");
            if number == 0 {
                return Err(BoxError::from("the token endpoint is starting"));
            }
            Ok(Token::bearer(&format!("token-{number}"))?.with_lifetime(Duration::from_secs(3600)))
        }
    });

    // A receiver that has revoked the first token by the time it is used.
    let receiver = tower::service_fn(|request: ExportRequest| async move {
        let revoked = request.headers().contains(&("authorization".to_owned(), "Bearer token-1".to_owned()));
        if revoked { Err(BoxError::from(HttpError::new(401))) } else { Ok(ExportResponse::success()) }
    });

    let (_shutdown, signal) = shutdown::channel();
    let stack = |signal: Signal, auth: AuthLayer, shutdown| {
        ServiceBuilder::new()
            // Waits for as long as the credentials want to be left alone, then tries again.
            .retry_export(RetryPolicy::default(), shutdown)
            .observe(move |attempt: &Observation<'_>| match attempt.error {
                Some(error) => println!("{signal}: {error}"),
                None => println!("{signal}: delivered"),
            })
            // Bounds the wait for a token as it bounds the attempt.
            .attempt_timeout(Duration::from_secs(10))
            // A clone of one layer for every stack: they share the token.
            .layer(auth)
            .service(receiver)
    };
    for kind in [Signal::Traces, Signal::Logs] {
        let request = ExportRequest::new(kind, 1, Bytes::from_static(b"..."));
        stack(kind, auth.clone(), signal.clone()).oneshot(request).await?;
    }
    Ok(())
}
