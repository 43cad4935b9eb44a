//! The pure half of retrying, against its rules for any policy, failure and random number.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp_model::DropReason;
use otlp_transport::{
    Backoff, Disposition, ErrorType, Retries, RetryDecision, RetryPolicy, RetryPolicyBuilder,
};
use proptest::prelude::*;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

fn policies() -> impl Strategy<Value = RetryPolicy> {
    let numbers = (1_u32..5_000, 0_u32..60_000, 1.0..10.0_f64, 0.0..=1.0_f64);
    let bounds = (1_u32..600_000, prop::option::of(1_u32..20), 0_u32..300_000);
    (numbers, bounds).prop_map(|((initial, more, multiplier, factor), (elapsed, attempts, clamp))| {
        RetryPolicy::builder()
            .initial_interval(MS * initial)
            .max_interval(MS * (initial + more))
            .multiplier(multiplier)
            .randomization_factor(factor)
            .max_elapsed(MS * elapsed)
            .max_attempts(attempts)
            .max_server_delay(MS * clamp)
            .build()
            .unwrap()
    })
}

fn server_delays() -> impl Strategy<Value = Option<Duration>> {
    prop::option::of(prop_oneof![Just(0), 1..1_000_000_u64].prop_map(Duration::from_millis))
}

fn failures() -> impl Strategy<Value = Disposition> {
    (prop::sample::select(&ErrorType::ALL[..]), server_delays())
        .prop_map(|(error_type, after)| Disposition::Retryable { error_type, after })
}

/// `duration` and a microsecond: what floating point may be off by at most.
fn roughly(duration: Duration) -> Duration {
    duration + Duration::from_micros(1)
}

proptest! {
    #[test]
    fn the_interval_grows_to_its_cap_and_jitter_stays_around_it(
        policy in policies(),
        randoms in prop::collection::vec(0.0..1.0_f64, 1..20),
    ) {
        // conf: RETRY-01, RETRY-20
        let mut backoff = Backoff::new(&policy);
        let factor = policy.randomization_factor();
        for (failures, random) in (0..).zip(randoms) {
            let grown = policy.initial_interval().as_secs_f64() * policy.multiplier().powi(failures);
            let interval = grown.min(policy.max_interval().as_secs_f64());
            let delay = backoff.next_delay(Duration::ZERO, random);
            let least = Duration::from_secs_f64(interval * (1.0 - factor));
            let most = Duration::from_secs_f64(interval * (1.0 + factor)).max(MS);
            prop_assert!(roughly(delay) >= least, "{delay:?} is below {least:?}");
            prop_assert!(delay <= roughly(most), "{delay:?} is above {most:?}");
        }
    }

    #[test]
    fn jitter_survives_the_cap(policy in policies(), failures in 0..50, low in 0.0..0.8_f64) {
        // conf: RETRY-20
        prop_assume!(policy.randomization_factor() > 0.1 && policy.max_interval() > MS * 20);
        let mut one = Backoff::new(&policy);
        for _ in 0..failures {
            one.next_delay(Duration::ZERO, 0.5);
        }
        let mut other = one.clone();
        prop_assert!(one.next_delay(Duration::ZERO, low) < other.next_delay(Duration::ZERO, low + 0.2));
    }

    #[test]
    fn the_larger_of_interval_and_order_holds_and_is_never_a_hot_loop(
        policy in policies(),
        failures in prop::collection::vec((server_delays(), 0.0..1.0_f64), 1..20),
    ) {
        // conf: RETRY-10, RETRY-07, DEC-26
        let mut backoff = Backoff::new(&policy);
        let mut undisturbed = Backoff::new(&policy);
        for (order, random) in failures {
            let minimum = policy.obeyed(order).unwrap_or_default();
            let delay = backoff.next_delay(minimum, random);
            prop_assert!(delay >= minimum);
            prop_assert!(delay >= undisturbed.next_delay(Duration::ZERO, random), "an order never shortens a wait");
            prop_assert!(delay >= MS);
        }
    }

    #[test]
    fn an_order_is_the_base_that_further_failures_grow_from(policy in policies(), order in 1..600_000_u64) {
        // conf: RETRY-06
        let order = Duration::from_millis(order);
        let mut backoff = Backoff::new(&policy);
        backoff.next_delay(order, 0.5);
        let base = order.max(policy.initial_interval()).as_secs_f64();
        let cap = order.max(policy.max_interval()).as_secs_f64();
        let expected = Duration::from_secs_f64((base * policy.multiplier()).min(cap)).max(MS);
        let next = backoff.next_delay(Duration::ZERO, 0.5);
        prop_assert!(next.abs_diff(expected) <= Duration::from_micros(1), "{next:?}, not {expected:?}");
    }

    #[test]
    fn orders_are_obeyed_up_to_the_clamp(policy in policies(), order in server_delays()) {
        // conf: RETRY-11, RETRY-07
        let obeyed = policy.obeyed(order);
        prop_assert!(obeyed <= Some(policy.max_server_delay()));
        prop_assert_ne!(obeyed, Some(Duration::ZERO));
        if let Some(order) = order && !order.is_zero() && order <= policy.max_server_delay() {
            prop_assert_eq!(obeyed, Some(order));
        }
    }

    #[test]
    fn a_request_ends_within_its_bounds(
        policy in policies(),
        failures in prop::collection::vec((failures(), 0_u32..20_000, 0.0..1.0_f64), 60),
        shutdown_at in prop::option::of(0_u32..600_000),
    ) {
        // conf: TIME-02, RETRY-10
        let mut retries = Retries::new(policy);
        let mut elapsed = Duration::ZERO;
        for (attempts, (failure, latency, random)) in (1..).zip(failures) {
            elapsed += MS * latency;
            let shutdown_in = shutdown_at.map(|at| (MS * at).saturating_sub(elapsed));
            let decision = retries.decide(&failure, elapsed, shutdown_in, random);
            prop_assert!(decision != RetryDecision::Finish);
            prop_assert!(policy.max_attempts().is_none_or(|max| attempts <= max));
            match decision {
                RetryDecision::After(delay) => {
                    elapsed += delay;
                    prop_assert!(elapsed < policy.max_elapsed(), "no wait outlasts the budget");
                    prop_assert!(shutdown_in.is_none_or(|left| delay < left), "nor the deadline");
                }
                RetryDecision::GiveUp(reason) => {
                    prop_assert!(matches!(reason, DropReason::RetriesExhausted | DropReason::Deadline));
                    prop_assert!(reason != DropReason::Deadline || shutdown_at.is_some());
                    return Ok(());
                }
                RetryDecision::Finish => unreachable!(),
            }
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again(
        policy in policies(),
        rejected in 0..5_u64,
        reason in prop::sample::select(&DropReason::ALL[..]),
        random in 0.0..1.0_f64,
    ) {
        // conf: RETRY-17, RETRY-03
        let decide = |disposition| Retries::new(policy).decide(&disposition, Duration::ZERO, None, random);
        prop_assert_eq!(decide(Disposition::Delivered { rejected }), RetryDecision::Finish);
        prop_assert_eq!(decide(Disposition::Permanent { reason }), RetryDecision::GiveUp(reason));
    }

    #[test]
    fn any_random_number_gives_a_wait(policy in policies(), random in any::<f64>(), minimum in any::<u64>()) {
        let mut backoff = Backoff::new(&policy);
        let minimum = Duration::from_millis(minimum);
        for _ in 0..5 {
            prop_assert!(backoff.next_delay(minimum, random) >= minimum);
        }
    }
}

#[test]
fn only_the_named_classes_are_tried_again() {
    let policy = RetryPolicy::builder().retryable(&[ErrorType::Timeout]).build().unwrap();
    for error_type in ErrorType::ALL {
        let failure = Disposition::Retryable { error_type, after: None };
        let decision = Retries::new(policy).decide(&failure, Duration::ZERO, None, 0.5);
        let expected = match error_type {
            ErrorType::Timeout => RetryDecision::After(Duration::from_millis(500)),
            _ => RetryDecision::GiveUp(DropReason::NotRetryable),
        };
        assert_eq!(decision, expected, "{error_type}");
    }
}

#[test]
fn a_shutdown_starts_the_back_off_anew() {
    let policy = RetryPolicy::builder().randomization_factor(0.0).build().unwrap();
    let mut retries = Retries::new(policy);
    let failure = Disposition::Retryable { error_type: ErrorType::Network, after: None };
    for _ in 0..20 {
        retries.decide(&failure, Duration::ZERO, None, 0.5);
    }
    let decide = |retries: &mut Retries| retries.decide(&failure, Duration::ZERO, None, 0.5);
    assert_eq!(decide(&mut retries), RetryDecision::After(policy.max_interval()));
    retries.hurry();
    assert_eq!(decide(&mut retries), RetryDecision::After(policy.initial_interval()));
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    // conf: DEC-02, RETRY-14
    let policy = RetryPolicy::default();
    assert_eq!(policy.initial_interval(), Duration::from_millis(500));
    assert_eq!((policy.multiplier(), policy.randomization_factor()), (1.5, 0.5));
    assert_eq!(policy.max_interval(), Duration::from_secs(30));
    assert_eq!(policy.max_elapsed(), Duration::from_secs(300));
    assert_eq!(policy.max_attempts(), None);
    assert!(ErrorType::ALL.into_iter().all(|class| policy.retries(class)));
    assert_eq!(RetryPolicy::builder().build(), Ok(policy));
}

#[test]
fn a_setting_out_of_range_is_refused_by_name() {
    // conf: RETRY-14
    type Wrong = (&'static str, fn(RetryPolicyBuilder) -> RetryPolicyBuilder);
    let wrong: [Wrong; 11] = [
        ("initial_interval", |policy| policy.initial_interval(Duration::ZERO)),
        ("max_interval", |policy| policy.max_interval(Duration::from_millis(499))),
        ("multiplier", |policy| policy.multiplier(0.99)),
        ("multiplier", |policy| policy.multiplier(f64::NAN)),
        ("multiplier", |policy| policy.multiplier(f64::INFINITY)),
        ("randomization_factor", |policy| policy.randomization_factor(-0.1)),
        ("randomization_factor", |policy| policy.randomization_factor(1.1)),
        ("randomization_factor", |policy| policy.randomization_factor(f64::NAN)),
        ("max_elapsed", |policy| policy.max_elapsed(Duration::ZERO)),
        ("max_attempts", |policy| policy.max_attempts(Some(0))),
        ("max_interval", |policy| policy.initial_interval(Duration::from_secs(31))),
    ];
    for (field, set) in wrong {
        let error = set(RetryPolicy::builder()).build().unwrap_err();
        assert_eq!(error.field(), field, "{error}");
        assert_eq!(error.to_string(), format!("retry option `{field}`: {}", error.problem()));
        assert!(!error.problem().is_empty());
    }
}

#[test]
fn the_longest_settings_do_not_overflow() {
    let policy = RetryPolicy::builder()
        .initial_interval(Duration::MAX)
        .max_interval(Duration::MAX)
        .max_elapsed(Duration::MAX)
        .max_server_delay(Duration::MAX)
        .multiplier(f64::MAX)
        .build()
        .unwrap();
    let failure = Disposition::Retryable { error_type: ErrorType::Network, after: Some(Duration::MAX) };
    let decision = Retries::new(policy).decide(&failure, Duration::MAX, None, 0.9);
    assert_eq!(decision, RetryDecision::GiveUp(DropReason::RetriesExhausted));
}
