//! The step of TLS: whether the transport's handshake works, and what the server shows, trusted or not.
//!
//! Two handshakes: one as the client makes it, which decides, and one that takes any certificate, to look at it. Nothing but
//! the handshake goes over the second.

use super::anchor;
use super::case::Case;
use super::certificate::{self, Shown};
use super::chain::{self, find};
use super::finding::{Diagnosis, Finding};
use super::look;
use super::plan::Outcome;
use crate::receiver::Receiver;
use crate::section::Section;
use crate::wire::Wire;
use futures_util::future::join;
use otlp_transport::{BoxError, TlsError, TlsErrorKind};
use rustls::CertificateError;
use serde_json::json;
use std::error::Error;
use std::time::{Duration, SystemTime};
use tower::ServiceExt;

/// From here on a certificate's end is worth a word.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How it went, and the findings.
pub(crate) async fn secure(case: &Case, wire: Wire, now: SystemTime) -> (Outcome, Vec<Finding>) {
    let connector = match case.connector(wire) {
        Ok(connector) => connector,
        Err(error) => {
            let diagnosis = Diagnosis::new(
                "a file of certificates or keys is no good",
                "correct the file, or the option that names it",
                Section::Tls,
            );
            return (Outcome::Failed, vec![Finding::failed("tls", error.to_string(), diagnosis)]);
        }
    };
    let (result, look) = join(connector.oneshot(case.target().clone()), look::look(case)).await;
    let (outcome, first) = match result {
        Ok(_) => (Outcome::Passed, trusted(case, look.as_ref(), now)),
        Err(error) => untrusted(case, &error),
    };
    let mut findings = vec![first];
    if let Some(look) = look {
        findings.extend(look.shown().enumerate().map(|(at, shown)| of_certificate(at, &shown, now)));
    }
    (outcome, findings)
}

fn trusted(case: &Case, look: Option<&look::Look>, now: SystemTime) -> Finding {
    let Receiver { ca_file, insecure_skip_verify, .. } = &case.receiver;
    let from = match ca_file {
        _ if *insecure_skip_verify => None,
        Some(file) => Some(file.display().to_string()),
        None => Some(of_platform()),
    };
    let by = match &from {
        Some(from) => format!("trusted by {from}"),
        None => "not verified (--insecure-skip-verify)".to_owned(),
    };
    let Some(look) = look else { return Finding::ok("tls", by) };
    let provider = rustls::crypto::ring::default_provider();
    let root = from.as_ref().and_then(|_| anchor::find(&look.chain, ca_file.as_deref(), &provider, now));
    let root = root.map(|shown| shown.subject);
    let named = root.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let alpn = look.alpn.as_deref().unwrap_or("no ALPN");
    Finding::ok("tls", format!("{}, {alpn}, certificate {by}{named}", look.version))
        .with("version", look.version.clone())
        .with("cipher", look.cipher.clone())
        .with("alpn", look.alpn.clone())
        .with("wants_certificate", look.wants_certificate)
        .with("root", root)
        .with("trusted_by", from)
}

/// The platform's authorities, with the variables that say which those are.
fn of_platform() -> String {
    let heard = cfg!(all(unix, not(target_vendor = "apple")));
    let variables = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter();
    let set: Vec<&str> = variables.filter(|name| heard && std::env::var_os(name).is_some()).collect();
    if set.is_empty() {
        return "the platform's authorities".to_owned();
    }
    format!("the platform's authorities, of {}", set.join(" and "))
}

fn of_certificate(at: usize, shown: &Shown, now: SystemTime) -> Finding {
    let text = format!("certificate {}: {shown}", at + 1);
    let left = shown.not_after.duration_since(now).unwrap_or_default();
    let finding = if !left.is_zero() && left < SOON {
        Finding::note("tls", format!("{text}; it ends in {} days: renew it", left.as_secs() / 86_400))
    } else {
        Finding::note("tls", text)
    };
    finding
        .with("subject", shown.subject.clone())
        .with("issuer", shown.issuer.clone())
        .with("names", json!(shown.names))
        .with("not_before", certificate::date(shown.not_before))
        .with("not_after", certificate::date(shown.not_after))
}

fn untrusted(case: &Case, error: &BoxError) -> (Outcome, Finding) {
    let text = chain::text(&**error);
    let Some(tls) = find::<TlsError>(&**error) else {
        let diagnosis = Diagnosis::new(
            "the connection fails before or during the handshake",
            "see whether it is the port for TLS; is there a gateway on the way that closes it?",
            Section::Tls,
        );
        return (Outcome::Odd, Finding::failed("tls", text, diagnosis));
    };
    let outcome = match tls.kind() {
        // It may have the other protocol.
        TlsErrorKind::NoProtocol => Outcome::Odd,
        TlsErrorKind::Verification => Outcome::Failed,
        _ if speaks_tls(&**error) => Outcome::Failed,
        _ => Outcome::Odd,
    };
    let diagnosis = match find::<rustls::Error>(tls) {
        Some(rustls::Error::InvalidCertificate(reason)) => of_reason(case, reason),
        _ => of_kind(tls.kind()),
    };
    // Says it all: what is below are the words of libraries.
    (outcome, Finding::failed("tls", tls.to_string(), diagnosis))
}

/// Whether `error` is of a handshake with a server that speaks TLS: it said no, or said something that is no good.
pub(super) fn speaks_tls(error: &(dyn Error + 'static)) -> bool {
    let kind = find::<TlsError>(error).map(TlsError::kind);
    let said = find::<rustls::Error>(error);
    matches!(kind, Some(TlsErrorKind::NoProtocol | TlsErrorKind::ClientCertificate))
        || matches!(
            said,
            Some(
                rustls::Error::AlertReceived(_)
                    | rustls::Error::PeerIncompatible(_)
                    | rustls::Error::PeerMisbehaved(_)
                    | rustls::Error::InvalidCertificate(_)
            )
        )
}

fn of_reason(case: &Case, reason: &CertificateError) -> Diagnosis {
    let host = case.first.endpoint.authority();
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Diagnosis::new(
            "the server's certificate has expired",
            "renew the certificate of the receiver; if it is newer than that, set this machine's clock",
            Section::Tls,
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Diagnosis::new(
            "the server's certificate is not valid yet, as this machine's clock has it",
            "set this machine's clock (NTP), or wait",
            Section::Tls,
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Diagnosis::new(
                format!("the server's certificate is not for {host}: its names are below"),
                "use a name of the certificate as the endpoint's host, issue one that has this name, or say which is right: \
             --server-name, with_tls_server_name",
                Section::Tls,
            )
        }
        CertificateError::UnknownIssuer => Diagnosis::new(
            "the server's certificate is from an authority that is not trusted here",
            "name the certificate of that authority: --ca-file, OTEL_EXPORTER_OTLP_CERTIFICATE, tls.ca_file in a \
             configuration file, TlsConfig::ca_file; or have the receiver send the certificates between its own and the authority's",
            Section::Tls,
        ),
        CertificateError::BadSignature => Diagnosis::new(
            "an authority of that name is trusted, but another key has signed the certificate",
            "the CA file is of an older or another authority of the same name: get the one in force",
            Section::Tls,
        ),
        _ => Diagnosis::new(
            "the server's certificate is not acceptable",
            "issue a new one for the receiver: a certificate of a server (CA:FALSE), with the name in its SAN",
            Section::Tls,
        ),
    }
}

/// What a handshake that failed so asks for.
pub(super) fn of_kind(kind: TlsErrorKind) -> Diagnosis {
    match kind {
        TlsErrorKind::ClientCertificate => Diagnosis::new(
            "the server wants a certificate of the client, or another one (mTLS)",
            "--cert-file and --key-file, OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and …_CLIENT_KEY, tls.cert_file and \
             tls.key_file in a configuration file, TlsConfig::cert_file and key_file, from an authority that the receiver trusts",
            Section::Tls,
        ),
        TlsErrorKind::NoTls => Diagnosis::new(
            "what listens on this port does not speak TLS",
            "write the endpoint with http:// if the way to it is safe, or enable TLS at the receiver",
            Section::Tls,
        ),
        TlsErrorKind::NoProtocol => Diagnosis::new(
            "the server speaks TLS, but not the protocol that was asked for (ALPN)",
            "is it the port for the other protocol (--protocol)? Does a gateway before it know HTTP/2, which gRPC needs?",
            Section::Tls,
        ),
        _ => Diagnosis::new(
            "the handshake fails",
            "the text says what the server does not like, if it said it: it must offer TLS 1.2 or 1.3, and know the name that it is \
             asked for (--server-name). If it said nothing: is this the port for TLS?",
            Section::Tls,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{AlertDescription, InvalidMessage, PeerIncompatible};
    use std::io;

    #[test]
    fn what_says_no_in_tls_speaks_it() {
        for (error, speaks) in [
            (rustls::Error::AlertReceived(AlertDescription::HandshakeFailure), true),
            (rustls::Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon), true),
            (rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType), false),
        ] {
            assert_eq!(speaks_tls(&io::Error::other(error.clone())), speaks, "{error}");
        }
        assert!(!speaks_tls(&io::Error::from(io::ErrorKind::UnexpectedEof)));
    }
}
