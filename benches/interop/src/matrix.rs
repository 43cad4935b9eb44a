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

    /// Its own defect for which a signal cannot arrive as sent in a case. Where it has one, all else has to arrive, and
    /// something has to be wrong: else it has the defect no more.
    fn defect(&self, _: Case, _: Signal) -> Option<Defect> {
        None
    }

    /// What has arrived since the last call.
    fn arrived(&mut self) -> Result<Vec<Payload>, Failure>;
}

/// What a receiver does wrong, whoever sends.
#[derive(Clone, Copy)]
pub(crate) struct Defect {
    /// In words.
    pub(crate) why: &'static str,
    /// Takes away what it touches.
    pub(crate) hide: fn(&mut Payload),
}

/// Sends the telemetry of a case to an endpoint, and returns what was sent.
pub(crate) type Send<'a> = dyn Fn(Case, &str, Breadth) -> Result<Vec<Payload>, Failure> + 'a;

/// Sends each of `cases` that the receiver has.
pub(crate) fn run(receiver: &mut dyn Receiver, cases: &[Case], send: &Send<'_>) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for &case in cases {
        let Some(endpoint) = receiver.endpoint(case) else { continue };
        let defects = Signal::ALL.map(|signal| receiver.defect(case, signal));
        let sent = send(case, &endpoint, receiver.breadth(case));
        let found = match sent.and_then(|sent| compared(receiver, &sent, &defects)) {
            Ok(found) => found,
            Err(error) => Signal::ALL.map(|_| Found::Different(error.to_string())),
        };
        verdicts.extend(Signal::ALL.into_iter().zip(found).map(|(signal, found)| Verdict {
            case,
            signal,
            found,
        }));
    }
    verdicts
}

/// How each signal arrived.
fn compared(
    receiver: &mut dyn Receiver,
    sent: &[Payload],
    defects: &[Option<Defect>; 3],
) -> Result<[Found; 3], Failure> {
    let until = Instant::now() + PATIENCE;
    let mut arrived = receiver.arrived()?;
    let lacks = |arrived: &[Payload]| {
        Signal::ALL.into_iter().any(|signal| compare::count(signal, arrived) < compare::count(signal, sent))
    };
    while lacks(&arrived) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
        arrived.extend(receiver.arrived()?);
    }
    let mut defects = defects.iter();
    Ok(Signal::ALL.map(|signal| found(signal, sent, &arrived, defects.next().copied().flatten())))
}

fn found(signal: Signal, sent: &[Payload], arrived: &[Payload], defect: Option<Defect>) -> Found {
    let difference = compare::same(signal, sent, arrived);
    let Some(Defect { why, hide }) = defect else {
        return difference.map_or_else(Found::Different, |()| Found::Equal);
    };
    if difference.is_ok() {
        return Found::Different(format!("all arrived as sent, which was said to be impossible: {why}"));
    }
    let hidden = |payloads: &[Payload]| {
        let mut payloads = payloads.to_vec();
        payloads.iter_mut().for_each(hide);
        payloads
    };
    compare::same(signal, &hidden(sent), &hidden(arrived))
        .map_or_else(Found::Different, |()| Found::Impossible(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::Certificates;
    use crate::sender;
    use crate::telemetry;
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
        fn hide(payload: &mut Payload) {
            if let Payload::Logs(request) = payload {
                request.resource_logs[0].scope_logs[0].log_records[0].observed_time_unix_nano = 0;
            }
        }
        let defect = Some(Defect { why: "it has no clock", hide });
        let sent = [telemetry::request(Signal::Logs, "run", Breadth::Whole)];
        let (mut touched, mut worse) = (sent.clone(), sent.clone());
        hide(&mut touched[0]);
        if let Payload::Logs(request) = &mut worse[0] {
            request.resource_logs[0].scope_logs[0].log_records[0].observed_time_unix_nano = 0;
            request.resource_logs[0].scope_logs[0].log_records[0].event_name = "lie".to_owned();
        }
        let found = |arrived: &[Payload], defect| found(Signal::Logs, &sent, arrived, defect);
        assert_eq!(
            (found(&sent, None), found(&touched, defect)),
            (Found::Equal, Found::Impossible("it has no clock"))
        );
        let is_told =
            |found: &Found, text: &str| matches!(found, Found::Different(told) if told.contains(text));
        assert!(is_told(&found(&touched, None), "observed_time_unix_nano"));
        assert!(is_told(&found(&worse, defect), "event_name"), "{:?}", found(&worse, defect));
        assert!(is_told(&found(&sent, defect), "it has no clock"), "{:?}", found(&sent, defect));
        assert!(is_told(&found(&[], defect), "did not arrive"), "{:?}", found(&[], defect));
    }
}
