//! Answers that are small to send and large to receive, and answers that are simply too large.
//!
//! Made of raw bodies, headers and trailers; what a client must not do is keep them. An endless body is
//! [`Reply::endless`], headers that never end are [`Http2::endless_headers_at`](crate::Http2::endless_headers_at).

use super::Reply;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// Zeros per member of a gzip bomb.
const MEMBER: usize = 1 << 20;

impl Reply {
    /// A raw gRPC answer: one message of these bytes, then `grpc-status: 0`.
    ///
    /// ```
    /// use otlp_testkit::Reply;
    /// let no_protobuf = Reply::grpc_message("this is no ExportTraceServiceResponse");
    /// # drop(no_protobuf);
    /// ```
    #[must_use]
    pub fn grpc_message(message: impl AsRef<[u8]>) -> Self {
        Self::framed(0, message.as_ref())
    }

    fn framed(flag: u8, message: &[u8]) -> Self {
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
        let frame = [&[flag][..], &length, message].concat();
        Self::body(frame, "application/grpc").with_trailer("grpc-status", "0")
    }

    /// An HTTP answer, 200, that `content-encoding: gzip` turns into (at least) `zeros` zeros: about a thousandth of them
    /// is sent. It is a sequence of gzip members of 1 MiB each, so that it costs little to make.
    ///
    /// ```
    /// use otlp_testkit::Reply;
    /// let bomb = Reply::gzip_bomb(64 << 20);
    /// let with_an_error = Reply::gzip_bomb(64 << 20).with_http_status(503);
    /// # drop((bomb, with_an_error));
    /// ```
    #[must_use]
    pub fn gzip_bomb(zeros: usize) -> Self {
        Self::body(bomb(zeros), "application/x-protobuf").with_header("content-encoding", "gzip")
    }

    /// The same as a gRPC message, compressed as `grpc-encoding: gzip` says.
    #[must_use]
    pub fn grpc_gzip_bomb(zeros: usize) -> Self {
        Self::framed(1, &bomb(zeros)).with_header("grpc-encoding", "gzip")
    }

    /// A success, over gRPC and over HTTP, with (at least) `bytes` bytes of headers beside it, in fields of 8 KB.
    #[must_use]
    pub fn large_headers(bytes: usize) -> Self {
        let reply = Self::body("", "application/grpc").with_header("grpc-status", "0");
        filler(bytes).fold(reply, |reply, (name, value)| reply.with_header(&name, &value))
    }

    /// A success, over gRPC and over HTTP, with (at least) `bytes` bytes of trailers after it, in fields of 8 KB. Over
    /// HTTP/1.1 they are sent to a client that asks for trailers (`te: trailers`).
    #[must_use]
    pub fn large_trailers(bytes: usize) -> Self {
        let names: Vec<String> = filler(bytes).map(|(name, _)| name).collect();
        let reply = Self::grpc_message("").with_header("trailer", &names.join(", "));
        filler(bytes).fold(reply, |reply, (name, value)| reply.with_trailer(&name, &value))
    }
}

/// Gzip members of zeros, one after the other.
fn bomb(zeros: usize) -> Vec<u8> {
    let mut member = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let member = member.write_all(&vec![0; MEMBER]).and_then(|()| member.finish()).unwrap_or_default();
    member.repeat(zeros.div_ceil(MEMBER))
}

fn filler(bytes: usize) -> impl Iterator<Item = (String, String)> {
    (0..bytes.div_ceil(8_000)).map(|number| (format!("x-filler-{number}"), "x".repeat(8_000)))
}
