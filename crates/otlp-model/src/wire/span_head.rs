//! What a span's record begins with: its own tag and length, the fields of fixed size in one block, then parent, trace state
//! and name.
//!
//! Used by [`super::SpanWriter`] alone. The end time lies at a fixed place, left open until it is known, and so does the room
//! for the record's length.

use super::buffer::{copy_short, put_bytes, put_str};
use super::live::{Live, PREFIX, seal};
use super::room::Buffer;
use super::short::SHORT_TEXT;
use crate::{SpanContext, SpanId, SpanKind};

const TRACE_ID: usize = PREFIX;
const SPAN_ID: usize = TRACE_ID + 2 + 16;
const KIND: usize = SPAN_ID + 2 + 8;
const START: usize = KIND + 2;
const END: usize = START + 1 + 8;
const FLAGS: usize = END + 1 + 8;
const HEAD: usize = FLAGS + 2 + 4;
/// A parent's field.
const PARENT: usize = 2 + 8;

const TRACE_STATE_TAG: u8 = 0x1a;
const PARENT_TAG: u8 = 0x22;
const NAME_TAG: u8 = 0x2a;

/// Bit 8 of a flags word: whether the context is remote is known (conformance MODEL-04).
const REMOTE_KNOWN: u32 = 0x100;
/// Bit 9 of a flags word: the context is remote.
pub(crate) const REMOTE: u32 = 0x200;

/// The fields that are known at a span's start.
pub(super) struct Head<'a> {
    pub(super) context: &'a SpanContext,
    pub(super) parent: SpanId,
    pub(super) parent_is_remote: bool,
    pub(super) name: &'a str,
    pub(super) kind: SpanKind,
    pub(super) start_unix_nano: u64,
}

impl Head<'_> {
    /// Begins the buffer anew with these; where the name's field starts.
    #[inline(always)]
    pub(super) fn put(&self, buffer: &mut Buffer) -> usize {
        const ROOM: usize = HEAD + PARENT + 2 + SHORT_TEXT;
        buffer.clear();
        let Self { context, parent, name, .. } = *self;
        if name.len().wrapping_sub(1) < SHORT_TEXT
            && context.trace_state().is_empty()
            && let Some(room) = buffer.room::<ROOM>()
        {
            self.put_fixed(room);
            let mut at = HEAD;
            if parent.is_valid() {
                room[at..at + PARENT].copy_from_slice(&id_field(PARENT_TAG, parent));
                at += PARENT;
            }
            room[at..at + 2].copy_from_slice(&[NAME_TAG, name.len() as u8]);
            copy_short(room, at + 2, name.as_bytes());
            buffer.advance(at + 2 + name.len());
            return at;
        }
        self.put_any(buffer)
    }

    #[inline(never)]
    fn put_any(&self, buffer: &mut Buffer) -> usize {
        buffer.append(|bytes| {
            let mut head = [0; HEAD];
            self.put_fixed(&mut head);
            bytes.extend_from_slice(&head);
            if self.parent.is_valid() {
                bytes.extend_from_slice(&id_field(PARENT_TAG, self.parent));
            }
            put_str(bytes, TRACE_STATE_TAG, self.context.trace_state().as_str());
            let at = bytes.len();
            put_bytes(bytes, NAME_TAG, self.name.as_bytes());
            at
        })
    }

    #[inline(always)]
    fn put_fixed<const N: usize>(&self, room: &mut [u8; N]) {
        let context = self.context;
        room[TRACE_ID..TRACE_ID + 2].copy_from_slice(&[0x0a, 16]);
        room[TRACE_ID + 2..SPAN_ID].copy_from_slice(context.trace_id().as_bytes());
        room[SPAN_ID..KIND].copy_from_slice(&id_field(0x12, context.span_id()));
        room[KIND..START].copy_from_slice(&[0x30, self.kind as u8]);
        room[START] = 0x39;
        room[START + 1..END].copy_from_slice(&self.start_unix_nano.to_le_bytes());
        room[END] = 0x41;
        room[FLAGS..FLAGS + 2].copy_from_slice(&[0x85, 0x01]);
        let flags = span_flags(context, self.parent, self.parent_is_remote);
        room[FLAGS + 2..HEAD].copy_from_slice(&flags.to_le_bytes());
    }
}

/// Gives the span whose name's field starts at `name` another identity; where that field starts now.
pub(super) fn replace_identity<const TAG: u8>(
    live: &mut Live<TAG>,
    name: usize,
    context: &SpanContext,
    parent: SpanId,
    parent_is_remote: bool,
) -> usize {
    let mut between = Vec::new();
    if parent.is_valid() {
        between.extend_from_slice(&id_field(PARENT_TAG, parent));
    }
    put_str(&mut between, TRACE_STATE_TAG, context.trace_state().as_str());
    let end = HEAD + between.len();
    if end != name {
        live.resize_at(HEAD, name - HEAD, between.len());
    }
    let head = live.buffer.as_mut_slice();
    head[TRACE_ID + 2..SPAN_ID].copy_from_slice(context.trace_id().as_bytes());
    head[SPAN_ID + 2..KIND].copy_from_slice(context.span_id().as_bytes());
    let flags = span_flags(context, parent, parent_is_remote);
    head[FLAGS + 2..HEAD].copy_from_slice(&flags.to_le_bytes());
    head[HEAD..end].copy_from_slice(&between);
    end
}

/// Replaces the kind of a span that was begun.
pub(super) fn replace_kind(buffer: &mut Buffer, kind: SpanKind) {
    buffer.as_mut_slice()[KIND + 1] = kind as u8;
}

/// Enters the end time and the length of the whole; the record.
#[inline(always)]
pub(super) fn complete(buffer: &mut Buffer, end_unix_nano: u64) -> &[u8] {
    let record = buffer.as_mut_slice();
    record[END + 1..FLAGS].copy_from_slice(&end_unix_nano.to_le_bytes());
    seal(record)
}

/// The field of a span's id.
#[inline(always)]
pub(super) fn id_field(tag: u8, id: SpanId) -> [u8; PARENT] {
    let mut field = [8; PARENT];
    field[0] = tag;
    field[2..].copy_from_slice(id.as_bytes());
    field
}

/// A span's flags word, which says where its parent is (conformance MODEL-04).
#[inline]
pub(crate) fn span_flags(context: &SpanContext, parent_span_id: SpanId, parent_is_remote: bool) -> u32 {
    flags(context, parent_span_id.is_valid() && parent_is_remote)
}

/// A link's flags word, which says where the linked span is (conformance MODEL-05).
pub(crate) fn link_flags(context: &SpanContext) -> u32 {
    flags(context, context.is_remote())
}

#[inline]
fn flags(context: &SpanContext, is_remote: bool) -> u32 {
    u32::from(context.flags().bits()) | REMOTE_KNOWN | if is_remote { REMOTE } else { 0 }
}
