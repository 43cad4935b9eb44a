//! Answers to requests, as frames.

use super::output::frame;
use super::{flag, kind};
use crate::request::Path;

/// What a request is answered.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    stream: u32,
    path: Path,
    good: bool,
}

/// An empty message: full success, in which a partial success is not set.
const EMPTY: [u8; 5] = [0; 5];

impl Answer {
    pub(super) fn new(stream: u32, path: Path, good: bool) -> Self {
        Self { stream, path, good }
    }

    /// The bytes of it that need room in the client's window.
    pub(super) fn data(&self) -> u64 {
        if self.path == Path::Grpc { EMPTY.len() as u64 } else { 0 }
    }

    /// All its frames. Headers are fields of HPACK's static table, or literals that enter no table.
    pub(super) fn frames(&self) -> Vec<u8> {
        let status = match (self.path, self.good) {
            (Path::Grpc, _) | (Path::Http, true) => 0x88,
            (Path::Http, false) => 0x8c,
            (Path::Unknown, _) => 0x8d,
        };
        let end = flag::END_STREAM | flag::END_HEADERS;
        if self.path != Path::Grpc {
            return frame(kind::HEADERS, end, self.stream, &[status]);
        }
        let head = [&[status, 0x0f, 0x10, 16][..], b"application/grpc"].concat();
        // INVALID_ARGUMENT is 3.
        let trailers = [&[0, 11][..], b"grpc-status", &[1, if self.good { b'0' } else { b'3' }]].concat();
        [
            frame(kind::HEADERS, flag::END_HEADERS, self.stream, &head),
            frame(kind::DATA, 0, self.stream, &EMPTY),
            frame(kind::HEADERS, end, self.stream, &trailers),
        ]
        .concat()
    }
}
