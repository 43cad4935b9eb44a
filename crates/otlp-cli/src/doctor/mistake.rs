//! Which mistake it is when what answers is not what was asked for.
//!
//! Used after a port was listened to in every way there is. Pure.

use super::finding::Diagnosis;
use crate::section::Section;
use crate::wire::Wire;

/// What was expected of the port.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) wire: Wire,
    pub(crate) is_secure: bool,
    pub(crate) port: Option<u16>,
    /// It answered as it was asked, and only took nothing of what was sent.
    pub(crate) answers: bool,
}

/// What it said, asked in each way on a connection of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// It speaks TLS.
    pub(crate) tls: bool,
    /// It answered an HTTP/1.1 POST of an empty OTLP request: the status.
    pub(crate) http: Option<u16>,
    /// It answered a gRPC call of the OTLP service: the status.
    pub(crate) grpc: Option<i32>,
    /// It calls itself so: the header `server`, or what it says unasked.
    pub(crate) name: Option<String>,
    /// It said something unasked.
    pub(crate) banner: bool,
    /// It closed at least one of the connections.
    pub(crate) closed: bool,
}

impl Heard {
    fn speaks_otlp_http(&self) -> bool {
        // Empty requests are taken by every receiver; those that want credentials or less are receivers, too.
        matches!(self.http, Some(200..=299 | 401 | 403 | 429 | 503))
    }

    fn speaks_otlp_grpc(&self) -> bool {
        // 12 is UNIMPLEMENTED: gRPC, but not this service.
        self.grpc.is_some_and(|status| status != 12)
    }
}

/// The mistake, in words. Nothing if it is what was asked for: then the answers to what was sent say what is wrong.
pub(crate) fn mistake(asked: Asked, heard: &Heard) -> Option<Diagnosis> {
    let speaks = if asked.wire.is_grpc() {
        heard.speaks_otlp_grpc()
    } else {
        // An HTTP server that is none for OTLP has no such path, or not for POST, before it could mind what is sent.
        heard.speaks_otlp_http() || (heard.http == Some(400) && !heard.speaks_otlp_grpc())
    };
    let is_right = asked.answers && speaks && asked.is_secure == heard.tls;
    (!is_right).then(|| instead(asked, heard))
}

/// What it is instead.
fn instead(asked: Asked, heard: &Heard) -> Diagnosis {
    let Asked { wire, is_secure, port, .. } = asked;
    let named = heard.name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
    if !is_secure && heard.tls {
        return Diagnosis::new(
            "this port speaks TLS, and it was spoken to in clear text",
            "write the endpoint with https://, and name the CA if it is a private one (--ca-file)",
            Section::Tls,
        );
    }
    if is_secure && !heard.tls && (heard.http.is_some() || heard.grpc.is_some()) {
        return Diagnosis::new(
            "this port speaks clear text, and it was spoken to with TLS",
            "write the endpoint with http:// if the way to it is safe, or enable TLS at the receiver",
            Section::Tls,
        );
    }
    let elsewhere = |other: Wire| match port {
        Some(port) if port == other.usual_port() => {
            format!("port {} is the usual one for {}", wire.usual_port(), of_protocol(wire))
        }
        _ => format!("the port for {} is usually {}", of_protocol(wire), wire.usual_port()),
    };
    if wire.is_grpc() && heard.speaks_otlp_http() && !heard.speaks_otlp_grpc() {
        return Diagnosis::new(
            "this is a port for OTLP/HTTP, and it was spoken to with gRPC",
            format!(
                "use OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf (or the signal's own; otlp_http in a configuration file; --protocol \
                 http/protobuf), or the port for gRPC: {}",
                elsewhere(Wire::HttpProtobuf)
            ),
            Section::Connect,
        );
    }
    if !wire.is_grpc() && heard.speaks_otlp_grpc() && !heard.speaks_otlp_http() {
        return Diagnosis::new(
            "this is a port for OTLP/gRPC, and it was spoken to with HTTP",
            format!(
                "use OTEL_EXPORTER_OTLP_PROTOCOL=grpc (or the signal's own; otlp_grpc in a configuration file; --protocol grpc), \
                 or the port for HTTP: {}",
                elsewhere(Wire::Grpc)
            ),
            Section::Connect,
        );
    }
    if let Some(status) = heard.http.filter(|_| !heard.speaks_otlp_http()) {
        return Diagnosis::new(
            format!(
                "an HTTP server answers here{named}, and it does not know OTLP at this address (status {status})"
            ),
            "check host and port of the endpoint, and its path: /v1/traces and the like are appended to it",
            Section::Refused,
        );
    }
    if heard.grpc == Some(12) {
        return Diagnosis::new(
            format!("a gRPC server answers here{named}, but it has no OTLP service"),
            "check host and port of the endpoint; is the otlp receiver enabled there?",
            Section::Refused,
        );
    }
    if heard.banner {
        return Diagnosis::new(
            format!("another service listens here{named}, which is no OTLP receiver"),
            "check host and port of the endpoint",
            Section::Connect,
        );
    }
    if heard.speaks_otlp_http() || heard.speaks_otlp_grpc() {
        return Diagnosis::new(
            "an OTLP receiver answers here, but not always",
            "look at the receiver's own log; is it restarting, or are there several behind this address?",
            Section::Connect,
        );
    }
    if heard.tls {
        return Diagnosis::new(
            "TLS works, but neither HTTP nor gRPC is spoken inside of it",
            "check host and port of the endpoint, and what the gateway before the receiver expects",
            Section::Connect,
        );
    }
    if heard.closed {
        return Diagnosis::new(
            "something takes connections here and closes them at once, whatever it is asked",
            "is it a gateway or port forwarding whose target is gone? Is the receiver up behind it?",
            Section::Connect,
        );
    }
    Diagnosis::new(
        "something takes connections here and never says a word, in no protocol",
        "a firewall, a load balancer without a target, or a receiver that hangs: check the address, then what stands in \
         between, then the receiver's own log",
        Section::Timeout,
    )
}

fn of_protocol(wire: Wire) -> &'static str {
    if wire.is_grpc() { "OTLP/gRPC" } else { "OTLP/HTTP" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(wire: Wire, is_secure: bool, heard: Heard) -> String {
        mistake(Asked { wire, is_secure, port: Some(4317), answers: false }, &heard).unwrap().cause
    }

    #[test]
    fn each_mistake_has_its_name() {
        let http = Heard { http: Some(200), ..Heard::default() };
        let grpc = Heard { grpc: Some(0), ..Heard::default() };
        let tls = Heard { tls: true, closed: true, ..Heard::default() };
        let page = Heard { http: Some(404), name: Some("nginx".to_owned()), ..Heard::default() };
        let ssh = Heard { banner: true, name: Some("SSH-2.0".to_owned()), ..Heard::default() };
        for (wire, is_secure, heard, cause) in [
            (Wire::Grpc, false, http.clone(), "a port for OTLP/HTTP, and it was spoken to with gRPC"),
            (Wire::HttpJson, false, grpc.clone(), "a port for OTLP/gRPC, and it was spoken to with HTTP"),
            (Wire::Grpc, false, tls.clone(), "speaks TLS, and it was spoken to in clear text"),
            (Wire::Grpc, true, http, "speaks clear text, and it was spoken to with TLS"),
            (Wire::HttpProtobuf, true, grpc, "speaks clear text"),
            (Wire::HttpProtobuf, false, page, "an HTTP server answers here (nginx)"),
            (Wire::Grpc, false, ssh, "another service listens here (SSH-2.0)"),
            (Wire::Grpc, false, Heard { grpc: Some(12), ..Heard::default() }, "no OTLP service"),
            (Wire::HttpJson, true, Heard { http: Some(401), ..tls.clone() }, "answers here, but not always"),
            (Wire::Grpc, true, Heard { grpc: Some(0), ..tls.clone() }, "answers here, but not always"),
            (Wire::Grpc, true, tls, "neither HTTP nor gRPC is spoken inside of it"),
            (Wire::Grpc, false, Heard { closed: true, ..Heard::default() }, "closes them at once"),
            (Wire::Grpc, false, Heard::default(), "never says a word"),
        ] {
            let told = told(wire, is_secure, heard);
            assert!(told.contains(cause), "{told}");
        }
    }

    #[test]
    fn the_usual_port_is_named() {
        let asked = Asked { wire: Wire::HttpProtobuf, is_secure: false, port: Some(4317), answers: false };
        let cure = mistake(asked, &Heard { grpc: Some(0), ..Heard::default() }).unwrap().cure;
        assert!(cure.contains("port 4318 is the usual one for OTLP/HTTP"), "{cure}");
    }

    #[test]
    fn a_receiver_that_takes_nothing_is_no_mistake() {
        let http = |status| Heard { http: Some(status), ..Heard::default() };
        let grpc = |status| Heard { grpc: Some(status), ..Heard::default() };
        let tls = |heard| Heard { tls: true, ..heard };
        for (wire, is_secure, heard, is_named) in [
            (Wire::HttpProtobuf, false, http(400), false),
            (Wire::HttpJson, false, http(200), false),
            (Wire::HttpProtobuf, true, tls(http(400)), false),
            (Wire::Grpc, false, grpc(13), false),
            (Wire::HttpProtobuf, false, tls(http(400)), true),
            (Wire::HttpProtobuf, false, Heard { grpc: Some(0), ..http(400) }, true),
            (Wire::HttpProtobuf, false, http(404), true),
            (Wire::Grpc, false, grpc(12), true),
        ] {
            let asked = Asked { wire, is_secure, port: None, answers: true };
            assert_eq!(mistake(asked, &heard).is_some(), is_named, "{wire} {heard:?}");
        }
    }
}
