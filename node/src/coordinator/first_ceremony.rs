//! `ceremony run --plan`: the whole ceremony from one reviewed file. It makes the custodians' keys, signs the first roster with
//! all of them, and writes a transcript that every key signed.
//!
//! It runs once in a network's life, on a machine without a network. It keeps that nothing is left where a part failed, and that
//! whoever has the plan and the enrolments can make the same roster again and compare.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kinmesh_protocol::base::{NetworkId, Timestamp};
use kinmesh_protocol::roster::RosterError;
use serde::Serialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::coordinator::ceremony::{self, CeremonyArgs, CeremonyError, CustodianSecrets, Made};
use crate::coordinator::ceremony_plan::{CeremonyPlanError, ReadPlan};
use crate::coordinator::proposal::{Proposal, ProposalError};
use crate::coordinator::propose::{ProposeError, first_roster};
use crate::coordinator::transcript::{Transcript, TranscriptCustodian};
use crate::exchange::bundle_file::{BundleFileError, Replace, write_bundle};
use crate::exchange::{Kind, WholeFileError, read_bounded, write_new};

/// Bytes of a key file.
const KEY_BYTES: u64 = 64 * 1024;

/// What the ceremony follows.
pub struct FirstCeremonyArgs {
    /// The plan.
    pub plan: PathBuf,
    /// Folder for the files; made if it is not there.
    pub out: PathBuf,
    /// One secret a custodian of the plan.
    pub custodians: CustodianSecrets,
    /// The time.
    pub now: Timestamp,
}

/// What the ceremony made.
#[derive(Clone, Debug, Serialize)]
pub struct FirstCeremonyReport {
    /// Kind and version of this object.
    pub schema: &'static str,
    /// The network.
    pub network: NetworkId,
    /// What operators type to trust the first roster.
    pub fingerprint: String,
    /// SHA-256 of the plan's file.
    pub plan: String,
    /// The custodians' key files, in their order.
    pub keys: Vec<PathBuf>,
    /// The offices, in the same order.
    pub offices: Vec<String>,
    /// The file with the public keys.
    pub custodians: PathBuf,
    /// The first roster, signed by every key.
    pub roster: PathBuf,
    /// The transcript.
    pub transcript: PathBuf,
    /// Members on the roster.
    pub members: usize,
}

/// Why the ceremony made nothing.
#[derive(Debug, Error)]
pub enum FirstCeremonyError {
    /// The plan.
    #[error(transparent)]
    Plan(#[from] CeremonyPlanError),
    /// Another number of secrets than custodians.
    #[error("{found} secrets for {expected} custodians")]
    Secrets {
        /// Custodians of the plan.
        expected: usize,
        /// Secrets given.
        found: usize,
    },
    /// The keys.
    #[error(transparent)]
    Keys(#[from] CeremonyError),
    /// The first roster.
    #[error(transparent)]
    Propose(#[from] ProposeError),
    /// Its signatures.
    #[error(transparent)]
    Proposal(#[from] ProposalError),
    /// The signed roster does not verify.
    #[error("the first roster: {0}")]
    Roster(#[from] RosterError),
    /// A file.
    #[error(transparent)]
    File(#[from] WholeFileError),
    /// A bundle.
    #[error(transparent)]
    Bundle(#[from] BundleFileError),
}

impl FirstCeremonyError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Plan(error) => error.kind(),
            Self::Keys(error) => error.kind(),
            Self::Propose(error) => error.kind(),
            Self::File(WholeFileError::Io { .. }) | Self::Bundle(BundleFileError::File(WholeFileError::Io { .. })) => {
                Kind::Machine
            }
            Self::Proposal(_) | Self::Roster(_) => Kind::Verification,
            Self::Secrets { .. } | Self::File(_) | Self::Bundle(_) => Kind::Usage,
        }
    }
}

impl FirstCeremonyReport {
    /// The report for people.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "Network {}: {} custodians, first roster of {} members", self.network, self.keys.len(), self.members)?;
        for (key, office) in self.keys.iter().zip(&self.offices) {
            writeln!(out, "  {}  ({office})", key.display())?;
        }
        writeln!(out, "  {}  (public keys)", self.custodians.display())?;
        writeln!(out, "  {}  (version 1, signed by every key)", self.roster.display())?;
        writeln!(out, "  {}  (signed by every key)", self.transcript.display())?;
        writeln!(out)?;
        writeln!(out, "Root fingerprint:  {}", self.fingerprint)?;
        writeln!(out)?;
        writeln!(out, "Write the fingerprint down: every society gets it on paper and types it once, to join.")?;
        writeln!(out, "Give each custodian the key file of that office, and keep no copy on this machine.")?;
        writeln!(out, "Everybody can check the rest: kinmesh ceremony verify")
    }
}

/// Runs the ceremony.
///
/// # Errors
/// [`FirstCeremonyError`]; files that were written are removed again.
pub fn run(args: &FirstCeremonyArgs) -> Result<FirstCeremonyReport, FirstCeremonyError> {
    let read = ReadPlan::read(&args.plan)?;
    let (expected, found) = (read.plan.custodians.len(), args.custodians.count());
    if expected != found {
        return Err(FirstCeremonyError::Secrets { expected, found });
    }
    let mut made = ceremony::make(&CeremonyArgs {
        network: read.plan.network,
        out: args.out.clone(),
        threshold: read.plan.threshold,
        root_threshold: Some(read.plan.root_threshold),
        emergency_threshold: Some(read.plan.emergency_threshold),
        custodians: args.custodians.clone(),
    })?;
    let proposal = signed_roster(&read, &made, args.now)?;
    let held = proposal.verify(args.now)?;
    let roster = args.out.join("roster-1.kmr");
    let items = proposal.to_items();
    write_bundle(&roster, items.iter().map(Vec::as_slice), Replace::Never)?;
    made.written.files.push(roster.clone());
    let transcript = args.out.join("transcript.txt");
    let text = transcript_of(&read, &made, held.hash, args.now)?.to_text(&made.keys);
    write_new(&transcript, text.as_bytes())?;
    let custodians = made.custodians.clone();
    let report = made.keep();
    Ok(FirstCeremonyReport {
        schema: "kinmesh/ceremony-run/1",
        network: custodians.network,
        fingerprint: custodians.fingerprint().to_string(),
        plan: read.hash_text(),
        keys: report.keys.into_iter().filter(|file| *file != roster).collect(),
        offices: read.plan.custodians.clone(),
        custodians: report.custodians,
        roster,
        transcript,
        members: held.roster.members.len(),
    })
}

fn signed_roster(read: &ReadPlan, made: &Made, now: Timestamp) -> Result<Proposal, FirstCeremonyError> {
    let custodians = made.custodians.custodians.clone();
    let mut proposal = first_roster(&read.roster_plan(), &read.folder, custodians, &read.member_files(), now)?;
    for key in &made.keys {
        proposal.sign(key)?;
    }
    Ok(proposal)
}

fn transcript_of(read: &ReadPlan, made: &Made, roster: [u8; 32], now: Timestamp) -> Result<Transcript, FirstCeremonyError> {
    let files = made.written.files.iter().map(|file| hash_of(file));
    let custodians = (read.plan.custodians.iter())
        .zip(&made.keys)
        .zip(files)
        .map(|((office, key), file)| {
            Ok(TranscriptCustodian { office: office.clone(), key: key.verifying_key().to_bytes(), file: file? })
        })
        .collect::<Result<Vec<_>, WholeFileError>>()?;
    Ok(Transcript { network: read.plan.network, issued: now.seconds(), plan: read.hash, roster, custodians })
}

fn hash_of(file: &Path) -> Result<[u8; 32], WholeFileError> {
    Ok(Sha256::digest(read_bounded(file, KEY_BYTES)?).into())
}

#[cfg(test)]
pub(super) mod tests {
    use kinmesh_protocol::base::{Draw, MemberId};
    use kinmesh_protocol::engine::setup;

    use super::*;
    use crate::coordinator::ceremony_verify::{self, CeremonyVerifyArgs, CeremonyVerifyError};
    use crate::coordinator::proposal::tests::NOW;
    use crate::coordinator::transcript::TranscriptError;
    use crate::exchange::enrolment::{Enrolment, Part};

    /// A folder with a plan for three custodians and two societies, and their enrolments.
    pub(crate) fn desk() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let network = NetworkId::new("drill-k").unwrap();
        let write = |part: Part, seed: u8| {
            let operational = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
            let operational_key = operational.verifying_key().to_bytes();
            let enrolment = Enrolment { network, part, operational_key, addresses: Vec::new() };
            write_new(&folder.path().join(enrolment.file_name()), enrolment.to_text().as_bytes()).unwrap();
        };
        write(Part::Coordinator, 50);
        for (id, seed) in [("KE", 1), ("UG", 2)] {
            let member = MemberId::new(id).unwrap();
            let root = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
            let operational = ed25519_dalek::SigningKey::from_bytes(&[seed + 100; 32]);
            let made = setup::MemberSetup { member, network };
            let (_, own) = setup::member(&made, &root, &operational, NOW, &mut Draw::new([seed; 32]));
            let root_key = root.verifying_key().to_bytes();
            let (name, country) = (format!("{id} Red Cross"), id.to_owned());
            write(Part::Member { member, name, country, root_key, announcement: own.announcement }, seed + 100);
        }
        let plan = folder.path().join("ceremony.toml");
        let text = "network = \"drill-k\"\ncustodians = [\"Geneva\", \"Nairobi\", \"Oslo\"]\nthreshold = 2\nroot_threshold = 3\n\
                    emergency_threshold = 2\ncoordinator = \"enrol-coordinator.toml\"\n\
                    members = [\"enrol-KE.toml\", \"enrol-UG.toml\"]\nexpires_days = 300\npace = \"standard\"\n\
                    new_members = \"probation\"\n[settings.KE]\npeople_cap = 4096\n";
        write_new(&plan, text.as_bytes()).unwrap();
        (folder, plan)
    }

    fn args(folder: &Path, plan: &Path) -> FirstCeremonyArgs {
        let custodians = CustodianSecrets::Unprotected(3);
        FirstCeremonyArgs { plan: plan.to_owned(), out: folder.join("keys"), custodians, now: NOW }
    }

    fn check(plan: &Path, made: &FirstCeremonyReport) -> Result<(), CeremonyVerifyError> {
        let args = CeremonyVerifyArgs { plan: plan.to_owned(), transcript: made.transcript.clone(), roster: made.roster.clone() };
        ceremony_verify::run(&args).map(|_| ())
    }

    fn change(file: &Path, from: &str, to: &str) {
        let text = String::from_utf8(read_bounded(file, 100_000).unwrap()).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(file, text.replace(from, to)).unwrap();
    }

    #[test]
    fn a_ceremony_is_checked_by_whoever_has_the_plan() {
        let (folder, plan) = desk();
        let made = run(&args(folder.path(), &plan)).unwrap();
        assert_eq!((made.keys.len(), made.members), (3, 2));
        check(&plan, &made).unwrap();
    }

    #[test]
    fn another_plan_transcript_or_roster_is_found_out() {
        let (folder, plan) = desk();
        let made = run(&args(folder.path(), &plan)).unwrap();
        change(&plan, "expires_days = 300", "expires_days = 301");
        assert!(matches!(check(&plan, &made), Err(CeremonyVerifyError::OtherPlan)));
        change(&plan, "expires_days = 301", "expires_days = 300");
        change(&made.transcript, "Nairobi", "Mombasa");
        let refused = check(&plan, &made);
        assert!(matches!(refused, Err(CeremonyVerifyError::Transcript(TranscriptError::Signature { place: 1 }))));
        change(&made.transcript, "Mombasa", "Nairobi");
        // A second ceremony of the same plan has other keys: its roster is not the transcript's.
        let again = run(&FirstCeremonyArgs { out: folder.path().join("again"), ..args(folder.path(), &plan) }).unwrap();
        let mixed = FirstCeremonyReport { roster: again.roster, ..made.clone() };
        assert!(matches!(check(&plan, &mixed), Err(CeremonyVerifyError::OtherRoster)));
        // An enrolment that was exchanged afterwards: the roster cannot be made from it.
        change(&folder.path().join("enrol-UG.toml"), "UG Red Cross", "UG Red Crescent");
        assert!(matches!(check(&plan, &made), Err(CeremonyVerifyError::NotThePlan)));
    }

    #[test]
    fn a_ceremony_that_fails_leaves_nothing_and_needs_a_secret_each() {
        let (folder, plan) = desk();
        let two = FirstCeremonyArgs { custodians: CustodianSecrets::Unprotected(2), ..args(folder.path(), &plan) };
        assert!(matches!(run(&two), Err(FirstCeremonyError::Secrets { expected: 3, found: 2 })));
        let out = folder.path().join("keys");
        std::fs::create_dir(&out).unwrap();
        std::fs::write(out.join("transcript.txt"), b"an older one").unwrap();
        assert!(matches!(run(&args(folder.path(), &plan)), Err(FirstCeremonyError::File(WholeFileError::Exists { .. }))));
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1, "no key is left behind");
    }
}
