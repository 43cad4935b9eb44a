//! Changing attributes of a finished record: removing and replacing them, without decoding the rest.
//!
//! Used by the facade's hooks. What stays is copied as it is. Limits are not applied again, and what is removed is not counted
//! as dropped: whoever removes it knows.

use super::buffer::{close, open, read_varint};
use super::value::{ValueLimits, put_key_value, put_value};
use crate::view::{DecodeError, FromMessage, Message, ValueView};
use crate::{AnyValue, ToValue};

/// What becomes of an attribute.
///
/// ```
/// use otlp_model::Redaction;
/// let hidden = Redaction::Replace("***".into());
/// assert_ne!(hidden, Redaction::Keep);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Redaction {
    /// It stays as it is.
    Keep,
    /// It goes.
    Remove,
    /// It gets another value.
    Replace(AnyValue),
}

/// Where a kind of record has its attributes: their tag, and the tags of messages inside with attributes of their own.
struct Shape {
    attributes: u8,
    inner: &'static [(u8, &'static Shape)],
}

const EVENT: Shape = Shape { attributes: 0x1a, inner: &[] };
const LINK: Shape = Shape { attributes: 0x22, inner: &[] };
const SPAN: Shape = Shape { attributes: 0x4a, inner: &[(0x5a, &EVENT), (0x6a, &LINK)] };
const LOG: Shape = Shape { attributes: 0x32, inner: &[] };
const LOG_BODY: u8 = 0x2a;

/// A span's record with its attributes, those of its events and those of its links as `decide` says; `None` if they all
/// stay.
///
/// # Errors
/// The record is malformed; that some of it stays as it is must not be concluded.
///
/// ```
/// use otlp_model::{KeyValue, Limits, Redaction, SpanContext, SpanData, encode_span, redact_span, view::SpanView};
/// let mut span = SpanData::new(SpanContext::default(), "login", 1, 2);
/// span.attributes = vec![KeyValue::new("user.password", "secret"), KeyValue::new("user.name", "ann")];
/// let mut record = Vec::new();
/// encode_span(&span, &Limits::default(), &mut record);
/// let without = redact_span(&record, |key, _| if key.contains("password") { Redaction::Remove } else { Redaction::Keep })?;
/// let without = without.expect("something was removed");
/// assert_eq!(SpanView::from_record(&without)?.attributes.iter().count(), 1);
/// # Ok::<(), otlp_model::DecodeError>(())
/// ```
pub fn redact_span(
    record: &[u8],
    mut decide: impl FnMut(&str, ValueView<'_>) -> Redaction,
) -> Result<Option<Vec<u8>>, DecodeError> {
    rewrite_record(record, |body, out| rewrite(body, out, &SPAN, &mut decide))
}

/// The same of a log record: its attributes.
///
/// # Errors
/// As [`redact_span`].
///
/// ```
/// use otlp_model::{Limits, LogRecord, Redaction, Severity, encode_log, redact_log};
/// let mut record = Vec::new();
/// encode_log(&LogRecord::new(1, Severity::Info, "started"), &Limits::default(), &mut record);
/// assert_eq!(redact_log(&record, |_, _| Redaction::Remove)?, None, "it has none");
/// # Ok::<(), otlp_model::DecodeError>(())
/// ```
pub fn redact_log(
    record: &[u8],
    mut decide: impl FnMut(&str, ValueView<'_>) -> Redaction,
) -> Result<Option<Vec<u8>>, DecodeError> {
    rewrite_record(record, |body, out| rewrite(body, out, &LOG, &mut decide))
}

/// A log record with another body.
///
/// # Errors
/// The record is malformed.
///
/// ```
/// use otlp_model::{Limits, LogRecord, Severity, encode_log, replace_log_body, view::LogRecordView};
/// let mut record = Vec::new();
/// encode_log(&LogRecord::new(1, Severity::Info, "password is 1234"), &Limits::default(), &mut record);
/// let record = replace_log_body(&record, "password is ***")?;
/// assert_eq!(LogRecordView::from_record(&record)?.to_log_record()?.body, Some("password is ***".into()));
/// # Ok::<(), otlp_model::DecodeError>(())
/// ```
pub fn replace_log_body(record: &[u8], body: impl ToValue) -> Result<Vec<u8>, DecodeError> {
    let replaced = rewrite_record(record, |fields, out| {
        put_value(out, LOG_BODY, body.to_value(), ValueLimits::UNLIMITED);
        each_field(fields, |tag, whole, _| {
            if tag != LOG_BODY {
                out.extend_from_slice(whole);
            }
            Some(())
        })?;
        Some(true)
    })?;
    // It says that something changed.
    replaced.ok_or(MALFORMED)
}

const MALFORMED: DecodeError = DecodeError::new(0, "no record, or a field of it is malformed");

/// Has `rewrite` write the body of a record anew; `None` if it says that nothing changed.
fn rewrite_record(
    record: &[u8],
    rewrite: impl FnOnce(&[u8], &mut Vec<u8>) -> Option<bool>,
) -> Result<Option<Vec<u8>>, DecodeError> {
    let (&tag, rest) = record.split_first().ok_or(MALFORMED)?;
    let (len, body) = read_varint(rest).ok_or(MALFORMED)?;
    if len != body.len() as u64 {
        return Err(MALFORMED);
    }
    let mut out = Vec::with_capacity(record.len() + 32);
    let message = open(&mut out, tag, 2);
    let is_changed = rewrite(body, &mut out).ok_or(MALFORMED)?;
    close(&mut out, message);
    Ok(is_changed.then_some(out))
}

fn rewrite(
    body: &[u8],
    out: &mut Vec<u8>,
    shape: &Shape,
    decide: &mut impl FnMut(&str, ValueView<'_>) -> Redaction,
) -> Option<bool> {
    let mut is_changed = false;
    each_field(body, |tag, whole, payload| {
        if tag == shape.attributes {
            let (key, value) = entry(payload)?;
            match decide(key, value) {
                Redaction::Keep => out.extend_from_slice(whole),
                Redaction::Remove => is_changed = true,
                Redaction::Replace(value) => {
                    put_key_value(out, tag, key, value.to_value(), ValueLimits::UNLIMITED);
                    is_changed = true;
                }
            }
        } else if let Some((_, inner)) = shape.inner.iter().find(|(inner, _)| *inner == tag) {
            let message = open(out, tag, 1);
            is_changed |= rewrite(payload, out, inner, decide)?;
            close(out, message);
        } else {
            out.extend_from_slice(whole);
        }
        Some(())
    })?;
    Some(is_changed)
}

fn entry(payload: &[u8]) -> Option<(&str, ValueView<'_>)> {
    let (mut key, mut value) = ("", ValueView::Empty);
    for field in Message::new(payload).fields() {
        let field = field.ok()?;
        match field.number {
            1 => key = field.string().ok()?,
            2 => value = ValueView::from_message(field.message().ok()?).ok()?,
            _ => {}
        }
    }
    Some((key, value))
}

/// Visits the fields of a message: the tag, 0 for those that are above all that are looked for, the whole field, and the content
/// of those that have a length. `None` if they are malformed, or `visit` says so.
fn each_field<'a>(
    mut rest: &'a [u8],
    mut visit: impl FnMut(u8, &'a [u8], &'a [u8]) -> Option<()>,
) -> Option<()> {
    while !rest.is_empty() {
        let (tag, value) = read_varint(rest)?;
        // Some readers take the lower 32 bits for the tag.
        let tag = u32::try_from(tag).ok()?;
        let (payload, after): (&[u8], &[u8]) = match tag & 7 {
            0 => (&[], read_varint(value)?.1),
            1 => (&[], value.get(8..)?),
            2 => {
                let (len, content) = read_varint(value)?;
                content.split_at_checked(usize::try_from(len).ok()?)?
            }
            5 => (&[], value.get(4..)?),
            _ => return None,
        };
        // What it says, not how it is written: nothing keeps a tag from having more bytes than it needs.
        visit(u8::try_from(tag).unwrap_or(0), rest.get(..rest.len() - after.len())?, payload)?;
        rest = after;
    }
    Some(())
}
