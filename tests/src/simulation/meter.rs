//! What one node of a simulated network uses of the processor: its engine's steps and its jobs, each by itself.
//!
//! A part of the world, which runs all nodes in one thread: CPU time of that thread around a step is the node's. What the
//! world itself does (the network, the queue, commits, its trace) is not counted; reads of the simulated store within a
//! step are.

use std::time::Duration;

use crate::clock::cpu;

/// The node that is looked at, and what it used so far.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    node: usize,
    /// In steps of its engine.
    pub engine: Duration,
    /// In its jobs.
    pub jobs: Duration,
}

/// Which of the two counts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    Step,
    Job,
}

impl Meter {
    /// Of a node, from zero on.
    #[must_use]
    pub const fn new(node: usize) -> Self {
        Self { node, engine: Duration::ZERO, jobs: Duration::ZERO }
    }

    /// Both together.
    #[must_use]
    pub fn whole(&self) -> Duration {
        self.engine + self.jobs
    }

    /// The moment at which a node's work begins, if that is the node.
    pub(super) fn begin(meter: Option<&Self>, node: usize) -> Option<Duration> {
        meter.filter(|meter| meter.node == node).map(|_| cpu())
    }

    /// Counts what was used since.
    pub(super) fn end(meter: Option<&mut Self>, began: Option<Duration>, work: Work) {
        let (Some(meter), Some(began)) = (meter, began) else { return };
        let used = cpu().saturating_sub(began);
        match work {
            Work::Step => meter.engine += used,
            Work::Job => meter.jobs += used,
        }
    }
}
