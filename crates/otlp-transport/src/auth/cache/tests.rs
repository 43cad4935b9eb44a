//! The cache against a model, and its rules one by one.

use super::*;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn token(lifetime: Option<Duration>) -> Token {
    let token = Token::bearer("t").unwrap();
    lifetime.map_or_else(|| token.clone(), |lifetime| token.clone().with_lifetime(lifetime))
}

fn lease(next: &Next) -> &Lease {
    match next {
        Next::Use { lease, .. } => lease,
        _ => panic!("there is a token"),
    }
}

/// A cache with a token that was fetched in no time.
fn filled(now: Instant, token: Token) -> Cache {
    let mut cache = Cache::new();
    assert!(matches!(cache.next(now), Next::Fetch));
    cache.fetched(token, now, now, 0.5);
    cache
}

#[test]
fn the_first_request_fetches_and_the_others_wait() {
    let now = Instant::now();
    let mut cache = Cache::new();
    assert!(matches!(cache.next(now), Next::Fetch));
    assert!(matches!(cache.next(now), Next::Wait));
    cache.fetched(token(None), now, now, 0.5);
    assert!(
        matches!(cache.next(now + 1000 * 3600 * SECOND), Next::Use { renew: false, .. }),
        "it has no end"
    );
}

#[test]
fn a_token_is_renewed_once_ahead_of_its_end_and_used_until_then() {
    for (lifetime, renewed) in [(100, 80), (3600, 3300), (10, 8)] {
        let now = Instant::now();
        let mut cache = filled(now, token(Some(lifetime * SECOND)));
        let just_before = now + renewed * SECOND - Duration::from_millis(1);
        assert!(matches!(cache.next(just_before), Next::Use { renew: false, .. }));
        assert!(matches!(cache.next(now + renewed * SECOND), Next::Use { renew: true, .. }));
        assert!(
            matches!(cache.next(now + renewed * SECOND), Next::Use { renew: false, .. }),
            "only one fetches"
        );
        assert!(matches!(cache.next(now + lifetime * SECOND), Next::Wait), "it is over");
    }
}

#[test]
fn a_lifetime_counts_from_the_beginning_of_the_fetch() {
    let now = Instant::now();
    let mut cache = Cache::new();
    assert!(matches!(cache.next(now), Next::Fetch));
    cache.fetched(token(Some(10 * SECOND)), now, now + 9 * SECOND, 0.5);
    assert!(matches!(cache.next(now + 9 * SECOND), Next::Use { renew: true, .. }));
    assert!(matches!(cache.next(now + 10 * SECOND), Next::Wait));
}

#[test]
fn a_token_that_is_over_when_it_comes_is_a_failure_and_no_loop() {
    for lifetime in [Duration::ZERO, SECOND / 2, 3 * SECOND] {
        let now = Instant::now();
        let mut cache = Cache::new();
        assert!(matches!(cache.next(now), Next::Fetch));
        cache.fetched(token(Some(lifetime)), now, now + 3 * SECOND, 0.5);
        let Next::Fail(error) = cache.next(now + 3 * SECOND) else { panic!("nothing to use") };
        assert!(error.to_string().contains("has expired"), "{error}");
    }
}

#[test]
fn failures_wait_longer_and_longer_and_keep_the_old_token() {
    let now = Instant::now();
    let mut cache = filled(now, token(Some(100 * SECOND)));
    let mut at = now + 80 * SECOND;
    let mut waits = Vec::new();
    for _ in 0..3 {
        assert!(matches!(cache.next(at), Next::Use { renew: true, .. }));
        cache.failed("no".into(), at, 0.5);
        let again = cache.failure.as_ref().unwrap().again;
        assert!(matches!(cache.next(again - Duration::from_millis(1)), Next::Use { renew: false, .. }));
        waits.push(again - at);
        at = again;
    }
    assert_eq!(waits, [SECOND / 2, 3 * SECOND / 4, 9 * SECOND / 8]);
    cache.failed("no".into(), now + 100 * SECOND, 0.5);
    let Next::Fail(error) = cache.next(now + 100 * SECOND) else { panic!("it is over") };
    assert!(error.wait() > SECOND && error.to_string().ends_with(": no"), "{error}");
    assert!(matches!(cache.next(now + 100 * SECOND + error.wait()), Next::Fetch));
}

#[test]
fn a_refusal_drops_the_token_but_only_now_and_then() {
    let now = Instant::now();
    let mut cache = filled(now, token(None));
    let first = lease(&cache.next(now)).clone();
    assert!(cache.refused(&first, now));
    assert!(cache.refused(&first, now), "another request was refused with the same one");
    assert!(matches!(cache.next(now), Next::Fetch));
    cache.fetched(token(None), now, now, 0.5);
    assert!(cache.refused(&first, now), "there is another one by now");

    let second = lease(&cache.next(now)).clone();
    assert!(!cache.refused(&second, now + 29 * SECOND));
    assert!(matches!(cache.next(now + 29 * SECOND), Next::Use { renew: false, .. }), "it stays");
    assert!(cache.refused(&second, now + 30 * SECOND));
    assert!(matches!(cache.next(now + 30 * SECOND), Next::Fetch));
}

#[derive(Debug, Clone)]
enum Event {
    Request,
    Fetched { lifetime: Option<u64>, refresh_after: Option<u64> },
    Failed,
    Refused,
}

fn events() -> impl Strategy<Value = Vec<(u64, Event)>> {
    let lifetime = || prop::option::of(0u64..10_000_000);
    let event = prop_oneof![
        4 => Just(Event::Request),
        2 => (lifetime(), lifetime()).prop_map(|(lifetime, refresh_after)| Event::Fetched { lifetime, refresh_after }),
        1 => Just(Event::Failed),
        1 => Just(Event::Refused),
    ];
    prop::collection::vec((0u64..200_000, event), 1..60)
}

proptest! {
    /// Whatever happens in whatever order: one fetch at a time, none too early, and a token that holds is used.
    #[test]
    fn the_rules_hold_in_any_order(events in events(), random in 0.0f64..1.0) {
        let mut now = Instant::now();
        let mut cache = Cache::new();
        // The model: the fetch under way, the end of the token there is, the last failure, the last token used.
        let mut fetching: Option<Instant> = None;
        let mut ends: Option<Option<Instant>> = None;
        let mut failed: Option<Instant> = None;
        let mut used: Option<Lease> = None;
        let mut dropped: Option<Instant> = None;
        for (wait, event) in events {
            now += Duration::from_millis(wait);
            let holds = ends.is_some_and(|ends| ends.is_none_or(|ends| now < ends));
            match event {
                Event::Request => {
                    let next = cache.next(now);
                    prop_assert_eq!(matches!(next, Next::Use { .. }), holds);
                    if matches!(next, Next::Fetch | Next::Use { renew: true, .. }) {
                        prop_assert_eq!(fetching, None, "one at a time");
                        // Half a second, less half of it by chance.
                        prop_assert!(failed.is_none_or(|at| now - at >= SECOND / 4), "too early");
                        fetching = Some(now);
                    }
                    match next {
                        Next::Use { lease, .. } => used = Some(lease),
                        Next::Wait => prop_assert!(fetching.is_some()),
                        Next::Fail(error) => {
                            prop_assert!(failed.is_some() && fetching.is_none());
                            prop_assert!(error.wait() > Duration::ZERO && error.wait() <= 45 * SECOND);
                        }
                        Next::Fetch => {}
                    }
                }
                Event::Fetched { lifetime, refresh_after } => {
                    if let Some(began) = fetching.take() {
                        let mut token = token(lifetime.map(Duration::from_millis));
                        if let Some(time) = refresh_after {
                            token = token.with_refresh_after(Duration::from_millis(time));
                        }
                        cache.fetched(token, began, now, random);
                        let lifetime = lifetime.map(Duration::from_millis);
                        if lifetime.is_some_and(|lifetime| lifetime < SECOND || began + lifetime <= now) {
                            failed = Some(now);
                        } else {
                            ends = Some(lifetime.map(|lifetime| began + lifetime));
                            failed = None;
                        }
                    }
                }
                Event::Failed => {
                    if fetching.take().is_some() {
                        cache.failed("no".into(), now, random);
                        failed = Some(now);
                    }
                }
                Event::Refused => {
                    let Some(lease) = &used else { continue };
                    let current = cache.held.as_ref().is_some_and(|held| held.lease.number == lease.number);
                    let another = cache.refused(lease, now);
                    if current && another {
                        prop_assert!(dropped.is_none_or(|at| now - at >= REFUSALS_APART));
                        dropped = Some(now);
                        ends = None;
                    }
                    prop_assert!(current || another);
                }
            }
        }
    }
}
