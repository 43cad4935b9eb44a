//! Trace and span identifiers.
//!
//! Used by every crate of the workspace. Never generates ids: that needs randomness, which is the facade's.

use std::fmt;
use std::str::FromStr;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {expected} hexadecimal digits, got {got:?}")]
pub struct ParseIdError {
    kind: &'static str,
    expected: usize,
    got: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name([u8; $len]);

        impl $name {
            /// The all-zero id, which is invalid and means "none".
            pub const INVALID: Self = Self([0; $len]);

            /// An id from its big-endian bytes. All zeroes make [`Self::INVALID`].
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The big-endian bytes, as they go on the wire.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; $len] {
                self.0
            }

            /// The bytes, borrowed.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Whether any byte is non-zero.
            #[must_use]
            pub fn is_valid(&self) -> bool {
                self.0 != [0; $len]
            }
        }

        impl From<[u8; $len]> for $name {
            fn from(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
        }

        /// An empty slice is [`Self::INVALID`]; any other length than the exact one is `None`.
        impl $name {
            /// Reads an id as found on the wire: empty means absent (all zero), a wrong length is `None`.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                if bytes.is_empty() { Some(Self::INVALID) } else { bytes.try_into().ok().map(Self) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let error = || ParseIdError { kind: $kind, expected: $len * 2, got: text.chars().take(64).collect() };
                let digits = text.as_bytes();
                if digits.len() != $len * 2 {
                    return Err(error());
                }
                let mut bytes = [0; $len];
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    *byte = match (hex(pair[0]), hex(pair[1])) {
                        (Some(high), Some(low)) => high << 4 | low,
                        _ => return Err(error()),
                    };
                }
                Ok(Self(bytes))
            }
        }
    };
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

id! {
    /// The 16-byte id that all spans of a trace share; shown as 32 lower-case hexadecimal digits.
    ///
    /// ```
    /// use otlp_model::TraceId;
    /// let id: TraceId = "4bf92f3577b34da6a3ce929d0e0e4736".parse()?;
    /// assert!(id.is_valid());
    /// assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    /// # Ok::<(), otlp_model::ParseIdError>(())
    /// ```
    TraceId, 16, "a trace id"
}

id! {
    /// The 8-byte id of one span; shown as 16 lower-case hexadecimal digits.
    ///
    /// ```
    /// use otlp_model::SpanId;
    /// assert_eq!(SpanId::from_bytes(7u64.to_be_bytes()).to_string(), "0000000000000007");
    /// assert!("xyz".parse::<SpanId>().is_err());
    /// ```
    SpanId, 8, "a span id"
}

/// The W3C trace flags of a span context.
///
/// ```
/// use otlp_model::TraceFlags;
/// assert!(TraceFlags::SAMPLED.is_sampled());
/// assert_eq!((TraceFlags::SAMPLED | TraceFlags::RANDOM).bits(), 0x03);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TraceFlags(u8);

impl TraceFlags {
    /// No flag set.
    pub const NONE: Self = Self(0);
    /// The span is sampled (bit 0).
    pub const SAMPLED: Self = Self(0x01);
    /// The low 56 bits of the trace id are random (bit 1, W3C Level 2).
    pub const RANDOM: Self = Self(0x02);

    /// Flags from their wire byte; unknown bits are kept.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The wire byte.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether bit 0 is set.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.0 & Self::SAMPLED.0 != 0
    }

    /// Whether bit 1 is set: the low 56 bits of the trace id are random.
    #[must_use]
    pub const fn is_random(self) -> bool {
        self.0 & Self::RANDOM.0 != 0
    }

    /// These flags with the sampled bit set or cleared.
    #[must_use]
    pub const fn with_sampled(self, sampled: bool) -> Self {
        if sampled { Self(self.0 | Self::SAMPLED.0) } else { Self(self.0 & !Self::SAMPLED.0) }
    }
}

impl std::ops::BitOr for TraceFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips_in_either_case() {
        // conf: SPAN-08
        let id: SpanId = "00F067AA0ba902b7".parse().unwrap();
        assert_eq!(id.to_string(), "00f067aa0ba902b7");
    }

    #[test]
    fn a_wrong_text_is_named() {
        let error = "+1".parse::<TraceId>().unwrap_err();
        assert_eq!(error.to_string(), "a trace id must be 32 hexadecimal digits, got \"+1\"");
        assert!("+0f067aa0ba902b7".parse::<SpanId>().is_err());
    }

    #[test]
    fn lengths_on_the_wire_are_exact_or_empty() {
        // conf: MODEL-02
        assert_eq!(SpanId::from_slice(&[]), Some(SpanId::INVALID));
        assert_eq!(SpanId::from_slice(&[1; 7]), None);
        assert!(SpanId::from_slice(&[1; 8]).is_some_and(|id| id.is_valid()));
    }
}
