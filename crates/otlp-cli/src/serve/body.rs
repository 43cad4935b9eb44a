//! Bodies of requests: read with a cap, and decompressed with the same cap.
//!
//! Used by both protocols. Judges nothing: what a failure is called is theirs to say.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::io::{self, Read};
use std::time::Duration;

/// How long a client may take to send a body.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packed {
    No,
    Gzip,
    Zstd,
}

impl Packed {
    /// By the name that `content-encoding` and `grpc-encoding` have for it.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        match name.trim_ascii().to_ascii_lowercase().as_slice() {
            b"" | b"identity" => Some(Self::No),
            b"gzip" => Some(Self::Gzip),
            b"zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Why a body could not be had.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// The client broke off.
    Broken,
    TooSlow,
    TooLarge,
    Corrupt(io::Error),
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read(body: Incoming, limit: usize) -> Result<Bytes, Unreadable> {
    tokio::time::timeout(PATIENCE, read_all(body, limit)).await.unwrap_or(Err(Unreadable::TooSlow))
}

async fn read_all(mut body: Incoming, limit: usize) -> Result<Bytes, Unreadable> {
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unreadable::Broken)?;
        let Ok(data) = frame.into_data() else { continue };
        if all.len() + data.len() > limit {
            return Err(Unreadable::TooLarge);
        }
        all.extend_from_slice(&data);
    }
    Ok(all.freeze())
}

/// Decompresses to at most `limit` bytes.
pub(crate) fn unpack(packed: Packed, body: Bytes, limit: usize) -> Result<Bytes, Unreadable> {
    let all = match packed {
        Packed::No if body.len() > limit => return Err(Unreadable::TooLarge),
        Packed::No => return Ok(body),
        Packed::Gzip => drain(flate2::read::MultiGzDecoder::new(&body[..]), limit),
        Packed::Zstd => zstd::stream::read::Decoder::with_buffer(&body[..]).and_then(|mut decoder| {
            // A frame may ask for a window of gigabytes: 8 MiB is what RFC 9659 grants to HTTP.
            decoder.window_log_max(23)?;
            drain(decoder, limit)
        }),
    };
    let all = all.map_err(Unreadable::Corrupt)?;
    if all.len() > limit { Err(Unreadable::TooLarge) } else { Ok(all.into()) }
}

/// Reads at most one byte more than `limit`.
fn drain(reader: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    reader.take((limit as u64).saturating_add(1)).read_to_end(&mut all)?;
    Ok(all)
}
