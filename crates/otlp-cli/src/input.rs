//! OTLP from a file or from standard input, whatever its form, as a stream of requests in protobuf.
//!
//! Used by `decode` and `send`. Reads no more than it has to: JSON is given on document by document, so that a pipe that
//! never ends can be followed. Never guesses: what can't be told is an error that says how to tell.

mod documents;
mod frames;
mod signal;

use crate::exit::Trouble;
use clap::Args;
pub(crate) use signal::parse as parse_signal;

use documents::Documents;
use otlp_model::{Signal, json};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// The most that one document may take, in bytes after decompression: 1 GiB. A few bytes of gzip can become any number.
pub(crate) const MAX_DOCUMENT: u64 = 1 << 30;

/// What some editors put before text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The most blanks before JSON, in bytes.
const MOST_BLANKS: usize = 1 << 20;

/// What is read.
#[derive(Args)]
pub(crate) struct Input {
    /// Of which signal requests in protobuf are that do not show it: those without a span, data point or log record.
    #[arg(long, value_parser = parse_signal, value_name = "traces|metrics|logs")]
    pub(crate) signal: Option<Signal>,
}

/// One request: an `Export…ServiceRequest` in protobuf.
#[derive(Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) signal: Signal,
    pub(crate) protobuf: Vec<u8>,
}

/// The requests of one file.
pub(crate) struct Requests {
    name: String,
    signal: Option<Signal>,
    source: Source,
    ready: VecDeque<Request>,
    number: u64,
}

enum Source {
    Json(Documents<Box<dyn BufRead>>),
    Protobuf(VecDeque<(u64, Vec<u8>)>),
}

impl Requests {
    /// Opens `path`; `-` is standard input.
    pub(crate) fn open(path: &Path, input: &Input) -> Result<Self, Trouble> {
        Self::read(name(path), file(path)?, input.signal)
    }

    /// The requests that `reader` has; errors begin with `name`.
    pub(crate) fn read(
        name: String,
        reader: impl Read + 'static,
        signal: Option<Signal>,
    ) -> Result<Self, Trouble> {
        let source = Source::of(Box::new(reader)).map_err(|error| failed(&name, &error))?;
        Ok(Self { name, signal, source, ready: VecDeque::new(), number: 0 })
    }

    /// The requests of the next document; none when there is none.
    fn document(&mut self) -> Option<Result<Vec<Request>, String>> {
        let (offset, requests) = match &mut self.source {
            Source::Json(documents) => match documents.next()? {
                Ok((offset, text)) => (offset, of_json(&text, self.signal)),
                Err(error) => return Some(Err(error.to_string())),
            },
            Source::Protobuf(messages) => {
                let (offset, message) = messages.pop_front()?;
                (offset, of_protobuf(message, self.signal))
            }
        };
        self.number += 1;
        let number = self.number;
        Some(requests.map_err(|(at, reason)| {
            // What the reason says of bytes it counts from where the document begins.
            let document = if offset == 0 { String::new() } else { format!("document {number}: ") };
            format!("at byte {}: {document}{reason}", offset + at as u64)
        }))
    }
}

impl Iterator for Requests {
    type Item = Result<Request, Trouble>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() {
            match self.document()? {
                Ok(requests) => self.ready.extend(requests),
                Err(reason) => return Some(Err(Trouble::Failed(format!("{}: {reason}", self.name)))),
            }
        }
        self.ready.pop_front().map(Ok)
    }
}

impl Source {
    fn of(reader: Box<dyn Read>) -> io::Result<Self> {
        let mut rest = uncompressed(reader)?;
        let (mut head, mut more, mut is_json) = (Vec::new(), [0; 4096], None);
        while is_json.is_none() && head.len() < MOST_BLANKS {
            let read = match rest.read(&mut more) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            head.extend_from_slice(more.get(..read).unwrap_or_default());
            is_json = if read == 0 { Some(false) } else { begins_json(&head) };
        }
        let text = without_mark(&head);
        let mark = (head.len() - text.len()) as u64;
        if is_json == Some(true) {
            let text = io::Cursor::new(text.to_vec()).chain(rest);
            return Ok(Self::Json(Documents::new(Box::new(BufReader::new(text)), mark)));
        }
        let mut reader = io::Cursor::new(head).chain(rest);
        let mut bytes = Vec::new();
        reader.by_ref().take(MAX_DOCUMENT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_DOCUMENT {
            return Err(too_large());
        }
        Ok(Self::Protobuf(frames::messages(&bytes, MAX_DOCUMENT)?.into()))
    }
}

fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Whether what begins like this is JSON; `None` as long as either is possible.
fn begins_json(head: &[u8]) -> Option<bool> {
    if head.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(head) {
        return None;
    }
    let object = match without_mark(head).trim_ascii_start() {
        [] => return None,
        [b'{', object @ ..] => object.trim_ascii_start(),
        _ => return Some(false),
    };
    // A request in protobuf begins with what is a line break in text, and the length behind it may be what is a brace there.
    // What then looks like a blank or a quote is a tag, and a length, and then comes a tag, which no text has.
    if !head.starts_with(b"\n") {
        return Some(true);
    }
    match object {
        [] | [b'"'] => None,
        [b'"', next, ..] => Some(!next.is_ascii_control()),
        [next, ..] => Some(*next == b'}'),
    }
}

/// The content, if it is compressed as a whole.
fn uncompressed(reader: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    let (head, rest) = peek(reader)?;
    let compressed = frames::compression(&head);
    let whole: Box<dyn Read> = Box::new(io::Cursor::new(head).chain(rest));
    frames::decompressing(whole, compressed)
}

/// The first bytes, as many as tell one form from the other, and what comes after them.
fn peek(mut reader: Box<dyn Read>) -> io::Result<(Vec<u8>, Box<dyn Read>)> {
    let mut head = Vec::new();
    reader.by_ref().take(16).read_to_end(&mut head)?;
    Ok((head, reader))
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "one document is larger than 1 GiB")
}

fn failed(name: &str, error: &io::Error) -> Trouble {
    Trouble::Failed(format!("{name}: {error}"))
}

/// What an OTLP/JSON document has one of, in the two ways to write it that are read.
const MEMBERS: [&str; 6] = [
    "resourceSpans",
    "resourceMetrics",
    "resourceLogs",
    "resource_spans",
    "resource_metrics",
    "resource_logs",
];

/// The requests of a JSON document: of more than one signal only where somebody has put them together.
fn of_json(text: &[u8], signal: Option<Signal>) -> Result<Vec<Request>, (usize, String)> {
    let signals: Vec<Signal> = signal.map_or(Signal::ALL.to_vec(), |signal| vec![signal]);
    let mut requests = Vec::new();
    for signal in signals {
        // Members of other signals are unknown to this one, and skipped.
        let protobuf =
            json::request_from_json(signal, text).map_err(|error| (error.offset(), error.to_string()))?;
        if !protobuf.is_empty() {
            requests.push(Request { signal, protobuf });
        }
    }
    // An object without members is a request for nothing.
    let mut names = documents::members(text).peekable();
    let is_known = |name: &[u8]| MEMBERS.iter().any(|member| member.as_bytes() == name);
    if requests.is_empty() && names.peek().is_some() && !names.any(is_known) {
        let reason = "has none of resourceSpans, resourceMetrics and resourceLogs; is this OTLP?";
        return Err((0, reason.to_owned()));
    }
    Ok(requests)
}

fn of_protobuf(protobuf: Vec<u8>, signal: Option<Signal>) -> Result<Vec<Request>, (usize, String)> {
    if protobuf.is_empty() {
        return Ok(Vec::new());
    }
    let signal = match signal {
        Some(signal) => signal,
        None => signal::of(&protobuf)?,
    };
    Ok(vec![Request { signal, protobuf }])
}

/// The content of `path`; of `-` that of standard input.
pub(crate) fn file(path: &Path) -> Result<Box<dyn Read>, Trouble> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(path).map_err(|error| failed(&name(path), &error))?;
    Ok(Box::new(file))
}

/// How errors call `path`.
pub(crate) fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// Where the input is, for the command line.
pub(crate) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("names no file".to_owned()) } else { Ok(text.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_from_protobuf_by_how_it_begins() {
        for (head, is_json) in [
            (&b""[..], None),
            (b"\xef\xbb", None),
            (b" \r\n ", None),
            (b"\n{ ", None),
            (b"\n{\"", None),
            (b"{", Some(true)),
            (b"\xef\xbb\xbf\n{", Some(true)),
            (b"\n\n {}", Some(true)),
            (b"\n{\n\"resourceSpans\"", Some(true)),
            (b"\x0a\x02\x0a\x00", Some(false)),
            // A group of 123 bytes with a schema, with scopes, with a resource of 8, 32 and 34 bytes.
            (b"\x0a\x7b\x1a\x79", Some(false)),
            (b"\x0a\x7b\x12\x79", Some(false)),
            (b"\x0a\x7b\x0a\x08", Some(false)),
            (b"\x0a\x7b\x0a\x20\x0a\x1e\x0a\x0c\x73", Some(false)),
            (b"\x0a\x7b\x0a\x22\x0a", Some(false)),
            (b"\x1f\x8b", Some(false)),
        ] {
            assert_eq!(begins_json(head), is_json, "{head:02x?}");
        }
    }

    #[test]
    fn blanks_and_a_mark_may_stand_before_json() {
        let json = "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{}]}]}]}\n";
        for before in ["", "\u{feff}", &" ".repeat(10_000), "\u{feff}\r\n                    "] {
            let text = format!("{before}{json}{json}");
            let read = Requests::read("it".to_owned(), io::Cursor::new(text.into_bytes()), None).unwrap();
            let signals: Vec<Signal> = read.map(|request| request.unwrap().signal).collect();
            assert_eq!(signals, [Signal::Logs; 2], "{before:?}");
        }
        let read = Requests::read("it".to_owned(), &b"\xef\xbb\xbf {\"resourceLogs\":7}"[..], None);
        let Err(Trouble::Failed(text)) = read.unwrap().next().unwrap() else { panic!("it is no request") };
        assert!(text.starts_with("it: at byte 20: "), "{text}");
    }
}
