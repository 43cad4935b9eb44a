//! What the system says about this process and its threads: CPU time and memory. Linux for memory, Unix for the rest.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};

/// CPU time of this process so far, in nanoseconds: in user mode, and in the kernel.
///
/// # Errors
///
/// What the system says.
pub fn cpu_ns() -> Result<(u64, u64), nix::Error> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let nanoseconds = |microseconds: i64| u64::try_from(microseconds).unwrap_or(0) * 1000;
    Ok((
        nanoseconds(usage.user_time().num_microseconds()),
        nanoseconds(usage.system_time().num_microseconds()),
    ))
}

/// CPU time of the calling thread so far, in nanoseconds. Waiting is not in it.
///
/// # Errors
///
/// What the system says.
pub fn thread_cpu_ns() -> Result<u64, nix::Error> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
    Ok(u64::try_from(time.num_nanoseconds()).unwrap_or(0))
}

/// Resident memory now and at its most, in bytes; zeros where there is no `/proc`.
#[must_use]
pub fn resident_bytes() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kibibytes * 1024)
    };
    (field("VmRSS:").unwrap_or(0), field("VmHWM:").unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_in_every_figure() {
        let (thread, (user, system)) = (thread_cpu_ns().unwrap(), cpu_ns().unwrap());
        let mut sum = vec![1u64; 1 << 20];
        while thread_cpu_ns().unwrap() < thread + 20_000_000 {
            sum.iter_mut().for_each(|x| *x = x.wrapping_mul(3));
        }
        std::hint::black_box(&sum);
        let after = cpu_ns().unwrap();
        assert!(after.0 + after.1 > user + system);
        if cfg!(target_os = "linux") {
            let (now, most) = resident_bytes();
            assert!(most >= now && now >= 1 << 20);
        }
    }
}
