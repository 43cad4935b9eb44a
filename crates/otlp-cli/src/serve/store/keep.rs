//! How much is kept: a number of items, or of bytes.
//!
//! Used as an option, and by the store. Pure.

/// The most memory that a number of items may take: what an item has with it, as events and attributes, is no item, and a
/// metric without data points has none.
const MOST_BYTES: usize = 1 << 30;

/// A bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Spans, log records and data points, in at most 1 GiB.
    Items(u64),
    /// The memory they take.
    Bytes(usize),
}

impl Keep {
    /// Whether this is more than may be kept.
    pub(crate) fn exceeded_by(self, items: u64, bytes: usize) -> bool {
        match self {
            Self::Items(most) => items > most || bytes > MOST_BYTES,
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
    fn a_number_of_items_bounds_the_memory_too() {
        let keep = Keep::Items(10);
        assert!(keep.exceeded_by(11, 0) && !keep.exceeded_by(10, MOST_BYTES));
        assert!(keep.exceeded_by(0, MOST_BYTES + 1));
    }

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
