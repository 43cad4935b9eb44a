//! The floor: the same span written by hand, with sizes known to the author and nothing else done.
//!
//! Ids from a generator in hand, a clock read at start, event and end, protobuf straight into a buffer, and one copy of
//! the finished record into another, as a queue must. No limits, no duplicate keys, no sampling, no accounting.

use crate::work::Shape;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Writes spans by hand.
pub struct Floor {
    rng: fastrand::Rng,
    origin: Instant,
    wall_at_origin: u64,
    span: Vec<u8>,
    queue: Vec<u8>,
}

impl Default for Floor {
    fn default() -> Self {
        Self::new()
    }
}

impl Floor {
    /// A writer with its buffers.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a floor for code that reads the clock")]
    pub fn new() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            rng: fastrand::Rng::new(),
            origin: Instant::now(),
            wall_at_origin: u64::try_from(wall.as_nanos()).unwrap_or(0),
            span: Vec::with_capacity(4096),
            queue: Vec::with_capacity(64 * 1024),
        }
    }

    fn now(&self) -> u64 {
        self.wall_at_origin + self.origin.elapsed().as_nanos() as u64
    }

    /// Draws the ids of a span that is not sampled: all that is left to do for it.
    #[inline]
    pub fn ids(&mut self) -> (u64, u64, u64) {
        (self.rng.u64(..), self.rng.u64(..), self.rng.u64(..))
    }

    /// Writes one span and copies it to the queue; returns its length in bytes.
    #[inline]
    pub fn make(&mut self, shape: Shape, number: i64) -> usize {
        let (high, low, id) = self.ids();
        let start = self.now();
        let mut span = std::mem::take(&mut self.span);
        span.clear();
        // Room for the tag and the length of the whole, which are known last.
        span.extend_from_slice(&[0; 4]);
        span.extend_from_slice(&[0x0a, 16]);
        span.extend_from_slice(&high.to_be_bytes());
        span.extend_from_slice(&low.to_be_bytes());
        span.extend_from_slice(&[0x12, 8]);
        span.extend_from_slice(&id.to_be_bytes());
        text(&mut span, 0x2a, b"GET /api/users/{id}");
        span.extend_from_slice(&[0x30, 1]);
        fixed(&mut span, 0x39, start);
        if shape != Shape::Bare {
            string(&mut span, b"http.request.method", b"GET");
            integer(&mut span, b"http.response.status_code", 200);
        }
        if shape.is_full() {
            string(&mut span, b"http.route", b"/api/users/{id}");
            string(&mut span, b"server.address", b"users.internal");
            integer(&mut span, b"user.id", number as u64);
            integer(&mut span, b"server.port", 8080);
            attribute(&mut span, b"cache.hit", 2);
            span.extend_from_slice(&[0x10, 1]);
            attribute(&mut span, b"queue.share", 9);
            fixed(&mut span, 0x21, 0.25f64.to_bits());
            // The event: time, name, and an attribute of 4 + 6 bytes.
            span.extend_from_slice(&[0x5a, 9 + 12 + 2 + 16]);
            fixed(&mut span, 0x09, self.now());
            text(&mut span, 0x12, b"authorized");
            span.extend_from_slice(&[0x1a, 16]);
            text(&mut span, 0x0a, b"role");
            span.extend_from_slice(&[0x12, 8]);
            text(&mut span, 0x0a, b"reader");
        }
        fixed(&mut span, 0x41, self.now());
        span.extend_from_slice(&[0x85, 0x01]);
        span.extend_from_slice(&0x103u32.to_le_bytes());
        let record = finish(&mut span);
        if self.queue.len() + record.len() > self.queue.capacity() {
            self.queue.clear();
        }
        self.queue.extend_from_slice(record);
        let length = record.len();
        self.span = span;
        length
    }
}

/// Writes the tag and the length right before the body and returns the record.
fn finish(span: &mut [u8]) -> &[u8] {
    let body = span.len() - 4;
    let start = if body < 128 {
        span[2..4].copy_from_slice(&[0x12, body as u8]);
        2
    } else {
        span[1..4].copy_from_slice(&[0x12, body as u8 | 0x80, (body >> 7) as u8]);
        1
    };
    &span[start..]
}

fn fixed(out: &mut Vec<u8>, tag: u8, value: u64) {
    let mut field = [tag; 9];
    field[1..].copy_from_slice(&value.to_le_bytes());
    out.extend_from_slice(&field);
}

fn text(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    out.extend_from_slice(&[tag, value.len() as u8]);
    out.extend_from_slice(value);
}

/// Everything of an attribute but its value, which has `value` bytes.
fn attribute(out: &mut Vec<u8>, key: &[u8], value: usize) {
    out.extend_from_slice(&[0x4a, (2 + key.len() + 2 + value) as u8]);
    text(out, 0x0a, key);
    out.extend_from_slice(&[0x12, value as u8]);
}

fn string(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    attribute(out, key, 2 + value.len());
    text(out, 0x0a, value);
}

fn integer(out: &mut Vec<u8>, key: &[u8], value: u64) {
    let (mut bytes, mut len, mut rest) = ([0u8; 11], 1, value);
    bytes[0] = 0x18;
    loop {
        bytes[len] = (rest as u8 & 0x7f) | if rest >= 0x80 { 0x80 } else { 0 };
        len += 1;
        rest >>= 7;
        if rest == 0 {
            break;
        }
    }
    attribute(out, key, len);
    out.extend_from_slice(&bytes[..len]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_writes_as_many_bytes_as_the_client() {
        for shape in Shape::ALL {
            let client = crate::client().unwrap();
            let tracer = client.tracer("floor");
            crate::make(&tracer, shape, 4711);
            let bytes = client.stats(otlp::Signal::Traces).queued_bytes;
            assert_eq!(Floor::new().make(shape, 4711) as u64, bytes, "{}", shape.name());
        }
    }
}
