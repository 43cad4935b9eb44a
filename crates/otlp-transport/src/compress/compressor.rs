//! A compressor of whole bodies that keeps its working memory.
//!
//! Pure but for that memory. The algorithms are in `codec`.

use super::codec::{self, Codec};
use bytes::Bytes;
use otlp_model::{Body, Encoding};
use std::error::Error;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// How requests are compressed.
///
/// Every receiver understands `Gzip`; `Zstd` is an extension of OpenTelemetry Collectors and others (conformance
/// COMP-01, COMP-08).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all; the default (conformance DEC-07).
    #[default]
    None,
    /// gzip; needs the feature `gzip`.
    Gzip,
    /// Zstandard; needs the feature `zstd`.
    Zstd,
}

impl Compression {
    /// The encoding of the bodies it makes.
    #[must_use]
    pub const fn encoding(self) -> Encoding {
        match self {
            Self::None => Encoding::Identity,
            Self::Gzip => Encoding::Gzip,
            Self::Zstd => Encoding::Zstd,
        }
    }

    /// The level used unless told otherwise, see [`Compressor::with_level`].
    const fn default_level(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Gzip | Self::Zstd => 1,
        }
    }

    const fn levels(self) -> (u32, u32) {
        match self {
            Self::None => (0, 0),
            Self::Gzip => (0, 9),
            Self::Zstd => (1, 22),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// Compresses bodies, one call each, and keeps the working memory (some hundred KiB) between calls.
///
/// Two calls at the same time each have their own; one of them is kept.
///
#[cfg_attr(feature = "gzip", doc = "```")]
#[cfg_attr(not(feature = "gzip"), doc = "```ignore")]
/// use otlp_transport::{Compression, Compressor};
/// let compressor = Compressor::new(Compression::Gzip)?.with_level(6)?;
/// assert!(compressor.compress(&[7; 10_000])?.len() < 100);
/// # Ok::<(), otlp_transport::CompressionError>(())
/// ```
pub struct Compressor {
    compression: Compression,
    level: u32,
    idle: Mutex<Option<Context>>,
}

impl Compressor {
    /// With the default level: gzip 1, zstd 1.
    ///
    /// On requests of 2 MiB gzip 1 took a quarter of the time of gzip 6 for a body 17 % larger (with strings that vary:
    /// a sixth, 24 %), and zstd 1 two thirds of the time of gzip 1 for one 20 to 25 % smaller: the host's time is dearer
    /// than the network's.
    ///
    /// # Errors
    ///
    /// When this build cannot do it, with the name of the feature it lacks.
    pub fn new(compression: Compression) -> Result<Self, CompressionError> {
        let has_feature = match compression {
            Compression::None => true,
            Compression::Gzip => cfg!(feature = "gzip"),
            Compression::Zstd => cfg!(feature = "zstd"),
        };
        if !has_feature {
            return Err(CompressionError(Kind::NoFeature { compression }));
        }
        Ok(Self { compression, level: compression.default_level(), idle: Mutex::new(None) })
    }

    /// With another level: gzip 0 (stored) to 9, zstd 1 to 22. More is smaller and slower.
    ///
    /// # Errors
    ///
    /// When the level is out of range.
    pub fn with_level(self, level: u32) -> Result<Self, CompressionError> {
        let (least, most) = self.compression.levels();
        if level < least || level > most {
            let compression = self.compression;
            return Err(CompressionError(Kind::Level { compression, level, least, most }));
        }
        Ok(Self { level, idle: Mutex::new(None), ..self })
    }

    /// What it does.
    #[must_use]
    pub const fn compression(&self) -> Compression {
        self.compression
    }

    /// The encoding of the bodies it makes.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.compression.encoding()
    }

    /// `body`, compressed: one member or frame, complete. With [`Compression::None`] a copy.
    ///
    /// # Errors
    ///
    /// When the compressor fails, which it does only for want of memory.
    pub fn compress(&self, body: &[u8]) -> Result<Bytes, CompressionError> {
        if self.compression == Compression::None {
            return Ok(Bytes::copy_from_slice(body));
        }
        self.compress_slices(&[body])
    }

    /// As [`compress`](Self::compress), of a body in slices: they are read one after the other and not joined before.
    ///
    /// # Errors
    ///
    /// As [`compress`](Self::compress).
    pub fn compress_body(&self, body: &Body) -> Result<Bytes, CompressionError> {
        if self.compression == Compression::None {
            return Ok(body.to_bytes());
        }
        self.compress_slices(&body.slices().iter().map(|slice| &**slice).collect::<Vec<_>>())
    }

    fn compress_slices(&self, body: &[&[u8]]) -> Result<Bytes, CompressionError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut context = match idle {
            Some(context) => context,
            None => Context::new(self.compression, self.level)?,
        };
        let compressed = context.compress(body).map_err(|problem| self.failed(problem))?;
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(context);
        Ok(compressed)
    }

    fn failed(&self, problem: String) -> CompressionError {
        CompressionError(Kind::Failed { compression: self.compression, problem })
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor")
            .field("compression", &self.compression)
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

/// The working memory of one compression at a time.
struct Context {
    codec: Box<dyn Codec>,
    /// Compressed bytes are collected here and leave as an exact copy, because a body may wait long for its retry and
    /// must not hold spare capacity meanwhile.
    output: Vec<u8>,
}

impl Context {
    fn new(compression: Compression, level: u32) -> Result<Self, CompressionError> {
        match codec::of(compression, level) {
            Some(Ok(codec)) => Ok(Self { codec, output: Vec::new() }),
            Some(Err(problem)) => Err(CompressionError(Kind::Failed { compression, problem })),
            None => Err(CompressionError(Kind::NoFeature { compression })),
        }
    }

    fn compress(&mut self, body: &[&[u8]]) -> Result<Bytes, String> {
        self.output.clear();
        self.codec.write(body, &mut self.output)?;
        Ok(Bytes::copy_from_slice(&self.output))
    }
}

/// A compressor that cannot be had, or did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompressionError(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    NoFeature { compression: Compression },
    Level { compression: Compression, level: u32, least: u32, most: u32 },
    Failed { compression: Compression, problem: String },
}

impl fmt::Display for CompressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::NoFeature { compression } => write!(
                f,
                "compression option `{compression}`: this build lacks it; enable the cargo feature `{compression}`"
            ),
            Kind::Level { compression: Compression::None, .. } => {
                f.write_str("compression level: there is none without compression")
            }
            Kind::Level { compression, level, least, most } => {
                write!(f, "compression level {level}: {compression} has levels {least} to {most}")
            }
            Kind::Failed { compression, problem } => write!(f, "{compression} compression failed: {problem}"),
        }
    }
}

impl Error for CompressionError {}
