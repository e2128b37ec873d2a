//! Level N2: how a network gets its roster. The key ceremony, the proposal of a version, its signatures and its publication,
//! all on files; nothing here opens a person, an index or a case.

pub mod ceremony;
pub mod changes;
pub mod custodians_file;
pub mod plan;
pub mod proposal;
pub mod propose;
pub mod publish;
pub mod sign;
pub mod verify;

pub use ceremony::{CeremonyArgs, CeremonyError, CeremonyReport, CustodianSecrets};
pub use proposal::{Proposal, ProposalError};
pub use propose::{ProposeArgs, ProposeError, ProposeReport};
pub use publish::{PublishArgs, PublishError, PublishReport, Published};
pub use sign::{SignArgs, SignError, SignReport};
pub use verify::{VerifyArgs, VerifyError, VerifyReport};
