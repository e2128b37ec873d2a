//! `ceremony rehearse`: the same ceremony with keys that are thrown away, in a network that no node joins.
//!
//! The custodians run it before the day, from the plan that they reviewed. It keeps that nothing of it can be used: the network
//! has another name, one of a drill, and every key, the societies' as well, is made for the rehearsal and deleted after it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kinmesh_protocol::base::{Draw, NetworkId, Timestamp};
use kinmesh_protocol::engine::setup;
use serde::Serialize;
use thiserror::Error;

use crate::coordinator::ceremony::{CeremonyError, CustodianSecrets, fresh_key};
use crate::coordinator::ceremony_plan::{CeremonyPlan, CeremonyPlanError, ReadPlan};
use crate::coordinator::ceremony_verify::{self, CeremonyVerifyArgs, CeremonyVerifyError};
use crate::coordinator::first_ceremony::{self, FirstCeremonyArgs, FirstCeremonyError};
use crate::coordinator::plan::PlannedStatus;
use crate::coordinator::verify::VerifyStep;
use crate::exchange::enrolment::{Enrolment, Part};
use crate::exchange::{Kind, WholeFileError, write_new};

/// Characters of a network's id.
const NETWORK_LENGTH: usize = 32;

/// What is rehearsed.
pub struct RehearseArgs {
    /// The plan.
    pub plan: PathBuf,
    /// The time.
    pub now: Timestamp,
}

/// How the rehearsal went.
#[derive(Clone, Debug, Serialize)]
pub struct RehearseReport {
    /// Kind and version of this object.
    pub schema: &'static str,
    /// The network that was planned.
    pub network: NetworkId,
    /// The network of the rehearsal.
    pub rehearsed_as: NetworkId,
    /// Custodians' keys that were made and deleted.
    pub keys: usize,
    /// What the check of the transcript found.
    pub steps: Vec<VerifyStep>,
}

/// Why the rehearsal failed.
#[derive(Debug, Error)]
pub enum RehearseError {
    /// The plan.
    #[error(transparent)]
    Plan(#[from] CeremonyPlanError),
    /// A file of the rehearsal.
    #[error(transparent)]
    File(#[from] WholeFileError),
    /// The keys of the societies.
    #[error(transparent)]
    Keys(#[from] CeremonyError),
    /// The ceremony.
    #[error(transparent)]
    Ceremony(#[from] FirstCeremonyError),
    /// Its check.
    #[error(transparent)]
    Verify(#[from] CeremonyVerifyError),
}

impl RehearseError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Plan(error) => error.kind(),
            Self::File(_) => Kind::Machine,
            Self::Keys(error) => error.kind(),
            Self::Ceremony(error) => error.kind(),
            Self::Verify(error) => error.kind(),
        }
    }
}

impl RehearseReport {
    /// The report for people.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "Rehearsal of {} as {}", self.network, self.rehearsed_as)?;
        for VerifyStep { step, found } in &self.steps {
            writeln!(out, "✓ {step:<14} {found}")?;
        }
        writeln!(out, "{} keys were made for it and are deleted; nothing of it can be used.", self.keys)
    }
}

/// Rehearses a ceremony.
///
/// # Errors
/// [`RehearseError`].
pub fn run(args: &RehearseArgs) -> Result<RehearseReport, RehearseError> {
    let read = ReadPlan::read(&args.plan)?;
    let folder = tempfile::Builder::new().prefix("kinmesh-rehearsal-").tempdir();
    let folder = folder.map_err(WholeFileError::io(&std::env::temp_dir()))?;
    let network = rehearsed(&read.plan.network);
    let plan = write_plan(&read, network, folder.path(), args.now)?;
    let out = folder.path().join("out");
    let keys = read.plan.custodians.len();
    let made = first_ceremony::run(&FirstCeremonyArgs {
        plan: plan.clone(),
        out,
        custodians: CustodianSecrets::Unprotected(keys),
        now: args.now,
    })?;
    let checked = ceremony_verify::run(&CeremonyVerifyArgs { plan, transcript: made.transcript, roster: made.roster })?;
    Ok(RehearseReport {
        schema: "kinmesh/ceremony-rehearse/1",
        network: read.plan.network,
        rehearsed_as: network,
        keys,
        steps: checked.steps,
    })
}

/// The network's name as a drill's.
fn rehearsed(network: &NetworkId) -> NetworkId {
    let name: String = format!("drill-{network}").chars().take(NETWORK_LENGTH).collect();
    // The same alphabet, and short enough.
    NetworkId::new(&name).unwrap_or(*network)
}

/// The plan and enrolments of the rehearsal: the same societies with keys that are made for it.
fn write_plan(read: &ReadPlan, network: NetworkId, folder: &Path, now: Timestamp) -> Result<PathBuf, RehearseError> {
    let throwaway = |part: Part| -> Result<Enrolment, RehearseError> {
        let (root, operational) = (fresh_key()?, fresh_key()?);
        let part = match part {
            Part::Member { member, name, country, .. } => {
                let setup = setup::MemberSetup { member, network };
                let mut draw = Draw::new(fresh_key()?.to_bytes());
                let (_, own) = setup::member(&setup, &root, &operational, now, &mut draw);
                let root_key = root.verifying_key().to_bytes();
                Part::Member { member, name, country, root_key, announcement: own.announcement }
            }
            Part::Coordinator => Part::Coordinator,
        };
        let operational_key = operational.verifying_key().to_bytes();
        Ok(Enrolment { network, part, operational_key, addresses: Vec::new() })
    };
    let coordinator = throwaway(Part::Coordinator)?;
    write_new(&folder.join(coordinator.file_name()), coordinator.to_text().as_bytes())?;
    let mut files = Vec::new();
    for (_, enrolment) in read.enrolments()? {
        let invented = throwaway(enrolment.part)?;
        write_new(&folder.join(invented.file_name()), invented.to_text().as_bytes())?;
        files.push(invented.file_name());
    }
    let path = folder.join("plan.toml");
    write_new(&path, plan_text(&read.plan, network, &coordinator.file_name(), &files).as_bytes())?;
    Ok(path)
}

/// The plan's text again: the same numbers, the rehearsal's names.
fn plan_text(plan: &CeremonyPlan, network: NetworkId, coordinator: &str, members: &[String]) -> String {
    let new_members = if plan.new_members == PlannedStatus::Probation { "probation" } else { "active" };
    let list = |items: &[String]| toml::Value::from(items.to_vec()).to_string();
    format!(
        "network = \"{network}\"\ncustodians = {}\nthreshold = {}\nroot_threshold = {}\nemergency_threshold = {}\n\
         coordinator = \"{coordinator}\"\nmembers = {}\nexpires_days = {}\npace = \"standard\"\nnew_members = \"{new_members}\"\n",
        list(&plan.custodians),
        plan.threshold,
        plan.root_threshold,
        plan.emergency_threshold,
        list(members),
        plan.expires_days,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordinator::first_ceremony::tests::desk;
    use crate::coordinator::proposal::tests::NOW;

    #[test]
    fn a_rehearsal_goes_through_every_step_and_leaves_nothing() {
        let (folder, plan) = desk();
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        let report = run(&RehearseArgs { plan, now: NOW }).unwrap();
        assert_eq!((report.network.as_str(), report.rehearsed_as.as_str(), report.keys), ("drill-k", "drill-drill-k", 3));
        assert_eq!(report.steps.last().map(|step| step.step), Some("fingerprint"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), files);
    }

    #[test]
    fn a_long_name_stays_a_networks() {
        let long = NetworkId::new("a-network-with-a-very-long-name0").unwrap();
        assert!(rehearsed(&long).is_drill());
    }
}
