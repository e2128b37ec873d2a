//! The only clock and the only source of randomness of a node.
//!
//! The driver asks it once a step; everything that a step draws is expanded from that step's seed in the protocol crate. It
//! keeps that the steady time never runs back, whatever happens to the wall clock. It does not judge whether the wall clock is
//! right.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kinmesh_protocol::base::{Draw, Seed, Timestamp};
use kinmesh_protocol::engine::Now;
use thiserror::Error;

/// The system gives no randomness; nothing may be sent or sealed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the operating system gives no randomness: a node must not run on this machine")]
pub struct NoRandomness;

/// Wall clock, and the time since the process asked for it first.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts the steady time at zero.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The time of a step.
    #[must_use]
    pub fn now(&self) -> Now {
        Now { wall: wall(), steady_ms: u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX) }
    }

    /// How long until a moment of the wall clock; zero if it has passed.
    #[must_use]
    pub fn until(&self, at: Timestamp) -> Duration {
        Duration::from_millis(at.since(wall()).0)
    }
}

/// The wall clock in milliseconds of Unix time; 0 if it stands before 1970.
#[must_use]
pub fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// 32 bytes of the operating system's randomness.
///
/// # Errors
/// [`NoRandomness`].
pub fn seed() -> Result<Seed, NoRandomness> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| NoRandomness)?;
    Ok(seed)
}

/// A fresh draw for work outside a step: a ceremony, an enrolment.
///
/// # Errors
/// [`NoRandomness`].
pub fn draw() -> Result<Draw, NoRandomness> {
    seed().map(Draw::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steady_time_does_not_run_back_and_seeds_differ() {
        let clock = Clock::start();
        let (first, second) = (clock.now(), clock.now());
        assert!(second.steady_ms >= first.steady_ms);
        assert!(first.wall > Timestamp::from_seconds(1_700_000_000));
        assert_ne!(seed().unwrap(), seed().unwrap());
        assert_eq!(clock.until(Timestamp(0)), Duration::ZERO);
    }
}
