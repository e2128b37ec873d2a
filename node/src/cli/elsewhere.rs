//! The commands that other folders do: the command line defines their arguments and hands them over.
//!
//! The binary's wiring implements it over `daemon`, `coordinator` and `rehearsal`, the last of which stands above this
//! folder. Each runs outside any runtime, writes its result to `context.out`, and returns the error to be shown.

use super::args::{DaemonRunArgs, DemoArgs, DrillVerb, InitArgs, JoinArgs};
use super::ceremony::{CeremonyPlanArgs, CeremonyRehearseArgs, CeremonyReplaceArgs, CeremonyRunArgs, CeremonyVerifyArgs};
use super::context::Context;
use super::errors::CommandError;
use super::keys::KeysSignArgs;
use super::roster::{
    RosterDiffArgs, RosterProposeArgs, RosterPublishArgs, RosterRevokeArgs, RosterSignArgs, RosterSuspendArgs, RosterTakeArgs,
    RosterVerifyArgs,
};
use super::user::UserAddArgs;

/// What the command line does not do itself.
pub trait Elsewhere {
    /// `init`: makes a node.
    ///
    /// # Errors
    /// As shown to the user.
    fn init(&self, context: &Context, args: &InitArgs) -> Result<(), CommandError>;
    /// `join`: enters a network.
    ///
    /// # Errors
    /// As shown to the user.
    fn join(&self, context: &Context, args: &JoinArgs) -> Result<(), CommandError>;
    /// `user add`: lets another user open the records.
    ///
    /// # Errors
    /// As shown to the user.
    fn user_add(&self, context: &Context, args: &UserAddArgs) -> Result<(), CommandError>;
    /// `daemon run`: runs the node until it is stopped.
    ///
    /// # Errors
    /// As shown to the user.
    fn daemon_run(&self, context: &Context, args: &DaemonRunArgs) -> Result<(), CommandError>;
    /// `roster propose`: writes an unsigned roster.
    ///
    /// # Errors
    /// As shown to the user.
    fn roster_propose(&self, context: &Context, args: &RosterProposeArgs) -> Result<(), CommandError>;
    /// `roster sign`: adds a custodian's signature.
    ///
    /// # Errors
    /// As shown to the user.
    fn roster_sign(&self, context: &Context, args: &RosterSignArgs) -> Result<(), CommandError>;
    /// `roster publish`: makes the signed roster the coordination node's.
    ///
    /// # Errors
    /// As shown to the user.
    fn roster_publish(&self, context: &Context, args: &RosterPublishArgs) -> Result<(), CommandError>;
    /// `roster verify`: checks a file.
    ///
    /// # Errors
    /// As shown to the user.
    fn roster_verify(&self, context: &Context, args: &RosterVerifyArgs) -> Result<(), CommandError>;
    /// `roster diff`: says what a proposal or suspension changes.
    ///
    /// # Errors
    /// As shown to the user.
    fn roster_diff(&self, context: &Context, args: &RosterDiffArgs) -> Result<(), CommandError>;
    /// `roster suspend`: writes an unsigned suspension.
    ///
    /// # Errors
    /// As shown to the user.
    fn roster_suspend(&self, context: &Context, args: &RosterSuspendArgs) -> Result<(), CommandError>;
    /// `roster revoke`: hands in a member's printed revocation.
    ///
    /// # Errors
    /// As shown to the user.
    fn roster_revoke(&self, context: &Context, args: &RosterRevokeArgs) -> Result<(), CommandError>;
    /// `roster take`: gives public messages to the node.
    ///
    /// # Errors
    /// As shown to the user.
    fn roster_take(&self, context: &Context, args: &RosterTakeArgs) -> Result<(), CommandError>;
    /// `ceremony plan`: shows a plan.
    ///
    /// # Errors
    /// As shown to the user.
    fn ceremony_plan(&self, context: &Context, args: &CeremonyPlanArgs) -> Result<(), CommandError>;
    /// `ceremony verify`: checks a ceremony.
    ///
    /// # Errors
    /// As shown to the user.
    fn ceremony_verify(&self, context: &Context, args: &CeremonyVerifyArgs) -> Result<(), CommandError>;
    /// `ceremony rehearse`: runs one with keys that are thrown away.
    ///
    /// # Errors
    /// As shown to the user.
    fn ceremony_rehearse(&self, context: &Context, args: &CeremonyRehearseArgs) -> Result<(), CommandError>;
    /// `ceremony replace`: makes one custodian's key anew.
    ///
    /// # Errors
    /// As shown to the user.
    fn ceremony_replace(&self, context: &Context, args: &CeremonyReplaceArgs) -> Result<(), CommandError>;
    /// `ceremony run`: makes the custodians' keys.
    ///
    /// # Errors
    /// As shown to the user.
    fn ceremony_run(&self, context: &Context, args: &CeremonyRunArgs) -> Result<(), CommandError>;
    /// `keys sign`: signs a node's next operational key with the root key.
    ///
    /// # Errors
    /// As shown to the user.
    fn keys_sign(&self, context: &Context, args: &KeysSignArgs) -> Result<(), CommandError>;
    /// `demo`: a whole network on this machine.
    ///
    /// # Errors
    /// As shown to the user.
    fn demo(&self, context: &Context, args: &DemoArgs) -> Result<(), CommandError>;
    /// `drill`: a rehearsal on this machine.
    ///
    /// # Errors
    /// As shown to the user.
    fn drill(&self, context: &Context, verb: &DrillVerb) -> Result<(), CommandError>;
}
