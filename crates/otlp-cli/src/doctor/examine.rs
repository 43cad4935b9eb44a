//! Does what the plan says, one step after the other, and hands each finding on as it comes.
//!
//! The shell around the plan. Decides nothing but which probe belongs to a step.

use super::case::Case;
use super::finding::{Finding, Status};
use super::mistake::Heard;
use super::plan::{Outcome, Plan, Step};
use super::{export, identify, limit, reach, sample, speak, tls};
use crate::clock;
use crate::wire::Wire;
use otlp_model::Signal;
use std::net::SocketAddr;

/// What one step finds out for others.
#[derive(Default)]
struct Known {
    addresses: Vec<SocketAddr>,
    /// What is to be heard at the port: the same for whichever protocol it is asked.
    heard: Option<Heard>,
}

/// Examines `case`; `tell` hears of each finding, which is said to be about `signals`.
pub(crate) async fn examine(case: &Case, signals: &[Signal], tell: &mut dyn FnMut(&Finding)) -> Vec<Finding> {
    let mut plan = Plan::new(&case.scope());
    let mut findings = Vec::new();
    let (mut known, mut passed) = (Known::default(), Vec::new());
    while let Some(step) = plan.next() {
        let (outcome, mut found) = probe(case, step, &mut known).await;
        if outcome == Outcome::Passed {
            passed.push(step);
        }
        // A receiver needs no JSON: that it is without is no ailment of a client that was not told to write it.
        if case.guessed
            && step.wire() == Some(Wire::HttpJson)
            && passed.contains(&step.over(Wire::HttpProtobuf))
        {
            found = found.into_iter().map(Finding::into_note).collect();
        }
        let skipped = plan.went(step, outcome);
        for finding in found.into_iter().chain(not_tried(step, &skipped)) {
            let finding = finding.about(signals);
            tell(&finding);
            findings.push(finding);
        }
    }
    findings
}

async fn probe(case: &Case, step: Step, known: &mut Known) -> (Outcome, Vec<Finding>) {
    let random = || u128::from(fastrand::u64(..)) << 64 | u128::from(fastrand::u64(..));
    let one = |finding: Finding| (outcome_of(std::slice::from_ref(&finding)), vec![finding]);
    match step {
        Step::Resolve => {
            let (found, finding) = reach::resolve(case).await;
            known.addresses = found;
            one(finding)
        }
        Step::Connect => {
            let findings = reach::connect(case, &known.addresses).await;
            (outcome_of(&findings), findings)
        }
        Step::Tunnel => one(reach::tunnel(case).await),
        Step::Secure => {
            let wire = case.wires.first().copied().unwrap_or(Wire::Grpc);
            tls::secure(case, wire, clock::now()).await
        }
        Step::Speak(wire) => speak::speak(case, wire).await,
        Step::Identify { wire, answers } => {
            if known.heard.is_none() {
                known.heard = Some(identify::listen(case).await);
            }
            let heard = known.heard.clone().unwrap_or_default();
            one(identify::identify(case, wire, answers, &heard))
        }
        Step::Empty(wire, signal) => {
            let (outcome, finding) =
                export::export(case, wire, "an empty request", sample::empty(signal)).await;
            (outcome, vec![finding])
        }
        Step::Real(wire, signal) => {
            let request = sample::real(signal, clock::now(), random());
            let (outcome, finding) = export::export(case, wire, "a real request", request).await;
            (outcome, vec![finding])
        }
        Step::Compress(wire, encoding) => {
            let findings = export::compress(case, wire, encoding).await;
            (outcome_of(&findings), findings)
        }
        Step::Limit(wire) => one(limit::limit(case, wire).await),
    }
}

fn outcome_of(findings: &[Finding]) -> Outcome {
    if findings.iter().any(|finding| finding.status == Status::Failed) {
        Outcome::Failed
    } else {
        Outcome::Passed
    }
}

/// One line for all that is not done because `step` failed.
fn not_tried(step: Step, skipped: &[Step]) -> Option<Finding> {
    let mut names: Vec<&str> = Vec::new();
    for name in skipped.iter().map(Step::name).filter(|name| *name != step.name()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let text = format!("not tried for that reason: {}", names.join(", "));
    (!names.is_empty()).then(|| Finding::new(step.name(), Status::Skipped, text).with("not_tried", names))
}
