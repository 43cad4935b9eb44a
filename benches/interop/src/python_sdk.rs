//! The OpenTelemetry SDK for Python and its exporters as clients of ours: what arrives is what they were told to send.

use crate::case::{Case, Packing, Security, Wire};
use crate::certificates::Certificates;
use crate::{Failure, compare, grpc_core, matrix, process};
use otlp_model::Signal;
use otlp_testkit::Payload;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const SCRIPT: &str = include_str!("python/exporters.py");
const PATIENCE: Duration = Duration::from_secs(120);

/// The cases that the exporters have.
pub(crate) fn cases(cases: &[Case]) -> Vec<Case> {
    let has = |case: &&Case| case.wire != Wire::Json && case.packing != Packing::Zstd;
    cases.iter().filter(has).copied().collect()
}

/// For the matrix.
pub(crate) fn with<'a>(python: &'a Path, certificates: &'a Certificates) -> Box<matrix::Send<'a>> {
    Box::new(|case, endpoint, _| export(python, case, endpoint, certificates))
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
    let told = grpc_core::payloads(&process::output("the Python program", &command, PATIENCE)?)?;
    for (signal, least) in [(Signal::Traces, 2), (Signal::Metrics, 5), (Signal::Logs, 2)] {
        let made = compare::count(signal, &told);
        if made < least {
            return Err(format!("the program made {made} items of {signal}, and not {least} or more").into());
        }
    }
    Ok(told)
}
