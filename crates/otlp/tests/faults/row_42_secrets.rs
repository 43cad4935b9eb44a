//! Row 42: nothing that the client says shows a secret, whatever fails. Each option that can hold one holds a canary, and every
//! error, debug output, report and log line of many failures is searched for it. And no receiver writes lines into a log
//! that are not its own.

use crate::child;
use crate::connect_proxy::{Answer, ConnectProxy, address_of};
use crate::support::{PATIENCE, books, builder, retry_soon};
use otlp::{BoxError, Client, ClientBuilder, Error, Protocol, Token};
use otlp_testkit::{Collector, Reply, Script};
use std::error::Error as _;
use std::fmt::{Debug, Write as _};
use std::time::Duration;

/// In every secret below, so that one search finds them all, and in no other text.
const CANARY: &str = "c4nary";
/// What basic authentication makes of `user:c4nary` at its beginning.
const ENCODED: &str = "dXNlcjpjNG5hcn";

const PROTOCOLS: [Protocol; 2] = [Protocol::Grpc, Protocol::Http];

/// A client with a secret wherever one can be.
fn secretive(endpoint: &str, protocol: Protocol) -> ClientBuilder {
    let endpoint =
        if protocol == Protocol::Http { format!("{endpoint}/?key=c4nary-query") } else { endpoint.into() };
    builder(endpoint)
        .with_protocol(protocol)
        .with_header("x-api-key", "c4nary-header")
        .with_credentials(|| async {
            Token::basic("user", "c4nary-password")?.with_header("x-token", "c4nary-token")
        })
        .with_request_timeout(Duration::from_millis(200))
        .with_retry_config(retry_soon())
}

/// All that can be read of an error, its causes included.
fn words(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n");
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, "{error}\n{error:?}\n");
        cause = error.source();
    }
    text
}

fn clean(what: impl Debug, text: &str) {
    assert!(!text.contains(CANARY) && !text.contains(ENCODED), "{what:?} shows a secret: {text}");
}

/// Lets a client fail, and returns what it said.
async fn fail(client: Client) -> String {
    let mut text = format!("{client:?}\n");
    let tracer = client.tracer("t");
    let mut span = tracer.start("s");
    span.set_attribute("k", "v");
    let _ = writeln!(text, "{tracer:?} {span:?}");
    span.end();
    if let Err(error) = client.health_check().await {
        text += &words(&error);
    }
    let ended = client.shutdown(Duration::from_millis(150)).await;
    if let Err(error) = &ended {
        text += &words(error);
    }
    let report = books(ended);
    assert_eq!((report.accepted(), report.pending()), (1, 0));
    let _ = write!(text, "{report} {report:?} {client:?}");
    text
}

/// What a receiver can answer that is no success.
fn failures() -> Vec<Reply> {
    let statuses = [400, 401, 403, 404, 407, 413, 415, 429, 431, 500, 502, 503, 504];
    let mut replies: Vec<_> = statuses.into_iter().map(Reply::http_status).collect();
    for status in [301, 307] {
        let reply = Reply::http_status(status);
        replies.push(reply.with_header("location", "https://user:c4nary@elsewhere/?c4nary#c4nary"));
    }
    replies.extend([
        Reply::hang(),
        Reply::close(),
        Reply::reset(7),
        Reply::reset(2),
        Reply::body("<html>go away</html>", "text/html").with_http_status(502),
        Reply::body(vec![0xff; 64], "application/x-protobuf"),
        Reply::body("{", "application/json"),
        Reply::partial_success(1, "one too many"),
    ]);
    replies
}

#[tokio::test]
async fn no_failure_of_the_receiver_makes_the_client_tell() {
    // conf: HDR-09
    for protocol in PROTOCOLS {
        let collector = Collector::builder().grpc().http().start().await.unwrap();
        let endpoint =
            if protocol == Protocol::Grpc { collector.grpc_endpoint() } else { collector.http_endpoint() };
        for reply in failures() {
            collector.set_script(reply.clone());
            let text = fail(secretive(&endpoint, protocol).build().await.unwrap()).await;
            clean((protocol, &reply), &text);
        }
        // The secrets were there to be told.
        for attempt in collector.attempts() {
            let header = |name| attempt.call.header(name);
            assert_eq!(
                (header("x-api-key"), header("x-token")),
                (Some("c4nary-header"), Some("c4nary-token"))
            );
            assert!(header("authorization").is_some_and(|value| value.contains(ENCODED)));
        }
        collector.kill().await.unwrap();
        clean("nobody there", &fail(secretive(&endpoint, protocol).build().await.unwrap()).await);
    }
}

#[tokio::test]
async fn no_failure_of_a_proxy_or_of_the_credentials_makes_the_client_tell() {
    // conf: HDR-09
    let collector = Collector::builder().grpc().start().await.unwrap();
    for answer in [
        Answer::Say("HTTP/1.1 407 Who?\r\nproxy-authenticate: Basic\r\n\r\n"),
        Answer::Say("HTTP/1.1 502 Bad Gateway\r\n\r\n"),
        Answer::Say("?\r\n\r\n"),
        Answer::Say(""),
        Answer::Tunnel(address_of(&collector.grpc_endpoint())),
    ] {
        let proxy = ConnectProxy::start(answer.clone()).await;
        let url = format!("http://user:c4nary-proxy@{}", proxy.authority());
        let client = secretive("http://collector.invalid:4317", Protocol::Grpc).with_proxy(url);
        clean("the builder", &format!("{client:?}"));
        let text = fail(client.build().await.unwrap()).await;
        clean(answer, &text);
        assert!(
            proxy.requests().iter().all(|request| request.contains(ENCODED)),
            "the secret was there to be told"
        );
    }

    let path = std::env::temp_dir().join(format!("otlp-row-42-{}", std::process::id()));
    std::fs::write(&path, "c4nary-file").unwrap();
    let client = builder(collector.grpc_endpoint()).with_bearer_token_file(&path).build().await.unwrap();
    std::fs::write(&path, "c4nary and something that no token has").unwrap();
    let text = fail(client).await;
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    clean("a bad token file", &text);
    let failing = || async { Err::<Token, BoxError>("the token endpoint is down".into()) };
    clean(
        "no credentials",
        &fail(
            secretive(&collector.grpc_endpoint(), Protocol::Grpc)
                .with_credentials(failing)
                .build()
                .await
                .unwrap(),
        )
        .await,
    );
    let error = builder("http://c:1").with_bearer_token_file(&path).build().await.unwrap_err();
    clean("a bad token file at the start", &words(&error));
    std::fs::remove_file(&path).unwrap();
}

#[cfg(feature = "_tls")]
#[tokio::test]
async fn no_failure_of_tls_makes_the_client_tell_its_key() {
    // conf: HDR-09, TLS-03
    use otlp_testkit::{ServerTls, TestCa};
    let (ca, stranger) = (TestCa::new("authority").unwrap(), TestCa::new("stranger").unwrap());
    let names = ["localhost", "127.0.0.1"];
    let client = ca.client("shop").unwrap();
    let key = client.key_pem();
    let secret = |what: &str, text: &str| {
        let lines = key.lines().filter(|line| line.len() > 10 && !line.starts_with('-'));
        lines.for_each(|line| assert!(!text.contains(line), "{what} shows the key: {text}"));
        clean(what, text);
    };
    for tls in [
        ServerTls::new(&stranger.server(&names).unwrap()),
        ServerTls::mutual(&ca.server(&names).unwrap(), &stranger),
    ] {
        let collector = Collector::builder().tls(tls.unwrap()).start().await.unwrap();
        for (protocol, endpoint) in
            PROTOCOLS.into_iter().zip([collector.grpc_endpoint(), collector.http_endpoint()])
        {
            let builder = secretive(&endpoint, protocol)
                .with_tls_ca_pem(ca.cert_pem())
                .with_tls_identity_pem(client.cert_pem(), key);
            secret("the builder", &format!("{builder:?}"));
            secret("a handshake", &fail(builder.build().await.unwrap()).await);
        }
        assert_eq!(collector.tally().calls(), 0);
    }
    for bad in [
        "c4nary".to_owned(),
        "-----BEGIN PRIVATE KEY-----\nc4nary\n-----END PRIVATE KEY-----\n".to_owned(),
        key.replace("PRIVATE KEY", "c4nary"),
        stranger.client("other").unwrap().key_pem().to_owned(),
    ] {
        let refused = builder("https://c:1").with_tls_identity_pem(client.cert_pem(), bad.clone());
        secret("a builder with a bad key", &format!("{refused:?}"));
        secret("a bad key", &words(&refused.build().await.unwrap_err()));
        let swapped = builder("https://c:1").with_tls_identity_pem(bad, key);
        secret("a key in place of a certificate", &words(&swapped.build().await.unwrap_err()));
    }
}

#[tokio::test]
async fn no_option_that_is_refused_is_repeated() {
    // conf: HDR-08, HDR-09, HTTP-22
    let refused: [fn(ClientBuilder) -> ClientBuilder; 14] = [
        |builder| builder.with_header("x-api-key", "c4nary\r\nx-injected: 1"),
        |builder| builder.with_header("x-api-key", "c4nary\n"),
        |builder| builder.with_header("x-api-key", "c4nary\0"),
        |builder| builder.with_header("x-api-key", "c4nary\u{e9}"),
        |builder| builder.with_header("key-bin", "c4nary!"),
        |builder| builder.with_header("authorization", "c4nary").with_header("te", "x"),
        |builder| builder.with_endpoint("http://user:c4nary@host:4317"),
        |builder| builder.with_endpoint("user:c4nary@host:4317"),
        |builder| builder.with_endpoint("http://user:c4nary/x@host:4317"),
        |builder| builder.with_endpoint("ftp://host/?key=c4nary"),
        |builder| builder.with_endpoint("http://host:99999/?key=c4nary"),
        |builder| builder.with_proxy("http://user:c4nary@host:99999"),
        |builder| builder.with_proxy("socks5://user:c4nary@host"),
        |builder| builder.with_proxy("http://user:c4nary/x@host"),
    ];
    for (number, refused) in refused.into_iter().enumerate() {
        let refused = refused(Client::builder());
        clean((number, "builder"), &format!("{refused:?}"));
        let error = refused.build().await.unwrap_err();
        assert!(error.is_configuration(), "{number}: {error}");
        clean(number, &words(&error));
    }
}

#[tokio::test]
async fn a_receiver_writes_no_lines_into_a_log() {
    // conf: GRPC-09
    const FORGED: &str = "full\r\n2026-11-28 ERROR the disk is on fire\u{1b}[2J\u{2028}\u{202e}x\0";
    let long = format!("{FORGED}{}", "x".repeat(100_000));
    for protocol in PROTOCOLS {
        for reply in [
            Reply::status(3).with_message(FORGED),
            Reply::status(14).with_message(long.clone()),
            Reply::partial_success(1, long.clone()),
            Reply::partial_success(0, FORGED),
        ] {
            let collector = Collector::builder().grpc().http().reply(reply).start().await.unwrap();
            let endpoint = if protocol == Protocol::Grpc {
                collector.grpc_endpoint()
            } else {
                collector.http_endpoint()
            };
            let client = builder(endpoint)
                .with_protocol(protocol)
                .with_retry_config(retry_soon())
                .build()
                .await
                .unwrap();
            let mut texts =
                vec![client.health_check().await.map_or_else(|error| error.to_string(), |()| String::new())];
            client.tracer("t").start("s").end();
            let ended = client.shutdown(Duration::from_millis(150)).await;
            texts.extend(ended.as_ref().err().map(ToString::to_string));
            let report = books(ended);
            texts
                .extend([report.to_string()].into_iter().chain(report.last_error).chain(report.last_message));
            for text in texts {
                assert!(!text.contains(['\r', '\n', '\u{1b}', '\u{2028}', '\u{202e}', '\0']), "{text:?}");
                assert!(text.len() < 5_000, "{} bytes: a flood", text.len());
            }
        }
    }
}

/// In a process of its own, where everything that is logged can be seen: some failures and a success, with a subscriber that
/// takes all there is.
pub(crate) fn program() {
    tracing::subscriber::set_global_default(Everything).unwrap();
    tracing::trace!("the subscriber hears");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for (endpoint, protocol) in child::endpoint().split(' ').zip(PROTOCOLS) {
            for _ in failures() {
                child::say(fail(secretive(endpoint, protocol).build().await.unwrap()).await);
            }
            let client = secretive(endpoint, protocol).build().await.unwrap();
            client.tracer("t").start("s").end();
            child::say(format!("{:?}", client.shutdown(PATIENCE).await));
        }
    });
}

/// Prints every event and every span, with all their fields.
struct Everything;

impl tracing::Subscriber for Everything {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        eprintln!("{span:?}");
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        eprintln!("{values:?}");
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        eprintln!("{event:?}");
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn nothing_is_logged_that_is_secret() {
    // conf: HDR-09, BATCH-26
    // The same failures over and over; sooner or later each is answered with a success.
    let script = Script::from_fn(move |call| {
        let failures = failures();
        let number = usize::try_from(call.number).unwrap();
        failures.get(number % (failures.len() + 1)).cloned().unwrap_or_else(Reply::ok)
    });
    let collector = Collector::builder().grpc().http().reply(script).start().await.unwrap();
    let endpoints = format!("{} {}", collector.grpc_endpoint(), collector.http_endpoint());
    let command = child::command("row_42_logs", "", &endpoints);
    let ended = tokio::task::spawn_blocking(|| child::Running::start(command).end()).await.unwrap();
    assert!(ended.status.success(), "{}", ended.output);
    assert!(ended.output.contains("the subscriber hears"), "{}", ended.output);
    clean("the process", &ended.output);
    assert!(collector.tally().calls() > 50, "{:?}", collector.tally());
}
