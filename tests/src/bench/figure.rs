//! One figure of the bench, as a line of the table and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::paired::{Paired, Spread};

/// Beyond a goal by this factor a figure counts as missed: the noise of a shared machine.
const TOLERANCE: f64 = 1.1;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: &'static str,
    /// Unit of the value, for instance `us/key`.
    pub unit: &'static str,
    /// The value; none where it was skipped.
    pub value: Option<f64>,
    /// What it is compared with, in the same unit.
    pub reference: Option<Reference>,
    /// Ours by reference: a quarter, half, three quarters of the rounds are below.
    pub ratio: Option<[f64; 3]>,
    /// What it should be at most (or at least).
    pub goal: Option<Goal>,
    /// What a reader must know to read it, or why it was skipped.
    pub note: String,
}

/// A reference of the same run.
#[derive(Clone, Debug, Serialize)]
pub struct Reference {
    /// What it is.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
}

/// The goal of a figure.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// The ratio is at most this.
    RatioAtMost(f64),
    /// The value is at most this.
    AtMost(f64),
    /// The value is at least this.
    AtLeast(f64),
}

impl Figure {
    /// A figure that stands alone.
    pub fn alone(name: &'static str, unit: &'static str, value: f64) -> Self {
        Self { name, unit, value: Some(value), reference: None, ratio: None, goal: None, note: String::new() }
    }

    /// A paired figure: `scale` turns the nanoseconds of a call into the unit.
    pub fn paired(name: &'static str, unit: &'static str, scale: f64, reference: &'static str, paired: Paired) -> Self {
        let Spread { low, median, high } = paired.ratio;
        Self {
            reference: Some(Reference { name: reference, value: paired.reference_ns * scale }),
            ratio: Some([low, median, high]),
            ..Self::alone(name, unit, paired.ours_ns * scale)
        }
    }

    /// A figure that could not be measured here.
    pub fn skipped(name: &'static str, unit: &'static str, why: String) -> Self {
        Self { value: None, note: format!("skipped: {why}"), ..Self::alone(name, unit, 0.0) }
    }

    /// Sets the goal.
    pub fn goal(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self
    }

    /// Sets the note.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Whether the goal is missed by more than the tolerance. What was skipped is not missed.
    pub fn is_missed(&self) -> bool {
        let Some(value) = self.value else { return false };
        match (self.goal, self.ratio) {
            (Some(Goal::RatioAtMost(most)), Some([_, ratio, _])) => ratio > most * TOLERANCE,
            (Some(Goal::AtMost(most)), _) => value > most * TOLERANCE,
            (Some(Goal::AtLeast(least)), _) => value < least / TOLERANCE,
            _ => false,
        }
    }

    /// The line of the table.
    pub fn line(&self) -> String {
        let mut line = match self.value {
            Some(value) => format!("{:<38} {:>12} {:<10}", self.name, number(value), self.unit),
            None => format!("{:<38} {:>12} {:<10}", self.name, "-", self.unit),
        };
        if let (Some(reference), Some([low, ratio, high])) = (&self.reference, self.ratio) {
            let _ = write!(line, " {ratio:.3} x  [{low:.3}, {high:.3}] of {} {}", number(reference.value), reference.name);
        }
        match self.goal {
            Some(Goal::RatioAtMost(most)) => line.push_str(&format!("  goal <= {most} x")),
            Some(Goal::AtMost(most)) => line.push_str(&format!("  goal <= {most}")),
            Some(Goal::AtLeast(least)) => line.push_str(&format!("  goal >= {least}")),
            None => {}
        }
        if self.is_missed() {
            line.push_str("  MISSED");
        }
        if !self.note.is_empty() {
            let _ = write!(line, "\n    {}", self.note);
        }
        line
    }
}

fn number(value: f64) -> String {
    if value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_missed_only_beyond_the_tolerance() {
        let figure = |value| Figure::alone("x", "ns", value).goal(Goal::AtMost(100.0));
        assert!(!figure(109.0).is_missed());
        assert!(figure(111.0).is_missed());
        assert!(Figure::alone("x", "1/s", 80.0).goal(Goal::AtLeast(100.0)).is_missed());
        assert!(!Figure::skipped("x", "MB", "no program".to_owned()).goal(Goal::AtMost(0.0)).is_missed());
    }
}
