//! What a node answers to a command. The control interface carries these as JSON.
//!
//! Lists hold masked lines (id, initials, year, place, state); whole records only in `show`, `review` and `receive`, each
//! of which is recorded as a view.

mod asking;
mod candidates;
mod cases;
mod erasure;
mod failure;
mod kinds;
mod node;
mod people;

pub use asking::{AskHitLine, AskingLine};
pub use candidates::{
    CandidateLine, CandidateRow, CandidateShown, DisclosureLine, DisclosureShown, DisclosureView, QuestionLine,
};
pub use cases::{BreakerLine, CaseLine, CaseShown, HeldLine, SearchLine, SearchPlan, SubjectLine};
pub use erasure::{ErasureLine, ErasureProblem, ErasureView};
pub use failure::{AuditProblem, Block, Failure, PairProblem, PublicProblem};
pub use kinds::Answer;
pub use node::{
    AuditLine, KeysRequested, LinkLine, LocalDecision, LogView, MemberLine, MemberView, NodeStatus, RosterView, SetLine,
};
pub use people::{DuplicateField, DuplicateLine, Duplicates, PersonAdded, PersonLine, PersonShown, RowResult, ShownField};
