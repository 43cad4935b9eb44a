//! The concurrency controller against simulated receivers: where the limit goes, second by second, written down.
//!
//! Each receiver is a formula of its load; the simulation has as many attempts under way as the controller allows. What
//! is expected are the limits that were found when the test was written: a change of the controller shows here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp_transport::{Controller, Feedback};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;
use tokio::time::Instant;

/// What a receiver does with an attempt that came at `seconds`, when `load` are there, this one included.
type Receiver = fn(seconds: f64, load: usize, random: &mut fastrand::Rng) -> (f64, bool);

/// The limit at the end of each of `seconds`, with as many attempts as `demand` allows.
fn simulate(mut controller: Controller, receiver: Receiver, demand: usize, seconds: usize) -> Vec<usize> {
    let start = Instant::now();
    let at = |nanos: u64| start + Duration::from_nanos(nanos);
    let mut random = fastrand::Rng::with_seed(1);
    let mut under_way = BinaryHeap::new();
    let (mut now, mut limits) = (0, Vec::new());
    while limits.len() < seconds {
        while under_way.len() < controller.limit().min(demand) {
            controller.began(under_way.len() + 1);
            let (latency, is_pushed_back) = receiver(now as f64 / 1e9, under_way.len() + 1, &mut random);
            under_way.push(Reverse((now + (latency * 1e9) as u64, now, is_pushed_back)));
        }
        let Some(Reverse((end, began, is_pushed_back))) = under_way.pop() else { break };
        while end / 1_000_000_000 > limits.len() as u64 {
            limits.push(controller.limit());
        }
        now = end;
        let feedback = match is_pushed_back {
            true => Feedback::PushedBack,
            false => Feedback::Answered(Duration::from_nanos(end - began)),
        };
        controller.ended(feedback, at(now));
    }
    limits.truncate(seconds);
    limits
}

/// From 1 up to 64, with more demand than that.
fn from_one(receiver: Receiver, seconds: usize) -> Vec<usize> {
    simulate(Controller::new(1, 64), receiver, usize::MAX, seconds)
}

/// The smallest, the mean and the largest of the limits, the first ten left out.
fn settled(limits: &[usize]) -> (usize, usize, usize) {
    let limits = &limits[10..];
    let mean = limits.iter().sum::<usize>() / limits.len();
    (*limits.iter().min().unwrap(), mean, *limits.iter().max().unwrap())
}

fn fixed(_: f64, _: usize, _: &mut fastrand::Rng) -> (f64, bool) {
    (0.050, false)
}

#[test]
fn a_receiver_that_does_not_mind_gets_all() {
    let limits = from_one(fixed, 20);
    assert_eq!(limits[..4], [19, 39, 59, 64]);
    assert_eq!(settled(&limits), (64, 64, 64));
}

#[test]
fn one_that_starts_at_the_ceiling_stays_there() {
    let limits = simulate(Controller::new(8, 8), fixed, usize::MAX, 20);
    assert!(limits.iter().all(|limit| *limit == 8), "{limits:?}");
}

#[test]
fn what_is_not_used_is_not_judged() {
    // The latency doubles, but not for the two attempts that are made of the eight allowed.
    let slower =
        |seconds: f64, _: usize, _: &mut fastrand::Rng| (if seconds < 10.0 { 0.05 } else { 0.5 }, false);
    let limits = simulate(Controller::new(8, 8), slower, 2, 30);
    assert!(limits.iter().all(|limit| *limit == 8), "{limits:?}");
}

#[test]
fn a_receiver_that_queues_or_breaks_down_beyond_ten_is_not_flooded() {
    let queueing =
        |_: f64, load: usize, _: &mut fastrand::Rng| (0.050 * (load as f64 / 10.0).max(1.0), false);
    let found = settled(&from_one(queueing, 300));
    // Beyond ten everything takes four times as long.
    let breaking =
        |_: f64, load: usize, _: &mut fastrand::Rng| (if load > 10 { 0.200 } else { 0.050 }, false);
    assert_eq!((found, settled(&from_one(breaking, 300))), ((22, 24, 28), (12, 12, 12)));
}

#[test]
fn a_receiver_that_refuses_more_than_twenty_gets_about_that() {
    let hard = |_: f64, load: usize, _: &mut fastrand::Rng| {
        if load > 20 { (0.002, true) } else { (0.050, false) }
    };
    assert_eq!(settled(&from_one(hard, 60)), (17, 19, 21));
}

#[test]
fn a_slow_drift_is_followed_without_a_collapse() {
    let drifting = |seconds: f64, _: usize, _: &mut fastrand::Rng| (0.050 + seconds / 600.0, false);
    let limits = simulate(Controller::new(16, 16), drifting, usize::MAX, 120);
    assert_eq!(settled(&limits), (16, 16, 16));
}

#[test]
fn jitter_is_no_overload() {
    // Between half and one and a half of the mean, and one in fifty takes ten times as long.
    let jittery = |_: f64, _: usize, random: &mut fastrand::Rng| {
        let slow = if random.u32(..50) == 0 { 10.0 } else { 1.0 };
        (0.050 * (0.5 + random.f64()) * slow, false)
    };
    let limits = simulate(Controller::new(8, 8), jittery, usize::MAX, 120);
    assert_eq!(settled(&limits), (7, 7, 8));
}

#[test]
fn a_receiver_that_slows_down_at_once_is_relieved_and_forgiven() {
    let step = |seconds: f64, _: usize, _: &mut fastrand::Rng| {
        (if (20.0..25.0).contains(&seconds) { 0.200 } else { 0.050 }, false)
    };
    let limits = simulate(Controller::new(16, 16), step, usize::MAX, 40);
    assert_eq!(limits[18..26], [16, 16, 14, 14, 14, 14, 14, 16]);
    assert!(limits[26..].iter().all(|limit| *limit == 16), "{limits:?}");
}

#[test]
fn one_that_pushes_everything_back_gets_one_at_a_time_and_recovers() {
    let down = |seconds: f64, _: usize, _: &mut fastrand::Rng| {
        if seconds < 20.0 { (0.010, true) } else { (0.010, false) }
    };
    let limits = simulate(Controller::new(8, 8), down, usize::MAX, 40);
    assert_eq!((limits[18], limits[39]), (1, 8), "{limits:?}");
}

#[test]
fn the_limit_stays_between_one_and_the_ceiling() {
    let now = Instant::now();
    for (initial, ceiling) in [(0, 0), (5, 0), (9, 4), (1, 4)] {
        let mut controller = Controller::new(initial, ceiling);
        assert!((1..=ceiling.max(1)).contains(&controller.limit()));
        for second in 0..100 {
            controller.began(usize::MAX);
            let feedback =
                if second < 50 { Feedback::Answered(Duration::ZERO) } else { Feedback::PushedBack };
            controller.ended(feedback, now + Duration::from_secs(second));
            assert!((1..=ceiling.max(1)).contains(&controller.limit()));
        }
        // What says nothing changes nothing.
        let before = controller.limit();
        controller.ended(Feedback::Silent, now + Duration::from_secs(1_000));
        assert_eq!(controller.limit(), before);
    }
}
