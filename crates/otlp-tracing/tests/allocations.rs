//! What the layer allocates where spans are made: one box for each recorded span, which the registry makes for what a layer
//! keeps with it, and nothing for spans that are not sampled or filtered.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp::{AlwaysOffSampler, BoxError, Client, ExportRequest, ExportResponse, MemoryPoolConfig, Sampler};
use std::fmt;
use std::sync::{Arc, Mutex};
use tracing::{Dispatch, debug_span, info, info_span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

const SPANS: u64 = 10_000;

struct Shown;

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shown {}", 1)
    }
}

fn make() {
    let span = info_span!(
        "GET /api/users/{id}",
        http.request.method = "GET",
        http.response.status_code = 200,
        cache.hit = true,
        queue.share = 0.25,
        shown = ?Shown,
        late = tracing::field::Empty,
    );
    let entered = span.entered();
    info!(role = "reader", shown = ?Shown, "authorized {}", 1);
    entered.record("late", 3);
}

/// A client, and what its receiver waits for.
fn client(sampler: impl Sampler + 'static) -> (Client, Arc<Mutex<()>>) {
    // All chunks from the start, as a pool that is in use has them; every request is answered at once.
    let memory =
        MemoryPoolConfig { initial_size: 64 << 20, max_size: 64 << 20, ..MemoryPoolConfig::default() };
    let gate = Arc::new(Mutex::new(()));
    let answer = {
        let gate = Arc::clone(&gate);
        move |_: ExportRequest| {
            drop(gate.lock().unwrap());
            async { Ok::<_, BoxError>(ExportResponse::success()) }
        }
    };
    let client = Client::builder()
        .with_memory_pool_config(memory)
        .with_sampler(sampler)
        .with_layer(tower::layer::layer_fn(move |_| tower::service_fn(answer.clone())))
        .build_blocking()
        .unwrap();
    (client, gate)
}

/// Allocations of this thread while `f` is called so many times, warm: the client's thread was held at the first request, so that
/// the queue has been longer than it will be, however late that thread then comes.
fn allocations((client, gate): &(Client, Arc<Mutex<()>>), dispatch: &Dispatch, f: impl Fn()) -> u64 {
    tracing::dispatcher::with_default(dispatch, || {
        let held = gate.lock().unwrap();
        (0..2 * SPANS).for_each(|_| f());
        drop(held);
        client.flush_blocking().unwrap();
        allocation_counter::measure(|| (0..SPANS).for_each(|_| f())).count_total
    })
}

#[test]
fn a_recorded_span_allocates_the_box_that_the_registry_makes_and_nothing_else() {
    let warmed = client(otlp::AlwaysOnSampler);
    let client = &warmed.0;
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(otlp_tracing::layer(client)));
    let bare = Dispatch::new(tracing_subscriber::registry());
    assert_eq!(allocations(&warmed, &bare, make), 0, "the registry itself");
    assert_eq!(allocations(&warmed, &dispatch, make), SPANS);
    assert_eq!(client.flush_blocking().unwrap().delivered(), 3 * SPANS);
}

#[test]
fn spans_that_are_not_recorded_allocate_nothing() {
    let warmed = client(AlwaysOffSampler);
    let client = &warmed.0;
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(otlp_tracing::layer(client)));
    tracing::dispatcher::with_default(&dispatch, || {
        let _root = info_span!("root").entered();
        assert_eq!(allocations(&warmed, &dispatch, make), 0, "below one that is not sampled");
    });
    let filtered = otlp_tracing::layer(client).with_filter(LevelFilter::INFO);
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(filtered));
    assert_eq!(
        allocations(&warmed, &dispatch, || drop(debug_span!("filtered", shown = ?Shown).entered())),
        0
    );
}
