//! What there is of this machine: its system, and what is left of memory, processors and disks.
//!
//! Used for the bundle, in the place of `uname`, `free` and `df`. Reads, and judges nothing.

use std::fmt::Write as _;
use std::fs;
use sysinfo::{Disks, System};

/// The system and its kernel; not the host's name, which is nobody's business.
pub(super) fn system() -> String {
    let kernel = System::kernel_version().unwrap_or_else(|| "unknown".to_owned());
    let name = System::long_os_version().map(|name| format!(", {name}")).unwrap_or_default();
    format!("{} on {}{name}\nkernel {kernel}", std::env::consts::OS, std::env::consts::ARCH)
}

pub(super) fn resources() -> String {
    let mut text = match std::thread::available_parallelism() {
        Ok(cpus) => format!("{cpus} CPUs for this process\n"),
        Err(error) => format!("CPUs: {error}\n"),
    };
    let mut system = System::new();
    system.refresh_memory();
    let _ = writeln!(text, "memory: {}", left(system.available_memory(), system.total_memory()));
    let _ = writeln!(text, "swap: {}", left(system.free_swap(), system.total_swap()));
    if !cfg!(windows) {
        let load = System::load_average();
        let _ = writeln!(text, "load: {:.2} {:.2} {:.2}", load.one, load.five, load.fifteen);
    }
    for (what, path) in
        [("memory limit", "/sys/fs/cgroup/memory.max"), ("CPU limit", "/sys/fs/cgroup/cpu.max")]
    {
        let value = fs::read_to_string(path).unwrap_or_else(|_| "not known here".to_owned());
        let _ = writeln!(text, "{what}: {}", value.trim());
    }
    let disks = Disks::new_with_refreshed_list();
    for disk in &disks {
        let (place, kind) = (disk.mount_point().display(), disk.file_system().to_string_lossy());
        let left = left(disk.available_space(), disk.total_space());
        let read_only = if disk.is_read_only() { ", read-only" } else { "" };
        let _ = writeln!(text, "disk {place}: {left} ({kind}{read_only})");
    }
    if disks.is_empty() {
        text.push_str("disks: not known here\n");
    }
    text
}

fn left(available: u64, total: u64) -> String {
    format!("{} MiB available of {} MiB", available >> 20, total >> 20)
}
