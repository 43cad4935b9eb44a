//! The algorithms: gzip by zlib-rs through flate2, zstd by the C library; each behind its feature.
//!
//! Used by the compressor only.

use super::Compression;

/// One algorithm with its working memory.
pub(super) trait Codec: Send {
    /// Writes `body`, compressed and complete, into `output`, which is empty.
    fn write(&mut self, body: &[u8], output: &mut Vec<u8>) -> Result<(), String>;
}

/// The algorithm of `compression`; `None` if this build has none.
pub(super) fn of(compression: Compression, level: u32) -> Option<Result<Box<dyn Codec>, String>> {
    match (compression, level) {
        #[cfg(feature = "gzip")]
        (Compression::Gzip, level) => {
            // 15 bits: the largest window, which every gzip decoder has to support.
            let gzip = flate2::Compress::new_gzip(flate2::Compression::new(level), 15);
            Some(Ok(Box::new(gzip)))
        }
        #[cfg(feature = "zstd")]
        (Compression::Zstd, level) => {
            let zstd = zstd(i32::try_from(level).unwrap_or(i32::MAX));
            Some(zstd.map(|zstd| Box::new(zstd) as Box<dyn Codec>).map_err(|error| error.to_string()))
        }
        _ => None,
    }
}

/// Without a checksum: the connection has its own.
#[cfg(feature = "zstd")]
fn zstd(level: i32) -> std::io::Result<zstd::bulk::Compressor<'static>> {
    let mut zstd = zstd::bulk::Compressor::new(level)?;
    if level == 1 {
        // For bodies of more than 256 KiB level 1 has a hash table of 64 KiB, more than fits into the first cache. Half
        // of it finds as much in telemetry, in four fifths of the time.
        zstd.set_parameter(zstd::zstd_safe::CParameter::HashLog(13))?;
    }
    Ok(zstd)
}

#[cfg(feature = "gzip")]
impl Codec for flate2::Compress {
    fn write(&mut self, body: &[u8], output: &mut Vec<u8>) -> Result<(), String> {
        /// What telemetry commonly shrinks to at most, so that one reservation is commonly enough.
        const EXPECTED_RATIO: usize = 4;

        self.reset();
        let mut rest = body;
        loop {
            output.reserve((rest.len() / EXPECTED_RATIO).max(1024));
            let before = (self.total_in(), self.total_out());
            let status = self
                .compress_vec(rest, output, flate2::FlushCompress::Finish)
                .map_err(|error| error.to_string())?;
            if status == flate2::Status::StreamEnd {
                return Ok(());
            }
            // There is room for output, and input or a trailer to write.
            if (self.total_in(), self.total_out()) == before {
                return Err("the compressor made no progress".to_owned());
            }
            let consumed = usize::try_from(self.total_in() - before.0).unwrap_or(rest.len());
            rest = rest.get(consumed..).unwrap_or_default();
        }
    }
}

#[cfg(feature = "zstd")]
impl Codec for zstd::bulk::Compressor<'static> {
    fn write(&mut self, body: &[u8], output: &mut Vec<u8>) -> Result<(), String> {
        // A frame is written into the spare capacity, and never grows it.
        output.reserve(zstd::zstd_safe::compress_bound(body.len()));
        self.compress_to_buffer(body, output).map(drop).map_err(|error| error.to_string())
    }
}
