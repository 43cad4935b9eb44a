//! What the run ran on: read from the system, without names of hosts, users or folders.

use super::runner::output_of;
use chrono::Utc;
use serde::{Deserialize, Serialize};

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
    Utc::now().date_naive().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name() {
        let text = "processor\t: 0\nmodel name\t: A  Processor\nmodel name\t: B\n";
        assert_eq!(field(text, "model name").as_deref(), Some("A Processor"));
        assert_eq!(field(text, "flags"), None);
        assert_eq!(gibibytes("25165824 kB"), "24 GiB");
        assert_eq!(gibibytes("much"), "much");
    }
}
