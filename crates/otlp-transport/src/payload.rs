//! A request's body on the wire: an optional gRPC frame head and the slices of the encoded request, neither copied nor
//! joined.
//!
//! Used by both terminals. Known in full before it is sent, so its size is exact and an attempt can repeat it (HTTP-24).

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body of one piece.
#[derive(Debug)]
pub(crate) struct Payload(Option<Piece>);

impl Payload {
    /// The bytes alone.
    #[cfg(feature = "http")]
    pub(crate) fn plain(body: otlp_model::Body) -> Self {
        Self(Some(Piece::new(Head { bytes: [0; HEAD], at: HEAD }, body)))
    }

    /// The bytes as one gRPC message: a flag, the length, the message (GRPC-04). Nothing if 4 bytes cannot say the length.
    #[cfg(feature = "grpc")]
    pub(crate) fn framed(compressed: bool, body: otlp_model::Body) -> Option<Self> {
        let [a, b, c, d] = u32::try_from(body.len()).ok()?.to_be_bytes();
        Some(Self(Some(Piece::new(Head { bytes: [u8::from(compressed), a, b, c, d], at: 0 }, body))))
    }
}

impl Body for Payload {
    type Data = Piece;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, Infallible>>> {
        Poll::Ready(self.0.take().filter(Buf::has_remaining).map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|piece| !piece.has_remaining())
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |piece| piece.remaining() as u64))
    }
}

const HEAD: usize = 5;

/// What stands before the message.
#[derive(Debug)]
struct Head {
    bytes: [u8; HEAD],
    /// How much of it is sent.
    at: usize,
}

/// The unsent rest of head and body: a chunk for the head, then one for each slice.
///
/// All of it is one frame for hyper, which writes many chunks with one call where the connection can.
#[derive(Debug)]
pub(crate) struct Piece {
    head: Head,
    body: otlp_model::Body,
    /// The first slice that is not sent whole, and how much of it is.
    slice: usize,
    at: usize,
    /// The unsent bytes of all slices.
    left: usize,
}

impl Piece {
    fn new(head: Head, body: otlp_model::Body) -> Self {
        Self { head, left: body.len(), body, slice: 0, at: 0 }
    }

    fn head(&self) -> &[u8] {
        self.head.bytes.get(self.head.at..).unwrap_or_default()
    }

    /// The unsent parts, in order.
    fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let rest = self.body.slices().get(self.slice..).unwrap_or_default();
        let sent = [self.at].into_iter().chain(std::iter::repeat(0));
        let rest = rest.iter().zip(sent).map(|(slice, sent)| slice.get(sent..).unwrap_or_default());
        [self.head()].into_iter().chain(rest).filter(|chunk| !chunk.is_empty())
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.head().len() + self.left
    }

    fn chunk(&self) -> &[u8] {
        self.chunks().next().unwrap_or_default()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        slices.iter_mut().zip(self.chunks()).map(|(slice, chunk)| *slice = IoSlice::new(chunk)).count()
    }

    fn advance(&mut self, count: usize) {
        let of_head = count.min(self.head().len());
        self.head.at += of_head;
        let mut count = count - of_head;
        assert!(count <= self.left, "more than there is was sent");
        self.left -= count;
        while let Some(slice) = self.body.slices().get(self.slice) {
            let rest = slice.len() - self.at;
            if count < rest {
                self.at += count;
                break;
            }
            count -= rest;
            (self.slice, self.at) = (self.slice + 1, 0);
        }
    }
}

#[cfg(all(test, feature = "grpc"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_piece_reads_as_head_and_body(
            slices in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..6),
            steps in proptest::collection::vec((1usize..9, any::<bool>()), 0..80),
        ) {
            // conf: GRPC-04
            let body = slices.concat();
            let mut expected = vec![1];
            expected.extend((body.len() as u32).to_be_bytes());
            expected.extend(&body);
            let mut payload = Payload::framed(true, slices.into_iter().map(Into::into).collect()).unwrap();
            prop_assert_eq!(payload.size_hint().exact(), Some(expected.len() as u64));
            let mut piece = payload.0.take().unwrap();
            let mut read = Vec::new();
            for (step, vectored) in steps {
                let mut slices = [IoSlice::new(&[]); 7];
                let filled = piece.chunks_vectored(&mut slices);
                let chunks: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.to_vec()).collect();
                prop_assert_eq!(chunks.len(), piece.remaining());
                prop_assert!(slices[..filled].iter().all(|slice| !slice.is_empty()));
                prop_assert_eq!(filled > 0, piece.has_remaining());
                prop_assert_eq!(slices.first().filter(|_| filled > 0).map_or(&[][..], |slice| slice), piece.chunk());
                // A vectored write sends over the ends of slices, another one does not.
                let step = if vectored { step.min(chunks.len()) } else { step.min(piece.chunk().len()) };
                read.extend(&chunks[..step]);
                piece.advance(step);
            }
            read.extend(piece.copy_to_bytes(piece.remaining()));
            prop_assert_eq!(read, expected);
        }
    }
}
