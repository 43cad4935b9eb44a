//! HTTP/2 with prior knowledge: as much of RFC 9113 as clients need that only send requests.
//!
//! One thread reads the frames. Answers that wait are written by a second one, so that the first can go on.

mod answer;
mod output;

use crate::books::Books;
use crate::input::{self, Input};
use crate::refused;
use crate::request::{Body, Head, Path};
use crate::source::Source;
use answer::Answer;
use httlib_hpack::Decoder;
use output::Output;
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// What a connection begins with.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The longest payload of a frame.
const MAX_FRAME: usize = 16 * 1024;
/// What a client may send of a stream, and of all, before it is allowed more.
const WINDOW: u32 = 2 * 1024 * 1024;
// Half a window may have come and not be given back: what is waited for has to fit in the other.
const _: () = assert!(input::SIZE < WINDOW as usize / 2);
/// What every client may send before it has been told anything.
const FIRST_WINDOW: u32 = 65_535;

mod kind {
    pub(super) const DATA: u8 = 0;
    pub(super) const HEADERS: u8 = 1;
    pub(super) const RESET: u8 = 3;
    pub(super) const SETTINGS: u8 = 4;
    pub(super) const PING: u8 = 6;
    pub(super) const WINDOW_UPDATE: u8 = 8;
    pub(super) const CONTINUATION: u8 = 9;
}

mod flag {
    pub(super) const END_STREAM: u8 = 1;
    pub(super) const ACK: u8 = 1;
    pub(super) const END_HEADERS: u8 = 4;
    pub(super) const PADDED: u8 = 8;
    pub(super) const PRIORITY: u8 = 32;
}

/// The head of a frame.
struct Frame {
    length: usize,
    kind: u8,
    flags: u8,
    stream: u32,
}

impl Frame {
    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// A request on its way.
struct Stream {
    path: Path,
    body: Body,
    /// Bytes that came and that the client was not yet told to have room again for.
    used: u32,
}

/// The reading side of a connection.
struct Reader<'a, R, W> {
    input: Input<R>,
    output: Arc<Mutex<Output<W>>>,
    headers: Decoder<'static>,
    streams: HashMap<u32, Stream>,
    used: u32,
    books: &'a Mutex<Books>,
    later: Option<(Duration, mpsc::Sender<(Instant, Answer)>)>,
}

/// Answers requests until the client closes the connection.
pub(crate) fn serve<R: Source, W: Write + Send + 'static>(
    mut input: Input<R>,
    output: W,
    books: &Mutex<Books>,
    delay: Duration,
) -> io::Result<()> {
    if input.take(PREFACE.len())?.as_deref() != Some(PREFACE) {
        return Err(refused("no preface of HTTP/2"));
    }
    let mut output = Output::new(output);
    output.write(&greeting())?;
    let output = Arc::new(Mutex::new(output));
    let later = (!delay.is_zero()).then(|| (delay, answer_later(Arc::clone(&output))));
    let headers = Decoder::default();
    let mut reader = Reader { input, output, headers, streams: HashMap::new(), used: 0, books, later };
    while reader.frame()? {}
    Ok(())
}

/// The settings, and a larger window for the connection.
fn greeting() -> Vec<u8> {
    let settings = [(3u16, 200), (4, WINDOW), (6, 16 * 1024)];
    let payload: Vec<u8> = settings
        .iter()
        .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
        .collect();
    let mut greeting = output::frame(kind::SETTINGS, 0, 0, &payload);
    greeting.extend(window_update(0, WINDOW - FIRST_WINDOW));
    greeting
}

fn window_update(stream: u32, by: u32) -> Vec<u8> {
    output::frame(kind::WINDOW_UPDATE, 0, stream, &by.to_be_bytes())
}

/// Writes each answer when its time has come. All wait equally long, so the first is always the next.
fn answer_later<W: Write + Send + 'static>(output: Arc<Mutex<Output<W>>>) -> mpsc::Sender<(Instant, Answer)> {
    let (sender, answers) = mpsc::channel::<(Instant, Answer)>();
    thread::spawn(move || {
        for (at, answer) in answers {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            // If nobody can be told any more, the reader notices, too.
            let _ = output::lock(&output).answer(&answer);
        }
    });
    sender
}

impl<R: Source, W: Write> Reader<'_, R, W> {
    /// Reads one frame and does what it says; `false` at the end of the connection.
    fn frame(&mut self) -> io::Result<bool> {
        let Some(frame) = self.next_frame()? else { return Ok(false) };
        if frame.kind == kind::DATA {
            self.data(&frame)?;
            return Ok(true);
        }
        let payload = self.payload(&frame)?;
        match frame.kind {
            kind::HEADERS => self.headers(&frame, payload)?,
            kind::CONTINUATION => return Err(refused("a header block that goes on without having begun")),
            kind::SETTINGS if !frame.has(flag::ACK) => {
                output::lock(&self.output).write(&output::frame(kind::SETTINGS, flag::ACK, 0, &[]))?;
            }
            kind::PING if !frame.has(flag::ACK) => {
                output::lock(&self.output).write(&output::frame(kind::PING, flag::ACK, 0, &payload))?;
            }
            kind::WINDOW_UPDATE if frame.stream == 0 => {
                let word =
                    payload.first_chunk().ok_or_else(|| refused("a window update of the wrong size"))?;
                output::lock(&self.output).widen(u32::from_be_bytes(*word))?;
            }
            kind::RESET => drop(self.streams.remove(&frame.stream)),
            // Priorities, farewells, windows of streams (an answer is smaller than any), and what may be invented.
            _ => {}
        }
        Ok(true)
    }

    fn next_frame(&mut self) -> io::Result<Option<Frame>> {
        let shown = self.input.at_least(9)?;
        let Some(&[l1, l2, l3, kind, flags, s1, s2, s3, s4]) = shown.first_chunk() else {
            return if shown.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        };
        self.input.pass(9);
        let length = u32::from_be_bytes([0, l1, l2, l3]) as usize;
        if length > MAX_FRAME {
            return Err(refused("a frame that is too large"));
        }
        Ok(Some(Frame { length, kind, flags, stream: u32::from_be_bytes([s1 & 0x7f, s2, s3, s4]) }))
    }

    fn payload(&mut self, frame: &Frame) -> io::Result<Vec<u8>> {
        self.input.take(frame.length)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn data(&mut self, frame: &Frame) -> io::Result<()> {
        let (mut length, mut padding) = (frame.length, 0);
        if frame.has(flag::PADDED) {
            padding = match self.input.take(1)?.as_deref() {
                Some([padding]) if usize::from(*padding) < length => usize::from(*padding),
                _ => return Err(refused("more padding than payload")),
            };
            length -= 1 + padding;
        }
        let mut stream = self.streams.get_mut(&frame.stream);
        // A stream that was reset is not known any more.
        self.input.pieces(length, |piece| {
            if let Some(stream) = &mut stream {
                stream.body.feed(piece);
            }
        })?;
        self.input.pieces(padding, |_| {})?;
        let end = frame.has(flag::END_STREAM);
        let mut updates = Vec::new();
        if let Some(stream) = stream {
            stream.used += frame.length as u32;
            if stream.used >= WINDOW / 2 && !end {
                updates.extend(window_update(frame.stream, std::mem::take(&mut stream.used)));
            }
            // The windows allow for more than is waited for.
            self.input.promise(if end { 0 } else { stream.body.rest() });
        }
        self.used += frame.length as u32;
        if self.used >= WINDOW / 2 {
            updates.extend(window_update(0, std::mem::take(&mut self.used)));
        }
        if !updates.is_empty() {
            output::lock(&self.output).write(&updates)?;
        }
        if end { self.end(frame.stream) } else { Ok(()) }
    }

    /// Begins a request, or ends one whose trailers these are.
    fn headers(&mut self, frame: &Frame, payload: Vec<u8>) -> io::Result<()> {
        let mut block = payload;
        if frame.has(flag::PADDED) {
            let padding = block.first().copied().map_or(0, usize::from);
            let end = block.len().checked_sub(padding).filter(|&end| end > 0);
            block.truncate(end.ok_or_else(|| refused("more padding than payload"))?);
            block.remove(0);
        }
        if frame.has(flag::PRIORITY) {
            block.drain(..block.len().min(5));
        }
        let mut ended = frame.has(flag::END_HEADERS);
        while !ended {
            let next = self.next_frame()?.filter(|next| next.kind == kind::CONTINUATION);
            let next = next.ok_or_else(|| refused("a header block that was not ended"))?;
            block.extend(self.payload(&next)?);
            ended = next.has(flag::END_HEADERS);
        }
        let mut head = Head::default();
        let mut fields = Vec::new();
        let decoded = self.headers.decode(&mut block, &mut fields);
        decoded.map_err(|error| refused(&format!("a header block: {error:?}")))?;
        for (name, value, _) in &fields {
            match &name[..] {
                b":method" => head.set_method(value),
                b":path" => head.set_path(value),
                name => head.header(name, value),
            }
        }
        let fresh = || Stream { path: head.path, body: head.body(), used: 0 };
        self.streams.entry(frame.stream).or_insert_with(fresh);
        if frame.has(flag::END_STREAM) { self.end(frame.stream) } else { Ok(()) }
    }

    /// A request is complete.
    fn end(&mut self, id: u32) -> io::Result<()> {
        let Some(Stream { path, body, .. }) = self.streams.remove(&id) else { return Ok(()) };
        let received = body.finish();
        let answer = Answer::new(id, path, received.is_some());
        if let Some(received) = received {
            Books::enter(self.books, received);
        }
        match &self.later {
            None => output::lock(&self.output).answer(&answer),
            Some((delay, later)) => {
                // The thread behind it lives as long as this sender.
                let _ = later.send((Instant::now() + *delay, answer));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
