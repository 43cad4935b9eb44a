//! Asking a proxy for a tunnel: one CONNECT request and the head of its answer, over a connection that is there.
//!
//! Used by the layer, which bounds it in time. Reads no more than it must keep, and loses no byte that follows the head:
//! a receiver may speak first.

use super::ProxyUrl;
use super::error::Problem;
use crate::{Connection, Target};
use bytes::{Buf, Bytes, BytesMut};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

/// How long the head of an answer may be.
const LONGEST_HEAD: usize = 16 * 1024;

/// Turns a connection to the proxy into one to `target`.
pub(super) async fn open(
    mut connection: Connection,
    proxy: &ProxyUrl,
    target: &Target,
) -> Result<Connection, Problem> {
    let request = request(proxy, target).ok_or(Problem::Unspeakable)?;
    connection.write_all(request.as_bytes()).await.map_err(Problem::Lost)?;
    connection.flush().await.map_err(Problem::Lost)?;

    let mut received = BytesMut::with_capacity(1024);
    let end = loop {
        match connection.read_buf(&mut received).await {
            Ok(0) => return Err(Problem::Closed),
            Ok(_) => {}
            Err(error) => return Err(Problem::Lost(error)),
        }
        if let Some(end) = head_end(&received) {
            break end;
        }
        if !may_be_head(&received) {
            return Err(Problem::NotHttp);
        }
        if received.len() >= LONGEST_HEAD {
            return Err(Problem::TooLong);
        }
    };
    let head = received.split_to(end);
    match status(&head) {
        Some(200..=299) => {}
        Some(status) => return Err(Problem::Refused(status)),
        None => return Err(Problem::NotHttp),
    }
    if received.is_empty() {
        return Ok(connection);
    }
    Ok(Connection::new(Rewound { early: received.freeze(), inner: connection }))
}

/// The request; nothing if the target's name would break it.
fn request(proxy: &ProxyUrl, target: &Target) -> Option<String> {
    let target = target.to_string();
    if !target.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n");
    if let Some(authorization) = proxy.authorization() {
        request.push_str("proxy-authorization: ");
        request.push_str(authorization);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    Some(request)
}

const VERSION: &[u8] = b"HTTP/1.";

/// Whether these can be the first bytes of an answer.
fn may_be_head(bytes: &[u8]) -> bool {
    let known = bytes.len().min(VERSION.len());
    bytes.get(..known) == VERSION.get(..known)
}

/// Where the head ends: after the first empty line.
fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|start| start + 4)
}

/// The status in the first line of a head.
fn status(head: &[u8]) -> Option<u16> {
    let line = head.strip_prefix(VERSION)?.split(|b| *b == b'\r').next()?;
    let mut words = line.split(|b| *b == b' ');
    let _minor_version = words.next().filter(|minor| matches!(minor, [b'0'..=b'9']))?;
    let digits = words.next().filter(|digits| digits.len() == 3 && digits.iter().all(u8::is_ascii_digit))?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A connection of which some bytes have been read already.
struct Rewound {
    early: Bytes,
    inner: Connection,
}

impl AsyncRead for Rewound {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            return Pin::new(&mut self.inner).poll_read(cx, buf);
        }
        let length = self.early.len().min(buf.remaining());
        buf.put_slice(self.early.get(..length).unwrap_or_default());
        self.early.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn statuses() {
        for (head, expected) in [
            (&b"HTTP/1.1 200 Connection established\r\n\r\n"[..], Some(200)),
            (b"HTTP/1.0 407\r\n\r\n", Some(407)),
            (b"HTTP/1.1  200\r\n\r\n", None),
            (b"HTTP/1.1 2000\r\n\r\n", None),
            (b"HTTP/1.1 +20\r\n\r\n", None),
            (b"HTTP/2 200\r\n\r\n", None),
            (b"HTTP/1. 200\r\n\r\n", None),
            (b"\r\n\r\n", None),
        ] {
            assert_eq!(status(head), expected, "{head:?}");
        }
    }

    #[test]
    fn no_name_of_a_host_adds_a_line() {
        let proxy: ProxyUrl = "p:1".parse().unwrap();
        for host in ["a\r\nx: y", "a b", "a\n", "\u{e9}"] {
            assert_eq!(request(&proxy, &Target::Tcp { host: host.into(), port: 1 }), None, "{host:?}");
        }
        let target = Target::Tcp { host: "fd00::1".into(), port: 4317 };
        let expected = "CONNECT [fd00::1]:4317 HTTP/1.1\r\nhost: [fd00::1]:4317\r\n\r\n";
        assert_eq!(request(&proxy, &target).as_deref(), Some(expected));
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_status_or_none(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = (status(&bytes), head_end(&bytes), may_be_head(&bytes));
        }
    }
}
