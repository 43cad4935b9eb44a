//! The proxy's faults of HTTP/2, as a client of the `h2` crate and a plain `TcpStream` see them.

use crate::client::{LONG, never, spans};
use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Ping, PingPong, Reason};
use otlp_testkit::{Collector, Fault, FaultProxy, Goaway, Http2, Reply};
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

async fn start(frames: Http2) -> (Collector, FaultProxy) {
    let collector = Collector::builder().grpc().start().await.unwrap();
    let proxy = FaultProxy::to(collector.grpc_endpoint()).script(Fault::http2(frames)).start();
    (collector, proxy.await.unwrap())
}

/// A connection, with the task that ends when it does.
struct Client {
    sender: SendRequest<Bytes>,
    pings: PingPong,
    end: JoinHandle<Result<(), h2::Error>>,
}

async fn connect(proxy: &FaultProxy) -> Client {
    let stream = TcpStream::connect(proxy.address()).await.unwrap();
    let builder = h2::client::Builder::new().max_header_list_size(100 << 20).handshake(stream);
    let (sender, mut connection) = builder.await.unwrap();
    let pings = connection.ping_pong().unwrap();
    Client { sender, pings, end: tokio::spawn(connection) }
}

/// Exports one span; the answer's `grpc-status`.
async fn export(client: &mut Client) -> Result<String, h2::Error> {
    let mut message = vec![0, 0, 0, 0, u8::try_from(spans(1).encoded_len()).unwrap()];
    spans(1).encode(&mut message).unwrap();
    let request =
        http::Request::post("http://test/opentelemetry.proto.collector.trace.v1.TraceService/Export")
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .unwrap();
    client.sender = client.sender.clone().ready().await?;
    let (response, mut body) = client.sender.send_request(request, false)?;
    body.send_data(message.into(), true)?;
    let (head, mut body) = response.await?.into_parts();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
    }
    let trailers = body.trailers().await?.unwrap_or(head.headers);
    Ok(trailers.get("grpc-status").unwrap().to_str().unwrap().to_owned())
}

#[tokio::test]
async fn calls_pass_and_are_counted() {
    let (collector, proxy) = start(Http2::pass()).await;
    let mut client = connect(&proxy).await;
    for _ in 0..3 {
        assert_eq!(export(&mut client).await.unwrap(), "0");
    }
    client.pings.ping(Ping::opaque()).await.unwrap();
    let tally = proxy.tally();
    assert_eq!((tally.streams, tally.most_streams, tally.pings, tally.resets), (3, 1, 1, 0));
    assert_eq!(collector.received().items(), 3);
    assert!(collector.malformed().is_empty());
}

#[tokio::test]
async fn settings_are_the_scripted_ones() {
    let (_collector, proxy) = start(Http2::pass().max_concurrent_streams(1)).await;
    let client = connect(&proxy).await;
    proxy.wait_until("acknowledged settings", LONG, |tally| tally.settings_acks == 1).await.unwrap();
    assert_eq!(client.sender.current_max_send_streams(), 1);
}

#[tokio::test]
async fn a_window_of_nothing_lets_no_request_through() {
    let (collector, proxy) = start(Http2::pass().window(0)).await;
    let mut client = connect(&proxy).await;
    proxy.wait_until("acknowledged settings", LONG, |tally| tally.settings_acks == 1).await.unwrap();
    assert!(never(export(&mut client)).await);
    assert_eq!(collector.tally().calls(), 0);
}

#[tokio::test]
async fn a_tiny_window_lets_requests_through_in_tiny_pieces() {
    let (collector, proxy) = start(Http2::pass().window(3)).await;
    let mut client = connect(&proxy).await;
    proxy.wait_until("acknowledged settings", LONG, |tally| tally.settings_acks == 1).await.unwrap();
    assert_eq!(export(&mut client).await.unwrap(), "0");
    assert_eq!(collector.received().items(), 1);
    // Each piece of 3 bytes has a frame's head of 9.
    let message = 5 + spans(1).encoded_len() as u64;
    assert!(proxy.tally().to_server > message * 4, "{}", proxy.tally());
}

#[tokio::test]
async fn pings_are_ignored() {
    let (_collector, proxy) = start(Http2::pass().ignore_pings()).await;
    let mut client = connect(&proxy).await;
    assert!(never(client.pings.ping(Ping::opaque())).await);
    assert_eq!(proxy.tally().pings, 1);
    assert_eq!(export(&mut client).await.unwrap(), "0", "all else works");
}

#[tokio::test]
async fn too_many_pings_end_the_connection() {
    let (_collector, proxy) = start(Http2::pass().refuse_pings_after(2)).await;
    let mut client = connect(&proxy).await;
    client.pings.ping(Ping::opaque()).await.unwrap();
    client.pings.ping(Ping::opaque()).await.unwrap();
    client.pings.ping(Ping::opaque()).await.unwrap_err();
    let error = client.end.await.unwrap().unwrap_err();
    assert!(error.is_go_away() && error.is_remote(), "{error}");
    assert_eq!(error.reason(), Some(Reason::ENHANCE_YOUR_CALM));
    proxy.wait_until("its end", LONG, |tally| tally.closed == 1).await.unwrap();
}

#[tokio::test]
async fn a_goaway_hides_the_streams_above_its_line() {
    let (collector, proxy) = start(Http2::pass().goaway_at_stream(2, Goaway::new(0).last_stream(1))).await;
    let mut client = connect(&proxy).await;
    assert_eq!(export(&mut client).await.unwrap(), "0");
    let error = export(&mut client).await.unwrap_err();
    assert!(error.is_go_away() && error.is_remote(), "{error}");
    assert_eq!(error.reason(), Some(Reason::NO_ERROR));
    let tally = proxy.wait_until("its end", LONG, |tally| tally.closed == 1).await.unwrap();
    assert_eq!((tally.streams, tally.ignored_streams), (2, 1));
    assert_eq!(collector.tally().calls(), 1);
}

#[tokio::test]
async fn a_goaway_lets_the_streams_below_its_line_finish() {
    let (collector, proxy) = start(Http2::pass().goaway_at_stream(2, Goaway::new(0))).await;
    let mut client = connect(&proxy).await;
    assert_eq!(export(&mut client).await.unwrap(), "0");
    assert_eq!(export(&mut client).await.unwrap(), "0");
    client.end.await.unwrap().unwrap();
    assert_eq!(collector.received().items(), 2);
}

#[tokio::test]
async fn a_goaway_by_order_closes_unless_told_otherwise() {
    let (_collector, proxy) = start(Http2::pass()).await;
    for goaway in [Goaway::new(0), Goaway::new(11).last_stream(5).with_debug("enough").keep_open()] {
        let mut stream = raw(&proxy).await;
        // The server's SETTINGS: the connection stands.
        assert_eq!(next_frame(&mut stream).await.0, 4);
        proxy.goaway(goaway);
        let payload = loop {
            if let (7, 0, payload) = next_frame(&mut stream).await {
                break payload;
            }
        };
        if payload == [0; 8] {
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        } else {
            assert_eq!(payload, b"\0\0\0\x05\0\0\0\x0benough");
            assert!(never(stream.read(&mut [0])).await);
        }
    }
}

#[tokio::test]
async fn a_stream_is_reset_before_its_request_is_read_and_the_others_go_on() {
    for code in 0..14 {
        let (collector, proxy) = start(Http2::pass().reset_stream(1, code)).await;
        let mut client = connect(&proxy).await;
        let error = export(&mut client).await.unwrap_err();
        assert!(error.is_reset() && error.is_remote(), "{error}");
        assert_eq!(error.reason(), Some(Reason::from(code)));
        assert_eq!(export(&mut client).await.unwrap(), "0");
        assert_eq!((collector.tally().calls(), collector.tally().malformed), (1, 0));
    }
}

#[tokio::test]
async fn what_reset_streams_send_does_not_use_up_the_connection() {
    let frames = (1..=5).fold(Http2::pass(), |frames, stream| frames.reset_stream(stream, 8));
    let (collector, proxy) = start(frames).await;
    let mut client = connect(&proxy).await;
    for _ in 1..=5 {
        let request = http::Request::post("http://test/").body(()).unwrap();
        let (response, mut body) = client.sender.send_request(request, false).unwrap();
        // Half of the connection's window; it goes before the client has heard of the reset, or not at all.
        let _ = body.send_data(vec![0; 30_000].into(), true);
        response.await.unwrap_err();
    }
    assert_eq!(export(&mut client).await.unwrap(), "0");
    assert_eq!(collector.tally().calls(), 1);
}

#[tokio::test]
async fn a_reset_after_the_request_is_the_collectors() {
    let (collector, proxy) = start(Http2::pass()).await;
    collector.set_script(Reply::reset(7).accepting(true));
    let error = export(&mut connect(&proxy).await).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::REFUSED_STREAM));
    assert_eq!(collector.received().items(), 1);
}

#[tokio::test]
async fn a_header_bomb_is_small_on_the_wire_and_large_in_memory() {
    let (collector, proxy) = start(Http2::pass().header_bomb_at(1)).await;
    let mut client = connect(&proxy).await;
    let message = Bytes::from_static(&[0, 0, 0, 0, 0]);
    let path = "http://test/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let request = http::Request::post(path).header("content-type", "application/grpc").body(()).unwrap();
    let (response, mut body) = client.sender.send_request(request, false).unwrap();
    body.send_data(message, true).unwrap();
    let head = response.await.unwrap();
    let bytes: usize =
        head.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
    assert!(bytes > 47 << 20, "{bytes}");
    assert!(proxy.tally().to_client < 20_000, "{}", proxy.tally());
    assert_eq!(collector.tally().calls(), 1);
}

/// Frames of a raw connection.
async fn next_frame(stream: &mut TcpStream) -> (u8, u8, Vec<u8>) {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    stream.read_exact(&mut payload).await.unwrap();
    (head[3], head[4], payload)
}

async fn raw(proxy: &FaultProxy) -> TcpStream {
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    stream
}

#[tokio::test]
async fn settings_are_not_acknowledged() {
    for (frames, acknowledged) in [(Http2::pass(), true), (Http2::pass().without_settings_ack(), false)] {
        let (_collector, proxy) = start(frames).await;
        let mut stream = raw(&proxy).await;
        stream.write_all(b"\0\0\x08\x06\0\0\0\0\0one ping").await.unwrap();
        let mut acks = 0;
        loop {
            match next_frame(&mut stream).await {
                (4, 1, _) => acks += 1,
                (6, 1, payload) => {
                    assert_eq!(payload, b"one ping");
                    break;
                }
                _ => {}
            }
        }
        assert_eq!(acks, u64::from(acknowledged));
    }
}

#[tokio::test]
async fn headers_go_on_for_ever() {
    let (_collector, proxy) = start(Http2::pass().endless_headers_at(1)).await;
    let mut stream = raw(&proxy).await;
    // A GET of / over http, from the static table.
    stream.write_all(b"\0\0\x03\x01\x05\0\0\0\x01\x82\x84\x86").await.unwrap();
    let (mut frames, mut bytes) = (0, 0);
    while bytes < 8 << 20 {
        let (kind, flags, payload) = next_frame(&mut stream).await;
        match kind {
            1 => assert_eq!((frames, flags), (0, 0), "no end of headers, no end of the stream"),
            9 => assert!(frames > 0 && flags == 0),
            _ => continue,
        }
        frames += 1;
        bytes += payload.len();
    }
}
