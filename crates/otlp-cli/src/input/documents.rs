//! JSON documents that follow each other: lines, or texts with line breaks inside, told apart by their braces.
//!
//! Used for OTLP/JSON input. Knows of JSON only where an object ends and what its members are called; whether it is right, its
//! reader says.

use std::io::{self, BufRead};

/// The documents of a reader, each with the offset of its first byte.
pub(crate) struct Documents<R> {
    reader: R,
    offset: u64,
}

/// Where in a document the next byte is.
#[derive(Default)]
struct Place {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Place {
    /// Whether `byte` ends the document.
    fn ends(&mut self, byte: u8) -> bool {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

/// The names of a document's own members, as they are written.
pub(crate) fn members(document: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut place, mut begun, mut before) = (Place::default(), None, b' ');
    document.iter().enumerate().filter_map(move |(at, byte)| {
        let was_in_string = place.in_string;
        place.ends(*byte);
        if place.depth == 1 && place.in_string != was_in_string {
            // What follows a colon is no name.
            if !was_in_string {
                begun = matches!(before, b'{' | b',').then_some(at + 1);
            } else if let Some(name) = begun.take() {
                return document.get(name..at);
            }
        }
        if !byte.is_ascii_whitespace() && !was_in_string {
            before = *byte;
        }
        None
    })
}

impl<R: BufRead> Documents<R> {
    /// `offset` is that of the reader's first byte.
    pub(crate) fn new(reader: R, offset: u64) -> Self {
        Self { reader, offset }
    }

    fn document(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        self.skip_blanks()?;
        let (start, mut document, mut place) = (self.offset, Vec::new(), Place::default());
        loop {
            let bytes = self.reader.fill_buf()?;
            if bytes.is_empty() {
                // Also one that is cut off: its reader says what is missing.
                return Ok((!document.is_empty()).then_some((start, document)));
            }
            if document.is_empty() && bytes.first() != Some(&b'{') {
                let what = format!("at byte {start}: expected an object, which begins with {{");
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            let end = bytes.iter().position(|byte| place.ends(*byte)).map(|at| at + 1);
            let taken = end.unwrap_or(bytes.len());
            document.extend_from_slice(bytes.get(..taken).unwrap_or_default());
            self.consume(taken);
            if end.is_some() {
                return Ok(Some((start, document)));
            }
            if document.len() as u64 > super::MAX_DOCUMENT {
                return Err(super::too_large());
            }
        }
    }

    fn skip_blanks(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.reader.fill_buf()?;
            let blanks = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let more = blanks == bytes.len() && blanks > 0;
            self.consume(blanks);
            if !more {
                return Ok(());
            }
        }
    }

    fn consume(&mut self, bytes: usize) {
        self.reader.consume(bytes);
        self.offset += bytes as u64;
    }
}

impl<R: BufRead> Iterator for Documents<R> {
    type Item = io::Result<(u64, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.document().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, buffer: usize) -> Vec<(u64, String)> {
        let reader = io::BufReader::with_capacity(buffer, text.as_bytes());
        Documents::new(reader, 0)
            .map(|document| document.map(|(at, bytes)| (at, String::from_utf8(bytes).unwrap())).unwrap())
            .collect()
    }

    #[test]
    fn braces_and_not_lines_part_documents() {
        let text = "{\"a\":1}\n\n {\n \"b\": [{\"}\\\"\": \"{\"}]\n}{} {\"cut";
        for buffer in [1, 3, 1024] {
            let documents = split(text, buffer);
            let expected =
                [(0, "{\"a\":1}"), (10, "{\n \"b\": [{\"}\\\"\": \"{\"}]\n}"), (34, "{}"), (37, "{\"cut")];
            assert_eq!(documents, expected.map(|(at, text)| (at, text.to_owned())), "{buffer}");
        }
        assert!(split(" \n ", 2).is_empty());
    }

    #[test]
    fn members_are_those_of_the_document_alone() {
        let text = r#"{"a":"b", "c" : [{"d":1},"e","f"],"g":{"h":2,"i":"j"},"k\"l,":",\"","m":3}"#;
        let names: Vec<&[u8]> = members(text.as_bytes()).collect();
        assert_eq!(names, [&b"a"[..], b"c", b"g", br#"k\"l,"#, b"m"]);
        assert_eq!(members(b" { } ").count(), 0);
    }

    #[test]
    fn what_is_no_object_is_named_with_its_place() {
        let mut documents = Documents::new(&b"{} x"[..], 0);
        assert!(documents.next().unwrap().is_ok());
        let error = documents.next().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "at byte 3: expected an object, which begins with {");
    }
}
