//! A request: what its headers say, and its body, counted as it comes. The same for both versions of HTTP.

use otlp_peers::{Compression, Walker};

/// What the headers of a request say, as far as it matters.
#[derive(Debug, Default)]
pub(crate) struct Head {
    is_post: bool,
    pub(crate) path: Path,
    encoding: Encoding,
    message_encoding: Encoding,
}

/// Who is asked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    #[default]
    Unknown,
    Http,
    Grpc,
}

/// How bytes are said to be encoded.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    #[default]
    Unsaid,
    Said(Compression),
    Unknown,
}

impl Head {
    pub(crate) fn set_method(&mut self, method: &[u8]) {
        self.is_post = method == b"POST";
    }

    pub(crate) fn set_path(&mut self, path: &[u8]) {
        self.path = match path {
            b"/v1/traces" | b"/v1/logs" => Path::Http,
            b"/opentelemetry.proto.collector.trace.v1.TraceService/Export"
            | b"/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Path::Grpc,
            _ => Path::Unknown,
        };
    }

    /// Notes a header, whose name is in lower case.
    pub(crate) fn header(&mut self, name: &[u8], value: &[u8]) {
        let slot = match name {
            b"content-encoding" => &mut self.encoding,
            b"grpc-encoding" => &mut self.message_encoding,
            _ => return,
        };
        let known = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
        *slot = known.map_or(Encoding::Unknown, Encoding::Said);
    }

    /// The body that follows.
    pub(crate) fn body(&self) -> Body {
        let grpc = self.path == Path::Grpc;
        let mut body = Body { grpc, message_encoding: self.message_encoding, ..Body::default() };
        match self.encoding {
            _ if grpc => {}
            Encoding::Said(compression) => body.compression = compression,
            Encoding::Unsaid => {}
            Encoding::Unknown => body.bad = true,
        }
        body.bad |= !self.is_post || self.path == Path::Unknown;
        body
    }
}

/// What a request brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) items: u64,
    pub(crate) body_bytes: u64,
    pub(crate) compressed: Option<(Compression, Vec<u8>)>,
}

/// A body on its way: plain ones are walked as they come, compressed ones kept.
#[derive(Debug)]
pub(crate) struct Body {
    grpc: bool,
    message_encoding: Encoding,
    /// A gRPC message begins with a flag, whether it is compressed, and four bytes of length.
    head: [u8; 5],
    head_length: usize,
    compression: Compression,
    walker: Walker,
    kept: Vec<u8>,
    bytes: u64,
    bad: bool,
}

impl Default for Body {
    fn default() -> Self {
        Self {
            grpc: false,
            message_encoding: Encoding::Unsaid,
            head: [0; 5],
            head_length: 0,
            compression: Compression::None,
            walker: Walker::default(),
            kept: Vec::new(),
            bytes: 0,
            bad: false,
        }
    }
}

impl Body {
    /// Takes the next piece.
    pub(crate) fn feed(&mut self, mut data: &[u8]) {
        self.bytes += data.len() as u64;
        if self.grpc && self.head_length < self.head.len() {
            let length = data.len().min(self.head.len() - self.head_length);
            self.head[self.head_length..self.head_length + length].copy_from_slice(&data[..length]);
            self.head_length += length;
            data = &data[length..];
            if self.head_length == self.head.len() && self.head[0] == 1 {
                match self.message_encoding {
                    Encoding::Said(compression) => self.compression = compression,
                    // Compressed, but not said how.
                    _ => self.bad = true,
                }
            }
        }
        if self.bad {
            return;
        }
        match self.compression {
            Compression::None => self.bad = self.walker.feed(data).is_err(),
            _ => self.kept.extend_from_slice(data),
        }
    }

    /// How many bytes are still to come, where a message has said it.
    pub(crate) fn rest(&self) -> usize {
        let [_, length @ ..] = self.head;
        if !self.grpc || self.head_length < self.head.len() {
            return 0;
        }
        let whole = self.head.len() as u64 + u64::from(u32::from_be_bytes(length));
        usize::try_from(whole.saturating_sub(self.bytes)).unwrap_or(0)
    }

    /// What it brought, if it was one OTLP request.
    pub(crate) fn finish(self) -> Option<Received> {
        let [_, length @ ..] = self.head;
        let whole = !self.grpc
            || self.head_length == self.head.len()
                && u64::from(u32::from_be_bytes(length)) == self.bytes - self.head.len() as u64;
        if self.bad || !whole {
            return None;
        }
        let items = self.walker.finish().ok()?;
        let compressed = (self.compression != Compression::None).then_some((self.compression, self.kept));
        Some(Received { items, body_bytes: self.bytes, compressed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRPC: &[u8] = b"/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    /// Resource, scope, and two empty spans.
    const TWO: [u8; 8] = [0x0a, 6, 0x12, 4, 0x12, 0, 0x12, 0];

    fn head(path: &[u8], headers: &[(&str, &str)]) -> Head {
        let mut head = Head { is_post: true, ..Head::default() };
        head.set_path(path);
        headers.iter().for_each(|(name, value)| head.header(name.as_bytes(), value.as_bytes()));
        head
    }

    fn receive(head: &Head, bytes: &[u8]) -> Option<(u64, Option<Compression>)> {
        let whole = |size: usize| {
            let mut body = head.body();
            bytes.chunks(size).for_each(|piece| body.feed(piece));
            body.finish()
        };
        let at_once = whole(bytes.len().max(1));
        assert_eq!(at_once, whole(1));
        at_once.map(|received| (received.items, received.compressed.map(|(compression, _)| compression)))
    }

    #[test]
    fn bodies_are_counted_or_kept() {
        let framed = |flag: u8| [&[flag, 0, 0, 0, 8][..], &TWO].concat();
        assert_eq!(receive(&head(b"/v1/traces", &[]), &TWO), Some((2, None)));
        let zstd = head(b"/v1/logs", &[("content-encoding", "zstd")]);
        assert_eq!(receive(&zstd, b"x"), Some((0, Some(Compression::Zstd))));
        assert_eq!(receive(&head(GRPC, &[]), &framed(0)), Some((2, None)));
        let gzip = head(GRPC, &[("grpc-encoding", "gzip")]);
        assert_eq!(receive(&gzip, &framed(1)), Some((0, Some(Compression::Gzip))));
        assert_eq!(receive(&gzip, &framed(0)), Some((2, None)), "a plain message all the same");
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert_eq!(receive(&head(b"/v1/traces", &[("content-encoding", "br")]), &TWO), None);
        assert_eq!(receive(&head(b"/v1/traces", &[]), &TWO[..5]), None);
        assert_eq!(receive(&head(b"/v1/spans", &[]), &TWO), None);
        assert_eq!(receive(&Head { is_post: false, ..head(b"/v1/traces", &[]) }, &TWO), None);
        let grpc = head(GRPC, &[]);
        assert_eq!(receive(&grpc, &[]), None);
        assert_eq!(receive(&grpc, &[0, 0, 0, 0, 1]), None, "shorter than said");
        assert_eq!(receive(&grpc, &[1, 0, 0, 0, 0]), None, "compressed, but not said how");
    }
}
