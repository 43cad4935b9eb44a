//! What the sink has counted, and its answers on standard output.

use crate::request::Received;
use otlp_peers::{Compression, Malformed, SinkCount, Walker, process};
use std::error::Error;
use std::io::{BufRead, Read};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// What has come since it was asked last.
#[derive(Default)]
pub(crate) struct Books {
    items: u64,
    requests: u64,
    body_bytes: u64,
    compressed: Vec<(Compression, Vec<u8>)>,
}

impl Books {
    /// Enters a request.
    pub(crate) fn enter(books: &Mutex<Self>, received: Received) {
        let mut books = books.lock().unwrap_or_else(PoisonError::into_inner);
        books.items += received.items;
        books.requests += 1;
        books.body_bytes += received.body_bytes;
        books.compressed.extend(received.compressed);
    }
}

/// One line of JSON for each line `count`, until the input closes.
pub(crate) fn answer_counts(books: &Mutex<Books>) -> Result<(), Box<dyn Error>> {
    let mut since = (Instant::now(), cpu_ns()?);
    for line in std::io::stdin().lock().lines() {
        if line?.trim() != "count" {
            return Err("expected the word `count`".into());
        }
        let cpu_ns_now = cpu_ns()?;
        let Books { items, requests, body_bytes, compressed } =
            std::mem::take(&mut *books.lock().unwrap_or_else(PoisonError::into_inner));
        let mut count = SinkCount {
            items,
            requests,
            body_bytes,
            cpu_ns: cpu_ns_now - since.1,
            wall_ns: since.0.elapsed().as_nanos() as u64,
        };
        for (compression, body) in compressed {
            count.items += walk_compressed(compression, &body)?;
        }
        println!("{}", serde_json::to_string(&count)?);
        since = (Instant::now(), cpu_ns()?);
    }
    Ok(())
}

fn cpu_ns() -> Result<u64, Box<dyn Error>> {
    let (user, system) = process::cpu_ns()?;
    Ok(user + system)
}

fn walk_compressed(compression: Compression, body: &[u8]) -> Result<u64, Box<dyn Error>> {
    let mut reader: Box<dyn Read> = match compression {
        Compression::None => Box::new(body),
        Compression::Gzip => Box::new(flate2::read::GzDecoder::new(body)),
        Compression::Zstd => Box::new(zstd::Decoder::new(body)?),
    };
    let (mut walker, mut piece) = (Walker::default(), vec![0; 64 * 1024]);
    loop {
        let length = reader.read(&mut piece)?;
        let malformed = |Malformed| "a compressed body is no OTLP request";
        if length == 0 {
            return Ok(walker.finish().map_err(malformed)?);
        }
        walker.feed(&piece[..length]).map_err(malformed)?;
    }
}
