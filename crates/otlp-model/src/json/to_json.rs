//! From protobuf to JSON: one pass notes where each field of a message stands, then the fields are written in order.
//!
//! Occurrences of a repeated field need not be neighbours on the wire: our own writer interleaves attributes and events
//! as they happened.

use super::error::{Error, Segment};
use super::schema::{self, Kind, MAX_FIELDS, Presence, Schema};
use super::write;
use crate::view::{Field, Fields, Message, Wire};
use crate::{DecodeError, json::schema::Kind::*};

pub(super) fn message_to_json(schema: &Schema, protobuf: &[u8]) -> Result<Vec<u8>, Error> {
    // JSON of spans is about twice the size of their protobuf.
    let mut out = Vec::with_capacity(protobuf.len().saturating_mul(2));
    object(schema, Message::new(protobuf), &mut out)?;
    Ok(out)
}

/// Where a field stands in its message: the first occurrence, what comes after it, the last occurrence, how many.
#[derive(Clone)]
struct Slot<'a> {
    first: Field<'a>,
    after_first: Fields<'a>,
    last: Field<'a>,
    count: usize,
}

type Slots<'a> = [Option<Slot<'a>>; MAX_FIELDS];

fn object(schema: &Schema, message: Message<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    let slots = slots(schema, message)?;
    let mut separator = b'{';
    for (field, slot) in schema.fields.iter().zip(&slots) {
        if !is_shown(field, slot.as_ref())? {
            continue;
        }
        out.push(separator);
        separator = b',';
        out.push(b'"');
        out.extend_from_slice(field.name.as_bytes());
        out.extend_from_slice(b"\":");
        member(field, slot.as_ref(), out).map_err(|error| error.within(Segment::Member(field.name)))?;
    }
    if separator == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
    Ok(())
}

fn slots<'a>(schema: &Schema, message: Message<'a>) -> Result<Slots<'a>, DecodeError> {
    let mut slots: Slots<'a> = [const { None }; MAX_FIELDS];
    let mut fields = message.fields();
    while let Some(wire) = fields.next() {
        let wire = wire?;
        let Some((index, field)) = schema.by_number(wire.number) else { continue };
        if field.presence == Presence::OneOf {
            // A later member of the oneof unsets the others; the same one again merges.
            for (other, slot) in schema.fields.iter().zip(&mut slots) {
                if other.presence == Presence::OneOf && other.number != field.number {
                    *slot = None;
                }
            }
        }
        match slots.get_mut(index) {
            Some(Some(slot)) => {
                slot.last = wire;
                slot.count += 1;
            }
            Some(slot) => {
                *slot = Some(Slot { first: wire, after_first: fields.clone(), last: wire, count: 1 });
            }
            None => {}
        }
    }
    Ok(slots)
}

fn is_shown(field: &schema::Field, slot: Option<&Slot<'_>>) -> Result<bool, Error> {
    Ok(match (field.presence, slot) {
        (Presence::Listed, _) => true,
        (_, None) => false,
        (Presence::Implicit, Some(slot)) => !matches!(
            slot.last.value,
            Wire::Varint(0) | Wire::Fixed64(0) | Wire::Fixed32(0) | Wire::Bytes([])
        ),
        // An empty packed list is an empty list.
        (Presence::Repeated, Some(slot)) => slot.count > 1 || !is_empty_packed(field.kind, &slot.first),
        (Presence::Explicit | Presence::OneOf, Some(_)) => true,
    })
}

fn is_empty_packed(kind: Kind, field: &Field<'_>) -> bool {
    matches!(kind, Double | Fixed64 | Uint64) && field.value == Wire::Bytes(&[])
}

fn member(field: &schema::Field, slot: Option<&Slot<'_>>, out: &mut Vec<u8>) -> Result<(), Error> {
    if field.presence.is_repeated() {
        return list(field, slot, out);
    }
    let Some(slot) = slot else { return Ok(()) };
    match field.kind {
        Message(schema) if slot.count > 1 => {
            // Occurrences of one message merge, and merging is concatenation.
            let mut joined = Vec::new();
            for occurrence in occurrences(slot) {
                joined.extend_from_slice(occurrence?.bytes()?);
            }
            object(schema, slot.last.message()?.with_bytes(&joined), out)
        }
        kind => value(kind, &slot.last, out),
    }
}

fn occurrences<'a>(slot: &Slot<'a>) -> impl Iterator<Item = Result<Field<'a>, DecodeError>> {
    let number = slot.first.number;
    let is_same =
        move |field: &Result<Field<'_>, _>| field.as_ref().map_or(true, |field| field.number == number);
    let others = slot.after_first.clone().filter(is_same).take(slot.count - 1);
    std::iter::once(Ok(slot.first)).chain(others)
}

fn list(field: &schema::Field, slot: Option<&Slot<'_>>, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut index = 0;
    out.push(b'[');
    for occurrence in slot.into_iter().flat_map(occurrences) {
        for element in elements(field.kind, occurrence?) {
            if index > 0 {
                out.push(b',');
            }
            element
                .map_err(Error::from)
                .and_then(|element| value(field.kind, &element, out))
                .map_err(|error| error.within(Segment::Index(index)))?;
            index += 1;
        }
    }
    out.push(b']');
    Ok(())
}

/// The elements of one occurrence of a repeated field: itself, or the numbers packed into it.
fn elements(kind: Kind, field: Field<'_>) -> impl Iterator<Item = Result<Field<'_>, DecodeError>> {
    let (single, packed) = match kind {
        Double | Fixed64 if matches!(field.value, Wire::Bytes(_)) => (None, Some(field.packed_fixed64())),
        _ => (Some(Ok(field)), None),
    };
    let (single, varints) = match kind {
        Uint64 if matches!(field.value, Wire::Bytes(_)) => (None, Some(field.packed_varints())),
        _ => (single, None),
    };
    single.into_iter().chain(packed.into_iter().flatten()).chain(varints.into_iter().flatten())
}

fn value(kind: Kind, field: &Field<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    match kind {
        HexId(_) => write::hex(field.bytes()?, out),
        Bytes => write::base64(field.bytes()?, out),
        String => write::string(field.string()?, out),
        Bool => out.extend_from_slice(if field.varint()? == 0 { b"false" } else { b"true" }),
        Double => write::double(f64::from_bits(field.fixed64()?), out),
        Fixed64 => write::quoted_integer(field.fixed64()?, out),
        Sfixed64 => write::quoted_integer(field.fixed64()?.cast_signed(), out),
        Int64 => write::quoted_integer(field.varint()?.cast_signed(), out),
        Uint64 => write::quoted_integer(field.varint()?, out),
        Uint32 => write::integer(field.uint32()?, out),
        Fixed32 => write::integer(field.fixed32()?, out),
        Sint32 => write::integer(field.sint32()?, out),
        Enum(_) => write::integer(field.int32()?, out),
        Message(schema) => object(schema, field.message()?, out)?,
    }
    Ok(())
}
