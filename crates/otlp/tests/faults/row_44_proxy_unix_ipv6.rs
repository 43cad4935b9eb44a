//! Row 44: the way to the collector is an HTTP proxy, a unix socket, or IPv6 only. Both protocols work over all three, and the
//! environment means what it means to other exporters.

use crate::child;
use crate::connect_proxy::{Answer, ConnectProxy, address_of, listen_at};
use crate::support::{PATIENCE, all_delivered, batch_soon, books, builder, retry_soon};
use otlp::{Client, Error, Protocol};
use otlp_testkit::{Collector, skipped};
use std::ffi::OsStr;
use std::net::{IpAddr, Ipv6Addr};

const PROTOCOLS: [Protocol; 2] = [Protocol::Grpc, Protocol::Http];

fn endpoint(collector: &Collector, protocol: Protocol) -> String {
    match protocol {
        Protocol::Grpc => collector.grpc_endpoint(),
        _ => collector.http_endpoint(),
    }
}

fn ten_spans(client: &Client) {
    let tracer = client.tracer("t");
    (0..10).for_each(|_| tracer.start("s").end());
}

#[tokio::test]
async fn both_protocols_go_through_a_proxy_by_name() {
    for protocol in PROTOCOLS {
        let collector = Collector::builder().grpc().http().start().await.unwrap();
        let address = address_of(&endpoint(&collector, protocol));
        let proxy = ConnectProxy::start(Answer::Tunnel(address)).await;
        // The client cannot resolve this name; the proxy does.
        let client = builder("http://collector.invalid:4317")
            .with_protocol(protocol)
            .with_proxy(format!("http://user:open%20sesame@{}", proxy.authority()))
            .build()
            .await
            .unwrap();
        ten_spans(&client);
        all_delivered(&client, &collector, 10).await;
        let expected = "CONNECT collector.invalid:4317 HTTP/1.1\r\nhost: collector.invalid:4317\r\n\
                        proxy-authorization: Basic dXNlcjpvcGVuIHNlc2FtZQ==\r\n\r\n";
        assert!(proxy.requests().iter().all(|request| request == expected), "{:?}", proxy.requests());
        for call in collector.received().calls() {
            assert_eq!(call.header("proxy-authorization"), None, "the receiver learns nothing of the proxy");
        }
    }
}

#[tokio::test]
async fn what_a_proxy_refuses_is_said_kept_and_delivered_later() {
    for (protocol, answer, said) in [
        (
            Protocol::Grpc,
            "HTTP/1.1 407 No\r\nproxy-authenticate: Basic realm=\"x\"\r\n\r\n",
            "answered 407 Proxy Authentication Required when it was asked for collector.invalid:4317; \
             it wants a user and password: http://user:password@proxy:port",
        ),
        (
            Protocol::Http,
            "HTTP/1.1 403 Forbidden\r\n\r\n",
            "answered 403 Forbidden when it was asked for collector.invalid:4317; does it allow CONNECT to this host and port?",
        ),
        (
            Protocol::Grpc,
            "HTTP/1.1 502 Bad Gateway\r\n\r\n",
            "answered 502 Bad Gateway when it was asked for collector.invalid:4317; it could not reach the receiver",
        ),
        (Protocol::Http, "garbage\r\n\r\n", "did not answer in HTTP/1; is there a proxy at this address?"),
        (Protocol::Grpc, "", "closed the connection when it was asked for collector.invalid:4317"),
    ] {
        let collector = Collector::builder().grpc().http().start().await.unwrap();
        let proxy = ConnectProxy::start(Answer::Say(answer)).await;
        let client = builder("http://collector.invalid:4317")
            .with_protocol(protocol)
            .with_proxy(proxy.authority())
            .with_retry_config(retry_soon())
            .with_batch_config(batch_soon())
            .build()
            .await
            .unwrap();
        ten_spans(&client);
        let error = client.health_check().await.unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        assert_eq!(
            error.to_string(),
            format!(
                "failed to connect to http://collector.invalid:4317: the proxy http://{} {said} \
                 (see docs/troubleshooting.md#proxy)",
                proxy.authority()
            )
        );
        assert_eq!(collector.tally().calls(), 0);
        proxy.answer(Answer::Tunnel(address_of(&endpoint(&collector, protocol))));
        all_delivered(&client, &collector, 10).await;
    }
}

#[tokio::test]
async fn a_silent_proxy_is_given_up_after_the_connect_timeout() {
    // conf: TIME-02
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoints = ["http://collector.invalid:4317", "https://collector.invalid:4317"];
    for endpoint in endpoints.into_iter().take(if cfg!(feature = "_tls") { 2 } else { 1 }) {
        let client = builder(endpoint)
            .with_proxy(silent.local_addr().unwrap().to_string())
            .with_connect_timeout(std::time::Duration::from_millis(50))
            .with_request_timeout(PATIENCE)
            .build()
            .await
            .unwrap();
        let error = client.health_check().await.unwrap_err();
        assert!(
            error.to_string().contains("gave no connection to collector.invalid:4317 within 45ms"),
            "{error}"
        );
    }
    drop(silent);
}

#[tokio::test]
async fn a_proxy_that_is_no_address_is_refused() {
    // conf: HDR-09
    for url in ["", "socks5://proxy:1080", "https://user:hunter2@proxy", "http://user:hunter2@"] {
        let error = builder("http://c:4317").with_proxy(url).build().await.unwrap_err();
        assert!(error.is_configuration() && error.to_string().starts_with("with_proxy: "), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

/// In a process of its own, since the environment belongs to all tests: sends ten spans and says how that went.
pub(crate) fn program() {
    let told = |error: Error| child::say(error);
    let mut builder = builder(child::endpoint());
    match child::argument().as_str() {
        "without" => builder = builder.without_proxy(),
        "as it is" => {}
        #[cfg(feature = "_tls")]
        authority => builder = builder.with_tls_ca_pem(authority),
        #[cfg(not(feature = "_tls"))]
        other => panic!("{other}: there is no TLS in this build"),
    }
    let client = match builder.build_blocking() {
        Ok(client) => client,
        Err(error) => return told(error),
    };
    ten_spans(&client);
    match client.shutdown_blocking(PATIENCE) {
        Ok(report) => child::say(books(Ok(report)).delivered()),
        Err(error) => told(error),
    }
}

async fn with_environment(
    argument: &str,
    endpoint: &str,
    variables: &[(&str, impl AsRef<OsStr>)],
) -> Vec<String> {
    let mut command = child::command("row_44_environment", argument, endpoint);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"] {
        command.env_remove(name).env_remove(name.to_ascii_lowercase());
    }
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    tokio::task::spawn_blocking(move || child::Running::start(command).end().well()).await.unwrap()
}

#[tokio::test]
async fn the_environment_names_the_proxy() {
    let collector = Collector::builder().grpc().start().await.unwrap();
    let proxy = ConnectProxy::start(Answer::Tunnel(address_of(&collector.grpc_endpoint()))).await;
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        collector.clear();
        let variables =
            [(variable, format!("http://{}", proxy.authority())), ("NO_PROXY", "other.invalid".into())];
        let said = with_environment("as it is", "http://collector.invalid:4317", &variables).await;
        assert_eq!((said, collector.received().items()), (vec!["10".to_owned()], 10), "{variable}");
    }
    assert_eq!(proxy.requests().len(), 3);
}

#[cfg(feature = "_tls")]
#[tokio::test]
async fn tls_goes_through_the_proxy_that_is_named_for_it() {
    // conf: TLS-01
    use otlp_testkit::{ServerTls, TestCa};
    let ca = TestCa::new("authority").unwrap();
    let tls = ServerTls::new(&ca.server(&["collector.invalid"]).unwrap()).unwrap();
    let collector = Collector::builder().tls(tls).grpc().start().await.unwrap();
    let proxy = ConnectProxy::start(Answer::Tunnel(address_of(&collector.grpc_endpoint()))).await;
    let variables =
        [("HTTPS_PROXY", format!("http://{}", proxy.authority())), ("HTTP_PROXY", "nobody.invalid:1".into())];
    let said = with_environment(ca.cert_pem(), "https://collector.invalid", &variables).await;
    assert_eq!((said, collector.received().items()), (vec!["10".to_owned()], 10));
    assert!(proxy.requests()[0].starts_with("CONNECT collector.invalid:443 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn what_is_on_this_machine_is_reached_without_the_proxy() {
    let collector = Collector::builder().grpc().start().await.unwrap();
    let proxy = ConnectProxy::start(Answer::Say("")).await;
    let variables = [("HTTP_PROXY", proxy.authority()), ("ALL_PROXY", proxy.authority())];
    let said = with_environment("as it is", &collector.grpc_endpoint(), &variables).await;
    assert_eq!((said, collector.received().items()), (vec!["10".to_owned()], 10));
    assert!(proxy.requests().is_empty());
}

#[tokio::test]
async fn a_bad_variable_is_named_and_can_be_overruled() {
    // conf: HDR-09
    let variables = [("ALL_PROXY", "socks5://user:hunter2@proxy".to_owned())];
    let said = with_environment("as it is", "http://collector.invalid:4317", &variables).await.concat();
    assert!(said.starts_with("ALL_PROXY: has the unsupported scheme \"socks5\""), "{said}");
    assert!(said.contains("without_proxy") && !said.contains("hunter2"), "{said}");
    let collector = Collector::builder().grpc().start().await.unwrap();
    let said = with_environment("without", &collector.grpc_endpoint(), &variables).await;
    assert_eq!(said, ["10"]);
}

/// Passed over, it would let telemetry go out on the way that was to be avoided.
#[cfg(unix)]
#[tokio::test]
async fn a_variable_that_is_no_text_is_told_too() {
    use std::os::unix::ffi::OsStrExt;
    let variables = [("ALL_PROXY", OsStr::from_bytes(b"http://pro\xFFxy:3128"))];
    let said = with_environment("as it is", "http://collector.invalid:4317", &variables).await.concat();
    assert!(said.starts_with("ALL_PROXY: "), "{said}");
}

#[cfg(unix)]
#[tokio::test]
async fn both_protocols_work_over_a_unix_socket_also_beside_a_proxy() {
    // conf: GRPC-16, URL-12, HTTP-23
    for (number, protocol) in PROTOCOLS.into_iter().enumerate() {
        let path = std::env::temp_dir().join(format!("otlp-row-44-{}-{number}.sock", std::process::id()));
        let collector = Collector::builder().unix(&path).start().await.unwrap();
        let proxy = ConnectProxy::start(Answer::Say("")).await;
        let client = builder(format!("unix://{}", path.display()))
            .with_protocol(protocol)
            .with_proxy(proxy.authority())
            .with_retry_config(retry_soon())
            .with_batch_config(batch_soon())
            .build()
            .await
            .unwrap();
        client.health_check().await.unwrap();
        collector.kill().await.unwrap();
        ten_spans(&client);
        let error = client.health_check().await.unwrap_err();
        assert!(error.is_connect() && error.to_string().contains(path.to_str().unwrap()), "{error}");
        collector.restart().await.unwrap();
        all_delivered(&client, &collector, 10).await;
        assert!(proxy.requests().is_empty(), "a socket of this machine needs no proxy");
    }
}

#[tokio::test]
async fn both_protocols_work_over_ipv6_alone_also_to_a_proxy() {
    // conf: URL-12
    let loopback = IpAddr::V6(Ipv6Addr::LOCALHOST);
    for protocol in PROTOCOLS {
        let collector = Collector::builder().grpc().http().start().await.unwrap();
        let behind = address_of(&endpoint(&collector, protocol));
        let address = match listen_at(loopback, behind).await {
            Ok(address) => address,
            Err(error) => {
                skipped("row 44, IPv6 alone", format_args!("no IPv6 loopback address: {error}"));
                return;
            }
        };
        let client = builder(format!("http://{address}")).with_protocol(protocol).build().await.unwrap();
        ten_spans(&client);
        all_delivered(&client, &collector, 10).await;

        collector.clear();
        let proxy = ConnectProxy::start(Answer::Tunnel(address)).await;
        let way = listen_at(loopback, proxy.authority().parse().unwrap()).await.unwrap();
        let client = builder("http://[2001:db8::1]:4317").with_protocol(protocol);
        let client = client.with_proxy(format!("http://{way}")).build().await.unwrap();
        ten_spans(&client);
        all_delivered(&client, &collector, 10).await;
        assert!(proxy.requests()[0].starts_with("CONNECT [2001:db8::1]:4317 HTTP/1.1\r\n"));
    }
}
