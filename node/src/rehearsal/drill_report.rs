//! What the breach drill tells: one table for people, the same numbers as JSON, and whether they are what they must be.

use std::fmt::Write as _;

use kinmesh_protocol::base::MemberId;
use serde::Serialize;

use crate::rehearsal::errors::RehearsalError;

/// Longest time until a connected node refuses the suspended member, in seconds.
pub const REFUSAL_GOAL: f64 = 5.0;
/// Resident memory of an idle node, as a multiple of the network's alone.
pub const MEMORY_GOAL: f64 = 2.5;
/// Time of building the world, as a multiple of its elliptic-curve work.
pub const BUILD_GOAL: f64 = 1.3;

/// Attacks by their name, in the order in which they were tried first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// The attacks.
    pub attacks: Vec<Attack>,
}

/// One kind of attack.
#[derive(Clone, Debug, Serialize)]
pub struct Attack {
    /// What was tried.
    pub what: &'static str,
    /// At how many nodes.
    pub tried: usize,
    /// How many of them refused it.
    pub refused: usize,
}

impl Tally {
    /// Counts one attempt.
    pub fn count(&mut self, what: &'static str, refused: bool) {
        let place = self.attacks.iter().position(|attack| attack.what == what).unwrap_or_else(|| {
            self.attacks.push(Attack { what, tried: 0, refused: 0 });
            self.attacks.len() - 1
        });
        if let Some(attack) = self.attacks.get_mut(place) {
            attack.tried += 1;
            attack.refused += usize::from(refused);
        }
    }

    /// Attempts that were not refused.
    #[must_use]
    pub fn through(&self) -> usize {
        self.attacks.iter().map(|attack| attack.tried - attack.refused).sum()
    }

    fn tried(&self) -> usize {
        self.attacks.iter().map(|attack| attack.tried).sum()
    }
}

/// Everything that the drill measured.
#[derive(Clone, Debug, Serialize)]
pub struct DrillReport {
    /// Societies.
    pub members: usize,
    /// Registered people of all societies.
    pub people: u64,
    /// An hour of the real network, in milliseconds of the drill's.
    pub hour_ms: u64,
    /// The member whose node was taken.
    pub lost: MemberId,
    /// People of the lost node that were readable.
    pub exposed_own: u64,
    /// People of other societies that were readable.
    pub exposed_others: u64,
    /// What was tried.
    pub tally: Tally,
    /// Nodes that were connected and suspended the member.
    pub refused_by: usize,
    /// Seconds until the last of them did.
    pub refused_max_s: f64,
    /// Seconds until the middle one did.
    pub refused_median_s: f64,
    /// Seconds from its first contact until the node that had been off did.
    pub refused_after_return_s: f64,
    /// Items that reached the suspended member after the others had the suspension.
    pub answers_after: usize,
    /// Members that let the stolen daemon in again.
    pub let_in: usize,
    /// Matches looked for before the loss.
    pub matches_before: usize,
    /// Of them not found.
    pub lost_before: usize,
    /// Matches looked for among the others after it.
    pub matches_after: usize,
    /// Of them not found.
    pub lost_after: usize,
    /// Nodes that were stopped and started on purpose.
    pub restarts: usize,
    /// Nodes that ended by themselves.
    pub ended: usize,
    /// Resident memory of an idle node, the middle one, MB.
    pub rss_median_mb: f64,
    /// The largest.
    pub rss_max_mb: f64,
    /// Resident memory of a process with the network alone, MB.
    pub rss_bare_mb: f64,
    /// Sets that were held at the end of the building.
    pub sets: usize,
    /// Their bytes.
    pub sets_bytes: u64,
    /// Bytes between nodes until the world was built.
    pub wire_built_bytes: u64,
    /// Bytes between nodes in the whole drill.
    pub wire_bytes: u64,
    /// Seconds from the first import until everybody was indexed.
    pub indexed_s: f64,
    /// CPU seconds of all nodes in that time.
    pub indexed_cpu_s: f64,
    /// Seconds from the first import until every set was where it belongs.
    pub build_s: f64,
    /// CPU seconds of all nodes in that time.
    pub build_cpu_s: f64,
    /// Evaluations of the index.
    pub evaluations: u64,
    /// Microseconds of one evaluation on one core, the fastest of several rounds.
    pub evaluation_us: f64,
    /// Cores.
    pub cores: usize,
    /// Seconds of the whole drill.
    pub seconds: f64,
}

impl DrillReport {
    /// The building against its elliptic-curve work on all cores: by the clock, and by CPU time.
    #[must_use]
    pub fn build_ratios(&self) -> (f64, f64) {
        let work = self.evaluations as f64 * self.evaluation_us / 1e6;
        let cores = self.cores.max(1) as f64;
        if work > 0.0 { (self.build_s * cores / work, self.build_cpu_s / work) } else { (0.0, 0.0) }
    }

    /// Idle memory against the network's alone.
    #[must_use]
    pub fn memory_ratio(&self) -> f64 {
        if self.rss_bare_mb > 0.0 { self.rss_median_mb / self.rss_bare_mb } else { 0.0 }
    }

    /// The table.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!(
            "Breach drill: {} societies, {} registered people, node {} taken with files, keys and memory (an hour = {} ms)\n",
            self.members, self.people, self.lost, self.hour_ms
        );
        let lines = [
            ("people exposed", format!("{} of the lost node, {} of others", self.exposed_own, self.exposed_others)),
            ("attacks", format!("{} tried at other nodes, {} not refused", self.tally.tried(), self.tally.through())),
            (
                "suspended by 2 custodians",
                format!(
                    "{} connected nodes: last after {:.2} s, median {:.2} s (goal {REFUSAL_GOAL} s)",
                    self.refused_by, self.refused_max_s, self.refused_median_s
                ),
            ),
            ("  a node that was off", format!("{:.2} s after its return", self.refused_after_return_s)),
            ("  answers to it after that", format!("{}; its own daemon was let in by {}", self.answers_after, self.let_in)),
            (
                "matches lost",
                format!(
                    "{} of {} before, {} of {} among the others after it",
                    self.lost_before, self.matches_before, self.lost_after, self.matches_after
                ),
            ),
            ("restarts", format!("{} on purpose, {} nodes ended by themselves", self.restarts, self.ended)),
            (
                "memory of an idle node",
                format!(
                    "median {:.1} MB, most {:.1} MB; network alone {:.1} MB: x {:.2} (goal {MEMORY_GOAL})",
                    self.rss_median_mb,
                    self.rss_max_mb,
                    self.rss_bare_mb,
                    self.memory_ratio()
                ),
            ),
            ("sets", format!("{} held, {}", self.sets, mib(self.sets_bytes))),
            ("bytes between nodes", format!("{} until built, {} in all", mib(self.wire_built_bytes), mib(self.wire_bytes))),
            ("in all", format!("{:.0} s", self.seconds)),
        ];
        for (name, value) in lines.into_iter().chain(self.building()) {
            let _infallible = writeln!(out, "  {name:<27} {value}");
        }
        let _infallible = writeln!(out, "\n  {:<42} {:>6} {:>8}", "attack", "tried", "refused");
        for attack in &self.tally.attacks {
            let _infallible = writeln!(out, "  {:<42} {:>6} {:>8}", attack.what, attack.tried, attack.refused);
        }
        out
    }

    /// The lines about the building of the world.
    fn building(&self) -> [(&'static str, String); 2] {
        let (wall, cpu) = self.build_ratios();
        [
            (
                "world built in",
                format!(
                    "{:.1} s, {:.1} CPU-s; {} evaluations of {:.1} us on {} cores: x {wall:.2} by the clock, x {cpu:.2} by CPU (goal {BUILD_GOAL})",
                    self.build_s, self.build_cpu_s, self.evaluations, self.evaluation_us, self.cores
                ),
            ),
            (
                "  imported and indexed",
                format!(
                    "after {:.1} s, {:.1} CPU-s; then the sets, which their owners give once a round",
                    self.indexed_s, self.indexed_cpu_s
                ),
            ),
        ]
    }

    /// Whether the drill showed what it must. Memory and time of building depend on the machine: they are told, not judged.
    ///
    /// # Errors
    /// [`RehearsalError::Drill`].
    pub fn verdict(&self) -> Result<(), RehearsalError> {
        let through = self.tally.through() + self.answers_after + self.let_in;
        let lost = self.lost_before + self.lost_after;
        let slow = usize::from(self.refused_max_s > REFUSAL_GOAL);
        if self.exposed_others == 0 && through == 0 && lost == 0 && self.ended == 0 && slow == 0 {
            return Ok(());
        }
        Err(RehearsalError::Drill { exposed: self.exposed_others, through, lost, ended: self.ended, slow })
    }
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_that_got_through_is_counted() {
        let mut tally = Tally::default();
        tally.count("a", true);
        tally.count("a", false);
        tally.count("b", true);
        assert_eq!((tally.tried(), tally.through(), tally.attacks.len()), (3, 1, 2));
    }
}
