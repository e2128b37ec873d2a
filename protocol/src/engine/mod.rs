//! Level 6: the engine. It decides what a node does: one input in, one set of effects out.
//!
//! The node's driver commits `Effects::writes` in one atomic, durable batch and only then performs `Effects::actions`.
//! A dropped engine loses nothing: whatever must survive is a row, and [`Engine::open`] re-issues what a crash cut short.

pub mod answer;
pub mod batch;
pub mod command;
pub mod view;

pub use batch::{Batch, Op, Reserve};
pub use view::{Bulk, ReadError, View};
