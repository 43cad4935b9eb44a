//! The committed counts: how they are written, read and compared. Pure.

use std::fmt;

const HEAD: &str = "\
# Instructions per span or request, counted by callgrind; docs/ARCHITECTURE.md says how.
# `cargo xtask instructions` compares, `cargo xtask instructions --renew` writes this file.
#
# The tolerance: on one machine and toolchain counts repeated to within 0.6 %, but the C library chooses how it copies memory
# by the CPU, which may move them by some per cent (not measured); what a change costs by accident is mostly more. Another
# compiler optimises differently: then the figures are shown, and not judged.
";

/// The counts of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Baseline {
    /// By how much a count may exceed the one here.
    pub(super) tolerance_percent: u64,
    /// The compiler and target that made what was counted.
    pub(super) toolchain: String,
    /// Figures by name.
    pub(super) counts: Vec<(String, u64)>,
}

/// How a figure compares with its baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Change {
    /// Within the tolerance, by so many per cent.
    Same(f64),
    /// Fewer than that.
    Less(f64),
    /// More than that.
    More(f64),
    /// There is no baseline.
    Unknown,
}

impl Baseline {
    /// Reads what `to_string` writes.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut baseline = Self { tolerance_percent: 0, toolchain: String::new(), counts: Vec::new() };
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with(['#', '[']) {
                continue;
            }
            let (key, value) = line.rsplit_once(" = ").ok_or_else(|| format!("not `key = value`: {line}"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("not a whole number: {line}"));
            match key {
                "tolerance_percent" => baseline.tolerance_percent = number()?,
                "toolchain" => baseline.toolchain = value.trim_matches('"').to_owned(),
                _ => baseline.counts.push((key.trim_matches('"').to_owned(), number()?)),
            }
        }
        Ok(baseline)
    }

    pub(super) fn count(&self, name: &str) -> Option<u64> {
        self.counts.iter().find(|(known, _)| known == name).map(|(_, count)| *count)
    }

    /// Each count beside its baseline.
    pub(super) fn compare(&self, counts: &[(String, u64)]) -> Vec<Change> {
        let change = |(name, now): &(String, u64)| {
            let Some(before) = self.count(name).filter(|count| *count > 0) else { return Change::Unknown };
            let percent = (*now as f64 / before as f64 - 1.0) * 100.0;
            let tolerance = self.tolerance_percent * before;
            if now.saturating_sub(before) * 100 > tolerance {
                Change::More(percent)
            } else if before.saturating_sub(*now) * 100 > tolerance {
                Change::Less(percent)
            } else {
                Change::Same(percent)
            }
        };
        counts.iter().map(change).collect()
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HEAD}tolerance_percent = {}\n\n", self.tolerance_percent)?;
        writeln!(f, "toolchain = \"{}\"\n\n[instructions]", self.toolchain)?;
        self.counts.iter().try_for_each(|(name, count)| writeln!(f, "\"{name}\" = {count}"))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same(percent) => write!(f, "{percent:+.1} %"),
            Self::Less(percent) => write!(f, "{percent:+.1} %, fewer"),
            Self::More(percent) => write!(f, "{percent:+.1} %, MORE"),
            Self::Unknown => f.write_str("no baseline"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline() -> Baseline {
        Baseline {
            tolerance_percent: 5,
            toolchain: "rustc 1.95.0, x86_64".to_owned(),
            counts: vec![("span, bare".to_owned(), 1000), ("request".to_owned(), 77_584)],
        }
    }

    #[test]
    fn a_baseline_survives_its_file() {
        assert_eq!(Baseline::parse(&baseline().to_string()), Ok(baseline()));
        assert!(Baseline::parse("\"span\" = many").is_err());
        assert!(Baseline::parse("span").is_err());
    }

    #[test]
    fn the_tolerance_holds_in_both_directions() {
        let change = |now| baseline().compare(&[("span, bare".to_owned(), now)])[0];
        assert!(matches!(change(1050), Change::Same(_)));
        assert!(matches!(change(1051), Change::More(_)));
        assert!(matches!(change(950), Change::Same(_)));
        assert!(matches!(change(949), Change::Less(_)));
        assert_eq!(baseline().compare(&[("other".to_owned(), 1)]), [Change::Unknown]);
    }
}
