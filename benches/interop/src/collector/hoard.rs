//! Uploads to the Collector that do not come to their end: what it has read of them it keeps, until they are broken off.
//!
//! Used where it has to be short of memory for as long as we like, and no longer.

use crate::Failure;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

const MIB: usize = 1 << 20;
/// Of each, in MiB: what the Collector takes at most is 20.
const LENGTH: usize = 19;
/// For a piece of one, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// Requests in which the last byte is missing. Dropping them breaks them off.
pub(super) struct Hoard(Vec<TcpStream>);

impl Hoard {
    /// Has `endpoint`, of OTLP/HTTP in clear text, hold more than so many MiB.
    pub(super) fn of(mib: usize, endpoint: &str) -> Result<Self, Failure> {
        let address = endpoint.trim_start_matches("http://");
        let piece = vec![0; MIB];
        let mut uploads = Vec::new();
        for _ in 0..=mib / LENGTH {
            let mut upload = TcpStream::connect(address)?;
            upload.set_write_timeout(Some(PATIENCE))?;
            write!(
                upload,
                "POST /v1/logs HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
                LENGTH * MIB
            )?;
            for _ in 1..LENGTH {
                upload.write_all(&piece)?;
            }
            upload.write_all(&piece[1..])?;
            uploads.push(upload);
        }
        Ok(Self(uploads))
    }

    /// How many MiB it is, rounded down.
    pub(super) fn mib(&self) -> usize {
        self.0.len() * LENGTH - 1
    }
}
