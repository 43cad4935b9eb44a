//! HTTP/2 frames on the wire: nine bytes of head and a payload.
//!
//! Read and written by `relay`, looked at and made up by `state`. Knows no state.

use bytes::{BufMut, Bytes, BytesMut};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// What a client says before its first frame.
pub(super) const PREFACE: usize = 24;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

/// Of SETTINGS and PING.
pub(super) const ACK: u8 = 1;
/// Of DATA and HEADERS.
pub(super) const END_STREAM: u8 = 1;
/// Of HEADERS and CONTINUATION.
pub(super) const END_HEADERS: u8 = 4;

/// A frame; HEADERS with the CONTINUATION frames that belong to it, which nothing may come between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Bytes,
    pub(super) continuation: Vec<Frame>,
}

impl Frame {
    pub(super) fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Bytes>) -> Self {
        Self { kind, flags, stream, payload: payload.into(), continuation: Vec::new() }
    }

    pub(super) fn reset(stream: u32, code: u32) -> Self {
        Self::new(RST_STREAM, 0, stream, code.to_be_bytes().to_vec())
    }

    /// Grants the other side `bytes` more bytes of a stream, or with stream 0 of the connection.
    pub(super) fn grant(stream: u32, bytes: u32) -> Self {
        Self::new(WINDOW_UPDATE, 0, stream, bytes.to_be_bytes().to_vec())
    }

    pub(super) fn goaway(last: u32, code: u32, debug: &[u8]) -> Self {
        let mut payload = BytesMut::with_capacity(8 + debug.len());
        payload.put_u32(last);
        payload.put_u32(code);
        payload.put_slice(debug);
        Self::new(GOAWAY, 0, 0, payload)
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Reads the next frame; `None` when the other side is done.
    ///
    /// Cancel safety: none, part of a frame may be lost.
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let Some(mut frame) = Self::read_one(from).await? else { return Ok(None) };
        let mut ended = frame.kind != HEADERS || frame.has(END_HEADERS);
        while !ended {
            let Some(next) = Self::read_one(from).await? else { return Ok(None) };
            ended = next.has(END_HEADERS);
            frame.continuation.push(next);
        }
        Ok(Some(frame))
    }

    async fn read_one(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let mut head = [0; 9];
        match from.read_exact(&mut head).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, l0, l1, l2]) as usize];
        from.read_exact(&mut payload).await?;
        let stream = u32::from_be_bytes([s0, s1, s2, s3]) & 0x7fff_ffff;
        Ok(Some(Self::new(kind, flags, stream, payload)))
    }

    /// Appends the frame as it is on the wire.
    pub(super) fn write(&self, to: &mut BytesMut) {
        let [_, l0, l1, l2] = u32::try_from(self.payload.len()).unwrap_or(0).to_be_bytes();
        to.put_slice(&[l0, l1, l2, self.kind, self.flags]);
        to.put_u32(self.stream);
        to.put_slice(&self.payload);
        for frame in &self.continuation {
            frame.write(to);
        }
    }
}
