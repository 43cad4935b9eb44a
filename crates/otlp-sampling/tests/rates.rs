//! The samplers that hold a rate, on a clock that the test sets.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use otlp_model::{SpanContext, SpanId, SpanKind, TraceFlags, TraceId};
use otlp_sampling::{
    ComposableAdaptive, ComposableRateLimiting, ComposableSampler, CompositeSampler, RateLimitingSampler,
    Sampler, SamplingParameters, SpansPerSecond, TraceIdRatioBasedSampler,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A clock, and the hand that moves it.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicU64>);

impl Hand {
    fn clock(&self) -> impl Fn() -> Duration + Send + Sync + use<> {
        let hand = Arc::clone(&self.0);
        move || Duration::from_micros(hand.load(Ordering::Relaxed))
    }

    fn to(&self, second: u64, at: u64, of: u64) {
        self.0.store(second * 1_000_000 + at * 1_000_000 / of, Ordering::Relaxed);
    }
}

fn rate(rate: f64) -> SpansPerSecond {
    SpansPerSecond::new(rate).unwrap()
}

/// How many of `count` random traces, spread over a second, are kept.
fn kept(
    sampler: &impl Sampler,
    hand: &Hand,
    second: u64,
    count: u64,
    name: &str,
    ids: &mut fastrand::Rng,
) -> u64 {
    let keeps = |at| {
        hand.to(second, at, count);
        let id = TraceId::from_bytes(ids.u128(1..).to_be_bytes());
        u64::from(sampler.should_sample(&SamplingParameters::new(id, name, SpanKind::Server)).is_sampled())
    };
    (0..count).map(keeps).sum()
}

#[test]
fn a_rate_limit_is_exact_and_says_nothing_about_counts() {
    let (hand, mut ids) = (Hand::default(), fastrand::Rng::with_seed(1));
    let sampler = RateLimitingSampler::new(rate(100.0)).with_clock(hand.clock());
    assert_eq!(kept(&sampler, &hand, 100, 50, "a", &mut ids), 50, "below the rate all are kept");
    kept(&sampler, &hand, 101, 100_000, "a", &mut ids);
    assert_eq!(kept(&sampler, &hand, 102, 100_000, "a", &mut ids), 100);

    let state = "ot=th:8;x:7".parse().unwrap();
    let parent =
        SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([1; 8]), TraceFlags::SAMPLED)
            .with_trace_state(state);
    let span = SamplingParameters::new(parent.trace_id(), "a", SpanKind::Server).with_parent(&parent);
    hand.to(200, 0, 1);
    let result = sampler.should_sample(&span);
    assert_eq!((result.is_sampled(), result.trace_state.as_str()), (true, "ot=x:7"));
}

#[test]
fn what_another_sampler_drops_costs_nothing_of_the_rate() {
    let (hand, mut ids) = (Hand::default(), fastrand::Rng::with_seed(2));
    let tenth = TraceIdRatioBasedSampler::new(0.1);
    let sampler = RateLimitingSampler::limiting(tenth, rate(1_000.0)).with_clock(hand.clock());
    let count = kept(&sampler, &hand, 100, 5_000, "a", &mut ids);
    assert!((350..650).contains(&count), "a tenth, none over the limit: {count}");
    assert_eq!(sampler.description(), "RateLimiting{1000/s,TraceIdRatioBased{0.100000}}");
}

#[test]
fn a_composable_rate_holds_on_average_and_is_written_down() {
    let (hand, mut ids) = (Hand::default(), fastrand::Rng::with_seed(3));
    let sampler = CompositeSampler::new(ComposableRateLimiting::new(rate(100.0)).with_clock(hand.clock()));
    let seconds: Vec<u64> =
        (100..140).map(|second| kept(&sampler, &hand, second, 10_000, "a", &mut ids)).collect();
    assert!(seconds[0] < 700, "at most 1 + ln(100) times the rate: {}", seconds[0]);
    let mean = seconds[10..].iter().sum::<u64>() as f64 / 30.0;
    assert!((90.0..110.0).contains(&mean), "5 standard deviations: {mean}");

    let id = TraceId::from_bytes([0xff; 16]);
    let result = sampler.should_sample(&SamplingParameters::new(id, "a", SpanKind::Server));
    assert!(result.trace_state.as_str().starts_with("ot=th:fd"), "{}", result.trace_state);
}

#[test]
fn every_operation_has_the_rate_to_itself() {
    let (hand, mut ids) = (Hand::default(), fastrand::Rng::with_seed(4));
    let adaptive = ComposableAdaptive::per_operation(rate(50.0)).with_clock(hand.clock());
    let sampler = CompositeSampler::new(adaptive);
    let (mut busy, mut rare) = (0, 0);
    for second in 100..130 {
        busy += kept(&sampler, &hand, second, 10_000, "busy", &mut ids);
        rare += kept(&sampler, &hand, second, 20, "rare", &mut ids);
    }
    assert_eq!(rare, 30 * 20, "kept whole beside a busy one");
    assert!((1_200..2_000).contains(&busy), "about 50 a second, and the first one's jump: {busy}");
}

#[test]
fn operations_beyond_the_places_share_one_rate_and_forgotten_ones_make_room() {
    let (hand, mut ids) = (Hand::default(), fastrand::Rng::with_seed(5));
    let adaptive = ComposableAdaptive::per_operation(rate(10.0)).with_operations(1).with_clock(hand.clock());
    let sampler = CompositeSampler::new(adaptive);
    assert_eq!(kept(&sampler, &hand, 100, 10, "first", &mut ids), 10);
    for second in 101..111 {
        kept(&sampler, &hand, second, 10, "first", &mut ids);
        kept(&sampler, &hand, second, 1_000, "second", &mut ids);
    }
    let third = kept(&sampler, &hand, 111, 10, "third", &mut ids);
    assert!(third < 5, "it shares the rate that the second one uses up: {third}");
    // Two minutes on, nobody has the place.
    assert_eq!(kept(&sampler, &hand, 231, 10, "third", &mut ids), 10);

    let none = ComposableAdaptive::per_operation(rate(10.0)).with_operations(0).with_clock(hand.clock());
    assert_eq!(kept(&CompositeSampler::new(none), &hand, 300, 10, "any", &mut ids), 10);
}

#[test]
fn rates_that_cannot_be_held_are_refused() {
    for refused in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(SpansPerSecond::new(refused).is_err(), "{refused}");
    }
    let slow = RateLimitingSampler::new(rate(1e-300)).with_clock(|| Duration::from_secs(1));
    let span = SamplingParameters::new(TraceId::from_bytes([1; 16]), "a", SpanKind::Server);
    assert!(slow.should_sample(&span).is_sampled());
    assert!(!slow.should_sample(&span).is_sampled());
    let never = ComposableRateLimiting::new(rate(f64::MAX)).with_clock(|| Duration::MAX);
    assert!(never.sampling_intent(&span).threshold.is_some());
}
