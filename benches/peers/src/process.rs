//! What the system says about this process and its threads: CPU time and memory. Linux for memory, Unix for the rest.

use crate::delivery::ThreadUse;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};
use std::collections::BTreeMap;

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

/// What the threads of this process but its first have used so far, by id; nothing where there is no `/proc`.
#[must_use]
pub fn thread_use() -> BTreeMap<u32, ThreadUse> {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let ids = tasks.filter_map(|task| task.file_name().to_str()?.parse::<u32>().ok());
    let others = ids.filter(|id| *id != std::process::id());
    others.filter_map(|id| Some((id, of_thread(id)?))).collect()
}

/// `None` if it has ended.
fn of_thread(id: u32) -> Option<ThreadUse> {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/self/task/{id}/{file}")).ok();
    let (status, schedule) = (read("status")?, read("schedstat")?);
    let field = |name: &str| Some(status.lines().find_map(|line| line.strip_prefix(name))?.trim());
    Some(ThreadUse {
        name: field("Name:")?.to_owned(),
        // The first number is the time on a core.
        cpu_ns: schedule.split(' ').next()?.parse().ok()?,
        sleeps: field("voluntary_ctxt_switches:")?.parse().ok()?,
    })
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

    #[test]
    fn threads_are_found_by_name_with_what_they_used() {
        let (woken, wake) = std::sync::mpsc::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("sleeper".to_owned()).spawn(move || {
            ready.send(()).unwrap();
            wake.recv().unwrap()
        });
        is_ready.recv().unwrap();
        let sleeper = thread_use().into_values().find(|thread| thread.name == "sleeper");
        woken.send(()).unwrap();
        thread.unwrap().join().unwrap();
        assert_eq!(sleeper.is_some(), cfg!(target_os = "linux"));
        assert!(thread_use().keys().all(|id| *id != std::process::id()));
    }
}
