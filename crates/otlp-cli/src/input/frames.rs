//! What is around protobuf messages in files: compression, gRPC's frames, the length before each message that the
//! Collector's file exporter writes.
//!
//! Used for input that is not JSON. A message begins with 0x0a, a frame with 0 or 1: nothing is ambiguous.

use std::io::{self, Cursor, Read};

const TOO_MUCH: &str = "the gRPC frames hold more than 1 GiB together";

/// How bytes are compressed, told by how they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compressed {
    No,
    Gzip,
    Zstd,
}

pub(crate) fn compression(head: &[u8]) -> Compressed {
    match head {
        [0x1f, 0x8b, ..] => Compressed::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compressed::Zstd,
        _ => Compressed::No,
    }
}

pub(crate) fn decompressing(reader: Box<dyn Read>, compressed: Compressed) -> io::Result<Box<dyn Read>> {
    Ok(match compressed {
        Compressed::No => reader,
        Compressed::Gzip => Box::new(flate2::read::MultiGzDecoder::new(reader)),
        Compressed::Zstd => Box::new(zstd::stream::read::Decoder::new(reader)?),
    })
}

/// The messages, each with the offset of its first byte; together they have at most `most` bytes.
pub(crate) fn messages(bytes: &[u8], most: u64) -> io::Result<Vec<(u64, Vec<u8>)>> {
    match bytes.first() {
        // What fits neither is told as gRPC's frames.
        Some(0 | 1) => framed(bytes, 5, most).or_else(|told| framed(bytes, 4, most).map_err(|_| told)),
        _ => Ok(vec![(0, bytes.to_vec())]),
    }
}

/// Messages with `head` bytes before each, of which the last four are its length.
fn framed(bytes: &[u8], head: usize, most: u64) -> io::Result<Vec<(u64, Vec<u8>)>> {
    let (mut messages, mut rest, mut offset, mut room) = (Vec::new(), bytes, 0, most);
    while !rest.is_empty() {
        let (flag, message) = frame(rest, head).map_err(|reason| invalid(offset, reason))?;
        let message_at = offset + head as u64;
        offset = message_at + message.len() as u64;
        rest = rest.get(head + message.len()..).unwrap_or_default();
        let message = match flag {
            0 => message.to_vec(),
            _ => decompress(message, room).map_err(|error| invalid(message_at, &error.to_string()))?,
        };
        // A frame of a few bytes can become any number, and there may be many of them.
        room = room.checked_sub(message.len() as u64).ok_or_else(|| invalid(message_at, TOO_MUCH))?;
        messages.push((message_at, message));
    }
    Ok(messages)
}

/// The flag of the first frame, 0 where there are none, and its message.
fn frame(bytes: &[u8], head: usize) -> Result<(u8, &[u8]), &'static str> {
    let cut = "a gRPC frame is cut off";
    let (front, rest) = bytes.split_at_checked(head).ok_or(cut)?;
    let (flag, length) = front.split_at(head - 4);
    let flag = flag.first().copied().unwrap_or(0);
    if flag > 1 {
        return Err("a gRPC frame begins with neither 0 nor 1");
    }
    let length = length.iter().fold(0usize, |length, byte| length << 8 | usize::from(*byte));
    Ok((flag, rest.get(..length).ok_or(cut)?))
}

/// At most one byte more than there is `room` for.
fn decompress(message: &[u8], room: u64) -> io::Result<Vec<u8>> {
    let compressed = compression(message);
    if compressed == Compressed::No {
        return Err(io::Error::other("a gRPC frame is marked as compressed, but is neither gzip nor zstd"));
    }
    let mut content = Vec::new();
    let reader: Box<dyn Read> = Box::new(Cursor::new(message.to_vec()));
    decompressing(reader, compressed)?.take(room.saturating_add(1)).read_to_end(&mut content)?;
    Ok(content)
}

fn invalid(offset: u64, reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("at byte {offset}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u64 = 1 << 10;

    #[test]
    fn frames_and_lengths_are_taken_off() {
        let plain = b"\x0a\x00".to_vec();
        assert_eq!(messages(&plain, MOST).unwrap(), [(0, plain.clone())]);
        let grpc = b"\x00\x00\x00\x00\x02\x0a\x00\x00\x00\x00\x00\x00".to_vec();
        assert_eq!(messages(&grpc, MOST).unwrap(), [(5, plain.clone()), (12, Vec::new())]);
        let lengths = b"\x00\x00\x00\x02\x0a\x00\x00\x00\x00\x02\x0a\x00".to_vec();
        assert_eq!(messages(&lengths, MOST).unwrap(), [(4, plain.clone()), (10, plain)]);
    }

    #[test]
    fn compressed_frames_are_opened() {
        let mut frame = b"\x01\x00\x00\x00".to_vec();
        let packed = zstd::stream::encode_all(&b"\x0a\x00"[..], 1).unwrap();
        frame.push(u8::try_from(packed.len()).unwrap());
        frame.extend(packed);
        assert_eq!(messages(&frame, MOST).unwrap(), [(5, b"\x0a\x00".to_vec())]);
    }

    #[test]
    fn all_frames_together_have_one_limit() {
        let packed = zstd::stream::encode_all(&[0; 500][..], 1).unwrap();
        let mut frame = b"\x01\x00\x00\x00".to_vec();
        frame.push(u8::try_from(packed.len()).unwrap());
        frame.extend(packed);
        assert_eq!(messages(&frame.repeat(2), MOST).unwrap().len(), 2);
        let error = messages(&frame.repeat(3), MOST).unwrap_err().to_string();
        assert!(error.contains(&format!("at byte {}: the gRPC frames", 2 * frame.len() + 5)), "{error}");
    }

    #[test]
    fn what_is_cut_off_is_named_with_its_place() {
        let error = messages(b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09\x0a", MOST).unwrap_err();
        assert_eq!(error.to_string(), "at byte 5: a gRPC frame is cut off");
        let error = messages(b"\x01\x00\x00\x00\x01\x0a", MOST).unwrap_err();
        assert!(error.to_string().contains("neither gzip nor zstd"), "{error}");
    }
}
