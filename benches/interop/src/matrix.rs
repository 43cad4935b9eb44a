//! The matrix against one receiver: our client sends in every case, and what the receiver has is compared.
//!
//! Used by all counterparts that receive. Knows no counterpart.

use crate::case::{Case, Verdict};
use crate::certificates::Certificates;
use crate::telemetry::Breadth;
use crate::{Failure, compare, sender};
use otlp_model::Signal;
use otlp_testkit::Payload;
use std::time::{Duration, Instant};

/// How long what was confirmed may take until it can be read.
const PATIENCE: Duration = Duration::from_secs(20);

/// A receiver that others wrote.
pub(crate) trait Receiver {
    /// Where it listens; none if it does not have that.
    fn endpoint(&self, case: Case) -> Option<String>;

    /// How odd the telemetry may be that it can read.
    fn breadth(&self, _: Case) -> Breadth {
        Breadth::Whole
    }

    /// Whether it can read a signal in a case at all.
    fn reads(&self, _: Case, _: Signal) -> bool {
        true
    }

    /// What has arrived since the last call.
    fn arrived(&mut self) -> Result<Vec<Payload>, Failure>;
}

/// Sends each of `cases` that the receiver has.
pub(crate) fn run(receiver: &mut dyn Receiver, cases: &[Case], certificates: &Certificates) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for &case in cases {
        let Some(endpoint) = receiver.endpoint(case) else { continue };
        let run = case.to_string();
        let sent = sender::send(sender::client(case, &endpoint, certificates), &run, receiver.breadth(case));
        let failures = match sent.and_then(|sent| compared(receiver, &sent)) {
            Ok(failures) => failures,
            Err(error) => Signal::ALL.map(|_| Some(error.to_string())),
        };
        for (signal, failure) in Signal::ALL.into_iter().zip(failures) {
            if receiver.reads(case, signal) {
                verdicts.push(Verdict { case, signal, failure });
            }
        }
    }
    verdicts
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
    use crate::case::{Security, Wire};
    use otlp_testkit::{Collector, ServerTls};

    /// The testkit's collectors, in clear text, over TLS, and with the client's certificate.
    struct Testkit {
        collectors: [Collector; 3],
        read: [usize; 3],
        lies: bool,
    }

    impl Testkit {
        fn start(certificates: &Certificates) -> Self {
            let builder = || Collector::builder().grpc().http();
            let tls = ServerTls::new(&certificates.server).unwrap();
            let mutual = ServerTls::mutual(&certificates.server, &certificates.authority).unwrap();
            let collectors = [builder(), builder().tls(tls), builder().tls(mutual)];
            let collectors = collectors.map(|builder| builder.start_blocking().unwrap());
            Self { collectors, read: [0; 3], lies: false }
        }
    }

    impl Receiver for Testkit {
        fn endpoint(&self, case: Case) -> Option<String> {
            let [plain, tls, mutual] = &self.collectors;
            let collector = match case.security {
                Security::Plain => plain,
                Security::Tls => tls,
                Security::Mutual => mutual,
            };
            Some(if case.wire == Wire::Grpc { collector.grpc_endpoint() } else { collector.http_endpoint() })
        }

        /// opentelemetry-proto reads from JSON neither NaN nor a value that is none.
        fn breadth(&self, case: Case) -> Breadth {
            if case.wire == Wire::Json { Breadth::Common } else { Breadth::Whole }
        }

        fn arrived(&mut self) -> Result<Vec<Payload>, Failure> {
            let mut arrived = Vec::new();
            for (collector, read) in self.collectors.iter().zip(&mut self.read) {
                let received = collector.received();
                arrived.extend(received.calls().skip(*read).map(|call| call.payload.clone()));
                *read = received.calls().len();
            }
            for payload in &mut arrived {
                if let (true, Payload::Logs(request)) = (self.lies, payload) {
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
        let mut testkit = Testkit::start(&certificates);
        let verdicts = run(&mut testkit, &Case::all(), &certificates);
        assert_eq!(verdicts.len(), 81);
        let failures: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.failure.is_some()).collect();
        assert!(failures.is_empty(), "{failures:#?}");

        testkit.lies = true;
        let case = Case::quick()[0];
        let lies = run(&mut testkit, &[case], &certificates);
        let failed: Vec<Signal> =
            lies.iter().filter(|lie| lie.failure.is_some()).map(|lie| lie.signal).collect();
        assert_eq!(failed, [Signal::Logs]);
        assert!(
            lies[2].failure.as_ref().is_some_and(|told| told.contains("observed_time_unix_nano")),
            "{lies:?}"
        );
        std::fs::remove_dir_all(folder).unwrap();
    }
}
