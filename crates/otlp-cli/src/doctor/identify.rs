//! The step that listens to a port in every way there is, to say what was mistaken for what.
//!
//! Done only when what was expected does not answer, or takes nothing. TLS is asked for first, then everything else at once, each
//! on a connection of its own: a port that says nothing costs two timeouts.

use super::case::{Case, Route};
use super::chain::find;
use super::finding::Finding;
use super::mistake::{Asked, Heard, mistake};
use super::talk;
use super::tls::speaks_tls;
use crate::wire::Wire;
use futures_util::future::join;
use otlp_transport::{Alpn, BoxConnector, Headers, Target, TlsError, TlsErrorKind};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tower::ServiceExt;

/// The part of a step's time that a server that closes other connections has to say something on one where it is not asked.
const BANNER_PART: u32 = 5;

/// What listens where `wire` was to be spoken; `answers` if it is spoken, and what was sent was not taken.
pub(crate) fn identify(case: &Case, wire: Wire, answers: bool, heard: &Heard) -> Finding {
    let asked = Asked { wire, is_secure: case.is_secure(), port: case.port(), answers };
    let mut speaks = Vec::new();
    speaks.extend(heard.tls.then(|| "TLS".to_owned()));
    speaks.extend(heard.http.map(|status| format!("HTTP/1.1 (status {status})")));
    speaks.extend(heard.grpc.map(|status| format!("gRPC (status {status})")));
    let text = if speaks.is_empty() {
        "speaks neither TLS, nor HTTP/1.1, nor gRPC".to_owned()
    } else {
        format!("speaks {}", speaks.join(", "))
    };
    let text = format!("{} {text}", case.target());
    let finding = match mistake(asked, heard) {
        Some(diagnosis) => Finding::failed("port", text, diagnosis),
        None => Finding::note("port", text),
    };
    finding
        .with("tls", heard.tls)
        .with("http_status", heard.http)
        .with("grpc_status", heard.grpc)
        .with("name", heard.name.clone())
}

/// What is to be heard there, whatever was asked for.
pub(crate) async fn listen(case: &Case) -> Heard {
    let (tls, secured) = tls(case).await;
    // Inside of TLS, if that is what was asked for and is there; else in clear text.
    let within = |wire: Wire| {
        let alpn = if wire.is_grpc() { Alpn::H2 } else { Alpn::Http1 };
        let secure = (case.is_secure() && tls).then(|| case.unverified(alpn).ok()).flatten();
        secure.unwrap_or_else(|| case.plain())
    };
    // What is not known to be a receiver gets no credentials: neither headers nor the query.
    let bare = Route { headers: Headers::new(), ..case.first.clone() };
    let said = Arc::new(Mutex::new(Vec::new()));
    let mut listener = tokio::spawn(banner(case.plain(), case.target().clone(), Arc::clone(&said)));
    let (http, grpc) = join(
        timeout(case.timeout, talk::post(within(Wire::HttpProtobuf), &bare, bare.path())),
        timeout(case.timeout, talk::call(within(Wire::Grpc), &bare)),
    )
    .await;
    let is_closed = matches!((&http, &grpc), (Ok(Err(_)), _) | (_, Ok(Err(_))));
    let (http, grpc) = (http.ok().and_then(Result::ok), grpc.ok().and_then(Result::ok));
    let is_unknown = http.is_none() && grpc.is_none() && !tls;
    if is_closed && is_unknown {
        // What it said there may have been its banner, which comes over this connection, too.
        let _ = timeout(case.timeout / BANNER_PART, &mut listener).await;
    }
    listener.abort();
    let said = std::mem::take(&mut *said.lock().unwrap_or_else(PoisonError::into_inner));
    let closed = is_closed || secured;
    let server = [&http, &grpc].into_iter().flatten().find_map(|answer| answer.header("server"));
    let banner = is_unknown && !said.is_empty();
    Heard {
        tls,
        http: http.map(|answer| answer.status),
        grpc: grpc.and_then(|answer| answer.grpc),
        name: server.or_else(|| banner.then(|| readable(&said))),
        banner,
        closed,
    }
}

/// Whether it speaks TLS, with whatever certificate; and whether it closed the connection instead.
async fn tls(case: &Case) -> (bool, bool) {
    let Ok(connector) = case.unverified(Alpn::Http1) else { return (false, false) };
    match timeout(case.timeout, connector.oneshot(case.target().clone())).await {
        Ok(Ok(_)) => (true, false),
        Ok(Err(error)) => {
            let is_broken = find::<TlsError>(&*error).is_some_and(|it| it.kind() == TlsErrorKind::Handshake);
            (speaks_tls(&*error), is_broken)
        }
        Err(_) => (false, false),
    }
}

/// Keeps what a server says before it is asked: a line.
async fn banner(connector: BoxConnector, target: Target, said: Arc<Mutex<Vec<u8>>>) {
    let Ok(mut connection) = connector.oneshot(target).await else { return };
    let mut bytes = [0; 128];
    while let Ok(read @ 1..) = connection.read(&mut bytes).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(bytes.get(..read).unwrap_or_default());
        if said.contains(&b'\n') || said.len() > 256 {
            return;
        }
    }
}

fn readable(bytes: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(bytes)
        .chars()
        .take(60)
        .map(|c| if c.is_ascii_graphic() { c } else { ' ' })
        .collect();
    text.trim().to_owned()
}
