//! Level 4: the command line, one file a noun. The only place that knows clap.
//!
//! [`main`] is called by the binary. A command reads its arguments, asks the daemon through `control`, and writes one
//! result to standard output; everything else goes to standard error. Personal data enters by forms, files and prompts,
//! never by arguments or the environment, and leaves only by `show`, `review`, `propose` and `receive`.
//!
//! What other folders do (a node's making, the daemon itself, the ceremony, the demo) is reached through [`Elsewhere`].

mod advice;
mod args;
mod audit;
mod auditing;
mod breaker;
mod bundle;
mod bundle_contents;
mod candidate;
mod case;
mod ceremony;
mod closing;
mod codes;
mod completion;
mod contact;
mod context;
mod daemon;
mod disclosure;
mod duplicates;
mod elsewhere;
mod engine_codes;
mod enquirer;
mod entry;
mod erase;
mod errors;
mod exit;
mod files;
mod import;
mod keys;
mod matching;
mod member;
mod output;
mod person;
mod place;
mod progress;
mod prompt;
mod protected;
mod roster;
mod search;
mod secrets;
mod send_now;
mod status;
mod table;
mod text;
mod user;

pub use args::{DaemonRunArgs, DemoArgs, DrillBreachArgs, DrillVerb, InitArgs, JoinArgs, NodeRole};
pub use ceremony::{CeremonyPlanArgs, CeremonyRehearseArgs, CeremonyReplaceArgs, CeremonyRunArgs, CeremonyVerifyArgs};
pub use context::Context;
pub use elsewhere::Elsewhere;
pub use entry::main;
pub use errors::{CommandError, Kind, NodeProblem, UsageProblem};
pub use exit::Exit;
pub use keys::KeysSignArgs;
pub use member::Reason;
pub use output::Output;
pub use place::Place;
pub use prompt::{confirm, fingerprint as prompt_fingerprint};
pub use roster::{
    Replacement, RosterDiffArgs, RosterProposeArgs, RosterPublishArgs, RosterRevokeArgs, RosterSignArgs, RosterSuspendArgs,
    RosterTakeArgs, RosterVerifyArgs,
};
pub use secrets::{existing_secret, fresh_secret};
pub use user::UserAddArgs;
