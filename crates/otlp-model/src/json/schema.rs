//! What the transcoder knows of a message: for each field its number, its JSON name and how its value is written.

/// A message type.
pub(crate) struct Schema {
    /// At most [`MAX_FIELDS`], in the order in which JSON shows them.
    pub(crate) fields: &'static [Field],
}

/// The most fields any message of the tables has; the walkers keep one slot for each on the stack.
pub(crate) const MAX_FIELDS: usize = 16;

/// A field of a message.
pub(crate) struct Field {
    pub(crate) number: u32,
    /// The JSON name, lowerCamelCase.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) presence: Presence,
}

/// What a value is, on the wire and in JSON.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Bytes of this many or none; hexadecimal text.
    HexId(usize),
    /// Bytes; base64 text.
    Bytes,
    String,
    Bool,
    Double,
    /// Unsigned and signed 64 bits, fixed or varint: decimal text.
    Fixed64,
    Sfixed64,
    Int64,
    Uint64,
    /// 32 bits: numbers.
    Uint32,
    Fixed32,
    Sint32,
    /// A number; the names are those of 0, 1, 2, … and only read.
    Enum(&'static [&'static str]),
    Message(&'static Schema),
}

/// When a field counts as present.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// When it differs from its default.
    Implicit,
    /// When it is on the wire: messages and `optional` fields.
    Explicit,
    /// When it is on the wire and no other member of the message's only oneof is after it.
    OneOf,
    /// Any number of times; an empty list is left out.
    Repeated,
    /// Any number of times; an empty list is written, because readers expect the member.
    Listed,
}

impl Schema {
    /// The field of a number, with its position in the table.
    pub(crate) fn by_number(&self, number: u32) -> Option<(usize, &'static Field)> {
        self.fields.iter().enumerate().find(|(_, field)| field.number == number)
    }

    /// The field of a JSON name, also in snake case (JSON-22), with its position in the table.
    pub(crate) fn by_name(&self, name: &str) -> Option<(usize, &'static Field)> {
        let mut fields = self.fields.iter().enumerate();
        if name.contains('_') {
            fields.find(|(_, field)| snake(field.name).eq(name.bytes()))
        } else {
            fields.find(|(_, field)| field.name == name)
        }
    }
}

impl Presence {
    pub(crate) const fn is_repeated(self) -> bool {
        matches!(self, Self::Repeated | Self::Listed)
    }
}

/// A lowerCamelCase name in snake case.
fn snake(camel: &str) -> impl Iterator<Item = u8> {
    camel.bytes().flat_map(|byte| {
        [byte.is_ascii_uppercase().then_some(b'_'), Some(byte.to_ascii_lowercase())].into_iter().flatten()
    })
}
