//! The matrix: a client sends to a receiver in every case, and what arrived is compared. One of both is ours.
//!
//! Used by all counterparts. Knows none.

use crate::case::{Case, Found, Verdict};
use crate::telemetry::Breadth;
use crate::{Failure, compare};
use otlp_model::Signal;
use otlp_testkit::Payload;
use std::time::{Duration, Instant};

/// How long what was confirmed may take until it can be read.
const PATIENCE: Duration = Duration::from_secs(20);

/// A receiver, and what it cannot do.
pub(crate) trait Receiver {
    /// Where it listens; none if it does not have that.
    fn endpoint(&self, case: Case) -> Option<String>;

    /// How odd the telemetry may be that it can read.
    fn breadth(&self, _: Case) -> Breadth {
        Breadth::Whole
    }

    /// Its own defect for which a signal cannot arrive as sent in a case. Where it has one, nothing but a difference that
    /// shows it will do: not another, and not none.
    fn defect(&self, _: Case, _: Signal) -> Option<Defect> {
        None
    }

    /// What has arrived since the last call.
    fn arrived(&mut self) -> Result<Vec<Payload>, Failure>;
}

/// What a receiver does wrong, whoever sends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Defect {
    /// In words.
    pub(crate) why: &'static str,
    /// What is in every difference that it makes.
    pub(crate) shown_by: &'static str,
}

/// Sends the telemetry of a case to an endpoint, and returns what was sent.
pub(crate) type Send<'a> = dyn Fn(Case, &str, Breadth) -> Result<Vec<Payload>, Failure> + 'a;

/// Sends each of `cases` that the receiver has.
pub(crate) fn run(receiver: &mut dyn Receiver, cases: &[Case], send: &Send<'_>) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for &case in cases {
        let Some(endpoint) = receiver.endpoint(case) else { continue };
        let sent = send(case, &endpoint, receiver.breadth(case));
        let failures = match sent.and_then(|sent| compared(receiver, &sent)) {
            Ok(failures) => failures,
            Err(error) => Signal::ALL.map(|_| Some(error.to_string())),
        };
        for (signal, failure) in Signal::ALL.into_iter().zip(failures) {
            verdicts.push(Verdict { case, signal, found: found(failure, receiver.defect(case, signal)) });
        }
    }
    verdicts
}

fn found(failure: Option<String>, defect: Option<Defect>) -> Found {
    match (failure, defect) {
        (None, None) => Found::Equal,
        (Some(failure), Some(defect)) if failure.contains(defect.shown_by) => Found::Impossible(defect.why),
        (Some(failure), _) => Found::Different(failure),
        (None, Some(Defect { why, .. })) => {
            Found::Different(format!("all arrived as sent, which was said to be impossible: {why}"))
        }
    }
}

/// What is wrong with each signal.
fn compared(receiver: &mut dyn Receiver, sent: &[Payload]) -> Result<[Option<String>; 3], Failure> {
    let until = Instant::now() + PATIENCE;
    let mut arrived = receiver.arrived()?;
    let lacks = |arrived: &[Payload]| {
        Signal::ALL.into_iter().any(|signal| compare::count(signal, arrived) < compare::count(signal, sent))
    };
    while lacks(&arrived) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
        arrived.extend(receiver.arrived()?);
    }
    Ok(Signal::ALL.map(|signal| compare::same(signal, sent, &arrived).err()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::Certificates;
    use crate::sender;
    use crate::testkit::Testkit;

    /// A receiver that changes a field of what it received.
    struct Liar(Testkit);

    impl Receiver for Liar {
        fn endpoint(&self, case: Case) -> Option<String> {
            self.0.endpoint(case)
        }

        fn arrived(&mut self) -> Result<Vec<Payload>, Failure> {
            let mut arrived = self.0.arrived()?;
            for payload in &mut arrived {
                if let Payload::Logs(request) = payload {
                    request.resource_logs[0].scope_logs[0].log_records[0].observed_time_unix_nano += 1;
                }
            }
            Ok(arrived)
        }
    }

    fn certificates() -> (std::path::PathBuf, Certificates) {
        let folder = std::env::temp_dir().join(format!("otlp-interop-{}", std::process::id()));
        let certificates = Certificates::new(&folder).unwrap();
        (folder, certificates)
    }

    /// The same cases as against others, which need not be there for this; and one field that differs is found.
    #[test]
    fn every_case_passes_against_the_testkit_and_a_lie_is_found() {
        let (folder, certificates) = certificates();
        let mut testkit = Testkit::start(&certificates).unwrap();
        let verdicts = run(&mut testkit, &Case::all(), &sender::with(&certificates));
        assert_eq!(verdicts.len(), 81);
        let failures: Vec<&Verdict> =
            verdicts.iter().filter(|verdict| verdict.found != Found::Equal).collect();
        assert!(failures.is_empty(), "{failures:#?}");

        let case = Case::quick()[0];
        let lies = run(&mut Liar(testkit), &[case], &sender::with(&certificates));
        let failed: Vec<Signal> =
            lies.iter().filter(|lie| lie.failure().is_some()).map(|lie| lie.signal).collect();
        assert_eq!(failed, [Signal::Logs]);
        assert!(lies[2].failure().is_some_and(|told| told.contains("observed_time_unix_nano")), "{lies:?}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// A defect that is known excuses what it does, and nothing else; and when it is gone, that is told.
    #[test]
    fn a_defect_excuses_its_own_difference_alone() {
        let defect = Some(Defect { why: "it cannot read them", shown_by: "arrived `data: None`" });
        let failure = |text: &str| Some(text.to_owned());
        assert_eq!(found(None, None), Found::Equal);
        assert_eq!(
            found(failure("1 item: sent `x`, arrived `data: None`"), defect),
            Found::Impossible("it cannot read them")
        );
        let other = "1 item: sent `x`, arrived `unit: y`";
        assert_eq!(found(failure(other), defect), Found::Different(other.to_owned()));
        assert_eq!(found(failure(other), None), Found::Different(other.to_owned()));
        assert!(
            matches!(found(None, defect), Found::Different(told) if told.ends_with("it cannot read them"))
        );
    }
}
