//! The machine.

use super::{read, resource, text};
use otlp_model::Resource;

/// `host.name`, `host.arch`, and `host.id`, which is the machine id. Name and id are found on Linux only.
///
/// ```
/// assert!(otlp::detect::host().get("host.arch").is_some());
/// ```
#[must_use]
pub fn host() -> Resource {
    let name = read("/proc/sys/kernel/hostname").unwrap_or_default();
    let id =
        ["/etc/machine-id", "/var/lib/dbus/machine-id"].into_iter().find_map(|path| machine_id(&read(path)?));
    resource([
        ("host.name", text(name.trim())),
        ("host.arch", text(arch(std::env::consts::ARCH))),
        ("host.id", id.and_then(text)),
    ])
}

/// As the conventions spell it.
fn arch(rust: &str) -> &str {
    match rust {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

/// 32 hexadecimal digits; an image that was never started has something else there.
fn machine_id(file: &str) -> Option<String> {
    let id = file.trim();
    (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_machine_id_is_one() {
        assert_eq!(
            machine_id("0123456789abcdef0123456789abcdef\n").as_deref(),
            Some("0123456789abcdef0123456789abcdef")
        );
        assert_eq!(machine_id("uninitialized\n"), None);
        assert_eq!(machine_id(""), None);
    }
}
