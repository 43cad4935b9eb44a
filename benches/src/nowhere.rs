//! A client whose requests are answered at once, inside its own stack: what is left is the client itself.

use otlp::{Client, ClientBuilder, Error, ExportRequest, ExportResponse};
use std::convert::Infallible;

/// A client that sends nowhere, with the defaults.
///
/// # Errors
///
/// If the client's thread can't be started.
pub fn client() -> Result<Client, Error> {
    client_with(|builder| builder)
}

/// A client that sends nowhere, with options.
///
/// # Errors
///
/// What the builder refuses.
pub fn client_with(options: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Client, Error> {
    let nowhere = tower::layer::layer_fn(|_| {
        tower::service_fn(|_: ExportRequest| async { Ok::<_, Infallible>(ExportResponse::success()) })
    });
    options(Client::builder().with_layer(nowhere)).build_blocking()
}
