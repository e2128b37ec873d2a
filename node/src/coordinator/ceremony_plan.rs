//! The plan of a key ceremony: one file that everybody reviews before the machine without a network is switched on.
//!
//! `ceremony plan` shows it in plain words, `run`, `rehearse` and `verify` follow it. It keeps that nothing of the ceremony is
//! decided anywhere else: who the custodians are, how many of them sign what, which societies begin, how long the first roster
//! is good. It names offices, never people.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use kinmesh_protocol::base::{MemberId, NetworkId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::coordinator::plan::{MemberPlan, PLAN_BYTES, Plan, PlannedPace, PlannedStatus, network};
use crate::exchange::enrolment::{ENROLMENT_BYTES, Enrolment, EnrolmentError, Part};
use crate::exchange::whole_file::folder_of;
use crate::exchange::{Kind, WholeFileError, read_bounded};

/// An example with every field.
pub const CEREMONY_TEMPLATE: &str = include_str!("ceremony.toml");

/// What is decided before a ceremony.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CeremonyPlan {
    /// The network.
    #[serde(deserialize_with = "network")]
    pub network: NetworkId,
    /// The offices that hold a custodian's key, in their order.
    pub custodians: Vec<String>,
    /// Signatures on a roster.
    pub threshold: u64,
    /// Signatures on another set of custodians.
    pub root_threshold: u64,
    /// Signatures that suspend in an emergency.
    pub emergency_threshold: u64,
    /// The coordination node's enrolment, beside the plan unless absolute.
    pub coordinator: PathBuf,
    /// The societies' enrolments, beside the plan unless absolute.
    pub members: Vec<PathBuf>,
    /// Days until the first roster ends, at most 400.
    pub expires_days: u64,
    /// The intervals.
    pub pace: PlannedPace,
    /// What the societies are: `active` or `probation`.
    pub new_members: PlannedStatus,
    /// Texts for all operators.
    #[serde(default)]
    pub notices: Vec<String>,
    /// Settings of single members, by id.
    #[serde(default)]
    pub settings: std::collections::BTreeMap<MemberId, MemberPlan>,
}

/// A plan with the file that it came from.
#[derive(Clone, Debug)]
pub struct ReadPlan {
    /// The plan.
    pub plan: CeremonyPlan,
    /// SHA-256 of the file.
    pub hash: [u8; 32],
    /// The folder from which its paths count.
    pub folder: PathBuf,
}

/// A plan in plain words.
#[derive(Clone, Debug, Serialize)]
pub struct CeremonyPlanReport {
    /// Kind and version of this object.
    pub schema: &'static str,
    /// The network.
    pub network: NetworkId,
    /// SHA-256 of the plan's file.
    pub plan: String,
    /// The offices, in their order.
    pub custodians: Vec<String>,
    /// Signatures on a roster, on other custodians, on an emergency suspension.
    pub thresholds: [u64; 3],
    /// The societies, and the fingerprint that each reads out.
    pub members: Vec<(MemberId, String)>,
    /// Days until the first roster ends.
    pub expires_days: u64,
}

/// Why a plan cannot be followed.
#[derive(Debug, Error)]
pub enum CeremonyPlanError {
    /// The file.
    #[error(transparent)]
    File(#[from] WholeFileError),
    /// No plan, or a field that is missing, unknown or of another kind.
    #[error("line {line} is no plan of a ceremony: a field is missing, unknown or of another kind")]
    Form {
        /// Line of the file, from 1; 0 if none can be named.
        line: usize,
    },
    /// The thresholds do not fit the number of custodians.
    #[error("thresholds {thresholds:?} do not fit {custodians} custodians")]
    Thresholds {
        /// Custodians in the plan.
        custodians: usize,
        /// On a roster, on other custodians, on an emergency suspension.
        thresholds: [u64; 3],
    },
    /// An office that is no line of text, or stands twice.
    #[error("custodian {place} is no office of 1 to 64 characters that stands once")]
    Office {
        /// Its place, from 1.
        place: usize,
    },
    /// An enrolment.
    #[error("{path}: {source}")]
    Enrolment {
        /// The file.
        path: PathBuf,
        /// Why.
        source: EnrolmentError,
    },
    /// An enrolment that does not belong there.
    #[error("{path} enrols in another network or in another part")]
    Part {
        /// The file.
        path: PathBuf,
    },
    /// A society that stands twice.
    #[error("{0} enrols twice")]
    Twice(MemberId),
}

impl CeremonyPlanError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::File(WholeFileError::Io { .. }) => Kind::Machine,
            Self::Enrolment { source: EnrolmentError::Fingerprint, .. } => Kind::Verification,
            _ => Kind::Usage,
        }
    }
}

impl ReadPlan {
    /// Reads a plan and every file that it names.
    ///
    /// # Errors
    /// [`CeremonyPlanError`].
    pub fn read(path: &Path) -> Result<Self, CeremonyPlanError> {
        let bytes = read_bounded(path, PLAN_BYTES)?;
        let text = String::from_utf8_lossy(&bytes);
        let plan: CeremonyPlan = toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            CeremonyPlanError::Form { line: before.map_or(0, |before| before.matches('\n').count() + 1) }
        })?;
        let read = Self { plan, hash: Sha256::digest(&bytes).into(), folder: folder_of(path).to_owned() };
        read.check()?;
        Ok(read)
    }

    /// The plan's hash as people compare it.
    #[must_use]
    pub fn hash_text(&self) -> String {
        HEXLOWER.encode(&self.hash)
    }

    /// The societies' enrolments.
    #[must_use]
    pub fn member_files(&self) -> Vec<PathBuf> {
        self.plan.members.iter().map(|file| self.folder.join(file)).collect()
    }

    /// What the first roster is made from.
    #[must_use]
    pub fn roster_plan(&self) -> Plan {
        let CeremonyPlan { network, coordinator, expires_days, pace, new_members, notices, settings, .. } = self.plan.clone();
        Plan {
            auditors: None,
            network,
            custodians: None,
            coordinator: Some(coordinator),
            expires_days: Some(expires_days),
            pace: Some(pace),
            profile: None,
            new_members: Some(new_members),
            notices: Some(notices),
            members: settings,
        }
    }

    /// The societies that begin, with what they read out.
    ///
    /// # Errors
    /// [`CeremonyPlanError`] of the first enrolment that is not sound.
    pub fn enrolments(&self) -> Result<Vec<(MemberId, Enrolment)>, CeremonyPlanError> {
        self.member_files().iter().map(|path| member(path, &self.plan.network)).collect()
    }

    /// The plan in plain words.
    ///
    /// # Errors
    /// [`CeremonyPlanError`].
    pub fn report(&self) -> Result<CeremonyPlanReport, CeremonyPlanError> {
        let CeremonyPlan { network, custodians, threshold, root_threshold, emergency_threshold, expires_days, .. } = &self.plan;
        let members = self.enrolments()?.into_iter().map(|(id, enrolment)| (id, enrolment.fingerprint().to_string())).collect();
        Ok(CeremonyPlanReport {
            schema: "kinmesh/ceremony-plan/1",
            network: *network,
            plan: self.hash_text(),
            custodians: custodians.clone(),
            thresholds: [*threshold, *root_threshold, *emergency_threshold],
            members,
            expires_days: *expires_days,
        })
    }

    fn check(&self) -> Result<(), CeremonyPlanError> {
        let CeremonyPlan { custodians, threshold, root_threshold, emergency_threshold, .. } = &self.plan;
        let count = custodians.len() as u64;
        let fits = (1..=count).contains(threshold)
            && (*threshold..=count).contains(root_threshold)
            && (1..=count).contains(emergency_threshold)
            && custodians.len() <= kinmesh_protocol::roster::custodians::CUSTODIANS;
        if !fits {
            let thresholds = [*threshold, *root_threshold, *emergency_threshold];
            return Err(CeremonyPlanError::Thresholds { custodians: custodians.len(), thresholds });
        }
        for (place, office) in (1..).zip(custodians) {
            let is_text = !office.trim().is_empty()
                && office.chars().count() <= 64
                && !office.chars().any(|c| kinmesh_protocol::envelope::is_forbidden(c) || matches!(c, '"' | '\\'));
            if !is_text || custodians.iter().filter(|other| *other == office).count() > 1 {
                return Err(CeremonyPlanError::Office { place });
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        match self.enrolments()?.into_iter().find(|(id, _)| !seen.insert(*id)) {
            Some((twice, _)) => Err(CeremonyPlanError::Twice(twice)),
            None => Ok(()),
        }
    }
}

impl CeremonyPlanReport {
    /// The report for people.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let [threshold, root, emergency] = self.thresholds;
        writeln!(out, "Key ceremony of {}: {} custodians", self.network, self.custodians.len())?;
        for (place, office) in (1..).zip(&self.custodians) {
            writeln!(out, "  custodian {place}: {office}")?;
        }
        writeln!(out, "{threshold} of them sign a roster, {root} a change of custodians, {emergency} an emergency suspension")?;
        writeln!(out, "The first roster is good for {} days and has {} members", self.expires_days, self.members.len())?;
        for (member, fingerprint) in &self.members {
            writeln!(out, "  {member}, reads out  {fingerprint}")?;
        }
        writeln!(out, "Plan (SHA-256):  {}", self.plan)?;
        writeln!(out, "Everybody compares this number; then: kinmesh ceremony rehearse, and kinmesh ceremony run")
    }
}

fn member(path: &Path, network: &NetworkId) -> Result<(MemberId, Enrolment), CeremonyPlanError> {
    let bytes = read_bounded(path, ENROLMENT_BYTES)?;
    let enrolment = Enrolment::parse(&String::from_utf8_lossy(&bytes))
        .map_err(|source| CeremonyPlanError::Enrolment { path: path.to_owned(), source })?;
    match enrolment.part {
        Part::Member { member, .. } if enrolment.network == *network => Ok((member, enrolment)),
        _ => Err(CeremonyPlanError::Part { path: path.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::write_new;

    #[test]
    fn the_example_is_a_plan() {
        let plan: CeremonyPlan = toml::from_str(CEREMONY_TEMPLATE).unwrap();
        assert_eq!((plan.custodians.len(), plan.threshold, plan.root_threshold, plan.emergency_threshold), (5, 3, 4, 2));
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.toml");
        let read = |text: &str| {
            let _absent = std::fs::remove_file(&path);
            write_new(&path, text.as_bytes()).unwrap();
            ReadPlan::read(&path).unwrap_err()
        };
        let one_file_less = CEREMONY_TEMPLATE.replace("members = [\"enrol-KE.toml\", \"enrol-UG.toml\"]", "members = []");
        assert!(matches!(
            read(&CEREMONY_TEMPLATE.replace("root_threshold = 4", "root_threshold = 2")),
            CeremonyPlanError::Thresholds { .. }
        ));
        assert!(matches!(read(&one_file_less.replace("\"Nairobi\"", "\"Geneva\"")), CeremonyPlanError::Office { place: 1 }));
        assert!(matches!(read("network = \"rfl\"\nx = 1\n"), CeremonyPlanError::Form { .. }));
        assert!(matches!(read(CEREMONY_TEMPLATE), CeremonyPlanError::File(_)), "the enrolments are not there");
    }
}
