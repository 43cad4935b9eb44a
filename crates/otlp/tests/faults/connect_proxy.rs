//! An HTTP proxy that knows CONNECT and nothing else: it connects whoever asks to one place, or answers what it is told.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A tunnel to this address, whatever name was asked for.
    Tunnel(SocketAddr),
    /// These bytes, and the end.
    Say(&'static str),
}

/// A proxy on a free port; it ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct ConnectProxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    answer: Answer,
    requests: Vec<String>,
}

impl ConnectProxy {
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = Self { address, state: Arc::new(Mutex::new(State { answer, requests: Vec::new() })) };
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let proxy = serving.clone();
                // A client that leaves is nothing to complain about.
                tokio::spawn(async move { proxy.serve(stream).await.ok() });
            }
        });
        proxy
    }

    /// `host:port` of the proxy.
    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn answer(&self, answer: Answer) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).answer = answer;
    }

    /// The requests it got so far, head and all.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).requests.clone()
    }

    async fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await?);
        }
        let answer = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.requests.push(String::from_utf8_lossy(&head).into_owned());
            state.answer.clone()
        };
        match answer {
            Answer::Say(text) => client.write_all(text.as_bytes()).await,
            Answer::Tunnel(to) => {
                let mut receiver = TcpStream::connect(to).await?;
                client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
                tokio::io::copy_bidirectional(&mut client, &mut receiver).await.map(drop)
            }
        }
    }
}

/// Listens on another address for what listens on `to`; nothing where the machine does not have that address.
pub(crate) async fn listen_at(address: IpAddr, to: SocketAddr) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((address, 0)).await?;
    let here = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut receiver = TcpStream::connect(to).await?;
                tokio::io::copy_bidirectional(&mut client, &mut receiver).await
            });
        }
    });
    Ok(here)
}

/// The address in an endpoint of a collector.
pub(crate) fn address_of(endpoint: &str) -> SocketAddr {
    let (_scheme, authority) = endpoint.split_once("://").unwrap();
    let address: SocketAddr = authority.parse().unwrap();
    assert_eq!(address.ip(), IpAddr::V4(Ipv4Addr::LOCALHOST));
    address
}
