//! The steps below TLS: addresses of the name, a connection to each, a tunnel through the proxy.
//!
//! Shells around the system's resolver and the transport's connector. All addresses are tried at once, so that a black hole
//! costs one timeout.

use super::case::Case;
use super::chain::find;
use super::finding::{Diagnosis, Finding};
use crate::section::Section;
use otlp_transport::{BoxError, Connector, ProxyError, Target};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

/// The addresses of the first hop, and what there is to say about them.
pub(crate) async fn resolve(case: &Case) -> (Vec<SocketAddr>, Finding) {
    let Target::Tcp { host, port } = case.first_hop() else {
        return (Vec::new(), Finding::ok("dns", "a unix socket has no name to resolve"));
    };
    if let Ok(address) = host.parse::<IpAddr>() {
        let finding = Finding::ok("dns", format!("{host} is an address")).with("addresses", vec![host]);
        return (vec![SocketAddr::new(address, port)], finding);
    }
    let started = Instant::now();
    let found = timeout(case.timeout, tokio::net::lookup_host((host.as_str(), port))).await;
    let reason = match found {
        Ok(Ok(addresses)) => {
            let mut addresses: Vec<SocketAddr> = addresses.collect();
            addresses.dedup();
            if !addresses.is_empty() {
                let all: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
                let text = format!("{host} is {}, {}", all.join(", "), millis(started.elapsed()));
                return (addresses, Finding::ok("dns", text).with("addresses", all));
            }
            "it has no addresses".to_owned()
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("the resolver did not answer within {:?}", case.timeout),
    };
    let diagnosis = if case.proxy.is_some() {
        wrong_proxy(format!("the proxy's name, {host}, is not known here"))
    } else {
        Diagnosis::new(
            format!("the name {host} is not known here"),
            "check the spelling; names of containers and services are known inside of their network only; is the machine's \
             DNS server reachable?",
            Section::Connect,
        )
    };
    (Vec::new(), Finding::failed("dns", format!("{host} could not be resolved: {reason}"), diagnosis))
}

/// A connection to each of `addresses`, or to the unix socket; a failure counts only if none can be reached.
pub(crate) async fn connect(case: &Case, addresses: &[SocketAddr]) -> Vec<Finding> {
    let targets: Vec<Target> = match case.first_hop() {
        Target::Tcp { .. } => addresses
            .iter()
            .map(|address| Target::Tcp { host: address.ip().to_string(), port: address.port() })
            .collect(),
        socket => vec![socket],
    };
    let mut attempts = Vec::new();
    for target in targets {
        let connector = Connector::new().with_timeout(case.timeout);
        attempts.push(tokio::spawn(async move {
            let started = Instant::now();
            let result = connector.oneshot(target.clone()).await.map(drop);
            (target, result, started.elapsed())
        }));
    }
    let mut results = Vec::new();
    for attempt in attempts {
        if let Ok(result) = attempt.await {
            results.push(result);
        }
    }
    let one_works = results.iter().any(|(_, result, _)| result.is_ok());
    results
        .into_iter()
        .map(|(target, result, elapsed)| match result {
            Ok(()) => Finding::ok("tcp", format!("{target} accepts connections, {}", millis(elapsed)))
                .with("milliseconds", elapsed.as_secs_f64() * 1e3),
            Err(error) => refused(case, &target, &error, one_works),
        })
        .collect()
}

fn refused(case: &Case, target: &Target, error: &BoxError, another_works: bool) -> Finding {
    let kind = find::<io::Error>(&**error).map(io::Error::kind);
    let reason = match kind {
        Some(io::ErrorKind::TimedOut) => format!("no connection within {:?}", case.timeout),
        Some(kind) => kind.to_string(),
        None => error.to_string(),
    };
    let text = format!("{target}: {reason}");
    if another_works {
        return Finding::note("tcp", format!("{text}; connections go to another address"));
    }
    let diagnosis = match kind {
        Some(io::ErrorKind::ConnectionRefused) if case.proxy.is_some() => {
            wrong_proxy(format!("nothing listens on {target}, where the proxy should be"))
        }
        _ if case.proxy.is_some() => wrong_proxy(format!("the proxy, {target}, can't be reached from here")),
        Some(io::ErrorKind::ConnectionRefused) => Diagnosis::new(
            format!("nothing listens on {target}"),
            "start the collector, or correct the endpoint: gRPC is usually port 4317, HTTP port 4318. Inside a container \
             localhost is the container itself, and a collector that listens on localhost hears nobody outside of its own \
             (listen on 0.0.0.0)",
            Section::Connect,
        ),
        Some(io::ErrorKind::TimedOut) => Diagnosis::new(
            format!("packets to {target} vanish: a firewall drops them, or there is no such host"),
            "check the address; open the port in firewalls, security groups and network policies on the way",
            Section::Connect,
        ),
        Some(io::ErrorKind::NotFound) => Diagnosis::new(
            "there is no such socket",
            "start the collector, or correct the path of the socket",
            Section::Connect,
        ),
        Some(io::ErrorKind::PermissionDenied) => {
            Diagnosis::new("this user may not open it", "change the rights of the socket", Section::Connect)
        }
        _ => Diagnosis::new(
            format!("{target} can't be reached from here"),
            "check the address, routes and network policies",
            Section::Connect,
        ),
    };
    Finding::failed("tcp", text, diagnosis)
}

/// Nothing can be said of the receiver: the proxy before it is not there.
fn wrong_proxy(cause: String) -> Diagnosis {
    Diagnosis::new(
        cause,
        "correct the proxy's address (--proxy, or the variable that names it), see whether it runs, or go without \
         (NO_PROXY, --no-proxy): a receiver in the same network needs none",
        Section::Proxy,
    )
}

/// A tunnel to the receiver.
pub(crate) async fn tunnel(case: &Case) -> Finding {
    let (Some(proxy), target) = (&case.proxy, case.target().clone()) else {
        return Finding::ok("proxy", "none");
    };
    let started = Instant::now();
    match case.plain().oneshot(target.clone()).await {
        Ok(_) => {
            let text = format!("{} opens a tunnel to {target}, {}", proxy.url(), millis(started.elapsed()));
            Finding::ok("proxy", text)
        }
        Err(error) => {
            let status = find::<ProxyError>(&*error).and_then(ProxyError::status);
            let cure = match status {
                Some(407) => {
                    "give its URL a user and a password, percent-encoded: http://user:password@proxy:port"
                }
                Some(400 | 403 | 405) => {
                    "have the proxy allow CONNECT to this host and port (many allow port 443 only), or go without: NO_PROXY, \
                     --no-proxy"
                }
                Some(502..=504) => "check the endpoint's name and port as the proxy sees them",
                _ => "check the proxy's URL; a receiver in the same network needs none: NO_PROXY, --no-proxy",
            };
            let cause = match status {
                Some(status) => format!("the proxy answers {status} when it is asked for {target}"),
                None => "the proxy gives no tunnel".to_owned(),
            };
            Finding::failed("proxy", error.to_string(), Diagnosis::new(cause, cure, Section::Proxy))
        }
    }
}

/// For people.
pub(crate) fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}
