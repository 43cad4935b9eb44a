//! A pull parser of JSON: the caller asks for what it expects and gets it borrowed from the input.
//!
//! Why our own: numbers stay text until the schema says what they are (so 64-bit integers and doubles are exact without
//! changing how the host's `serde_json` works), and nothing is built for members that are skipped. Recursion is the
//! caller's; skipping needs none. Accepts RFC 8259 and nothing else; tested against `serde_json`.

use super::error::{Error, Segment};
use std::borrow::Cow;

pub(crate) struct Parser<'a> {
    text: &'a str,
    at: usize,
}

/// A value that is neither object nor list.
#[derive(Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// The number as it was written.
    Number(&'a str),
    String(Cow<'a, str>),
}

impl<'a> Parser<'a> {
    pub(crate) fn new(json: &'a [u8]) -> Result<Self, Error> {
        match std::str::from_utf8(json) {
            Ok(text) => Ok(Self { text, at: 0 }),
            Err(error) => Err(Error::new(error.valid_up_to(), "the text is not valid UTF-8")),
        }
    }

    /// Makes sure that nothing but white space is left.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("there is more text after the end of the value")),
        }
    }

    /// Where the next value begins, in bytes.
    pub(crate) fn position(&mut self) -> usize {
        self.peek();
        self.at
    }

    pub(crate) fn error(&self, reason: impl Into<Cow<'static, str>>) -> Error {
        Error::new(self.at, reason)
    }

    /// Reads an object; `member` is called with each name and must read, or skip, the value.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.expect(b'{', "an object")?;
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            let name = self.name()?;
            member(self, &name)?;
            if !self.another(b'}')? {
                return Ok(());
            }
        }
    }

    /// Reads a list; `element` is called for each element and must read, or skip, it. Errors tell the index.
    pub(crate) fn list(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.expect(b'[', "a list")?;
        if self.eat(b']') {
            return Ok(());
        }
        for index in 0.. {
            element(self).map_err(|error| error.within(Segment::Index(index)))?;
            if !self.another(b']')? {
                break;
            }
        }
        Ok(())
    }

    pub(crate) fn is_object(&mut self) -> bool {
        self.peek() == Some(b'{')
    }

    pub(crate) fn is_list(&mut self) -> bool {
        self.peek() == Some(b'[')
    }

    /// Reads `null` if it is next.
    pub(crate) fn null(&mut self) -> Result<bool, Error> {
        if self.peek() == Some(b'n') { self.literal("null").map(|()| true) } else { Ok(false) }
    }

    /// Reads a value that is neither object nor list; `expected` is for the error if it is one.
    pub(crate) fn scalar(&mut self, expected: &str) -> Result<Scalar<'a>, Error> {
        match self.peek() {
            Some(b'"') => self.string().map(Scalar::String),
            Some(b't') => self.literal("true").map(|()| Scalar::Bool(true)),
            Some(b'f') => self.literal("false").map(|()| Scalar::Bool(false)),
            Some(b'n') => self.literal("null").map(|()| Scalar::Null),
            Some(b'-' | b'0'..=b'9') => self.number().map(Scalar::Number),
            _ => Err(self.expected(expected)),
        }
    }

    /// Reads a value of any kind and forgets it.
    pub(crate) fn skip(&mut self) -> Result<(), Error> {
        // The brackets that are open; a list, not recursion: how deep the unknown nests must not matter.
        let mut open = Vec::new();
        loop {
            if self.eat(b'{') {
                if !self.eat(b'}') {
                    open.push(b'}');
                    self.name()?;
                    continue;
                }
            } else if self.eat(b'[') {
                if !self.eat(b']') {
                    open.push(b']');
                    continue;
                }
            } else {
                self.scalar("a value")?;
            }
            // A value has ended, and with it all that end here.
            loop {
                let Some(&close) = open.last() else { return Ok(()) };
                if self.another(close)? {
                    if close == b'}' {
                        self.name()?;
                    }
                    break;
                }
                open.pop();
            }
        }
    }

    /// The next byte that is not white space; stays unread.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let blank = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.at += blank;
        rest.get(blank).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8, what: &str) -> Result<(), Error> {
        if self.eat(byte) { Ok(()) } else { Err(self.expected(what)) }
    }

    #[cold]
    pub(crate) fn expected(&mut self, what: &str) -> Error {
        let found = match self.peek() {
            None => "the end of the text",
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "a number",
            Some(b',' | b':' | b'}' | b']') => "punctuation",
            Some(_) => "no JSON",
        };
        self.error(format!("expected {what}, found {found}"))
    }

    /// After a value: whether a comma says that another one follows; otherwise reads the closing bracket.
    fn another(&mut self, close: u8) -> Result<bool, Error> {
        if self.eat(b',') {
            return Ok(true);
        }
        let what = if close == b'}' { "',' or '}'" } else { "',' or ']'" };
        self.expect(close, what).map(|()| false)
    }

    fn name(&mut self) -> Result<Cow<'a, str>, Error> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a member name"));
        }
        let name = self.string()?;
        self.expect(b':', "':'")?;
        Ok(name)
    }

    fn literal(&mut self, literal: &str) -> Result<(), Error> {
        if !self.rest().starts_with(literal) {
            return Err(self.error("no JSON value starts like this"));
        }
        self.at += literal.len();
        Ok(())
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn number(&mut self) -> Result<&'a str, Error> {
        let rest = self.rest();
        let Some(length) = number_length(rest.as_bytes()) else {
            return Err(self.error("malformed number"));
        };
        self.at += length;
        Ok(rest.get(..length).unwrap_or_default())
    }

    /// A string, from its opening quote; borrowed unless it has escapes.
    fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        self.at += 1;
        let mut unescaped = String::new();
        loop {
            let rest = self.rest();
            let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
            let plain = rest.as_bytes().iter().position(is_special).unwrap_or(rest.len());
            let (text, rest) = rest.split_at_checked(plain).unwrap_or_default();
            self.at += plain;
            match rest.as_bytes().first() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(if unescaped.is_empty() { text.into() } else { (unescaped + text).into() });
                }
                Some(b'\\') => {
                    unescaped += text;
                    unescaped.push(self.escape()?);
                }
                Some(_) => return Err(self.error("a control character in a string must be escaped")),
                None => return Err(self.error("a string does not end")),
            }
        }
    }

    /// The character of an escape, from its backslash.
    fn escape(&mut self) -> Result<char, Error> {
        let start = self.at;
        self.at += 2;
        let character = match self.text.as_bytes().get(start + 1) {
            Some(&byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(start),
            _ => return Err(Error::new(start, "unknown escape in a string")),
        };
        Ok(character)
    }

    /// The character of `\uXXXX`, or of two that are a surrogate pair.
    fn unicode_escape(&mut self, start: usize) -> Result<char, Error> {
        let mut code = self.four_digits(start)?;
        if (0xd800..0xdc00).contains(&code) && self.rest().starts_with("\\u") {
            self.at += 2;
            let low = self.four_digits(start)?;
            if (0xdc00..0xe000).contains(&low) {
                code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
            }
        }
        char::from_u32(code).ok_or_else(|| Error::new(start, "a surrogate stands alone in a string"))
    }

    fn four_digits(&mut self, start: usize) -> Result<u32, Error> {
        let digits =
            self.rest().get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        code.ok_or_else(|| Error::new(start, "\\u needs four hexadecimal digits"))
    }
}

/// How long the number at the begin of `text` is; `None` if there is none.
pub(super) fn number_length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let count = text.get(from..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (count > 0).then_some(from + count)
    };
    let start = usize::from(text.first() == Some(&b'-'));
    let mut end = if text.get(start) == Some(&b'0') { start + 1 } else { digits(start)? };
    if text.get(end) == Some(&b'.') {
        end = digits(end + 1)?;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        end = digits(end + 1 + sign)?;
    }
    Some(end)
}

#[cfg(test)]
mod tests;
