//! The diagnostics bundle: one text with what whoever helps asks for first, and without secrets.
//!
//! The shell of the report: reads files and variables, and what others found. What a system does not have is said to be missing,
//! not left out.

use super::case::Case;
use super::finding::Finding;
use super::{machine, processes, redact, sockets, verdict};
use crate::clock;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The lines of an attached file that are taken, its last.
const LINES: usize = 1000;

/// The bytes of it that are looked at for these, its last: a log may have more than there is memory.
const BYTES: usize = 4 << 20;

/// What the examination knows.
pub(super) struct Known<'a> {
    pub(super) cases: &'a [Case],
    /// The configuration with the origin of each value.
    pub(super) configuration: String,
    /// The file that it is from, if it is from one.
    pub(super) file: Option<&'a Path>,
    /// Which Rust is installed.
    pub(super) toolchain: &'a str,
    pub(super) findings: &'a [Finding],
    /// Whether requests with an item were sent.
    pub(super) real: bool,
    pub(super) attached: &'a [PathBuf],
}

/// The whole text.
pub(super) fn text(known: &Known<'_>) -> String {
    let mut text = String::new();
    let mut section = |title: &str, content: String| {
        let _ = writeln!(text, "=== {title} ===\n{}\n", content.trim_end());
    };
    section("otlp doctor", versions(known.toolchain));
    section("findings", findings(known));
    section("configuration", known.configuration.clone());
    if let Some(file) = known.file {
        section(&format!("configuration file {}", file.display()), configuration_file(file));
    }
    section("environment", environment());
    section("resources", machine::resources());
    section("processes", processes::table());
    section("sockets", sockets_of(known.cases));
    for path in known.attached {
        section(&path.display().to_string(), tail(path));
    }
    text
}

fn versions(toolchain: &str) -> String {
    format!(
        "otlp {} (needs Rust {})\n{}\n{}\n{}",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_RUST_VERSION"),
        httpdate::fmt_http_date(clock::now()),
        machine::system(),
        toolchain,
    )
}

fn findings(known: &Known<'_>) -> String {
    let lines: Vec<String> = known.findings.iter().map(verdict::line).collect();
    format!("{}\n{}", lines.join("\n"), verdict::verdict(known.findings, known.real))
}

/// What concerns telemetry, proxies, certificates and logs.
fn environment() -> String {
    let concerns = |name: &str| {
        let upper = name.to_ascii_uppercase();
        ["OTEL_", "OTLP_", "SSL_CERT_", "RUST_LOG", "KUBERNETES_SERVICE_HOST"]
            .iter()
            .any(|it| upper.starts_with(it))
            || upper.ends_with("_PROXY")
    };
    let mut lines: Vec<String> = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .filter(|(name, _)| concerns(name))
        .map(|(name, value)| format!("{name}={}", redact::variable(&name, &value)))
        .collect();
    lines.sort_unstable();
    if lines.is_empty() {
        "no variable of OpenTelemetry, proxies or certificates is set".to_owned()
    } else {
        lines.join("\n")
    }
}

fn sockets_of(cases: &[Case]) -> String {
    let mut ports: Vec<u16> = cases.iter().filter_map(Case::port).collect();
    ports.sort_unstable();
    ports.dedup();
    if ports.is_empty() {
        return "no receiver has a port".to_owned();
    }
    let tables: Vec<String> =
        ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    if tables.is_empty() {
        return "not known here".to_owned();
    }
    let of_port = |port: u16| {
        let lines: Vec<String> = tables.iter().flat_map(|table| sockets::of_port(table, port)).collect();
        if lines.is_empty() { format!("none with port {port}") } else { lines.join("\n") }
    };
    ports.into_iter().map(of_port).collect::<Vec<_>>().join("\n")
}

/// The file of the configuration, if it can be one: what was named by mistake may be full of secrets of another form, and a pipe
/// has been read already.
fn configuration_file(path: &Path) -> String {
    let is_yaml = path.extension().is_some_and(|it| it == "yaml" || it == "yml");
    if !is_yaml {
        return "not shown: its name does not end in .yaml or .yml".to_owned();
    }
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => "not shown: it is no regular file".to_owned(),
        _ => tail(path),
    }
}

fn tail(path: &Path) -> String {
    let (bytes, is_cut) = match last(path, BYTES) {
        Ok(read) => read,
        Err(error) => return error.to_string(),
    };
    let text = String::from_utf8_lossy(&bytes);
    let text = redact::text(if is_cut { redact::after_a_cut(&text) } else { &text });
    if text.is_empty() && is_cut {
        return format!("nothing of its last {} MiB is shown: it belongs to what is before", BYTES >> 20);
    }
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
}

/// At most the `most` last bytes of a file, and whether there are others before them. Of what has no end to look from, as a
/// pipe, all is read, and no more than twice as much kept.
fn last(path: &Path, most: usize) -> io::Result<(Vec<u8>, bool)> {
    let mut file = File::open(path)?;
    let before = file.metadata()?.len().saturating_sub(most as u64);
    if before > 0 {
        file.seek(SeekFrom::Start(before))?;
    }
    let (mut bytes, mut is_cut) = (Vec::new(), before > 0);
    while file.by_ref().take(most as u64).read_to_end(&mut bytes)? > 0 {
        let too_many = bytes.len().saturating_sub(most);
        is_cut |= too_many > 0;
        bytes.drain(..too_many);
    }
    Ok((bytes, is_cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_file_the_end_is_read() {
        let path = std::env::temp_dir().join(format!("otlp-cli-{}-last", std::process::id()));
        fs::write(&path, "0123456789").unwrap();
        for (most, expected) in [(10, ("0123456789", false)), (4, ("6789", true)), (1, ("9", true))] {
            let (bytes, is_cut) = last(&path, most).unwrap();
            assert_eq!((std::str::from_utf8(&bytes).unwrap(), is_cut), expected);
        }
        fs::remove_file(&path).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_does_not_say_how_long_it_is_is_read_to_its_end() {
        let path = Path::new("/proc/self/limits");
        let all = fs::read(path).unwrap();
        let (bytes, is_cut) = last(path, 100).unwrap();
        assert!(is_cut && all.ends_with(&bytes) && bytes.len() == 100, "{}", bytes.len());
        assert_eq!(last(path, 1 << 20).unwrap(), (all, false));
    }

    /// As long as no memory is; it has holes, and takes no room on the disk.
    #[cfg(unix)]
    #[test]
    fn a_file_may_be_larger_than_the_memory() {
        use std::io::Write;
        let path = std::env::temp_dir().join(format!("otlp-cli-{}-large", std::process::id()));
        let mut file = File::create(&path).unwrap();
        file.set_len(1 << 40).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(b"\n  token: a\nthe end\n").unwrap();
        let text = tail(&path);
        fs::remove_file(&path).unwrap();
        assert_eq!(text, "the end");
    }
}
