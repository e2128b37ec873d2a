//! What goes wrong in a run, and how often.

/// Which faults a run has, and how strong.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// Of 100 items so many are lost, half of them after the receiver handled them.
    pub loss: u64,
    /// Of 100 items so many come twice.
    pub twice: u64,
    /// Longest delay of an item, milliseconds.
    pub delay_ms: u64,
    /// Of 1,000 items so many cut their connection.
    pub cuts: u64,
    /// Of 1,000 commits so many are refused.
    pub refused_commits: u64,
    /// Of 1,000 steps so many are followed by a crash, before or after the commit.
    pub crashes: u64,
    /// Each clock is off by up to so much, either way, for the whole run.
    pub clock_ms: u64,
}

impl Faults {
    /// A good network.
    pub const NONE: Faults = Faults { loss: 0, twice: 0, delay_ms: 20, cuts: 0, refused_commits: 0, crashes: 0, clock_ms: 0 };
    /// A bad one.
    pub const BAD: Faults =
        Faults { loss: 20, twice: 10, delay_ms: 400, cuts: 10, refused_commits: 5, crashes: 2, clock_ms: 20_000 };
}
