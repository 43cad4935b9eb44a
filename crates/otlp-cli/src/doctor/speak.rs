//! The step that asks whether HTTP or gRPC is spoken at all, how fast, and whether the clocks agree.
//!
//! Judges no status: what the receiver makes of exports comes later.

use super::case::Case;
use super::finding::{Diagnosis, Finding};
use super::plan::Outcome;
use super::reach::millis;
use super::talk::{self, Answer};
use super::{chain, look, tls};
use crate::clock;
use crate::section::Section;
use crate::wire::Wire;
use otlp_transport::{BoxError, GrpcCode, TlsError, TlsErrorKind};
use std::error::Error;
use std::time::{Duration, SystemTime};
use tokio::io::AsyncReadExt;
use tower::ServiceExt;

/// A clock that differs by more is worth a word.
const SKEW: Duration = Duration::from_secs(5);

/// By more, and it matters: tokens and signed requests are refused, and data is filed where nobody looks for it.
const TOO_MUCH: Duration = Duration::from_secs(5 * 60);

pub(crate) async fn speak(case: &Case, wire: Wire) -> (Outcome, Vec<Finding>) {
    let step = if wire.is_grpc() { "grpc" } else { "http" };
    let before = clock::now();
    let answer = match tokio::time::timeout(case.timeout, ask(case, wire)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            let text = chain::text(&*error);
            if is_about_certificate(case, wire, &error).await {
                let diagnosis = tls::of_kind(TlsErrorKind::ClientCertificate);
                return (Outcome::Failed, vec![Finding::failed(step, text, diagnosis)]);
            }
            return (Outcome::Odd, vec![silent(step, wire, &text)]);
        }
        Err(_) => {
            let text = format!("no answer within {:?}, although the connection stands", case.timeout);
            return (Outcome::Odd, vec![silent(step, wire, &text)]);
        }
    };
    if wire.is_grpc() && answer.grpc.is_none() && !is_of_gateway(answer.status) {
        let text = format!("HTTP/2 answers with status {} and no gRPC status", answer.status);
        return (Outcome::Odd, vec![silent(step, wire, &text)]);
    }
    let server = answer.header("server").map(|name| format!(", server: {name}")).unwrap_or_default();
    let what = match (wire.is_grpc(), answer.grpc) {
        (false, _) => "HTTP/1.1 answers".to_owned(),
        (true, Some(_)) => "gRPC over HTTP/2 answers".to_owned(),
        (true, None) => format!("HTTP/2 answers with status {} and no gRPC status", answer.status),
    };
    let how = format!("{what}, round trip {}{server}", millis(answer.elapsed));
    let mut findings = vec![
        Finding::ok(step, how)
            .with("round_trip_milliseconds", answer.elapsed.as_secs_f64() * 1e3)
            .with("status", answer.status)
            .with("grpc_status", answer.grpc)
            .with("server", answer.header("server")),
    ];
    findings.push(clocks(answer.header("date"), before, clock::now()));
    (Outcome::Passed, findings)
}

/// Whether a status is one that a gateway before a receiver of gRPC may give by itself: the transport makes of it what the
/// receiver would say, and the exports judge that.
fn is_of_gateway(status: u16) -> bool {
    let code = GrpcCode::from_http_status(status);
    matches!(code, GrpcCode::Unauthenticated | GrpcCode::PermissionDenied | GrpcCode::Unavailable)
}

/// With TLS 1.3 a server says only now what it thinks of the client's certificate, or that there is none.
async fn is_about_certificate(case: &Case, wire: Wire, error: &BoxError) -> bool {
    if is_refusal(&**error) {
        return true;
    }
    let wants = look::look(case).await.is_some_and(|look| look.wants_certificate);
    match (wants, &case.receiver.cert_file) {
        (false, _) => false,
        (true, None) => true,
        // The library for HTTP/2 keeps no more of an alert than its text. But there the server speaks first.
        (true, Some(_)) if wire.is_grpc() => {
            let first = tokio::time::timeout(case.timeout, first_byte(case, wire)).await;
            first.is_ok_and(|first| first.is_err_and(|error| is_refusal(&*error)))
        }
        (true, Some(_)) => false,
    }
}

fn is_refusal(error: &(dyn Error + 'static)) -> bool {
    chain::find::<TlsError>(error).is_some_and(|error| error.kind() == TlsErrorKind::ClientCertificate)
}

async fn first_byte(case: &Case, wire: Wire) -> Result<(), BoxError> {
    let mut connection = case.connector(wire)?.oneshot(case.target().clone()).await?;
    connection.read_exact(&mut [0]).await?;
    Ok(())
}

async fn ask(case: &Case, wire: Wire) -> Result<Answer, BoxError> {
    let connector = case.connector(wire)?;
    if wire.is_grpc() {
        talk::call(connector, &case.first).await
    } else {
        talk::post(connector, &case.first, case.first.endpoint.signal_path(case.first.signal)).await
    }
}

fn silent(step: &'static str, wire: Wire, text: &str) -> Finding {
    let what = if wire.is_grpc() { "gRPC" } else { "HTTP/1.1" };
    let diagnosis = Diagnosis::new(
        format!("what listens here does not answer in {what}"),
        "see what it is instead, in the line about the port",
        Section::Connect,
    );
    Finding::failed(step, text, diagnosis)
}

/// What the `date` of an answer, if it has one, says about the clocks.
fn clocks(date: Option<String>, before: SystemTime, after: SystemTime) -> Finding {
    let why = match date.as_deref().map(|date| (date, httpdate::parse_http_date(date))) {
        Some((_, Ok(date))) => return compare(date, before, after),
        Some((date, Err(_))) => format!("the Date of the answer is none: {date}"),
        None => "the answer has no Date".to_owned(),
    };
    let text = format!("it can't be told whether this machine's clock agrees with the receiver's: {why}");
    Finding::note("clock", text).with("skew_seconds", None::<f64>)
}

/// What a `Date`, which has whole seconds, says about the clocks, when it was made between `before` and `after`.
fn compare(date: SystemTime, before: SystemTime, after: SystemTime) -> Finding {
    let latest = date + Duration::from_secs(1);
    let (skew, which) = if let Ok(ahead) = before.duration_since(latest) {
        (ahead, "ahead of")
    } else if let Ok(behind) = date.duration_since(after) {
        (behind, "behind")
    } else {
        (Duration::ZERO, "")
    };
    let fact = |finding: Finding| finding.with("skew_seconds", skew.as_secs_f64());
    if skew <= SKEW {
        return fact(Finding::ok("clock", "this machine's clock agrees with the receiver's"));
    }
    let text = format!("this machine's clock is {:.0} s {which} the receiver's", skew.as_secs_f64());
    let diagnosis = Diagnosis::new(
        "one of the two clocks is wrong: spans of several machines appear in the wrong order, tokens and certificates as \
         expired or not valid yet",
        "set the clocks of both by NTP (chrony, systemd-timesyncd)",
        Section::Incomplete,
    );
    let finding = if skew > TOO_MUCH {
        Finding::failed("clock", text, diagnosis)
    } else {
        Finding::note("clock", text).diagnosed(diagnosis)
    };
    fact(finding)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;

    #[test]
    fn clocks_are_compared_with_the_grain_of_a_date() {
        let at = |millis: u64| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let of = |date, before, after| compare(at(date), at(before), at(after));
        assert_eq!(of(10_000, 10_900, 10_950).status, Status::Ok);
        assert_eq!(of(10_000, 15_900, 15_950).status, Status::Ok);
        let ahead = of(10_000, 71_000, 71_100);
        assert_eq!(
            (ahead.status, ahead.text.as_str()),
            (Status::Note, "this machine's clock is 60 s ahead of the receiver's")
        );
        let behind = of(70_000, 9_000, 10_000);
        assert!(behind.text.contains("60 s behind"), "{}", behind.text);
        assert_eq!((behind.facts["skew_seconds"].as_f64(), behind.status), (Some(60.0), Status::Note));
        assert_eq!(of(310_000, 9_000, 10_000).status, Status::Note);
        assert_eq!(of(310_001, 9_000, 10_000).status, Status::Failed);
        assert_eq!(of(10_000, 311_001, 312_000).status, Status::Failed);
    }
}
