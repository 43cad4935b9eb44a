//! A request's body on the wire: an optional gRPC frame head and the encoded request, neither copied nor joined.
//!
//! Used by both terminals. Known in full before it is sent, so its size is exact and an attempt can repeat it (HTTP-24).

use bytes::{Buf, Bytes};
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
    pub(crate) fn plain(body: Bytes) -> Self {
        Self(Some(Piece { head: [0; HEAD], at: HEAD, body }))
    }

    /// The bytes as one gRPC message: a flag, the length, the message (GRPC-04). Nothing if 4 bytes cannot say the length.
    #[cfg(feature = "grpc")]
    pub(crate) fn framed(compressed: bool, body: Bytes) -> Option<Self> {
        let [a, b, c, d] = u32::try_from(body.len()).ok()?.to_be_bytes();
        Some(Self(Some(Piece { head: [u8::from(compressed), a, b, c, d], at: 0, body })))
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

/// The unsent rest of head and body, in two chunks.
#[derive(Debug)]
pub(crate) struct Piece {
    head: [u8; HEAD],
    /// How much of the head is sent.
    at: usize,
    body: Bytes,
}

impl Piece {
    fn head(&self) -> &[u8] {
        self.head.get(self.at..).unwrap_or_default()
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.head().len() + self.body.len()
    }

    fn chunk(&self) -> &[u8] {
        if self.head().is_empty() { &self.body } else { self.head() }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let chunks = [self.head(), &self.body].into_iter().filter(|chunk| !chunk.is_empty());
        slices.iter_mut().zip(chunks).map(|(slice, chunk)| *slice = IoSlice::new(chunk)).count()
    }

    fn advance(&mut self, count: usize) {
        let of_head = count.min(self.head().len());
        self.at += of_head;
        self.body.advance(count - of_head);
    }
}

#[cfg(all(test, feature = "grpc"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_piece_reads_as_head_and_body(body in proptest::collection::vec(any::<u8>(), 0..64), steps in proptest::collection::vec(1usize..9, 0..80)) {
            // conf: GRPC-04
            let mut expected = vec![1];
            expected.extend((body.len() as u32).to_be_bytes());
            expected.extend(&body);
            let mut payload = Payload::framed(true, body.into()).unwrap();
            prop_assert_eq!(payload.size_hint().exact(), Some(expected.len() as u64));
            let mut piece = payload.0.take().unwrap();
            let mut read = Vec::new();
            for step in steps {
                let mut slices = [IoSlice::new(&[]), IoSlice::new(&[])];
                let filled = piece.chunks_vectored(&mut slices);
                let total: usize = slices[..filled].iter().map(|slice| slice.len()).sum();
                prop_assert_eq!(total, piece.remaining());
                let step = step.min(piece.chunk().len());
                read.extend(&piece.chunk()[..step]);
                piece.advance(step);
            }
            read.extend(piece.copy_to_bytes(piece.remaining()));
            prop_assert_eq!(read, expected);
        }
    }
}
