//! Paired rounds: ours, reference, reference, ours, and the ratio of the two sums.
//!
//! What changes slowly (clock frequency, temperature, a neighbour on the core) falls on both sides of a round alike.

use crate::clock::Clock;

/// Rounds of one figure.
pub const ROUNDS: usize = 41;

/// What the rounds of one figure gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// Nanoseconds of one call of ours, median.
    pub ours_ns: f64,
    /// Nanoseconds of one call of the reference, median.
    pub reference_ns: f64,
    /// Ours by reference.
    pub ratio: Spread,
}

/// A median with the quartiles around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// A quarter of the rounds is below.
    pub low: f64,
    /// Half of the rounds is below.
    pub median: f64,
    /// Three quarters of the rounds are below.
    pub high: f64,
}

impl Spread {
    /// Of values in any order; at least one.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |quarter: usize| values[(values.len() - 1) * quarter / 4];
        Self { low: at(1), median: at(2), high: at(3) }
    }
}

/// Measures both in `rounds` rounds, after one call of each that does not count.
pub fn paired(clock: Clock, rounds: usize, mut ours: impl FnMut(), mut reference: impl FnMut()) -> Paired {
    ours();
    reference();
    let (mut our_times, mut reference_times, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let first = timed(clock, &mut ours);
        let second = timed(clock, &mut reference);
        let third = timed(clock, &mut reference);
        let fourth = timed(clock, &mut ours);
        our_times.push((first + fourth) / 2.0);
        reference_times.push((second + third) / 2.0);
        ratios.push((first + fourth) / (second + third));
    }
    Paired { ours_ns: Spread::of(our_times).median, reference_ns: Spread::of(reference_times).median, ratio: Spread::of(ratios) }
}

/// Nanoseconds of one call without a reference.
pub fn alone(clock: Clock, rounds: usize, mut ours: impl FnMut()) -> Spread {
    ours();
    Spread::of((0..rounds).map(|_| timed(clock, &mut ours)).collect())
}

fn timed(clock: Clock, call: &mut impl FnMut()) -> f64 {
    let began = clock();
    call();
    (clock() - began).as_nanos() as f64
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;

    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(0) };
    }

    fn pretended() -> Duration {
        Duration::from_nanos(NOW.get())
    }

    fn pass(nanos: u64) {
        NOW.set(NOW.get() + nanos);
    }

    #[test]
    fn a_machine_that_grows_slower_does_not_change_the_ratio() {
        let slowness = Cell::new(100u64);
        let call = |cost: u64| {
            pass(cost * slowness.get());
            slowness.set(slowness.get() + 1);
        };
        let found = paired(pretended, 41, || call(3), || call(2));
        assert!((found.ratio.median - 1.5).abs() < 1e-3, "{found:?}");
        assert!(found.ours_ns > found.reference_ns);
    }

    #[test]
    fn quartiles_stand_around_the_median() {
        let spread = Spread::of((0..=40).rev().map(f64::from).collect());
        assert_eq!(spread, Spread { low: 10.0, median: 20.0, high: 30.0 });
        assert_eq!(Spread::of(vec![7.0]).high, 7.0);
    }
}
