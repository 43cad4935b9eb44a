//! The id of the container, as the kernel's files show it.

use super::{read, resource, text};
use otlp_model::Resource;

/// `container.id`, on Linux in a container of Docker, containerd, CRI-O or Podman.
///
/// ```
/// let _ = otlp::detect::container().get("container.id");
/// ```
#[must_use]
pub fn container() -> Resource {
    let of_cgroup = || read("/proc/self/cgroup").and_then(|file| in_cgroup(&file).map(str::to_owned));
    let of_mounts = || read("/proc/self/mountinfo").and_then(|file| in_mounts(&file).map(str::to_owned));
    resource([("container.id", of_cgroup().or_else(of_mounts).and_then(text))])
}

/// Of cgroups v1 the last part of the path is the id, between a runtime's prefix and `.scope`.
fn in_cgroup(file: &str) -> Option<&str> {
    file.lines().find_map(|line| {
        let last = line.rsplit('/').next()?;
        let last = last.strip_suffix(".scope").unwrap_or(last);
        Some(last.rsplit(['-', ':']).next()?).filter(|id| is_id(id))
    })
}

/// Of cgroups v2 the path is hidden; the host name's file still lies in the container's folder on the host. A pod's sandbox is
/// another container, so its folder does not count.
fn in_mounts(file: &str) -> Option<&str> {
    file.lines().filter(|line| line.contains("/etc/hostname")).find_map(|line| {
        let source = line.split_ascii_whitespace().nth(3)?;
        let mut parts = source.split('/').skip_while(|part| !part.ends_with("containers"));
        parts.find(|part| is_id(part))
    })
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "7be92808767a667f35c8505cbf40d14e931ef6db5b0210329cf193b15ba9d605";

    #[test]
    fn ids_are_found_where_runtimes_put_them() {
        for line in [
            format!("13:name=systemd:/docker/{ID}"),
            format!("1:cpu:/kubepods/besteffort/pod1/{ID}"),
            format!("0::/system.slice/docker-{ID}.scope"),
            format!("0::/kubepods.slice/cri-containerd-{ID}.scope"),
            format!("0::/kubepods.slice/crio-{ID}.scope"),
            format!("0::/system.slice:cri-containerd:{ID}"),
        ] {
            assert_eq!(in_cgroup(&format!("2:x:/\n{line}\n")), Some(ID), "{line}");
        }
        for source in [
            format!("/var/lib/docker/containers/{ID}/hostname"),
            format!("/containers/storage/overlay-containers/{ID}/userdata/hostname"),
        ] {
            let line = format!("473 456 254:1 {source} /etc/hostname rw,relatime - ext4 /dev/vda1 rw");
            assert_eq!(in_mounts(&line), Some(ID), "{line}");
        }
    }

    #[test]
    fn what_is_no_container_has_no_id() {
        // conf: RES-11
        for file in ["", "0::/\n", "0::/user.slice/session-1.scope", "no/slashes/at all", "1:cpu:/docker/abc"]
        {
            assert_eq!(in_cgroup(file), None, "{file}");
        }
        let sandbox =
            format!("1 2 3:4 /var/lib/containerd/sandboxes/{ID}/hostname /etc/hostname rw - ext4 /x rw");
        for file in ["", "1 2", "1 2 3:4 / /etc/hostname rw - ext4 /dev/sda rw", &sandbox] {
            assert_eq!(in_mounts(file), None, "{file}");
        }
    }
}
