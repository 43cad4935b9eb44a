//! One request on its way through its attempts: sends, sleeps, listens for shutdown.
//!
//! The shell of the retry service. Decides nothing: when and whether is for [`Retries`], the pause, the circuit and the
//! budget to say.

use super::circuit::Permit;
use super::{CircuitBreaker, Controls, GaveUp, Retries, RetryDecision};
use crate::race::{First, race};
use crate::{BoxError, Disposition, ExportService, TimeoutError, classify};
use otlp_model::{DropReason, ExportRequest, ExportResponse, Undelivered};
use std::mem;
use std::time::Duration;
use tokio::time::Instant;
use tower::ServiceExt;

/// One request on its way through its attempts.
pub(super) struct Export<S> {
    inner: S,
    /// Whether `inner` was polled ready and not called since.
    inner_is_ready: bool,
    controls: Controls,
    started: Instant,
    /// Attempts begun.
    attempts: u32,
    last_error: Option<BoxError>,
}

/// What an attempt was allowed with, and what is to be told of its end.
struct Turn {
    permit: Option<Permit>,
    took_from_budget: bool,
}

impl<S: ExportService + Clone> Export<S> {
    /// A request whose first attempt goes to `ready`, which was polled ready.
    pub(super) fn new(ready: S, controls: Controls, started: Instant) -> Self {
        Self { inner: ready, inner_is_ready: true, controls, started, attempts: 0, last_error: None }
    }

    pub(super) async fn run(mut self, request: ExportRequest) -> Result<ExportResponse, BoxError> {
        let max_elapsed = self.controls.policy.max_elapsed();
        let mut shutdown = self.controls.shutdown.clone();
        let limits = async { race(tokio::time::sleep(max_elapsed), shutdown.deadline_passed()).await };
        let (reason, cut_off): (_, BoxError) = match race(self.attempts(request), limits).await {
            First::Left(Ok(response)) => return Ok(response),
            First::Left(Err(reason)) => (reason, "nothing was tried".into()),
            First::Right(First::Left(())) => {
                (DropReason::RetriesExhausted, TimeoutError::new(max_elapsed).into())
            }
            First::Right(First::Right(())) => {
                (DropReason::Deadline, "no answer before the deadline of the shutdown".into())
            }
        };
        // What went wrong says more than that time ran out, so the last error comes first if there is one.
        let source = self.last_error.unwrap_or(cut_off);
        let gave_up = GaveUp { attempts: self.attempts, elapsed: self.started.elapsed(), source };
        Err(Undelivered::new(reason, gave_up).into())
    }

    /// Attempts until one is taken or the policy gives up; without bound in time, which is the caller's.
    async fn attempts(&mut self, request: ExportRequest) -> Result<ExportResponse, DropReason> {
        let mut retries = Retries::new(self.controls.policy);
        let mut hurried = false;
        loop {
            let turn = self.turn().await?;
            self.attempts += 1;
            let mut attempt = request.clone();
            attempt.begin_attempt();
            let result = self.attempt(attempt).await;
            let disposition = classify(&result);
            self.ended(turn, &disposition);
            let error = match result {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            self.last_error = Some(error);

            let (now, random) = (Instant::now(), fastrand::f64());
            self.obey(&disposition, now, random);
            let elapsed = now.duration_since(self.started);
            let shutdown_in = self.controls.shutdown.deadline().map(|deadline| deadline.duration_since(now));
            if self.controls.shutdown.is_triggered() && !mem::replace(&mut hurried, true) {
                retries.hurry();
            }
            match retries.decide(&disposition, elapsed, shutdown_in, random) {
                RetryDecision::After(delay) => self.back_off(delay).await,
                RetryDecision::GiveUp(reason) => return Err(reason),
                // An error is never delivered; were `classify` to say so, the request must not be sent twice.
                RetryDecision::Finish => return Err(DropReason::NotRetryable),
            }
        }
    }

    async fn attempt(&mut self, request: ExportRequest) -> Result<ExportResponse, BoxError> {
        if !mem::replace(&mut self.inner_is_ready, false) {
            self.inner.ready().await?;
        }
        self.inner.call(request).await
    }

    /// Waits for the end of a pause, for the circuit, and for the budget, until all three let the next attempt pass.
    async fn turn(&mut self) -> Result<Turn, DropReason> {
        let mut is_paid = false;
        loop {
            self.outwait_pause().await?;
            let permit = match self.controls.circuit.clone() {
                None => None,
                Some(circuit) => match self.admission(&circuit).await {
                    None => continue,
                    admitted => admitted,
                },
            };
            let Some(budget) = self.controls.budget.clone() else {
                return Ok(Turn { permit, took_from_budget: false });
            };
            let mut shutdown = self.controls.shutdown.clone();
            let cannot_wait = permit.as_ref().is_some_and(Permit::is_probe) || shutdown.is_triggered();
            if self.attempts == 0 {
                budget.first_attempt(Instant::now());
                return Ok(Turn { permit, took_from_budget: false });
            } else if is_paid {
                return Ok(Turn { permit, took_from_budget: true });
            } else if cannot_wait {
                budget.spend(Instant::now());
                return Ok(Turn { permit, took_from_budget: true });
            }
            // Once it is paid, a look whether the others still let it pass.
            is_paid = race(budget.take(), shutdown.triggered()).await.is_first();
        }
    }

    /// The circuit's permission for an attempt, or nothing when it was waited for and there may be something else to wait for
    /// by now. Shutdown waits for no circuit: there is no later.
    async fn admission(&mut self, circuit: &CircuitBreaker) -> Option<Permit> {
        if self.controls.shutdown.is_triggered() {
            return Some(circuit.permit(false));
        }
        if let Some(permit) = circuit.try_admit() {
            return Some(permit);
        }
        self.give_up_readiness();
        match race(circuit.admission(), self.controls.shutdown.triggered()).await {
            First::Left(permit) if permit.is_probe() => Some(permit),
            First::Left(_) => {
                // All who waited are woken at once.
                self.spread().await;
                None
            }
            First::Right(()) => Some(circuit.permit(false)),
        }
    }

    /// Tells the circuit and the budget what an attempt came to.
    fn ended(&self, turn: Turn, disposition: &Disposition) {
        if let Some(permit) = turn.permit {
            permit.ended(disposition);
        }
        if let Some(budget) = &self.controls.budget
            && turn.took_from_budget
            && disposition.is_delivered()
        {
            budget.give_back();
        }
    }

    /// Makes the wait that a server ordered hold for the whole destination.
    fn obey(&self, disposition: &Disposition, now: Instant, random: f64) {
        let Controls { policy, pause, .. } = &self.controls;
        if let Disposition::Retryable { after, .. } = *disposition
            && let Some(minimum) = policy.obeyed(after)
            && let Some(ordered) = now.checked_add(minimum)
            && let Some(until) = now.checked_add(policy.pause(minimum, random))
        {
            pause.extend(ordered, until);
        }
    }

    /// Waits for the end of the pause that a server ordered, whichever request it told.
    async fn outwait_pause(&mut self) -> Result<(), DropReason> {
        loop {
            let now = Instant::now();
            let Some(until) = self.controls.pause.pending(now) else { return Ok(()) };
            if until.duration_since(self.started) >= self.controls.policy.max_elapsed() {
                self.last_error.get_or_insert_with(|| PAUSED.into());
                return Err(DropReason::RetriesExhausted);
            }
            if self.controls.shutdown.deadline().is_some_and(|deadline| until >= deadline) {
                // There is no later: better one attempt the server may refuse than none.
                return Ok(());
            }
            self.give_up_readiness();
            let spread = self.controls.policy.spread(fastrand::f64());
            self.sleep(until.duration_since(now).saturating_add(spread)).await;
        }
    }

    /// Gives back what being ready holds, such as a permit of a limit below: who waits for others to be sent must not keep
    /// them from it.
    fn give_up_readiness(&mut self) {
        if mem::replace(&mut self.inner_is_ready, false) {
            self.inner = self.inner.clone();
        }
    }

    /// Waits for `delay`, or until the circuit opened and closed again: the destination is back. With the circuit open not
    /// at all, for then it is the circuit that says when.
    async fn back_off(&mut self, delay: Duration) {
        let Some(circuit) = self.controls.circuit.clone() else { return self.sleep(delay).await };
        if self.controls.shutdown.is_triggered() {
            return self.sleep(delay).await;
        }
        let before = circuit.recoveries();
        if circuit.is_open() {
            return;
        }
        if !race(self.sleep(delay), circuit.recovered(before)).await.is_first() {
            self.spread().await;
        }
    }

    async fn spread(&mut self) {
        let spread = self.controls.policy.spread(fastrand::f64());
        self.sleep(spread).await;
    }

    /// Sleeps, but not on when shutdown begins.
    async fn sleep(&mut self, delay: Duration) {
        let sleep = tokio::time::sleep(delay);
        if self.controls.shutdown.is_triggered() {
            sleep.await;
        } else {
            race(sleep, self.controls.shutdown.triggered()).await;
        }
    }
}

const PAUSED: &str = "the receiver ordered a pause that is longer than the request may take";
