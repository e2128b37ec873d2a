//! Level 6: the engine. It decides what a node does: one input in, one set of effects out.
//!
//! The node's driver commits `Effects::writes` in one atomic, durable batch and only then performs `Effects::actions`.
//! A dropped engine loses nothing: whatever must survive is a row, and [`Engine::open`] re-issues what a crash cut short.

pub mod answer;
pub mod batch;
pub mod bundle_in;
pub mod bundle_out;
mod candidates;
mod cases;
mod claims;
pub mod command;
mod confirmation;
mod core;
mod disclosures;
mod dispatch;
mod duplicates;
pub mod effect;
mod emergency;
mod epochs;
mod evaluation;
mod gossip;
mod households;
mod index;
pub mod input;
pub mod inputs;
pub mod job;
pub mod jobs;
mod links;
mod lookup;
mod member_rows;
mod members;
mod met;
pub mod operational;
mod outbox;
mod people;
mod progress;
mod public;
mod reach;
mod receive;
mod references;
mod removal;
mod renewal;
mod resume;
mod rows;
mod search;
mod sets;
pub mod setup;
mod spread;
mod standing;
mod status;
mod step;
mod suspects;
mod trail;
pub mod view;

pub use answer::{Answer, Failure};
pub use batch::{Batch, Op, Reserve};
pub use bundle_in::BundleOutcome;
pub use bundle_out::{BundlePlace, CarryProblem};
pub use command::Command;
pub use core::{Engine, NodeKeys, OpenError};
pub use effect::{Action, Effects, Notice, NoticeCode, Receipt};
pub use input::{Carrier, Custody, Input, LinkChange, Now, Path, Seat, SendOutcome};
pub use job::{Job, JobClass, JobFailure, JobOutput};
pub use member_rows::AcceptPolicy;
pub use rows::{HeadRow, SplitViewRow};
pub use view::{Bulk, ReadError, View};
