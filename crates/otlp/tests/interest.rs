//! What a client changes for an application that uses `tracing`: nothing. A program of its own, since levels and interests are the
//! process'.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use otlp::{Client, ExportRequest};
use otlp_testkit::Collector;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, debug, info};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Wants what this file says from INFO on, and says so once for each place.
#[derive(Clone, Default)]
struct Wanting {
    asked_again: Arc<AtomicUsize>,
    heard: Arc<AtomicUsize>,
}

fn is_wanted(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("interest") && *metadata.level() <= LevelFilter::INFO
}

impl<S: Subscriber> Layer<S> for Wanting {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_wanted(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        if metadata.target().starts_with("interest") {
            self.asked_again.fetch_add(1, Ordering::SeqCst);
        }
        is_wanted(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        self.heard.fetch_add(1, Ordering::SeqCst);
    }
}

/// One place in the source for whoever comes here.
fn from_two_threads() {
    info!("from two threads");
}

#[test]
fn what_an_application_hears_costs_no_more_and_is_heard_though_the_clients_thread_hears_nothing() {
    let wanting = Wanting::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(wanting.clone())).unwrap();
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let on_clients_thread = tower::util::MapRequestLayer::new(|request: ExportRequest| {
        from_two_threads();
        request
    });
    let builder = Client::builder().with_endpoint(collector.grpc_endpoint());
    let client = builder.with_layer(on_clients_thread).build_blocking().unwrap();
    client.tracer("t").start("s").end();
    client.flush_within_blocking(Duration::from_secs(60)).unwrap();
    assert_eq!(wanting.heard.load(Ordering::SeqCst), 0, "the client's thread is silent");

    for _ in 0..3 {
        info!("wanted");
        debug!("not wanted");
    }
    assert_eq!(wanting.heard.load(Ordering::SeqCst), 3);
    assert_eq!(wanting.asked_again.load(Ordering::SeqCst), 0);
    assert_eq!(LevelFilter::current(), LevelFilter::INFO);
    from_two_threads();
    assert_eq!(wanting.heard.load(Ordering::SeqCst), 4);
    client.shutdown_blocking(Duration::from_secs(60)).unwrap();
}
