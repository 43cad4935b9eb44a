//! The OpenTelemetry SDK for Python and its exporters as clients of ours: what arrives is what they were told to send.

use crate::case::{Case, Packing, Security, Verdict, Wire};
use crate::certificates::Certificates;
use crate::{Failure, compare, grpc_core, process};
use otlp_model::Signal;
use otlp_testkit::{Collector, Payload, ServerTls};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const SCRIPT: &str = include_str!("python/exporters.py");
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether the exporters have this.
fn has(case: Case) -> bool {
    case.wire != Wire::Json && case.packing != Packing::Zstd
}

/// Against the testkit's collector.
pub(crate) fn to_testkit(python: &Path, cases: &[Case], certificates: &Certificates) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for &case in cases.iter().filter(|case| has(**case)) {
        let failures = match testkit(python, case, certificates) {
            Ok(failures) => failures,
            Err(error) => Signal::ALL.map(|_| Some(error.to_string())),
        };
        let of = |(signal, failure)| Verdict { case, signal, failure };
        verdicts.extend(Signal::ALL.into_iter().zip(failures).map(of));
    }
    verdicts
}

fn testkit(python: &Path, case: Case, certificates: &Certificates) -> Result<[Option<String>; 3], Failure> {
    let builder = Collector::builder().grpc().http();
    let builder = match case.security {
        Security::Plain => builder,
        Security::Tls => builder.tls(ServerTls::new(&certificates.server)?),
        Security::Mutual => builder.tls(ServerTls::mutual(&certificates.server, &certificates.authority)?),
    };
    let collector = builder.start_blocking()?;
    let endpoint =
        if case.wire == Wire::Grpc { collector.grpc_endpoint() } else { collector.http_endpoint() };
    let told = export(python, case, &endpoint, certificates)?;
    let arrived: Vec<Payload> = collector.received().calls().map(|call| call.payload.clone()).collect();
    if let Some(malformed) = collector.malformed().first() {
        return Err(malformed.to_string().into());
    }
    Ok(Signal::ALL.map(|signal| verdict(signal, &told, &arrived)))
}

/// Runs the program, and returns what the SDK has given to the exporters.
fn export(
    python: &Path,
    case: Case,
    endpoint: &str,
    certificates: &Certificates,
) -> Result<Vec<Payload>, Failure> {
    let (wire, packing) = (if case.wire == Wire::Grpc { "grpc" } else { "http" }, case.packing.to_string());
    let (ca, cert, key) = (certificates.ca(), certificates.client_cert(), certificates.client_key());
    let files = match case.security {
        Security::Plain => ["-", "-", "-"],
        Security::Tls => [&*ca, "-", "-"],
        Security::Mutual => [&*ca, &*cert, &*key],
    };
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT, wire, endpoint, &packing]).args(files);
    // Where these are set they count for more than the authority that the exporter is given.
    command.env_remove("REQUESTS_CA_BUNDLE").env_remove("CURL_CA_BUNDLE");
    grpc_core::payloads(&process::output("the Python program", &mut command, PATIENCE)?)
}

/// Each signal was told, and all of it is there.
fn verdict(signal: Signal, told: &[Payload], arrived: &[Payload]) -> Option<String> {
    let least = match signal {
        Signal::Metrics => 5,
        _ => 2,
    };
    match compare::count(signal, told) {
        items if items < least => Some(format!("the program made {items} items, not {least} or more")),
        _ => compare::same(signal, told, arrived).err(),
    }
}
