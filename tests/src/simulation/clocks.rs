//! The time of the simulated world, and how far each node's clock is off.
//!
//! A part of the world. Nothing happens but by its queue; running moves the time from one event to the next.

use kinmesh_protocol::engine::Input;

use crate::simulation::world::World;

impl World {
    /// Sets a node's clock off the world's, in milliseconds: what was off before counts no more.
    pub fn set_clock(&mut self, node: usize, ahead_ms: i64) {
        self.node(node).ahead_ms = ahead_ms;
        if self.runs(node) {
            self.input(node, Input::Wake);
        }
    }

    /// Lets time pass at once: what was due meanwhile happens at its end.
    pub fn skip(&mut self, ms: u64) {
        self.now_ms += ms;
    }

    /// Runs for some virtual time.
    pub fn run_for(&mut self, ms: u64) {
        let until = self.now_ms + ms;
        while self.queue.first_key_value().is_some_and(|((at, _), _)| *at <= until) {
            self.step();
        }
        self.now_ms = until;
    }

    /// Lets time pass in which every machine sleeps: what falls due meanwhile is done at its end.
    pub fn leap(&mut self, ms: u64) {
        self.now_ms += ms;
    }

    /// Runs until something is so; false if it is not within some virtual time.
    pub fn run_until(&mut self, within_ms: u64, mut so: impl FnMut(&mut Self) -> bool) -> bool {
        let until = self.now_ms + within_ms;
        while self.now_ms < until {
            if so(self) {
                return true;
            }
            self.run_for(250);
        }
        so(self)
    }
}
