//! How much is kept: a number of items, or of bytes.
//!
//! Used as an option, and by the store. Pure.

/// A bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Spans, log records and data points.
    Items(u64),
    /// The memory they take.
    Bytes(usize),
}

impl Keep {
    /// Whether this is more than may be kept.
    pub(crate) fn exceeded_by(self, items: u64, bytes: usize) -> bool {
        match self {
            Self::Items(most) => items > most,
            Self::Bytes(most) => bytes > most,
        }
    }
}

/// Reads `64MiB`, or `10000` for items.
pub(crate) fn parse(text: &str) -> Result<Keep, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let wrong = || "write it as 64MiB, 512KiB or 1GiB, or as a number of items".to_owned();
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let factor = match unit.trim() {
        "" => return Ok(Keep::Items(number)),
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    let bytes = number.checked_mul(factor).and_then(|bytes| usize::try_from(bytes).ok());
    bytes.map(Keep::Bytes).ok_or_else(|| "is more than this machine can have".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_and_bytes_are_told_apart() {
        assert_eq!(parse("10000"), Ok(Keep::Items(10_000)));
        assert_eq!(parse("64MiB"), Ok(Keep::Bytes(64 << 20)));
        assert_eq!(parse("0"), Ok(Keep::Items(0)));
        for text in ["", "MiB", "1.5MiB", "-1", "64mb", "99999999999999GiB"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
