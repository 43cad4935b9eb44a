//! The operating system.

use super::{read, resource, text};
use otlp_model::Resource;

/// `os.type`, and on Linux `os.name`, `os.version` and `os.description` from the `os-release` file.
///
/// ```
/// assert!(otlp::detect::os().get("os.type").is_some());
/// ```
#[must_use]
pub fn os() -> Resource {
    let release = read("/etc/os-release").or_else(|| read("/usr/lib/os-release")).unwrap_or_default();
    let field = |name| field(&release, name).and_then(text);
    resource([
        ("os.type", text(kind(std::env::consts::OS))),
        ("os.name", field("NAME")),
        ("os.version", field("VERSION_ID")),
        ("os.description", field("PRETTY_NAME")),
    ])
}

/// As the conventions spell it.
fn kind(rust: &str) -> &str {
    match rust {
        "macos" | "ios" => "darwin",
        "dragonfly" => "dragonflybsd",
        "android" => "linux",
        other => other,
    }
}

/// The value of a line `NAME=value` or `NAME="value"`.
fn field(file: &str, name: &str) -> Option<String> {
    let value = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?.trim();
    let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    Some(quoted.unwrap_or(value).replace('\\', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_with_quotes_and_without() {
        let file =
            "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nNAME='Debian'\nVERSION_ID=13\nVERSION_ID_X=1\n";
        assert_eq!(field(file, "PRETTY_NAME").as_deref(), Some("Debian GNU/Linux 13 (trixie)"));
        assert_eq!(field(file, "NAME").as_deref(), Some("Debian"));
        assert_eq!(field(file, "VERSION_ID").as_deref(), Some("13"));
        assert_eq!(field(file, "BUILD_ID"), None);
    }
}
