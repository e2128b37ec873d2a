//! Time as a value: the protocol crate has no clock.

use core::fmt;
use core::ops::Add;

use minicbor::{Decode, Encode};

/// Milliseconds of Unix time, UTC. On the wire times are whole seconds (protocol.md 3.9).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Default)]
#[cbor(transparent)]
pub struct Timestamp(#[n(0)] pub u64);

/// A length of time in milliseconds. The unit of the roster's paces, so that a drill can run hours as fractions of a second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Millis(#[n(0)] pub u64);

impl Millis {
    /// `n` seconds.
    #[must_use]
    pub const fn seconds(n: u64) -> Self {
        Self(n.saturating_mul(1_000))
    }

    /// `n` hours.
    #[must_use]
    pub const fn hours(n: u64) -> Self {
        Self(n.saturating_mul(3_600_000))
    }

    /// `n` days.
    #[must_use]
    pub const fn days(n: u64) -> Self {
        Self(n.saturating_mul(86_400_000))
    }
}

impl Timestamp {
    /// From Unix seconds.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// Unix seconds, rounded down: for `created`.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0 / 1_000
    }

    /// Unix seconds, rounded up: for deadlines (protocol.md 3.9).
    #[must_use]
    pub const fn deadline_seconds(self) -> u64 {
        self.0.div_ceil(1_000)
    }

    /// Time since `earlier`, zero if it lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Timestamp) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Millis> for Timestamp {
    type Output = Timestamp;
    fn add(self, rhs: Millis) -> Timestamp {
        Timestamp(self.0.saturating_add(rhs.0))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

impl fmt::Debug for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

/// An owner's counter of its VOPRF keys: 1, then one more a key; announced, never computed from a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Epoch(#[n(0)] pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_round_up_and_creation_rounds_down() {
        assert_eq!(Timestamp(1_001).deadline_seconds(), 2);
        assert_eq!(Timestamp(1_999).seconds(), 1);
        assert_eq!(Timestamp(5).since(Timestamp(9)), Millis(0));
    }
}
