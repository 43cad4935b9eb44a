//! Request bodies: reading them with a cap, counting them on the way to another reader, and decompressing them.
//!
//! Used by both protocols. Never decodes.

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use otlp_model::Encoding;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

/// Why a body could not be had.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// The client broke off.
    Broken,
    TooLarge,
    Undecodable(io::Error),
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read(
    mut body: impl Body<Data = Bytes> + Unpin,
    limit: usize,
) -> Result<Bytes, Unreadable> {
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(Unreadable::Broken) };
        let Ok(data) = frame.into_data() else { continue };
        if all.len() + data.len() > limit {
            return Err(Unreadable::TooLarge);
        }
        all.extend_from_slice(&data);
    }
    Ok(all.freeze())
}

/// Decompresses to at most `limit` bytes.
pub(crate) fn decompress(encoding: Encoding, body: Bytes, limit: usize) -> Result<Bytes, Unreadable> {
    let all = match encoding {
        Encoding::Gzip => drain(flate2::read::MultiGzDecoder::new(&body[..]), limit),
        Encoding::Zstd => zstd::stream::read::Decoder::new(&body[..]).and_then(|reader| drain(reader, limit)),
        _ => return Ok(body),
    };
    let all = all.map_err(Unreadable::Undecodable)?;
    if all.len() > limit { Err(Unreadable::TooLarge) } else { Ok(all.into()) }
}

/// Reads at most one byte more than `limit`.
fn drain(reader: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    reader.take((limit as u64).saturating_add(1)).read_to_end(&mut all)?;
    Ok(all)
}

/// What a [`Counted`] body has seen.
#[derive(Debug, Default)]
pub(crate) struct Count {
    bytes: AtomicU64,
    compressed: AtomicBool,
    broken: AtomicBool,
}

impl Count {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether the first byte, gRPC's compressed flag, was 1.
    pub(crate) fn compressed(&self) -> bool {
        self.compressed.load(Ordering::Relaxed)
    }

    /// Whether the client broke off.
    pub(crate) fn broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }
}

/// A body that counts its bytes while another reads it.
pub(crate) struct Counted<B> {
    pub(crate) body: B,
    pub(crate) count: Arc<Count>,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Counted<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if matches!(frame, Some(Err(_))) {
            self.count.broken.store(true, Ordering::Relaxed);
        }
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            let before = self.count.bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
            if before == 0 && data.first() == Some(&1) {
                self.count.compressed.store(true, Ordering::Relaxed);
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
