//! Level 3: which of two societies' records mean the same person, without either showing its records to the other.
//!
//! An owner evaluates its match keys under an epoch's secret and ships each peer a set of 48-bit label prefixes; a querier has
//! its own keys evaluated blindly and tests the labels against the set at home (protocol.md 2).

pub mod asking;
pub mod audit;
pub mod breaker;
pub mod budget;
pub mod build;
pub mod chain;
pub mod delta;
pub mod entry;
pub mod evaluation;
pub mod household;
pub mod input;
pub mod label;
pub mod manifest;
pub mod oprf;
pub mod owner;
pub mod padding;
pub mod querier;
pub mod round;
pub mod runs;
pub mod set;
pub mod snapshot;
pub mod tag_page;

mod mac;

#[cfg(test)]
pub(crate) mod example;

pub use budget::{Bucket, RetryAfter, padding_unit};
pub use entry::EntryId;
pub use evaluation::{EvalCase, EvalMode, EvalRequest, EvalResponse, EvalShape, EvalStatus, EvaluatedCase};
pub use label::{Family, LabelKey, Tag, tag};
pub use manifest::{
    ReceiptStatus, SegmentInfo, SegmentKind, SetGet, SetKind, SetManifest, SetReceipt, SetSegment, WantedSegment,
};
pub use oprf::{Element, EpochSecret, Output};
pub use set::{SegmentReader, SetCorrupt, merge_hits};
