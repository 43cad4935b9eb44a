//! The proxy's faults of bytes and connections, as a plain `TcpStream` sees them.

use crate::client::{LONG, never};
use otlp_testkit::{Cut, Error, Fault, FaultProxy, FaultScript, Flow};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A server that sends back what it gets, and tells of the first byte of each connection.
async fn echo() -> (SocketAddr, mpsc::UnboundedReceiver<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (first, firsts) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let first = first.clone();
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let byte = from.read_u8().await?;
                let _ = first.send(byte);
                to.write_u8(byte).await?;
                tokio::io::copy(&mut from, &mut to).await?;
                to.shutdown().await
            });
        }
    });
    (address, firsts)
}

async fn proxy(script: impl Into<FaultScript>) -> FaultProxy {
    FaultProxy::to(echo().await.0.to_string()).script(script).start().await.unwrap()
}

async fn connect(proxy: &FaultProxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

/// Sends `text` and reads to the end.
async fn exchange(proxy: &FaultProxy, text: &str) -> std::io::Result<String> {
    let mut client = connect(proxy).await;
    client.write_all(text.as_bytes()).await?;
    client.shutdown().await?;
    let mut answer = String::new();
    client.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn everything_passes_both_ways_and_is_counted() {
    let proxy = proxy(Fault::pass()).await;
    for _ in 0..3 {
        assert_eq!(exchange(&proxy, "to be sent back").await.unwrap(), "to be sent back");
    }
    let tally = proxy.wait_until("3 closed", LONG, |tally| tally.closed == 3).await.unwrap();
    assert_eq!((tally.opened, tally.open(), tally.to_server, tally.to_client), (3, 0, 45, 45));
}

#[tokio::test]
async fn a_cut_lets_so_many_bytes_pass_and_no_more() {
    let proxy = proxy(Fault::to_client(Flow::pass().cut_after(4, Cut::Fin))).await;
    assert_eq!(exchange(&proxy, "0123456789").await.unwrap(), "0123");

    proxy.set_script(Fault::to_client(Flow::pass().cut_after(4, Cut::Reset)));
    assert_eq!(exchange(&proxy, "0123456789").await.unwrap_err().kind(), ErrorKind::ConnectionReset);

    proxy.set_script(Fault::to_server(Flow::pass().cut_after(7, Cut::Fin)));
    exchange(&proxy, "0123456789").await.unwrap();
    assert_eq!(proxy.tally().to_server, 10 + 10 + 7);
    assert_eq!(proxy.wait_until("3 closed", LONG, |tally| tally.closed == 3).await.unwrap().open(), 0);
}

#[tokio::test]
async fn a_connection_cut_at_once_does_not_reach_the_server() {
    let (address, mut firsts) = echo().await;
    let proxy = FaultProxy::to(address.to_string()).script(Fault::cut(Cut::Fin)).start().await.unwrap();
    assert_eq!(connect(&proxy).await.read(&mut [0]).await.unwrap(), 0);
    proxy.set_script(Fault::cut(Cut::Reset));
    assert_eq!(connect(&proxy).await.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    proxy.set_script(Fault::pass());
    exchange(&proxy, "x").await.unwrap();
    assert_eq!(firsts.recv().await, Some(b'x'));
    assert!(firsts.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_drip_takes_its_time_for_each_byte() {
    let proxy = proxy(Fault::to_client(Flow::pass().drip(1, Duration::from_secs(60)))).await;
    let before = Instant::now();
    assert_eq!(exchange(&proxy, "slowly").await.unwrap(), "slowly");
    assert_eq!(before.elapsed().as_secs() / 60, 6);
}

#[tokio::test(start_paused = true)]
async fn a_delay_counts_in_each_direction() {
    let delayed = || Flow::pass().delay(Duration::from_secs(60));
    let proxy = proxy(Fault::bytes(delayed(), delayed())).await;
    let mut client = connect(&proxy).await;
    let before = Instant::now();
    client.write_u8(1).await.unwrap();
    client.read_u8().await.unwrap();
    assert_eq!(before.elapsed().as_secs() / 60, 2);
}

#[tokio::test]
async fn a_stall_lets_so_many_bytes_pass_and_closes_nothing() {
    let proxy = proxy(Fault::to_client(Flow::pass().stall_after(4))).await;
    let mut client = connect(&proxy).await;
    client.write_all(b"0123456789").await.unwrap();
    let mut answer = [0; 4];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"0123");
    assert!(never(client.read_u8()).await, "neither a byte nor an end");
    client.shutdown().await.unwrap();
    assert!(never(client.read_u8()).await);
    assert_eq!(proxy.tally().open(), 1);
}

#[tokio::test]
async fn black_holes_and_half_open_connections_never_answer() {
    let (address, mut firsts) = echo().await;
    let proxy = FaultProxy::to(address.to_string()).script(Fault::black_hole()).start().await.unwrap();
    let mut client = connect(&proxy).await;
    // More than the kernel would keep: it is read.
    client.write_all(&vec![b'x'; 32 << 20]).await.unwrap();
    assert!(never(client.read_u8()).await);
    drop(client);
    proxy.wait_until("its end", LONG, |tally| tally.closed == 1).await.unwrap();

    proxy.set_script(Fault::half_open());
    let mut client = connect(&proxy).await;
    let bytes = vec![b'x'; 32 << 20];
    assert!(never(client.write_all(&bytes)).await, "it is not read, and the kernel's buffers are finite");
    drop(client);
    let ended = proxy.wait_until("its end", LONG * 1_000, |tally| tally.closed == 2);
    assert!(never(ended).await, "nobody notices that the client is gone");
    assert!(firsts.try_recv().is_err());
}

#[tokio::test]
async fn refusing_keeps_the_port_and_the_open_connections() {
    let proxy = proxy(Fault::pass()).await;
    let mut before = connect(&proxy).await;
    proxy.wait_until("a connection", LONG, |tally| tally.opened == 1).await.unwrap();
    for _ in 0..2 {
        proxy.refuse().await.unwrap();
        let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    }
    before.write_u8(7).await.unwrap();
    assert_eq!(before.read_u8().await.unwrap(), 7);
    for _ in 0..2 {
        proxy.accept().await.unwrap();
        assert_eq!(exchange(&proxy, "again").await.unwrap(), "again");
    }
}

#[tokio::test]
async fn a_held_connection_arrives_after_the_next() {
    let (address, mut firsts) = echo().await;
    let script = FaultScript::new().first(1, Fault::pass().held());
    let proxy = FaultProxy::to(address.to_string()).script(script).start().await.unwrap();
    let mut one = connect(&proxy).await;
    one.write_u8(1).await.unwrap();
    let mut two = connect(&proxy).await;
    two.write_u8(2).await.unwrap();
    assert_eq!((two.read_u8().await.unwrap(), one.read_u8().await.unwrap()), (2, 1));
    assert_eq!((firsts.recv().await, firsts.recv().await), (Some(2), Some(1)));
}

#[tokio::test]
async fn a_script_goes_by_the_number_of_the_connection() {
    let after = |bytes| Fault::to_client(Flow::pass().cut_after(bytes, Cut::Fin));
    let steps = FaultScript::new().first(1, after(1)).next(2, after(2)).then(after(4));
    let proxy = proxy(steps).await;
    for answer in ["0", "01", "01", "0123", "0123"] {
        assert_eq!(exchange(&proxy, "012345").await.unwrap(), answer);
    }
    proxy.set_script(FaultScript::from_fn(after));
    for answer in ["0", "01", "012"] {
        assert_eq!(exchange(&proxy, "012345").await.unwrap(), answer);
    }
}

#[tokio::test]
async fn orders_reach_the_connections_that_are_open() {
    let proxy = proxy(Fault::pass()).await;
    let mut client = connect(&proxy).await;
    client.write_u8(1).await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), 1);
    proxy.vanish();
    client.write_u8(2).await.unwrap();
    assert!(never(client.read_u8()).await);
    assert_eq!(exchange(&proxy, "new ones").await.unwrap(), "new ones");
    proxy.cut(Cut::Reset);
    assert_eq!(client.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);

    let mut client = connect(&proxy).await;
    client.write_u8(1).await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), 1);
    proxy.cut(Cut::Fin);
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_reset() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = FaultProxy::to(format!("http://{gone}/v1/traces")).start().await.unwrap();
    assert_eq!(exchange(&proxy, "x").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    proxy.wait_until("its end", LONG, |tally| tally.unreachable == 1 && tally.closed == 1).await.unwrap();
}

#[test]
fn it_runs_on_a_thread_of_its_own() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap().to_string();
    let proxy = FaultProxy::to(target).refusing().start_blocking().unwrap();
    std::net::TcpStream::connect(proxy.address()).unwrap_err();
    proxy.accept_blocking().unwrap();
    let mut client = std::net::TcpStream::connect(proxy.address()).unwrap();
    client.write_all(b"x").unwrap();
    let (mut server, _) = listener.accept().unwrap();
    server.read_exact(&mut [0]).unwrap();
    proxy.wait_until_blocking("a byte", LONG, |tally| tally.to_server == 1).unwrap();
    let error = proxy.wait_until_blocking("more", Duration::from_millis(1), |tally| tally.to_server == 2);
    let error = error.unwrap_err();
    assert!(error.to_string().starts_with("waited 1ms for more, but 1 connections were opened"), "{error}");
    proxy.refuse_blocking().unwrap();
    drop(proxy);
    assert_eq!(client.read(&mut [0]).unwrap_or(0), 0, "dropping the proxy closes everything");
}

#[tokio::test]
async fn blocking_the_thread_that_runs_it_is_an_error() {
    let proxy = proxy(Fault::pass()).await;
    let error = proxy.wait_until_blocking("nothing", LONG, |_| true);
    assert!(matches!(error, Err(Error::WouldDeadlock { operation: "a blocking wait" })));
    assert!(matches!(proxy.refuse_blocking(), Err(Error::WouldDeadlock { .. })));
}
