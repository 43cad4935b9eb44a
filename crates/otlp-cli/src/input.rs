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
        let (head, rest) = peek(uncompressed(reader)?)?;
        let is_json = head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        let mut reader: Box<dyn BufRead> = Box::new(BufReader::new(io::Cursor::new(head).chain(rest)));
        if is_json {
            return Ok(Self::Json(Documents::new(reader)));
        }
        let mut bytes = Vec::new();
        reader.by_ref().take(MAX_DOCUMENT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_DOCUMENT {
            return Err(too_large());
        }
        Ok(Self::Protobuf(frames::messages(&bytes, MAX_DOCUMENT)?.into()))
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
