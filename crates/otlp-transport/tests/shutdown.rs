//! The shutdown signal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp_transport::{Shutdown, shutdown};
use std::time::Duration;
use tokio::time::Instant;
use tokio_test::{assert_pending, assert_ready, task};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn every_clone_hears_of_it() {
    let (trigger, signal) = shutdown::channel();
    let (mut first, mut second) = (signal.clone(), signal.clone());
    let mut first = task::spawn(first.triggered());
    let mut second = task::spawn(second.triggered());
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    trigger.trigger(None);
    assert_ready!(first.poll());
    assert_ready!(second.poll());
    assert!(signal.is_triggered());
    assert_eq!(signal.deadline(), None);
}

#[tokio::test(start_paused = true)]
async fn the_earlier_deadline_holds() {
    let (trigger, signal) = shutdown::channel();
    let now = Instant::now();
    for (seconds, holds) in [(5, 5), (9, 5), (3, 3)] {
        trigger.trigger(Some(now + seconds * SECOND));
        assert_eq!(signal.deadline(), Some(now + holds * SECOND));
    }
    trigger.trigger(None);
    assert_eq!(signal.deadline(), Some(now + 3 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_passes_once_and_is_moved_up_while_waited_for() {
    let (trigger, signal) = shutdown::channel();
    let mut waiting = signal.clone();
    let mut passed = task::spawn(waiting.deadline_passed());
    assert_pending!(passed.poll());
    trigger.trigger(None);
    assert_pending!(passed.poll());
    trigger.trigger(Some(Instant::now() + 10 * SECOND));
    assert!(passed.is_woken());
    assert_pending!(passed.poll());
    trigger.trigger(Some(Instant::now() + 2 * SECOND));
    assert_pending!(passed.poll());
    tokio::time::advance(2 * SECOND).await;
    assert_ready!(passed.poll());
    drop(passed);
    assert_ready!(task::spawn(waiting.deadline_passed()).poll());
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_is_gone_does_not_fire() {
    let (trigger, mut signal) = shutdown::channel();
    drop(trigger);
    assert!(!signal.is_triggered());
    assert_pending!(task::spawn(signal.triggered()).poll());
    assert_pending!(task::spawn(Shutdown::never().triggered()).poll());
    assert_pending!(task::spawn(Shutdown::never().deadline_passed()).poll());
}

#[tokio::test(start_paused = true)]
async fn what_was_triggered_stays_so_when_the_trigger_is_gone() {
    let (trigger, mut signal) = shutdown::channel();
    trigger.trigger(Some(Instant::now() + SECOND));
    drop(trigger);
    assert_ready!(task::spawn(signal.triggered()).poll());
    tokio::time::timeout(2 * SECOND, signal.deadline_passed()).await.unwrap();
}
