//! Builder options that put a user's own layers into the stack.

use super::ClientBuilder;
use otlp_model::{ExportRequest, ExportResponse};
use otlp_transport::{BoxConnector, BoxError, BoxExportService, Connection, Target};
use tower::{Layer, Service};

impl ClientBuilder {
    /// A layer around the whole export of a batch: it sees the plain request once, whatever the number of attempts.
    /// The first one added is the outermost.
    ///
    /// Layers run on the client's own thread: one that blocks holds up everything, flushes too. `tracing` is silent
    /// there, so that exporting makes no telemetry about itself (conformance BATCH-26). Each signal has a stack of its
    /// own, so a layer is applied three times; what they share is what the layer shares between its services.
    ///
    /// ```
    /// use otlp::{Client, ExportRequest};
    /// let tag = tower::util::MapRequestLayer::new(|mut request: ExportRequest| {
    ///     request.add_header("x-team", "payments");
    ///     request
    /// });
    /// let builder = Client::builder().with_layer(tag);
    /// ```
    pub fn with_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<BoxExportService> + Send + Sync + 'static,
        L::Service: Service<ExportRequest, Response = ExportResponse> + Clone + Send + Sync + 'static,
        <L::Service as Service<ExportRequest>>::Error: Into<BoxError>,
        <L::Service as Service<ExportRequest>>::Future: Send,
    {
        self.batch_layers.push(layer);
        self
    }

    /// A layer around every attempt: fault injection, rate limits; health checks pass it, too. The first one
    /// added is the outermost. What is said at [`with_layer`](Self::with_layer) holds here as well.
    pub fn with_attempt_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<BoxExportService> + Send + Sync + 'static,
        L::Service: Service<ExportRequest, Response = ExportResponse> + Clone + Send + Sync + 'static,
        <L::Service as Service<ExportRequest>>::Error: Into<BoxError>,
        <L::Service as Service<ExportRequest>>::Future: Send,
    {
        self.attempt_layers.push(layer);
        self
    }

    /// A layer around the making of a connection: name resolution, sockets, counting. It stands above the proxy. The first one added is the
    /// outermost. It is applied once, for all signals, and runs on the client's own thread.
    pub fn with_connector_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<BoxConnector> + Send + Sync + 'static,
        L::Service: Service<Target, Response = Connection> + Clone + Send + Sync + 'static,
        <L::Service as Service<Target>>::Error: Into<BoxError>,
        <L::Service as Service<Target>>::Future: Send,
    {
        self.connector_layers.push(layer);
        self
    }
}
