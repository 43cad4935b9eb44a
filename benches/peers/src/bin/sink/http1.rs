//! HTTP/1.1: one request after the other, with a length or in chunks.

use crate::books::Books;
use crate::input::Input;
use crate::refused;
use crate::request::{Body, Head, Path};
use crate::source::Source;
use std::io::{self, Write};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// The longest head of a request, and line of a chunk.
const MAX_HEAD: usize = 16 * 1024;

/// How long a body is.
enum Length {
    Known(usize),
    Chunked,
}

/// Answers requests until the client closes the connection.
pub(crate) fn serve<R: Source>(
    mut input: Input<R>,
    mut output: impl Write,
    books: &Mutex<Books>,
    delay: Duration,
) -> io::Result<()> {
    while let Some(text) = read_until(&mut input, b"\r\n\r\n")? {
        let (head, length) = parse(&text)?;
        let mut body = head.body();
        match length {
            Length::Known(length) => input.pieces(length, |piece| body.feed(piece))?,
            Length::Chunked => chunks(&mut input, &mut body)?,
        }
        let received = body.finish();
        let status = match &received {
            _ if head.path == Path::Unknown => "404 Not Found",
            Some(_) => "200 OK",
            None => "400 Bad Request",
        };
        if let Some(received) = received {
            Books::enter(books, received);
        }
        if !delay.is_zero() {
            thread::sleep(delay);
        }
        // Full success is an empty message, in which a partial success is not set.
        let answer =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n");
        output.write_all(answer.as_bytes())?;
    }
    Ok(())
}

/// The bytes before `end`, which is passed over, too; `None` when the stream ends here.
fn read_until<R: Source>(input: &mut Input<R>, end: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut shown = input.at_least(end.len())?;
    loop {
        if let Some(at) = shown.windows(end.len()).position(|window| window == end) {
            let text = shown[..at].to_vec();
            input.pass(at + end.len());
            return Ok(Some(text));
        }
        let known = shown.len();
        if known == 0 {
            return Ok(None);
        }
        if known > MAX_HEAD {
            return Err(refused("a head that is too long"));
        }
        shown = input.more()?;
        if shown.len() == known {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn parse(text: &[u8]) -> io::Result<(Head, Length)> {
    let text = std::str::from_utf8(text).map_err(|_| refused("a head that is no text"))?;
    let mut lines = text.split("\r\n");
    let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, path, "HTTP/1.1"] = words[..] else { return Err(refused("no HTTP/1.1")) };
    let mut head = Head::default();
    head.set_method(method.as_bytes());
    head.set_path(path.as_bytes());
    let mut length = Length::Known(0);
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(|| refused("a header without a colon"))?;
        let (name, value) = (name.to_ascii_lowercase(), value.trim());
        match name.as_str() {
            "content-length" => {
                length = Length::Known(value.parse().map_err(|_| refused("a length that is no number"))?);
            }
            "transfer-encoding" if value == "chunked" => length = Length::Chunked,
            "transfer-encoding" | "expect" | "upgrade" => {
                return Err(refused("a header not understood here"));
            }
            name => head.header(name.as_bytes(), value.as_bytes()),
        }
    }
    Ok((head, length))
}

fn chunks<R: Source>(input: &mut Input<R>, body: &mut Body) -> io::Result<()> {
    loop {
        let line = read_until(input, b"\r\n")?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let length = std::str::from_utf8(&line).ok().and_then(|line| usize::from_str_radix(line, 16).ok());
        let length = length.ok_or_else(|| refused("a chunk without a length"))?;
        input.pieces(length, |piece| body.feed(piece))?;
        // Trailers are not understood.
        if input.take(2)?.as_deref() != Some(b"\r\n") {
            return Err(refused("a chunk without an end"));
        }
        if length == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(requests: &[u8]) -> (String, io::Result<()>) {
        let mut output = Vec::new();
        let books = Mutex::new(Books::default());
        let result = serve(Input::new(requests), &mut output, &books, Duration::ZERO);
        let text = String::from_utf8(output).unwrap();
        let words: Vec<&str> = text.lines().filter(|line| line.starts_with("HTTP/1.1 ")).collect();
        (words.iter().map(|line| &line[9..12]).collect::<Vec<_>>().join(" "), result)
    }

    #[test]
    fn requests_follow_each_other_on_one_connection() {
        let empty = "POST /v1/traces HTTP/1.1\r\nContent-Length: 2\r\n\r\n\x0a\0";
        let chunked =
            "POST /v1/logs HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\n\x0a\r\n1\r\n\0\r\n0\r\n\r\n";
        let wrong = "POST /v1/logs HTTP/1.1\r\ncontent-length: 1\r\n\r\n\x0a";
        let lost = "GET /metrics HTTP/1.1\r\n\r\n";
        let (statuses, end) = answers([empty, chunked, wrong, lost, chunked].concat().as_bytes());
        assert_eq!(statuses, "200 200 400 404 200");
        assert!(end.is_ok());
    }

    #[test]
    fn what_is_not_understood_ends_the_connection() {
        let head = "POST /v1/traces HTTP/1.1\r\n";
        for rest in [
            "expect: 100-continue\r\n\r\n",
            "content-length: x\r\n\r\n",
            "content-length: 9\r\n\r\nshort",
            "",
        ] {
            let (statuses, end) = answers(format!("{head}{rest}").as_bytes());
            assert!(statuses.is_empty() && end.is_err(), "{rest}");
        }
    }
}
