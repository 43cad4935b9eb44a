//! What a contender and the sink answer: one line of JSON each.

use serde::{Deserialize, Serialize};

/// A contender's own measurement of its run, printed as one line of JSON. Times are nanoseconds, sizes bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Items made.
    pub made: u64,
    /// Wall time from the first item until shutdown returned.
    pub wall_ns: u64,
    /// CPU time of the producing threads while they made items, summed over threads. Waiting is not in it.
    pub producer_cpu_ns: u64,
    /// Wall time of the producing threads while they made items, the longest thread.
    pub producer_wall_ns: u64,
    /// CPU time of the process from the first item until shutdown returned, in user mode.
    pub user_ns: u64,
    /// The same in the kernel.
    pub system_ns: u64,
    /// The most resident memory (`VmHWM`), less what was resident before the client was built.
    pub peak_rss_bytes: u64,
    /// Allocations (malloc, calloc, realloc) from the first item until shutdown returned; zero unless counted.
    pub allocations: u64,
    /// The calibration loop, timed right before and right after.
    pub calibration_ns: [u64; 2],
    /// What the contender itself says was lost, if it can say.
    pub lost_by_own_account: Option<u64>,
}

/// What the sink received since it was asked last, answered as one line of JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SinkCount {
    /// Spans, log records or data points.
    pub items: u64,
    /// Requests.
    pub requests: u64,
    /// Bytes of bodies as they came, before decompression.
    pub body_bytes: u64,
    /// CPU time of the sink's process.
    pub cpu_ns: u64,
    /// Wall time since it was asked last.
    pub wall_ns: u64,
}
