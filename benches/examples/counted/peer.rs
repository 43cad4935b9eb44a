//! The other end of a connection, without a network: it takes whatever is sent and answers each request at once.
//!
//! It knows just enough of HTTP/1.1 and HTTP/2 to see where a request ends and to say that all is well. It is counted along
//! with the client, so it does as little as it can.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const PREFACE: usize = 24;
const END_STREAM: u8 = 0x1;

/// A connection to a receiver that accepts everything.
#[derive(Debug)]
pub(crate) struct Peer {
    is_http2: bool,
    /// Bytes of the preface or of a body that are still to come, and not looked at.
    skip: usize,
    /// The start of a head that is not complete yet.
    head: Vec<u8>,
    /// Bytes of bodies since the last answer: what the flow control gets back.
    taken: usize,
    /// What to do when `skip` bytes were passed over.
    answer_to: Option<u32>,
    answer: Vec<u8>,
    reader: Option<Waker>,
}

impl Peer {
    pub(crate) fn http1() -> Self {
        Self {
            is_http2: false,
            skip: 0,
            head: Vec::new(),
            taken: 0,
            answer_to: None,
            answer: Vec::new(),
            reader: None,
        }
    }

    pub(crate) fn http2() -> Self {
        let mut peer = Self { is_http2: true, skip: PREFACE, ..Self::http1() };
        // SETTINGS: windows of streams as large as they can be.
        peer.frame(0x4, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]);
        peer.frame(0x8, 0, 0, &(i32::MAX - 65_535).to_be_bytes());
        peer
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.answer.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
        self.answer.extend_from_slice(&[kind, flags]);
        self.answer.extend_from_slice(&stream.to_be_bytes());
        self.answer.extend_from_slice(payload);
    }

    fn take(&mut self, mut bytes: &[u8]) {
        loop {
            let skipped = self.skip.min(bytes.len());
            (self.skip, bytes) = (self.skip - skipped, &bytes[skipped..]);
            if self.skip > 0 {
                break;
            }
            if let Some(stream) = self.answer_to.take() {
                self.respond(stream);
            }
            let Some((&first, rest)) = bytes.split_first() else { break };
            self.head.push(first);
            bytes = rest;
            if self.is_http2 {
                self.frame_head();
            } else if self.head.ends_with(b"\r\n\r\n") {
                self.request_head();
            }
        }
        if !self.answer.is_empty()
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
    }

    fn request_head(&mut self) {
        let head = String::from_utf8_lossy(&self.head).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        self.skip = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        self.answer_to = Some(0);
        self.head.clear();
    }

    fn frame_head(&mut self) {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = self.head[..] else { return };
        self.head.clear();
        self.skip = u32::from_be_bytes([0, l0, l1, l2]) as usize;
        match kind {
            0x0 => self.taken += self.skip,
            0x4 if flags & 0x1 == 0 => self.frame(0x4, 0x1, 0, &[]),
            // A ping is acknowledged whatever is in it: nobody here measures by it.
            0x6 if flags & 0x1 == 0 => self.frame(0x6, 0x1, 0, &[0; 8]),
            _ => {}
        }
        if matches!(kind, 0x0 | 0x1) && flags & END_STREAM != 0 {
            self.answer_to = Some(u32::from_be_bytes([s0, s1, s2, s3]));
        }
    }

    fn respond(&mut self, stream: u32) {
        if !self.is_http2 {
            self.answer.extend_from_slice(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n",
            );
            return;
        }
        let taken = std::mem::take(&mut self.taken) as u32;
        self.frame(0x8, 0, 0, &taken.to_be_bytes());
        // `:status: 200` of the static table, and `content-type`, number 31 in it, with its value.
        self.frame(0x1, 0x4, stream, b"\x88\x0f\x10\x10application/grpc");
        self.frame(0x0, 0, stream, &[0; 5]);
        self.frame(0x1, 0x4 | END_STREAM, stream, b"\x00\x0bgrpc-status\x010");
    }
}

impl AsyncRead for Peer {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.answer.is_empty() {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = self.answer.len().min(buf.remaining());
        buf.put_slice(&self.answer[..len]);
        self.answer.drain(..len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Peer {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.take(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        bufs.iter().for_each(|buf| self.take(buf));
        Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
