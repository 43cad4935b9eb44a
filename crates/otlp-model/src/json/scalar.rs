//! What JSON scalars mean, as liberal as the specification asks: integers as numbers or text, non-finite doubles as
//! text, ids in hexadecimal, base64 of either alphabet.

use super::parser::{Scalar, number_length};
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::borrow::Cow;

type Reason = Cow<'static, str>;

/// An integer between `min` and `max` (JSON-07).
pub(crate) fn integer(scalar: &Scalar<'_>, min: i128, max: i128) -> Result<i128, Reason> {
    let text = match scalar {
        Scalar::Number(text) => text,
        Scalar::String(text) => text.as_ref(),
        _ => return Err(unexpected("an integer", scalar)),
    };
    let Some(value) = text.parse().ok().or_else(|| whole(text)) else {
        return Err(unexpected("an integer", scalar));
    };
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        Err(format!("the integer is not between {min} and {max}").into())
    }
}

/// The integer that a number like `1e3` or `5.0` is.
fn whole(text: &str) -> Option<i128> {
    let value = finite(text)?;
    // Beyond the range of 64 bits on either side the caller refuses it anyway.
    (value.fract() == 0.0 && value.abs() < 1e20).then_some(value as i128)
}

/// A double (JSON-09).
pub(super) fn double(scalar: &Scalar<'_>) -> Result<f64, Reason> {
    let text = match scalar {
        Scalar::Number(text) => text,
        Scalar::String(text) => match text.as_ref() {
            "NaN" => return Ok(f64::NAN),
            "Infinity" => return Ok(f64::INFINITY),
            "-Infinity" => return Ok(f64::NEG_INFINITY),
            text => text,
        },
        _ => return Err(unexpected("a number", scalar)),
    };
    finite(text).ok_or_else(|| unexpected("a number within the range of 64-bit floats", scalar))
}

fn finite(text: &str) -> Option<f64> {
    let is_number = number_length(text.as_bytes()) == Some(text.len());
    text.parse().ok().filter(|value: &f64| is_number && value.is_finite())
}

/// An enumeration's number, given as such or by name (JSON-22).
pub(super) fn enumeration(scalar: &Scalar<'_>, names: &[&str]) -> Result<i32, Reason> {
    if let Scalar::String(text) = scalar
        && let Some(position) = names.iter().position(|name| name == text)
    {
        return i32::try_from(position).map_err(|_| "the enumeration has too many names".into());
    }
    match integer(scalar, i32::MIN.into(), i32::MAX.into()) {
        Ok(value) => Ok(value as i32),
        Err(_) => Err(unexpected("an integer of 32 bits or the name of an enumeration's value", scalar)),
    }
}

pub(super) fn boolean(scalar: &Scalar<'_>) -> Result<bool, Reason> {
    if let Scalar::Bool(value) = scalar { Ok(*value) } else { Err(unexpected("true or false", scalar)) }
}

pub(super) fn string<'s>(scalar: &'s Scalar<'_>) -> Result<&'s str, Reason> {
    if let Scalar::String(text) = scalar { Ok(text) } else { Err(unexpected("a string", scalar)) }
}

/// An id of `length` bytes, or of none for an empty text (JSON-03, JSON-11).
pub(super) fn hex_id(scalar: &Scalar<'_>, length: usize) -> Result<Vec<u8>, Reason> {
    let digits = string(scalar)?.as_bytes();
    if digits.is_empty() {
        return Ok(Vec::new());
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let byte = |pair: &[u8]| Some(value(*pair.first()?)? << 4 | value(*pair.get(1)?)?);
    let id: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    match id {
        Some(id) if id.len() == length => Ok(id),
        Some(_) => Err(format!("expected {} hexadecimal digits, found {}", length * 2, digits.len()).into()),
        None => Err(format!("expected {} hexadecimal digits", length * 2).into()),
    }
}

const LIBERAL: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
static STANDARD_BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LIBERAL);
static URL_SAFE_BASE64: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LIBERAL);

/// Bytes in base64 of either alphabet, padded or not (JSON-04).
pub(super) fn base64(scalar: &Scalar<'_>) -> Result<Vec<u8>, Reason> {
    let text = string(scalar)?;
    let is_url_safe = text.bytes().any(|byte| matches!(byte, b'-' | b'_'));
    let engine = if is_url_safe { &URL_SAFE_BASE64 } else { &STANDARD_BASE64 };
    engine.decode(text).map_err(|error| format!("expected base64: {error}").into())
}

/// The text is telemetry and stays out of the error; what kind of value it is does not.
fn unexpected(expected: &str, found: &Scalar<'_>) -> Reason {
    let found = match found {
        Scalar::Null => "null",
        Scalar::Bool(_) => "a boolean",
        Scalar::Number(_) => "another number",
        Scalar::String(_) => "a string",
    };
    format!("expected {expected}, found {found}").into()
}
