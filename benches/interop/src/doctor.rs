//! Our own `otlp doctor`, on a receiver that is well: the real command has to say so, and what it sends has to arrive.

use crate::Failure;
use crate::case::{Case, Security, Wire};
use crate::certificates::Certificates;
use crate::hardship::Course;
use crate::matrix::Receiver;
use otlp_testkit::Payload;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Has `program` examine the receiver, the largest requests included.
pub(crate) fn examine(
    program: &Path,
    receiver: &mut impl Receiver,
    case: Case,
    certificates: &Certificates,
) -> Result<Course, Failure> {
    let endpoint = receiver.endpoint(case).ok_or("no such endpoint")?;
    let protocol = match case.wire {
        Wire::Grpc => "grpc",
        Wire::Protobuf => "http/protobuf",
        Wire::Json => "http/json",
    };
    let mut command = Command::new(program);
    command.args(["doctor", &endpoint, "--protocol", protocol, "--limits", "--json"]);
    if case.security != Security::Plain {
        command.env("OTEL_EXPORTER_OTLP_CERTIFICATE", certificates.ca());
    }
    if case.security == Security::Mutual {
        command.env("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", certificates.client_cert());
        command.env("OTEL_EXPORTER_OTLP_CLIENT_KEY", certificates.client_key());
    }
    let output = command.output()?;
    let told: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("no document: {}", String::from_utf8_lossy(&output.stderr)))?;
    if !output.status.success() || told["verdict"]["ok"] != true {
        return Err(format!("it is well, and the doctor says: {told:#}").into());
    }
    let signals = receiver.arrived()?.iter().filter(|payload| is_sample(payload)).count();
    if signals != 3 {
        return Err(format!("of 3 samples, {signals} are there").into());
    }
    Ok(Course {
        answer: "none: it is well".to_owned(),
        outcome: "all is well, it says; a sample of each signal is there".to_owned(),
    })
}

/// Whether it holds something: empty requests have nothing for a file.
fn is_sample(payload: &Payload) -> bool {
    match payload {
        Payload::Traces(request) => !request.resource_spans.is_empty(),
        Payload::Metrics(request) => !request.resource_metrics.is_empty(),
        Payload::Logs(request) => !request.resource_logs.is_empty(),
    }
}
