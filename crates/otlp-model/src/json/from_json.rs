//! From JSON to protobuf, written while it is read: an object's members become fields in the order they have.

use super::error::{Error, Segment};
use super::parser::Parser;
use super::scalar;
use super::schema::{Field, Kind, Kind::*, MAX_FIELDS, Presence, Schema};
use super::tables::ANY_VALUE;
use crate::view::MAX_DEPTH;

pub(crate) fn message_from_json(schema: &Schema, json: &[u8]) -> Result<Vec<u8>, Error> {
    // Protobuf of spans is about half the size of their JSON.
    let mut out = Vec::with_capacity(json.len() / 2);
    let mut parser = Parser::new(json)?;
    object(&mut parser, schema, &mut out, 0)?;
    parser.end()?;
    Ok(out)
}

fn object(parser: &mut Parser<'_>, schema: &Schema, out: &mut Vec<u8>, depth: u8) -> Result<(), Error> {
    // What each field has written, for the case that it comes again: then only the last counts (JSON-19).
    let mut written = [(0, 0); MAX_FIELDS];
    let mut superseded = Vec::new();
    parser.object(|parser, name| {
        let Some((index, field)) = schema.by_name(name) else { return parser.skip() };
        let start = out.len();
        member(parser, field, out, depth).map_err(|error| error.within(Segment::Member(field.name)))?;
        if let Some(range) = written.get_mut(index) {
            let previous = std::mem::replace(range, (start, out.len()));
            if previous.0 < previous.1 {
                superseded.push(previous);
            }
        }
        Ok(())
    })?;
    cut(out, superseded);
    Ok(())
}

/// Removes ranges of bytes that do not overlap, in one pass.
fn cut(out: &mut Vec<u8>, mut ranges: Vec<(usize, usize)>) {
    ranges.sort_unstable();
    let Some(&(mut kept, _)) = ranges.first() else { return };
    let next_starts = ranges.iter().skip(1).map(|range| range.0).chain([out.len()]).collect::<Vec<_>>();
    for ((_, end), next_start) in ranges.into_iter().zip(next_starts) {
        out.copy_within(end..next_start, kept);
        kept += next_start - end;
    }
    out.truncate(kept);
}

fn member(parser: &mut Parser<'_>, field: &Field, out: &mut Vec<u8>, depth: u8) -> Result<(), Error> {
    if parser.null()? {
        return Ok(());
    }
    if !field.presence.is_repeated() {
        return value(parser, field, out, depth);
    }
    if !matches!(field.kind, Double | Fixed64 | Uint64) {
        return parser.list(|parser| value(parser, field, out, depth));
    }
    let start = out.len();
    nested(field.number, out, |out| parser.list(|parser| number(parser, field.kind, out)))?;
    if out.len() == start + 2 {
        // Tag and length alone: an empty list is no list.
        out.truncate(start);
    }
    Ok(())
}

fn value(parser: &mut Parser<'_>, field: &Field, out: &mut Vec<u8>, depth: u8) -> Result<(), Error> {
    if let Message(schema) = field.kind {
        if depth >= MAX_DEPTH {
            return Err(parser.error("messages nest deeper than 100 levels"));
        }
        // The empty value keeps its place in an array (MODEL-11); for all else null is no value.
        if std::ptr::eq(schema, &ANY_VALUE) && parser.null()? {
            return nested(field.number, out, |_| Ok(()));
        }
        return nested(field.number, out, |out| object(parser, schema, out, depth + 1));
    }
    let start = out.len();
    tag(field.number, field.kind, out);
    let content = out.len();
    bytes_or_number(parser, field.kind, out)?;
    let is_default = out.get(content..).is_some_and(|bytes| bytes.iter().all(|&byte| byte == 0));
    if is_default && field.presence == Presence::Implicit {
        out.truncate(start);
    }
    Ok(())
}

fn bytes_or_number(parser: &mut Parser<'_>, kind: Kind, out: &mut Vec<u8>) -> Result<(), Error> {
    let offset = parser.position();
    let at = |reason| Error::new(offset, reason);
    match kind {
        HexId(length) => {
            let scalar = parser.scalar("a string of hexadecimal digits")?;
            with_length(&scalar::hex_id(&scalar, length).map_err(at)?, out);
        }
        Bytes => with_length(&scalar::base64(&parser.scalar("a string in base64")?).map_err(at)?, out),
        String => with_length(scalar::string(&parser.scalar("a string")?).map_err(at)?.as_bytes(), out),
        _ => number(parser, kind, out)?,
    }
    Ok(())
}

fn number(parser: &mut Parser<'_>, kind: Kind, out: &mut Vec<u8>) -> Result<(), Error> {
    let offset = parser.position();
    let expected = match kind {
        Bool => "true or false",
        Double => "a number",
        _ => "an integer",
    };
    let scalar = parser.scalar(expected)?;
    let at = |reason| Error::new(offset, reason);
    let integer = |min: i128, max: i128| scalar::integer(&scalar, min, max).map_err(at);
    match kind {
        Bool => varint(u64::from(scalar::boolean(&scalar).map_err(at)?), out),
        Double => out.extend_from_slice(&scalar::double(&scalar).map_err(at)?.to_le_bytes()),
        Fixed64 => out.extend_from_slice(&(integer(0, u64::MAX.into())? as u64).to_le_bytes()),
        Sfixed64 => out.extend_from_slice(&(integer(i64::MIN.into(), i64::MAX.into())? as i64).to_le_bytes()),
        Int64 => varint((integer(i64::MIN.into(), i64::MAX.into())? as i64).cast_unsigned(), out),
        Uint64 => varint(integer(0, u64::MAX.into())? as u64, out),
        Uint32 => varint(integer(0, u32::MAX.into())? as u64, out),
        Fixed32 => out.extend_from_slice(&(integer(0, u32::MAX.into())? as u32).to_le_bytes()),
        Sint32 => {
            let value = integer(i32::MIN.into(), i32::MAX.into())? as i32;
            varint(u64::from((value << 1 ^ value >> 31).cast_unsigned()), out);
        }
        Enum(names) => {
            let value = scalar::enumeration(&scalar, names).map_err(at)?;
            varint(i64::from(value).cast_unsigned(), out);
        }
        HexId(_) | Bytes | String | Message(_) => {}
    }
    Ok(())
}

fn tag(number: u32, kind: Kind, out: &mut Vec<u8>) {
    let wire_type = match kind {
        Bool | Int64 | Uint64 | Uint32 | Sint32 | Enum(_) => 0,
        Double | Fixed64 | Sfixed64 => 1,
        HexId(_) | Bytes | String | Message(_) => 2,
        Fixed32 => 5,
    };
    varint(u64::from(number << 3 | wire_type), out);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn with_length(bytes: &[u8], out: &mut Vec<u8>) {
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Writes a field with a length; `content` writes what is within.
fn nested(
    number: u32,
    out: &mut Vec<u8>,
    content: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    varint(u64::from(number << 3 | 2), out);
    // The length is known only afterwards; most fit into one byte, for the others the content moves.
    out.push(0);
    let start = out.len();
    content(out)?;
    let length = out.len() - start;
    let mut prefix = Vec::new();
    if let (Some(byte), 0..0x80) = (out.get_mut(start - 1), length) {
        *byte = length as u8;
    } else {
        varint(length as u64, &mut prefix);
        out.splice(start - 1..start, prefix);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cutting_is_filtering(length in 0..40usize, bounds in prop::collection::vec(0..40usize, 0..10)) {
            let mut bounds: Vec<_> = bounds.into_iter().map(|bound| bound.min(length)).collect();
            bounds.sort_unstable();
            let ranges: Vec<_> = bounds.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            let mut bytes: Vec<u8> = (0..length as u8).collect();
            let expected: Vec<u8> = bytes
                .iter()
                .copied()
                .filter(|&byte| !ranges.iter().any(|&(start, end)| (start..end).contains(&usize::from(byte))))
                .collect();
            cut(&mut bytes, ranges);
            prop_assert_eq!(bytes, expected);
        }
    }
}
