//! The steps that export: empty requests, real ones, compressed ones, through the transport's own stack.
//!
//! One attempt each: a retry would hide what is being looked for.

use super::case::{Case, Route};
use super::finding::{Diagnosis, Finding, Status};
use super::judge::{Question, judge, may_be_for_compression, not_decompressed, retry_after};
use super::plan::Outcome;
use super::reach::millis;
use super::sample::padded;
use crate::section::Section;
use crate::wire::Wire;
use otlp_model::{Encoding, ExportRequest, ExportResponse, Signal};
use otlp_transport::{
    AttemptTimeoutLayer, BoxError, BoxExportService, CompressLayer, Compression, Compressor, Grpc,
    HeadersLayer, Http, JsonLayer,
};
use std::time::Duration;
use tokio::time::Instant;
use tower::{ServiceBuilder, ServiceExt};

/// The bytes of a request that holds no data: what is empty is sent without compression.
const PADDED: usize = 1024;

/// The transport's stack for what goes this way over `wire`, on connections of its own.
fn stack(
    case: &Case,
    route: &Route,
    wire: Wire,
    compression: Compression,
) -> Result<BoxExportService, BoxError> {
    let connector = case.connector(wire)?;
    let terminal = if wire.is_grpc() {
        BoxExportService::new(
            Grpc::with_connector(route.endpoint.clone(), connector).with_timeout(case.timeout),
        )
    } else {
        BoxExportService::new(Http::with_connector(route.endpoint.clone(), connector))
    };
    Ok(BoxExportService::new(
        ServiceBuilder::new()
            .option_layer((wire == Wire::HttpJson).then(JsonLayer::new))
            .layer(CompressLayer::new(Compressor::new(compression)?))
            .layer(AttemptTimeoutLayer::new(case.timeout))
            .layer(HeadersLayer::new(route.headers.clone()))
            .service(terminal),
    ))
}

/// Sends one request, and says what became of it.
pub(crate) async fn send(
    case: &Case,
    wire: Wire,
    compression: Compression,
    request: ExportRequest,
) -> (Result<ExportResponse, BoxError>, Duration) {
    let started = Instant::now();
    let result = match stack(case, case.route(request.signal()), wire, compression) {
        Ok(service) => service.oneshot(request).await,
        Err(error) => Err(error),
    };
    (result, started.elapsed())
}

/// An export of `request`, which is `what`.
pub(crate) async fn export(
    case: &Case,
    wire: Wire,
    what: &str,
    request: ExportRequest,
) -> (Outcome, Finding) {
    let (signal, size) = (request.signal(), request.raw_len());
    // What is empty is sent as it is.
    let compression = if size == 0 { Compression::None } else { case.route(signal).compression };
    let named = match compression {
        Compression::None => format!("{wire}: {what}"),
        _ => format!("{wire}: {what}, compressed with {},", compression.encoding().as_str()),
    };
    let (result, elapsed) = send(case, wire, compression, request).await;
    let (outcome, finding) = match result {
        Ok(response) => taken(&response, signal, &format!("{named} taken, {}", millis(elapsed))),
        Err(error) => {
            let (outcome, diagnosis) =
                diagnose_compressed(case, wire, signal, compression, size, &error).await;
            let text = format!("{named} failed: {error}");
            let wait = retry_after(&error).map(|wait| wait.as_secs_f64());
            let finding = Finding::failed(signal.as_str(), text, diagnosis);
            (outcome, finding.with("retry_after_seconds", wait))
        }
    };
    let finding = finding.with("protocol", wire.name()).with("request", what);
    let finding = finding.with("compression", compression.encoding().as_str());
    (outcome, finding.with("milliseconds", elapsed.as_secs_f64() * 1e3))
}

/// The same where the request was compressed: if it is that by which it failed, what is not compressed is taken.
async fn diagnose_compressed(
    case: &Case,
    wire: Wire,
    signal: Signal,
    compression: Compression,
    size: usize,
    error: &BoxError,
) -> (Outcome, Diagnosis) {
    if compression != Compression::None && may_be_for_compression(error) {
        let bare = send(case, wire, Compression::None, padded(signal, PADDED)).await.0;
        if bare.is_ok() {
            return (Outcome::Failed, not_decompressed(compression.encoding()));
        }
    }
    diagnose(case, wire, signal, size, error)
}

/// Why a request for `signal` of `size` bytes failed.
pub(crate) fn diagnose(
    case: &Case,
    wire: Wire,
    signal: Signal,
    size: usize,
    error: &BoxError,
) -> (Outcome, Diagnosis) {
    let route = case.route(signal);
    let (path, has_headers) = (route.path(), !route.headers.is_empty());
    judge(error, Question { wire, signal, path: &path, size, has_headers })
}

fn taken(response: &ExportResponse, signal: Signal, text: &str) -> (Outcome, Finding) {
    let step = signal.as_str();
    let (outcome, finding) = match (response.rejected, &response.message) {
        (0, None) => return (Outcome::Passed, Finding::ok(step, text)),
        (0, Some(message)) => {
            (Outcome::Passed, Finding::note(step, format!("{text}, with a warning: {message}")))
        }
        (rejected, message) => {
            let reason = message.as_deref().unwrap_or("it does not say why");
            let diagnosis = Diagnosis::new(
                format!("the receiver answers with a partial success: {rejected} rejected: {reason}"),
                "it rejects by its own rules (age, size, names, quota), which its message names; it is not tried again",
                Section::Refused,
            );
            let text = format!("{text}, but {rejected} rejected: {reason}");
            (Outcome::Failed, Finding::failed(step, text, diagnosis))
        }
    };
    (outcome, finding.with("rejected", response.rejected).with("message", response.message.clone()))
}

/// Requests that are compressed, of the signals that a client compresses so. If it does none so, what is not taken is worth a word.
pub(crate) async fn compress(case: &Case, wire: Wire, encoding: Encoding) -> Vec<Finding> {
    let compression = match encoding {
        Encoding::Gzip => Compression::Gzip,
        Encoding::Zstd => Compression::Zstd,
        _ => Compression::None,
    };
    let step = encoding.as_str();
    let finish = |finding: Finding| {
        let accepted = finding.status == Status::Ok;
        finding.with("protocol", wire.name()).with("accepted", accepted)
    };
    let signals = case.compressed(compression);
    if signals.is_empty() {
        let request = padded(case.first.signal, PADDED);
        return vec![finish(match send(case, wire, compression, request).await.0 {
            Ok(_) => Finding::ok(step, format!("{wire}: requests compressed with {step} are taken")),
            Err(error) => Finding::note(step, format!("{wire}: not taken: {error}")),
        })];
    }
    let mut findings = Vec::new();
    for signal in signals {
        let request = padded(signal, PADDED);
        let size = request.raw_len();
        let named = format!("{wire}: {signal} compressed with {step}, as the client is told to,");
        findings.push(finish(match send(case, wire, compression, request).await.0 {
            Ok(_) => Finding::ok(step, format!("{named} are taken")),
            Err(error) => {
                let diagnosis = diagnose_compressed(case, wire, signal, compression, size, &error).await.1;
                Finding::failed(step, format!("{named} are not taken: {error}"), diagnosis)
            }
        }));
    }
    findings
}
