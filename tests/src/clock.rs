//! The clocks that cost is measured by.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Reads a clock.
pub type Clock = fn() -> Duration;

/// CPU time of this thread: other jobs of a shared machine do not count.
pub fn cpu() -> Duration {
    since_zero(clock_gettime(ClockId::ThreadCPUTime))
}

/// Time that passes, for what waits for a disk.
pub fn wall() -> Duration {
    since_zero(clock_gettime(ClockId::Monotonic))
}

fn since_zero(time: Timespec) -> Duration {
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
