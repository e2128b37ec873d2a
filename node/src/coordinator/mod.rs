//! Level N2: how a network gets its roster. The key ceremony, the proposal of a version, its signatures and its publication,
//! all on files; nothing here opens a person, an index or a case.

pub mod auditing;
pub mod auditor_file;
pub mod ceremony;
pub mod ceremony_plan;
pub mod ceremony_verify;
pub mod changes;
pub mod custodians_file;
mod decide;
pub mod diff;
pub mod draft;
pub mod first_ceremony;
pub mod plan;
pub mod proposal;
pub mod propose;
pub mod publish;
pub mod rehearse;
pub mod replacement;
pub mod sign;
pub mod suspend;
pub mod suspension;
mod transcript;
pub mod verify;

pub use ceremony::{CeremonyArgs, CeremonyError, CeremonyReport, CustodianSecrets};
pub use draft::{Draft, DraftReport};
pub use proposal::{Proposal, ProposalError};
pub use propose::{ProposeArgs, ProposeError, ProposeReport};
pub use publish::{PublishArgs, PublishError, PublishReport, Published};
pub use sign::{SignArgs, SignError};
pub use verify::{VerifyArgs, VerifyError, VerifyReport};
