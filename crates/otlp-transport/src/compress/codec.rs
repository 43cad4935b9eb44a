//! The algorithms: gzip by zlib-rs through flate2, zstd by the C library; each behind its feature.
//!
//! Used by the compressor only.

use super::Compression;

/// The last slice of a body without any.
#[cfg(any(feature = "gzip", feature = "zstd"))]
const NOTHING: &[u8] = &[];

/// One algorithm with its working memory.
pub(super) trait Codec: Send {
    /// Writes the slices of a body as one, compressed and complete, into `output`, which is empty.
    fn write(&mut self, body: &[&[u8]], output: &mut Vec<u8>) -> Result<(), String>;
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
        // Slices are gathered in a window, by default of 512 KiB and more. One of 128 KiB stays in the second cache: four
        // fifths to nine tenths of the time again, for 1.5 % more bytes.
        zstd.set_parameter(zstd::zstd_safe::CParameter::WindowLog(17))?;
    }
    Ok(zstd)
}

#[cfg(feature = "gzip")]
impl Codec for flate2::Compress {
    fn write(&mut self, body: &[&[u8]], output: &mut Vec<u8>) -> Result<(), String> {
        use flate2::{FlushCompress, Status};

        /// What telemetry commonly shrinks to at most, so that one reservation is commonly enough.
        const EXPECTED_RATIO: usize = 4;

        self.reset();
        output.reserve(body.iter().map(|slice| slice.len()).sum::<usize>() / EXPECTED_RATIO);
        let (last, others) = body.split_last().unwrap_or((&NOTHING, &[]));
        let slices = others.iter().map(|slice| (slice, FlushCompress::None));
        for (slice, flush) in slices.chain([(last, FlushCompress::Finish)]) {
            let (mut rest, finish) = (*slice, matches!(flush, FlushCompress::Finish));
            while finish || !rest.is_empty() {
                if output.spare_capacity_mut().is_empty() {
                    output.reserve((rest.len() / EXPECTED_RATIO).max(1024));
                }
                let before = (self.total_in(), self.total_out());
                let status = self.compress_vec(rest, output, flush).map_err(|error| error.to_string())?;
                if status == Status::StreamEnd {
                    break;
                }
                // There is room for output, and input or a trailer to write.
                if (self.total_in(), self.total_out()) == before {
                    return Err("the compressor made no progress".to_owned());
                }
                let consumed = usize::try_from(self.total_in() - before.0).unwrap_or(rest.len());
                rest = rest.get(consumed..).unwrap_or_default();
            }
        }
        Ok(())
    }
}

#[cfg(feature = "zstd")]
impl Codec for zstd::bulk::Compressor<'static> {
    fn write(&mut self, body: &[&[u8]], output: &mut Vec<u8>) -> Result<(), String> {
        use zstd::zstd_safe::zstd_sys::ZSTD_EndDirective::{ZSTD_e_continue, ZSTD_e_end};
        use zstd::zstd_safe::{InBuffer, OutBuffer, ResetDirective, compress_bound, get_error_name};

        let failed = |code| get_error_name(code).to_owned();
        let len = body.iter().map(|slice| slice.len()).sum::<usize>();
        // What is written goes into the spare capacity, and never grows it.
        output.reserve(compress_bound(len));
        let context = self.context_mut();
        context.reset(ResetDirective::SessionOnly).map_err(failed)?;
        // Known ahead, the length tunes the frame and stands in its head.
        context.set_pledged_src_size(Some(len as u64)).map_err(failed)?;
        let (last, others) = body.split_last().unwrap_or((&NOTHING, &[]));
        let slices = others.iter().map(|slice| (slice, ZSTD_e_continue));
        let mut output = OutBuffer::around(output);
        for (slice, end) in slices.chain([(last, ZSTD_e_end)]) {
            let mut input = InBuffer::around(slice);
            loop {
                let before = (input.pos(), output.pos());
                let left = context.compress_stream2(&mut output, &mut input, end).map_err(failed)?;
                let done = if end == ZSTD_e_end { left == 0 } else { input.pos() == slice.len() };
                if done {
                    break;
                }
                if (input.pos(), output.pos()) == before {
                    return Err("the compressor made no progress".to_owned());
                }
            }
        }
        Ok(())
    }
}
