//! Cutting a request in two, for receivers that take less than was sent.
//!
//! Used by `otlp-transport`'s split layer, seldom: a body in several slices is joined first. Nothing is decoded beyond what
//! says where records begin, and no record is taken apart.

use crate::assemble::items_of;
use crate::view::{Message, Wire};
use crate::wire::{FIELD_1, FIELD_2, put_varint};
use crate::{Body, Encoding, ExportRequest, Format, Signal};
use bytes::Bytes;
use std::ops::Range;

impl ExportRequest {
    /// The request as two, each with about half of the items: in order, under the same resources and scopes, with the
    /// same headers. A resource or scope that is cut through stands in both.
    ///
    /// `None` when it can't be cut: it holds one record, it is compressed or JSON, or its bytes are no request. A metric
    /// is one record, however many data points it has.
    ///
    /// ```
    /// use otlp_model::*;
    /// let groups = Groups::new();
    /// let group = groups.register(&Resource::new().with("service.name", "a"), &InstrumentationScope::new("b"));
    /// let span = SpanData::new(SpanContext::default(), "GET", 1, 2).to_record(group, &Limits::default());
    /// let assembled = assemble(&groups, Signal::Traces, &vec![span; 5], RequestLimits::default());
    /// let (front, back) = assembled.requests[0].split().unwrap();
    /// assert_eq!((front.items(), back.items()), (2, 3));
    /// let (one, _) = front.split().unwrap();
    /// assert!(one.split().is_none());
    /// ```
    #[must_use]
    pub fn split(&self) -> Option<(Self, Self)> {
        if self.items() < 2 || self.format() != Format::Protobuf || self.encoding() != Encoding::Identity {
            return None;
        }
        let body = self.body().to_bytes();
        let mut cut = Cut { signal: self.signal(), room: self.items() / 2, front_items: 0, is_full: false };
        let [front, back] = cut.message(Message::new(&body), 0, Level::Request)?;
        if front.is_empty() || back.is_empty() || cut.front_items >= self.items() {
            return None;
        }
        let half = |items, parts: Parts| self.clone().with_items(items, parts.into_body(&body));
        Some((half(cut.front_items, front), half(self.items() - cut.front_items, back)))
    }
}

/// Which message a walk is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Request,
    Resource,
    Scope,
}

impl Level {
    /// The field whose messages are cut or dealt out, with its tag, and the level within.
    fn repeated(self) -> (u32, u8, Option<Self>) {
        match self {
            Self::Request => (1, FIELD_1, Some(Self::Resource)),
            Self::Resource => (2, FIELD_2, Some(Self::Scope)),
            Self::Scope => (2, FIELD_2, None),
        }
    }
}

/// Where the cut goes, found on the way.
struct Cut {
    signal: Signal,
    /// The items that may still go to the front.
    room: u64,
    front_items: u64,
    /// Nothing goes to the front any more: the order is kept.
    is_full: bool,
}

impl Cut {
    /// Deals out the fields of a message that begins at `start` in the body. A half without items is empty.
    fn message(&mut self, message: Message<'_>, start: usize, level: Level) -> Option<[Parts; 2]> {
        let (number, tag, within) = level.repeated();
        let [mut front, mut back] = [Parts::default(), Parts::default()];
        let mut fields = message.fields();
        let mut at = start;
        while let Some(field) = fields.next() {
            let field = field.ok()?;
            let whole = at..start + message.bytes().len() - fields.left();
            at = whole.end;
            if field.number != number {
                // A head, or what we do not know: it says something about every item.
                front.put(whole.clone());
                back.put(whole);
                continue;
            }
            let Wire::Bytes(bytes) = field.value else { return None };
            let items = match within {
                None => items_of(self.signal, bytes),
                Some(within) => count(self.signal, bytes, within)?,
            };
            // Without room the first record goes to the front all the same: a half must not be empty.
            let fits = !self.is_full && (items <= self.room || (self.front_items == 0 && within.is_none()));
            match within {
                _ if fits => {
                    self.room = self.room.saturating_sub(items);
                    self.front_items += items;
                    front.put(whole);
                    front.has_items = true;
                }
                Some(within) if !self.is_full => {
                    let inner = self.message(field.message().ok()?, whole.end - bytes.len(), within)?;
                    for (half, inner) in [&mut front, &mut back].into_iter().zip(inner) {
                        half.put_message(tag, inner);
                    }
                }
                _ => {
                    self.is_full = true;
                    back.put(whole);
                    back.has_items = true;
                }
            }
        }
        Some([front, back])
    }
}

/// The items in an encoded resource or scope group.
fn count(signal: Signal, bytes: &[u8], level: Level) -> Option<u64> {
    let (number, _, within) = level.repeated();
    let mut items = 0;
    for field in Message::new(bytes).fields() {
        let field = field.ok()?;
        if let (true, Wire::Bytes(bytes)) = (field.number == number, field.value) {
            items += match within {
                None => items_of(signal, bytes),
                Some(within) => count(signal, bytes, within)?,
            };
        }
    }
    Some(items)
}

/// One half of a message: ranges of the body, and new lengths before them.
#[derive(Default)]
struct Parts {
    parts: Vec<Part>,
    len: usize,
    has_items: bool,
}

enum Part {
    Body(Range<usize>),
    Head(Vec<u8>),
}

impl Parts {
    fn is_empty(&self) -> bool {
        !self.has_items
    }

    fn put(&mut self, range: Range<usize>) {
        self.len += range.len();
        match self.parts.last_mut() {
            Some(Part::Body(last)) if last.end == range.start => last.end = range.end,
            _ => self.parts.push(Part::Body(range)),
        }
    }

    fn put_message(&mut self, tag: u8, inner: Self) {
        if inner.is_empty() {
            return;
        }
        let mut head = vec![tag];
        put_varint(&mut head, inner.len as u64);
        self.len += head.len() + inner.len;
        self.has_items = true;
        self.parts.push(Part::Head(head));
        self.parts.extend(inner.parts);
    }

    fn into_body(self, body: &Bytes) -> Body {
        let slice = |part| match part {
            Part::Body(range) => body.slice(range),
            Part::Head(head) => head.into(),
        };
        self.parts.into_iter().map(slice).collect()
    }
}
