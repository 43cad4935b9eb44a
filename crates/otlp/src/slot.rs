//! The places in the stack where users put their own layers. An empty slot is the bare service: nothing is boxed.

use otlp_model::{ExportRequest, ExportResponse};
use otlp_transport::{BoxConnector, BoxError, BoxExportService, Connection, ExportService, Target};
use std::sync::Arc;
use tower::util::Either;
use tower::{Layer, Service, ServiceExt};

/// A stored layer: it wraps a boxed service in another.
type Wrap<S> = Arc<dyn Fn(S) -> S + Send + Sync>;

/// User layers around a service of requests, outermost first.
#[derive(Clone, Default)]
pub(crate) struct ServiceSlot(Vec<Wrap<BoxExportService>>);

impl ServiceSlot {
    pub(crate) fn push<L>(&mut self, layer: L)
    where
        L: Layer<BoxExportService> + Send + Sync + 'static,
        L::Service: Service<ExportRequest, Response = ExportResponse> + Clone + Send + Sync + 'static,
        <L::Service as Service<ExportRequest>>::Error: Into<BoxError>,
        <L::Service as Service<ExportRequest>>::Future: Send,
    {
        self.0.push(Arc::new(move |inner| BoxExportService::new(layer.layer(inner).map_err(Into::into))));
    }
}

impl<S: ExportService + Clone + Sync> Layer<S> for ServiceSlot {
    type Service = Either<S, BoxExportService>;

    fn layer(&self, inner: S) -> Self::Service {
        if self.0.is_empty() {
            return Either::Left(inner);
        }
        Either::Right(self.0.iter().rev().fold(BoxExportService::new(inner), |inner, wrap| wrap(inner)))
    }
}

/// User layers around the connector, outermost first.
#[derive(Clone, Default)]
pub(crate) struct ConnectorSlot(Vec<Wrap<BoxConnector>>);

impl ConnectorSlot {
    pub(crate) fn push<L>(&mut self, layer: L)
    where
        L: Layer<BoxConnector> + Send + Sync + 'static,
        L::Service: Service<Target, Response = Connection> + Clone + Send + Sync + 'static,
        <L::Service as Service<Target>>::Error: Into<BoxError>,
        <L::Service as Service<Target>>::Future: Send,
    {
        self.0.push(Arc::new(move |inner| BoxConnector::new(layer.layer(inner).map_err(Into::into))));
    }

    pub(crate) fn wrap(&self, connector: BoxConnector) -> BoxConnector {
        self.0.iter().rev().fold(connector, |inner, wrap| wrap(inner))
    }
}
