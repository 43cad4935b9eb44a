//! What the run ran on: read from the system, without names of hosts, users or folders.

use super::runner::output_of;
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

/// A machine and its toolchain, as the document describes them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory: String,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
}

impl Machine {
    /// This one. What cannot be read is called unknown.
    pub(crate) fn this() -> Self {
        let unknown = || "unknown".to_owned();
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let kernel = output_of("uname", &["-s", "-r", "-m"].map(|flag| flag));
        Self {
            cpu: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: field(&read("/proc/meminfo"), "MemTotal").map_or_else(unknown, |text| gibibytes(&text)),
            kernel: kernel.unwrap_or_else(unknown),
            rustc: output_of("rustc", &["-V"]).unwrap_or_else(unknown),
        }
    }
}

/// The first `name : value` of a file of the kernel's.
fn field(text: &str, name: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'))?;
    Some(value.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `8123456 kB` in GiB.
fn gibibytes(text: &str) -> String {
    let kibibytes = text.split(' ').next().and_then(|number| number.parse::<f64>().ok());
    kibibytes.map_or_else(|| text.to_owned(), |number| format!("{:.0} GiB", number / 1024.0 / 1024.0))
}

/// The date of today, in UTC.
pub(crate) fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    date(seconds / 86_400)
}

/// The date so many days after 1970-01-01, counted in eras of 400 years that begin in March.
fn date(days: u64) -> String {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(11_016), "2000-02-29");
        assert_eq!(date(20_454), "2026-01-01");
        assert_eq!(date(20_453), "2025-12-31");
    }

    #[test]
    fn fields_are_found_by_name() {
        let text = "processor\t: 0\nmodel name\t: A  Processor\nmodel name\t: B\n";
        assert_eq!(field(text, "model name").as_deref(), Some("A Processor"));
        assert_eq!(field(text, "flags"), None);
        assert_eq!(gibibytes("25165824 kB"), "24 GiB");
        assert_eq!(gibibytes("much"), "much");
    }
}
