//! Stop, kill, restart, drop: what clients and their connections see of it.

use crate::client::{
    JSON, LONG, channel, connect, connect_watched, export, post_spans, request, send, spans,
};
use otlp_testkit::{Collector, Error, Reply};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn refused(endpoint: &str) -> bool {
    let address = endpoint.trim_start_matches("http://").to_owned();
    let error = tokio::net::TcpStream::connect(address).await.err();
    error.is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

#[tokio::test]
async fn kill_closes_everything_and_restart_takes_the_same_ports() {
    // conf: GRPC-29
    let collector = Collector::builder().start().await.unwrap();
    let (grpc, http) = (collector.grpc_endpoint(), collector.http_endpoint());
    let channel = channel(&collector);
    let (mut sender, connection) = connect_watched(&collector).await;
    export(&channel, spans(1)).await.unwrap();
    send(&mut sender, request(&collector, "/v1/traces", &[JSON], "{}")).await.unwrap();

    collector.kill().await.unwrap();
    let before = collector.tally();
    assert!(refused(&grpc).await && refused(&http).await);
    export(&channel, spans(1)).await.unwrap_err();
    // Ends because the collector closed the kept-alive connection.
    connection.await.unwrap().unwrap();
    assert!(sender.ready().await.is_err());
    assert_eq!(collector.tally(), before, "nothing arrives during an outage");
    collector.kill().await.unwrap();

    collector.restart().await.unwrap();
    assert_eq!((collector.grpc_endpoint(), collector.http_endpoint()), (grpc, http));
    export(&channel, spans(1)).await.unwrap();
    post_spans(&collector, 1).await.unwrap();
    assert_eq!(collector.received().items(), 3, "what was received before stays");
}

#[tokio::test]
async fn kill_breaks_calls_in_flight() {
    let collector = Collector::builder().reply(Reply::ok().delay(LONG)).start().await.unwrap();
    let channel = channel(&collector);
    let (answer, ()) = tokio::join!(export(&channel, spans(1)), async {
        collector.wait_for(1, LONG).await.unwrap();
        collector.kill().await.unwrap();
    });
    answer.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn stop_lets_calls_in_flight_finish() {
    // conf: SURV-15
    let collector =
        Collector::builder().reply(Reply::ok().delay(Duration::from_secs(2))).start().await.unwrap();
    let channel = channel(&collector);
    let mut sender = connect(&collector).await;
    let post = request(&collector, "/v1/traces", &[JSON], "{}");
    let (grpc, http, ()) = tokio::join!(export(&channel, spans(1)), send(&mut sender, post), async {
        collector.wait_for_calls(2, LONG).await.unwrap();
        collector.stop().await.unwrap();
    });
    grpc.unwrap();
    assert_eq!(http.unwrap().header("connection"), "close");
    assert!(refused(&collector.grpc_endpoint()).await);

    collector.restart().await.unwrap();
    export(&channel, spans(1)).await.unwrap();
}

/// The next frame of a bare HTTP/2 connection: type, flags, payload; `None` when the connection has ended, politely or
/// not.
async fn frame(stream: &mut tokio::net::TcpStream) -> Option<(u8, u8, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    stream.read_exact(&mut payload).await.ok()?;
    Some((head[3], head[4], payload))
}

const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

#[tokio::test]
async fn stop_says_goaway_and_kill_does_not() {
    // conf: GRPC-22, SURV-15
    let collector = Collector::builder().grpc().start().await.unwrap();
    for kill in [false, true] {
        let address = collector.grpc_endpoint().trim_start_matches("http://").to_owned();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        // Its acknowledgement of our SETTINGS: the handshake is over.
        while !matches!(frame(&mut stream).await.unwrap(), (SETTINGS, 1, _)) {}
        let codes = tokio::spawn(async move {
            let mut codes = Vec::new();
            while let Some((kind, _, payload)) = frame(&mut stream).await {
                if kind == GOAWAY {
                    codes.push(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
                } else if kind == PING {
                    // The collector asks whether its first GOAWAY has been seen. It may be gone before the answer.
                    let _ = stream.write_all(&[b"\0\0\x08\x06\x01\0\0\0\0", &payload[..]].concat()).await;
                }
            }
            codes
        });
        if kill {
            collector.kill().await.unwrap()
        } else {
            collector.stop().await.unwrap()
        }
        let codes = codes.await.unwrap();
        assert_eq!(codes.is_empty(), kill, "{codes:?}");
        assert!(codes.iter().all(|code| *code == 0), "NO_ERROR: {codes:?}");
        collector.restart().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn stop_does_not_wait_longer_than_the_grace() {
    let script = Reply::ok().delay(Duration::from_secs(3_600));
    let collector = Collector::builder().reply(script).grace(Duration::from_secs(1)).start().await.unwrap();
    let channel = channel(&collector);
    let before = tokio::time::Instant::now();
    let (answer, ()) = tokio::join!(export(&channel, spans(1)), async {
        collector.wait_for(1, LONG).await.unwrap();
        collector.stop().await.unwrap();
    });
    answer.unwrap_err();
    assert!(before.elapsed() < Duration::from_secs(60), "{:?}", before.elapsed());
}

#[tokio::test]
async fn stop_ends_hangs_at_once() {
    let collector = Collector::builder().reply(Reply::hang()).grace(LONG).start().await.unwrap();
    let channel = channel(&collector);
    let (grpc, http, ()) = tokio::join!(export(&channel, spans(1)), post_spans(&collector, 1), async {
        collector.wait_for_calls(2, LONG).await.unwrap();
        collector.stop().await.unwrap();
    });
    grpc.unwrap_err();
    http.unwrap_err();
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_a_stop() {
    let collector = Collector::builder().grace(LONG).start().await.unwrap();
    let silent =
        tokio::net::TcpStream::connect(collector.http_endpoint().trim_start_matches("http://")).await;
    let mut sender = connect(&collector).await;
    send(&mut sender, request(&collector, "/v1/traces", &[JSON], "{}")).await.unwrap();
    export(&channel(&collector), spans(1)).await.unwrap();
    collector.stop().await.unwrap();
    drop(silent);
}

#[tokio::test]
async fn restart_of_a_running_collector_drops_its_connections() {
    let collector = Collector::builder().http().start().await.unwrap();
    let (mut sender, connection) = connect_watched(&collector).await;
    send(&mut sender, request(&collector, "/v1/traces", &[JSON], "{}")).await.unwrap();
    collector.restart().await.unwrap();
    connection.await.unwrap().unwrap();
    post_spans(&collector, 1).await.unwrap();
}

#[test]
fn dropping_it_frees_the_port() {
    let collector = Collector::builder().http().start_blocking().unwrap();
    let address = collector.http_endpoint().trim_start_matches("http://").to_owned();
    std::net::TcpStream::connect(&address).unwrap();
    drop(collector);
    assert_eq!(std::net::TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn without_a_runtime_start_says_what_to_do() {
    // Any executor will do to poll it once.
    let start = std::pin::pin!(Collector::builder().start());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = start.poll(&mut context) else { panic!("should fail at once") };
    assert!(matches!(error, Error::NoRuntime));
    assert!(error.to_string().contains("start_blocking()"), "{error}");
}

#[tokio::test]
async fn a_listener_that_was_not_chosen_has_no_url() {
    let collector = Collector::builder().http().start().await.unwrap();
    assert_eq!(collector.grpc_endpoint(), "<the collector has no gRPC listener>");
    assert!(collector.unix_endpoint().contains("no unix socket"));
}

#[test]
fn the_runtime_may_end_before_the_collector() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let collector = runtime.block_on(Collector::builder().start()).unwrap();
    drop(runtime);
    assert!(matches!(collector.kill_blocking(), Err(Error::RuntimeGone)));
}
