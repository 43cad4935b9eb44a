//! The capped reader: the only place of this crate that reads a response's body, and decompresses one.
//!
//! Used by both terminals. Stops at a limit before and after decompression, so that neither an endless response nor a
//! decompression bomb costs more memory than the limit (COMP-06, SURV-22). Judges nothing.

use crate::BoxError;
use bytes::{Buf, Bytes};
use http_body::Body;
use http_body_util::BodyExt;
use std::pin::pin;

/// A body, read to its end.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    /// Where gRPC has its status.
    #[cfg(feature = "grpc")]
    pub(crate) trailers: Option<http::HeaderMap>,
}

/// Why a body could not be read to its end.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// It has more bytes than the limit.
    TooLarge,
    /// The connection broke, or the peer broke the protocol.
    Broken(BoxError),
}

/// Reads `body` to its end, or until it exceeds `limit` bytes.
///
/// Cancel safety: dropping the future loses what was read, and with it the body.
pub(crate) async fn read<B>(body: B, limit: usize) -> Result<Received, ReadError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let mut body = pin!(body);
    if body.size_hint().lower() > limit as u64 {
        return Err(ReadError::TooLarge);
    }
    let mut received = Received::default();
    // Most answers are one frame, which is kept as it came; only further frames are copied together.
    let mut joined = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ReadError::Broken(error.into()))?;
        match frame.into_data() {
            Ok(data) => {
                let so_far = joined.len().max(received.bytes.len());
                if data.remaining() > limit - so_far {
                    return Err(ReadError::TooLarge);
                }
                if so_far == 0 {
                    received.bytes = data;
                } else {
                    if joined.is_empty() {
                        joined.extend_from_slice(&received.bytes);
                    }
                    joined.extend_from_slice(&data);
                }
            }
            #[cfg(feature = "grpc")]
            Err(frame) => received.trailers = frame.into_trailers().ok(),
            #[cfg(not(feature = "grpc"))]
            Err(_trailers) => {}
        }
    }
    if !joined.is_empty() {
        received.bytes = joined.into();
    }
    Ok(received)
}

/// Why a body could not be decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecompressError {
    /// It has more bytes than the limit.
    TooLarge,
    /// It is no valid data of its encoding.
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    Corrupt,
    /// This build does not know its encoding.
    Unsupported,
}

impl DecompressError {
    /// What happened, for a sentence.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "it is too large",
            #[cfg(any(feature = "gzip", feature = "zstd"))]
            Self::Corrupt => "its compressed data are corrupt",
            Self::Unsupported => "its encoding is not supported",
        }
    }
}

/// `bytes` decompressed as `encoding` (a `content-encoding` or `grpc-encoding`) says, or until they exceed `limit`.
pub(crate) fn decompress(encoding: &[u8], bytes: &Bytes, limit: usize) -> Result<Bytes, DecompressError> {
    match encoding.trim_ascii().to_ascii_lowercase().as_slice() {
        b"" | b"identity" if bytes.len() > limit => Err(DecompressError::TooLarge),
        b"" | b"identity" => Ok(bytes.clone()),
        #[cfg(feature = "gzip")]
        b"gzip" | b"x-gzip" => read_capped(flate2::read::MultiGzDecoder::new(&**bytes), limit),
        #[cfg(feature = "zstd")]
        b"zstd" => {
            // A frame header may ask for a window of gigabytes: 8 MiB is what RFC 9659 grants to HTTP.
            let corrupt = |_| DecompressError::Corrupt;
            let mut decoder = zstd::stream::read::Decoder::with_buffer(&**bytes).map_err(corrupt)?;
            decoder.window_log_max(23).map_err(corrupt)?;
            read_capped(decoder, limit)
        }
        _ => Err(DecompressError::Unsupported),
    }
}

#[cfg(any(feature = "gzip", feature = "zstd"))]
fn read_capped(decoder: impl std::io::Read, limit: usize) -> Result<Bytes, DecompressError> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let read = decoder
        .take((limit as u64).saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|_| DecompressError::Corrupt)?;
    if read > limit { Err(DecompressError::TooLarge) } else { Ok(bytes.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body::Frame;
    use proptest::prelude::*;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    /// A body that arrives in the frames given.
    struct Frames(std::vec::IntoIter<Vec<u8>>);

    impl Body for Frames {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.next().map(|data| Ok(Frame::data(data.into()))))
        }
    }

    proptest! {
        #[test]
        fn reads_whole_bodies_and_stops_at_the_limit(
            frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..10),
            limit in 0usize..120,
        ) {
            // conf: COMP-06, SURV-22, GRPC-26
            let whole = frames.concat();
            let result = tokio_test::block_on(read(Frames(frames.into_iter()), limit));
            match result {
                Ok(received) => {
                    prop_assert!(whole.len() <= limit);
                    prop_assert_eq!(received.bytes, whole);
                }
                Err(ReadError::TooLarge) => prop_assert!(whole.len() > limit),
                Err(ReadError::Broken(error)) => return Err(TestCaseError::fail(error.to_string())),
            }
        }

        #[test]
        fn any_bytes_decompress_or_fail(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for encoding in [&b"gzip"[..], b"zstd", b"identity", b"br"] {
                let bytes = Bytes::copy_from_slice(&bytes);
                if let Ok(plain) = decompress(encoding, &bytes, 1000) {
                    prop_assert!(plain.len() <= 1000);
                }
            }
        }
    }

    #[test]
    #[cfg(feature = "gzip")]
    fn a_bomb_stops_at_the_limit() {
        // conf: COMP-06, SURV-22
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&vec![0; 2_000_000]).unwrap();
        let bomb = Bytes::from(encoder.finish().unwrap());
        assert!(bomb.len() < 100_000);
        assert_eq!(decompress(b"gzip", &bomb, 4096), Err(DecompressError::TooLarge));
        assert_eq!(decompress(b"gzip", &bomb, 2_000_000).unwrap().len(), 2_000_000);
        assert_eq!(
            decompress(b"gzip", &bomb.slice(..bomb.len() / 2), 2_000_000),
            Err(DecompressError::Corrupt)
        );
        assert_eq!(decompress(b"br", &bomb, 4096), Err(DecompressError::Unsupported));
    }
}
