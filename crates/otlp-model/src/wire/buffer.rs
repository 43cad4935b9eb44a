//! Protobuf's primitives over a `Vec<u8>`: varints, tags and length-delimited fields.
//!
//! Used by the rest of the wire writer and by the assembler. Never knows what a field means.

/// The tag of field 1 when length-delimited: resources, scopes, and entries of most lists.
pub(crate) const FIELD_1: u8 = 0x0a;
/// The tag of field 2 when length-delimited: the tag of every record.
pub(crate) const FIELD_2: u8 = 0x12;

/// How many bytes the varint of `value` takes: 1 to 10.
#[inline]
pub(crate) const fn varint_len(value: u64) -> usize {
    // 7 bits per byte: (bits + 6) / 7, as a multiplication.
    (((value | 1).leading_zeros() ^ 63) as usize * 9 + 73) / 64
}

/// Writes a varint at the start of `room` and returns its length; `room` must hold it.
#[inline]
pub(crate) fn write_varint(room: &mut [u8], mut value: u64) -> usize {
    let mut len = 0;
    for byte in room {
        len += 1;
        if value < 0x80 {
            *byte = value as u8;
            break;
        }
        *byte = value as u8 | 0x80;
        value >>= 7;
    }
    len
}

/// The bytes of a varint, the first in the lowest place, and how many they are.
#[inline]
pub(crate) fn spread_varint(value: u64) -> (u128, usize) {
    if value < 0x80 {
        return (value.into(), 1);
    }
    if value >= 1 << 56 {
        return spread_long_varint(value);
    }
    let (spread, len) = spread_56(value);
    (spread.into(), len)
}

/// The same of a value of at most 56 bits.
#[inline]
pub(crate) fn spread_56(value: u64) -> (u64, usize) {
    // Each step halves the groups and moves the upper halves up, until every byte holds 7 bits.
    let mut spread = value & 0x0fff_ffff | (value & 0x00ff_ffff_f000_0000) << 4;
    spread = spread & 0x0000_3fff_0000_3fff | (spread & 0x0fff_c000_0fff_c000) << 2;
    spread = spread & 0x007f_007f_007f_007f | (spread & 0x3f80_3f80_3f80_3f80) << 1;
    // All bytes but the last say that another follows.
    let len = varint_len(value);
    let continued = 0x0080_8080_8080_8080 >> (8 * (8 - len));
    (spread | continued, len)
}

#[cold]
fn spread_long_varint(value: u64) -> (u128, usize) {
    let mut bytes = [0; 16];
    let len = write_varint(&mut bytes, value);
    (u128::from_le_bytes(bytes), len)
}

#[inline]
pub(crate) fn put_varint(buf: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        buf.push(value as u8);
    } else {
        let mut bytes = [0; 10];
        let len = write_varint(&mut bytes, value);
        buf.extend_from_slice(&bytes[..len]);
    }
}

/// Reads a varint at the start of `bytes`: its value and what follows it.
#[inline]
pub(crate) fn read_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, &byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            return bytes.get(at + 1..).map(|rest| (value, rest));
        }
    }
    None
}

/// A length-delimited field, also when empty.
#[inline]
pub(crate) fn put_bytes(buf: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    buf.reserve(bytes.len() + 11);
    buf.push(tag);
    put_varint(buf, bytes.len() as u64);
    buf.extend_from_slice(bytes);
}

/// A string field; empty is absent.
#[inline]
pub(crate) fn put_str(buf: &mut Vec<u8>, tag: u8, text: &str) {
    if !text.is_empty() {
        put_bytes(buf, tag, text.as_bytes());
    }
}

/// A varint field; zero is absent.
#[inline]
pub(crate) fn put_uint(buf: &mut Vec<u8>, tag: u8, value: u64) {
    if value != 0 {
        buf.push(tag);
        put_varint(buf, value);
    }
}

/// A zig-zag varint field; zero is absent.
pub(crate) fn put_sint32(buf: &mut Vec<u8>, tag: u8, value: i32) {
    put_uint(buf, tag, u64::from(((value << 1) ^ (value >> 31)) as u32));
}

/// A fixed64 field, also when zero.
#[inline]
pub(crate) fn put_fixed64(buf: &mut Vec<u8>, tag: u8, value: u64) {
    let mut bytes = [tag; 9];
    bytes[1..].copy_from_slice(&value.to_le_bytes());
    buf.extend_from_slice(&bytes);
}

/// A fixed64 field; zero is absent. A double's bits: so that -0.0 is kept.
#[inline]
pub(crate) fn put_nonzero_fixed64(buf: &mut Vec<u8>, tag: u8, value: u64) {
    if value != 0 {
        put_fixed64(buf, tag, value);
    }
}

/// Texts up to this many bytes are copied without a call.
pub(crate) const SHORT: usize = 32;

/// Lengthens `buf` by `N` bytes, if it can without growing, and lends them out: to be filled, and cut to what was.
///
/// One check of the capacity instead of one for each piece; the zeroes are a few stores that nothing waits for.
#[inline]
pub(crate) fn take_room<const N: usize>(buf: &mut Vec<u8>) -> Option<&mut [u8; N]> {
    if buf.capacity() - buf.len() < N {
        return None;
    }
    buf.extend_from_slice(&[0; N]);
    buf.last_chunk_mut()
}

/// Copies up to 48 bytes to `room` at `at`, as two or three moves of constant size, which may overlap: that is half of a call
/// of `memcpy`.
#[inline]
pub(crate) fn copy_short<const N: usize>(room: &mut [u8; N], at: usize, bytes: &[u8]) {
    let len = bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
        room[at..at + 16].copy_from_slice(first);
        if let Some(middle) = bytes.get(16..32) {
            room[at + 16..at + 32].copy_from_slice(middle);
        }
        room[at + len - 16..at + len].copy_from_slice(last);
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        room[at..at + 8].copy_from_slice(first);
        room[at + len - 8..at + len].copy_from_slice(last);
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        room[at..at + 4].copy_from_slice(first);
        room[at + len - 4..at + len].copy_from_slice(last);
    } else if let (Some(&first), Some(&middle), Some(&last)) =
        (bytes.first(), bytes.get(len / 2), bytes.last())
    {
        room[at] = first;
        room[at + len / 2] = middle;
        room[at + len - 1] = last;
    }
}

/// A message that was begun; [`close`] must follow.
#[must_use]
pub(crate) struct Open {
    body: usize,
    width: usize,
}

/// Begins a message whose length is not known yet, leaving `width` bytes for it: a right guess saves moving the body.
#[inline]
pub(crate) fn open(buf: &mut Vec<u8>, tag: u8, width: usize) -> Open {
    buf.push(tag);
    buf.resize(buf.len() + width, 0);
    Open { body: buf.len(), width }
}

/// Ends a message: writes its length, as short as can be, in front of it.
#[inline]
pub(crate) fn close(buf: &mut Vec<u8>, open: Open) {
    let Open { body, width } = open;
    let len = (buf.len() - body) as u64;
    let needed = varint_len(len);
    if needed != width {
        resize_at(buf, body - width, width, needed);
    }
    write_varint(&mut buf[body - width..], len);
}

/// Gives the `old` bytes at `at` the length `new`, moving what follows; the bytes themselves are left to the caller.
pub(crate) fn resize_at(buf: &mut Vec<u8>, at: usize, old: usize, new: usize) {
    let end = buf.len();
    if new > old {
        buf.resize(end + new - old, 0);
    }
    buf.copy_within(at + old..end, at + new);
    buf.truncate(end + new - old);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_have_the_length_foretold_and_read_back() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1 << shift) - 1, u64::MAX >> shift] {
                let mut buf = Vec::new();
                put_varint(&mut buf, value);
                assert_eq!(buf.len(), varint_len(value), "{value}");
                let (spread, len) = spread_varint(value);
                assert_eq!(spread.to_le_bytes()[..len], buf, "{value}");
                assert_eq!(read_varint(&buf), Some((value, &[][..])));
            }
        }
        assert_eq!(read_varint(&[0x80]), None);
        assert_eq!(read_varint(&[0x80; 11]), None);
    }

    #[test]
    fn a_message_gets_the_shortest_length_whatever_the_guess() {
        for len in [0, 1, 127, 128, 16_383, 16_384] {
            for width in 1..4 {
                let mut buf = vec![7];
                let message = open(&mut buf, FIELD_1, width);
                buf.extend((0..len).map(|at| at as u8));
                close(&mut buf, message);
                let mut expected = vec![7, FIELD_1];
                put_varint(&mut expected, len as u64);
                expected.extend((0..len).map(|at| at as u8));
                assert_eq!(buf, expected, "{len} {width}");
            }
        }
    }
}
