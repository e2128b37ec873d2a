//! What the processes of a drill use, read from `/proc`, and what an evaluation costs on this machine.
//!
//! The drill calls it. Memory is the resident set, as for the bench; CPU time is that of whole processes, so that other work
//! on the machine does not count.

use std::time::{Duration, Instant};

use kinmesh_protocol::private_match::EpochSecret;

/// Evaluations of one round.
const EVALUATIONS: u32 = 400;
/// Rounds, of which the fastest counts: the others were disturbed.
const ROUNDS: usize = 7;
/// Clock ticks a second on every Linux that this runs on.
const TICKS: f64 = 100.0;

/// Resident memory of a process in MB of 1,000,000 bytes; none where it is gone.
#[must_use]
pub fn resident_mb(id: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? * 1_024.0 / 1e6)
}

/// User and system seconds of a process so far.
#[must_use]
pub fn cpu_seconds(id: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let behind_name = stat.rsplit(')').next()?;
    let ticks: Vec<f64> = behind_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    (ticks.len() == 2).then(|| ticks.iter().sum::<f64>() / TICKS)
}

/// Seconds of one core for one key of the owner's index; other work on the machine is not in it.
#[must_use]
pub fn evaluation_seconds() -> f64 {
    let secret = EpochSecret::from_seed([7; 32]);
    let mut least = Duration::MAX;
    for _ in 0..ROUNDS {
        let (began, on_core) = (Instant::now(), time_on_core());
        for number in 0..EVALUATIONS {
            std::hint::black_box(secret.evaluate(&number.to_be_bytes()));
        }
        let took = on_core.zip(time_on_core()).map(|(before, after)| after.saturating_sub(before));
        least = least.min(took.unwrap_or_else(|| began.elapsed()));
    }
    least.as_secs_f64() / f64::from(EVALUATIONS)
}

/// How long this thread has run on a core; none where the system does not say.
fn time_on_core() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Cores that this process may use.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The middle one; 0 of none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// The largest; 0 of none.
#[must_use]
pub fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_cpu_time() {
        let id = std::process::id();
        assert!(resident_mb(id).unwrap() > 1.0);
        assert!(cpu_seconds(id).unwrap() >= 0.0);
        assert!(resident_mb(u32::MAX).is_none());
    }

    #[test]
    fn the_middle_and_the_largest() {
        assert_eq!((median(&[3.0, 1.0, 2.0]), most(&[3.0, 1.0, 2.0])), (2.0, 3.0));
        assert_eq!((median(&[]), most(&[])), (0.0, 0.0));
    }
}
