//! The receiver of the comparison: it answers as an OpenTelemetry Collector would, and counts.
//!
//! `sink [--answer-after-ms N]` binds a port of 127.0.0.1 that the system chooses, prints `127.0.0.1:PORT`, and serves
//! OTLP/gRPC (HTTP/2 with prior knowledge) and OTLP/HTTP there. For each line `count` on its standard input it prints a
//! [`SinkCount`](otlp_peers::SinkCount) as one line of JSON and starts again from zero. It ends when its standard input
//! closes. A request is answered after N milliseconds; default 0: at once.
//!
//! It must cost little, or the receiver would be measured: a thread for each connection reads the socket in large pieces
//! and takes them apart in place. Plain bodies are walked as they arrive, without collecting them. Compressed bodies are kept
//! as they came and walked when the count is asked for, so that decompression is not in the time that is measured. It never
//! decodes an item. To a client it looks as a server of hyper, as most Rust servers are, with HTTP/2 windows of 2 MiB per
//! stream and connection, where hyper's default is one, because up to half a window is waited for; they are given back when half
//! is used. Frames of 16 KiB, 200 streams; `TCP_NODELAY` is set, as by tonic and Go.
//!
//! Not for any other use: whatever the clients compared do not send, it refuses by closing the connection.

mod books;
mod http1;
mod http2;
mod input;
mod request;
mod source;

use books::Books;
use input::Input;
use std::error::Error;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let delay = match &arguments[..] {
        [] => Duration::ZERO,
        [option, delay] if option == "--answer-after-ms" => Duration::from_millis(delay.parse()?),
        _ => return Err("usage: sink [--answer-after-ms N]".into()),
    };
    let books = Arc::new(Mutex::new(Books::default()));
    let served = Arc::clone(&books);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    source::make_room(&listener)?;
    println!("{}", listener.local_addr()?);
    thread::spawn(move || accept(&listener, &served, delay));
    books::answer_counts(&books)
}

fn accept(listener: &TcpListener, books: &Arc<Mutex<Books>>, delay: Duration) {
    for stream in listener.incoming().flatten() {
        let books = Arc::clone(books);
        thread::spawn(move || {
            // A connection that breaks is the client's affair: what it did not send is not counted.
            if let Err(error) = serve(stream, &books, delay)
                && error.kind() == io::ErrorKind::InvalidData
            {
                eprintln!("sink: {error}");
            }
        });
    }
}

fn serve(stream: TcpStream, books: &Mutex<Books>, delay: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let output = stream.try_clone()?;
    let mut input = Input::new(stream);
    // No method of HTTP/1.1 that is answered here begins like that.
    if input.at_least(http2::PREFACE.len())?.starts_with(b"PRI") {
        http2::serve(input, output, books, delay)
    } else {
        http1::serve(input, output, books, delay)
    }
}

/// The peer sent what this receiver does not take.
fn refused(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
