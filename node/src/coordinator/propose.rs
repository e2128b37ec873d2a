//! `roster propose`: the next version of a network's roster from a plan, enrolments and the held version.
//!
//! The coordinator calls it; nothing counts before custodians have signed. It keeps that the version is the held one's next
//! and that a member's root key is never exchanged on the way: another key for a known id is refused. Files only.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kinmesh_protocol::base::{MemberId, Timestamp};
use kinmesh_protocol::linkage::{parameters_hash, profile_id};
use kinmesh_protocol::roster::verify::PROTOCOL_VERSION;
use kinmesh_protocol::roster::{
    CaseClass, ClassId, Coordinator, Custodians, Fingerprint, Limits, Member, MemberStatus, Pace, Profile, Roster,
};
use serde::Serialize;
use thiserror::Error;

use crate::coordinator::auditor_file::{AUDITOR_BYTES, AuditorFile, AuditorFileError};
use crate::coordinator::changes::{Change, changes};
use crate::coordinator::custodians_file::{CUSTODIANS_BYTES, CustodiansError, NetworkCustodians};
use crate::coordinator::decide::{decide_members, decided, probation_over, replace_custodian};
use crate::coordinator::plan::{PLAN_BYTES, Plan, PlanError};
use crate::coordinator::proposal::{Proposal, ProposalError};
use crate::exchange::bundle_file::{BundleFileError, Replace, read_bundle, write_bundle};
use crate::exchange::enrolment::{ENROLMENT_BYTES, Enrolment, EnrolmentError, Part};
use crate::exchange::whole_file::folder_of;
use crate::exchange::{Kind, WholeFileError, read_bounded};

/// Days until a roster ends, unless the plan says otherwise.
const EXPIRES_DAYS: u64 = 365;
/// People that a member may hold, unless the plan says otherwise.
const PEOPLE_CAP: u64 = 65_536;
/// Seconds of a day.
pub(super) const DAY: u64 = 86_400;

/// What is proposed.
pub struct ProposeArgs {
    /// The plan; may be left out where there is a held roster.
    pub from: Option<PathBuf>,
    /// Enrolments of members that join or have other addresses.
    pub enrol: Vec<PathBuf>,
    /// The held roster: a bundle whose first item it is, such as the last invitation.
    pub held: Option<PathBuf>,
    /// Members to suspend.
    pub suspend: Vec<MemberId>,
    /// Members to take part in full: readmitted, past their probation, or cleared of an emergency suspension.
    pub active: Vec<MemberId>,
    /// Members that leave.
    pub left: Vec<MemberId>,
    /// Places of custodians, from 1, and the file with the key that takes each.
    pub replace: Vec<(usize, PathBuf)>,
    /// The file to write.
    pub out: PathBuf,
    /// The time.
    pub now: Timestamp,
}

/// What was proposed.
#[derive(Clone, Debug, Serialize)]
pub struct ProposeReport {
    /// Kind and version of this object.
    pub schema: &'static str,
    /// The network.
    pub network: kinmesh_protocol::base::NetworkId,
    /// The version.
    pub version: u64,
    /// Fingerprint of its custodians.
    pub fingerprint: String,
    /// What it changes.
    pub changes: Vec<Change>,
    /// Signatures that it needs.
    pub needed: u64,
    /// Members whose 14 days of probation are over, and that are still on it.
    pub probation_over: Vec<MemberId>,
    /// True if the custodians change, and with them the fingerprint that every society has on paper.
    pub other_fingerprint: bool,
    /// What each joining society reads out, by member.
    pub read_out: Vec<ReadOut>,
    /// The file.
    pub file: PathBuf,
}

/// An enrolment's fingerprint, to be compared on a call.
#[derive(Clone, Debug, Serialize)]
pub struct ReadOut {
    /// Who reads.
    pub member: MemberId,
    /// Eight groups of four.
    pub fingerprint: String,
}

/// Why nothing was proposed.
#[derive(Debug, Error)]
pub enum ProposeError {
    /// Neither a plan nor a held roster.
    #[error("a first roster needs a plan (--from), a later one the held roster (--held)")]
    NoBase,
    /// A first roster without custodians or coordinator.
    #[error("a first roster needs `{field}` in its plan")]
    Missing {
        /// The field of the plan.
        field: &'static str,
    },
    /// A file.
    #[error(transparent)]
    File(#[from] WholeFileError),
    /// A bundle.
    #[error("{path}: {source}")]
    Bundle {
        /// The file.
        path: PathBuf,
        /// Why.
        source: BundleFileError,
    },
    /// The plan.
    #[error("{path}: {source}")]
    Plan {
        /// The file.
        path: PathBuf,
        /// Why.
        source: PlanError,
    },
    /// The custodians file.
    #[error("{path}: {source}")]
    Custodians {
        /// The file.
        path: PathBuf,
        /// Why.
        source: CustodiansError,
    },
    /// An auditor's key.
    #[error("{path}: {source}")]
    Auditor {
        /// The file.
        path: PathBuf,
        /// Why.
        source: AuditorFileError,
    },
    /// An enrolment.
    #[error("{path}: {source}")]
    Enrolment {
        /// The file.
        path: PathBuf,
        /// Why.
        source: EnrolmentError,
    },
    /// A file of another network.
    #[error("{path} is of another network")]
    Network {
        /// The file.
        path: PathBuf,
    },
    /// A coordinator's enrolment where a member's belongs, or the other way round.
    #[error("{path} enrols in another part")]
    Part {
        /// The file.
        path: PathBuf,
    },
    /// No custodian has that place.
    #[error("custodian {place} of {count}: there is no such place")]
    NoCustodian {
        /// The place given.
        place: usize,
        /// Custodians on the roster.
        count: usize,
    },
    /// Another root key for a member that is on the roster.
    #[error("{0} is on the roster with another root key: a society that lost its key gets another id")]
    RootKey(MemberId),
    /// A member that is not on the roster.
    #[error("{0} is not on the roster and there is no enrolment of it")]
    UnknownMember(MemberId),
    /// Matching rules that this release has not.
    #[error("this release has the matching rules {known}, the plan asks for others")]
    Profile {
        /// Those of this release.
        known: kinmesh_protocol::base::ProfileId,
    },
    /// The proposal itself.
    #[error(transparent)]
    Proposal(#[from] ProposalError),
}

impl ProposeError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::File(WholeFileError::Io { .. })
            | Self::Bundle { source: BundleFileError::File(WholeFileError::Io { .. }), .. } => Kind::Machine,
            Self::Proposal(ProposalError::Before(_) | ProposalError::Announcement { .. })
            | Self::Custodians { source: CustodiansError::Fingerprint, .. }
            | Self::Enrolment { source: EnrolmentError::Fingerprint, .. }
            | Self::RootKey(_) => Kind::Verification,
            _ => Kind::Usage,
        }
    }
}

impl ProposeReport {
    /// The report for people.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} version {}, proposed in {}", self.network, self.version, self.file.display())?;
        write_changes(out, &self.changes)?;
        for ReadOut { member, fingerprint } in &self.read_out {
            writeln!(out, "Compare on a call with {member}:  {fingerprint}")?;
        }
        for member in &self.probation_over {
            writeln!(out, "! {member} has been on probation for 14 days: --active {member} lets it take part in full")?;
        }
        writeln!(out, "Custodians' fingerprint:  {}", self.fingerprint)?;
        if self.other_fingerprint {
            writeln!(out, "! the fingerprint changes: who joins after this version needs another letter; members need nothing")?;
        }
        writeln!(out, "{} custodians sign it: kinmesh roster sign --key custodian-N.key {}", self.needed, self.file.display())
    }
}

/// Writes changes for people, one a line.
///
/// # Errors
/// Those of the writer.
pub fn write_changes(out: &mut dyn Write, changes: &[Change]) -> io::Result<()> {
    for change in changes {
        writeln!(out, "  {} {}", change.mark(), change.text)?;
    }
    Ok(())
}

/// Makes the proposal and writes its file.
///
/// # Errors
/// [`ProposeError`]; no file is written then.
pub fn run(args: &ProposeArgs) -> Result<ProposeReport, ProposeError> {
    let plan = args.from.as_deref().map(read_plan).transpose()?;
    let held = args.held.as_deref().map(read_held).transpose()?;
    let before = held.as_ref().and_then(|held| held.first_roster.as_ref());
    let mut roster = base(args, plan.as_ref(), before)?;
    if let Some((plan, folder)) = plan.as_ref().zip(args.from.as_deref().map(folder_of)) {
        apply_plan(&mut roster, plan, folder)?;
    }
    let enrolments = args.enrol.iter().map(|path| read_member(path, &roster)).collect::<Result<Vec<_>, _>>()?;
    for enrolment in &enrolments {
        enrol(&mut roster, enrolment, plan.as_ref(), args.now)?;
    }
    decide_members(&mut roster, plan.as_ref(), &decided(args), args.now)?;
    for (place, path) in &args.replace {
        replace_custodian(&mut roster, *place, path)?;
    }
    let changes = changes(before.map(|(roster, _)| roster), &roster);
    let announcements = enrolments.iter().map(|(_, announcement)| announcement.clone()).collect();
    let proposal = Proposal::new(roster, held.and_then(|held| held.first), announcements)?;
    let items = proposal.to_items();
    write_bundle(&args.out, items.iter().map(Vec::as_slice), Replace::Never)
        .map_err(|source| ProposeError::Bundle { path: args.out.clone(), source })?;
    let read_out = enrolments.iter().filter_map(|(enrolment, _)| match enrolment.part {
        Part::Member { member, .. } => Some(ReadOut { member, fingerprint: enrolment.fingerprint().to_string() }),
        Part::Coordinator => None,
    });
    Ok(ProposeReport {
        schema: "kinmesh/roster-propose/1",
        network: proposal.roster.network_id,
        version: proposal.roster.version,
        fingerprint: Fingerprint::of(&proposal.roster).to_string(),
        changes,
        needed: proposal.signature_count().needed,
        probation_over: probation_over(&proposal.roster, args.now),
        other_fingerprint: proposal
            .before()
            .is_some_and(|held| Fingerprint::of(&held.roster) != Fingerprint::of(&proposal.roster)),
        read_out: read_out.collect(),
        file: args.out.clone(),
    })
}

/// A first roster with custodians that a ceremony has just made; the same files and time give the same bytes.
///
/// # Errors
/// [`ProposeError`].
pub(super) fn first_roster(
    plan: &Plan,
    folder: &Path,
    custodians: Custodians,
    enrol: &[PathBuf],
    now: Timestamp,
) -> Result<Proposal, ProposeError> {
    let coordinator = plan.coordinator.as_deref().ok_or(ProposeError::Missing { field: "coordinator" })?;
    let mut roster = first(plan, folder, custodians, coordinator, now)?;
    apply_plan(&mut roster, plan, folder)?;
    let enrolments = enrol.iter().map(|path| read_member(path, &roster)).collect::<Result<Vec<_>, _>>()?;
    for enrolment in &enrolments {
        self::enrol(&mut roster, enrolment, Some(plan), now)?;
    }
    decide_members(&mut roster, Some(plan), &[], now)?;
    let announcements = enrolments.into_iter().map(|(_, announcement)| announcement).collect();
    Ok(Proposal::new(roster, None, announcements)?)
}

/// The held version as its file has it.
struct HeldFile {
    first: Option<Vec<u8>>,
    first_roster: Option<(Roster, [u8; 32])>,
}

fn read_held(path: &Path) -> Result<HeldFile, ProposeError> {
    let items = read_bundle(path).map_err(|source| ProposeError::Bundle { path: path.to_owned(), source })?;
    let first = items.into_iter().next().ok_or(ProposalError::Form)?;
    let (payload, _) = kinmesh_protocol::roster::parse_signed(&first).map_err(ProposalError::Before)?;
    let roster: Roster = kinmesh_protocol::base::cbor::decode(&payload).map_err(|_| ProposalError::Form)?;
    let hash = kinmesh_protocol::roster::verify::payload_hash(&payload);
    Ok(HeldFile { first: Some(first), first_roster: Some((roster, hash)) })
}

fn read_plan(path: &Path) -> Result<Plan, ProposeError> {
    let text = text(path, PLAN_BYTES)?;
    Plan::parse(&text).map_err(|source| ProposeError::Plan { path: path.to_owned(), source })
}

pub(super) fn text(path: &Path, limit: u64) -> Result<String, ProposeError> {
    // What is not UTF-8 is not a field either, so the reader of the format says what is wrong.
    Ok(String::from_utf8_lossy(&read_bounded(path, limit)?).into_owned())
}

fn read_enrolment(path: &Path) -> Result<Enrolment, ProposeError> {
    Enrolment::parse(&text(path, ENROLMENT_BYTES)?).map_err(|source| ProposeError::Enrolment { path: path.to_owned(), source })
}

/// A member's enrolment in this network, and its announcement.
fn read_member(path: &Path, roster: &Roster) -> Result<(Enrolment, Vec<u8>), ProposeError> {
    let enrolment = read_enrolment(path)?;
    if enrolment.network != roster.network_id {
        return Err(ProposeError::Network { path: path.to_owned() });
    }
    match &enrolment.part {
        Part::Member { announcement, .. } => {
            let announcement = announcement.clone();
            Ok((enrolment, announcement))
        }
        Part::Coordinator => Err(ProposeError::Part { path: path.to_owned() }),
    }
}

/// The next version without any change, or the first without members.
fn base(args: &ProposeArgs, plan: Option<&Plan>, before: Option<&(Roster, [u8; 32])>) -> Result<Roster, ProposeError> {
    let issued = args.now.seconds();
    let days = plan.and_then(|plan| plan.expires_days).unwrap_or(EXPIRES_DAYS);
    let expires = issued.saturating_add(days.saturating_mul(DAY));
    if let Some((roster, hash)) = before {
        let version = roster.version.saturating_add(1);
        return Ok(Roster { version, prev_hash: *hash, issued: issued.max(roster.issued), expires, ..roster.clone() });
    }
    let plan = plan.ok_or(ProposeError::NoBase)?;
    let folder = args.from.as_deref().map(folder_of).unwrap_or(Path::new("."));
    let custodians = plan.custodians.as_deref().ok_or(ProposeError::Missing { field: "custodians" })?;
    let coordinator = plan.coordinator.as_deref().ok_or(ProposeError::Missing { field: "coordinator" })?;
    first(plan, folder, read_custodians(&folder.join(custodians), plan)?.custodians, coordinator, args.now)
}

/// A first roster without members.
fn first(plan: &Plan, folder: &Path, custodians: Custodians, coordinator: &Path, now: Timestamp) -> Result<Roster, ProposeError> {
    let issued = now.seconds();
    let days = plan.expires_days.unwrap_or(EXPIRES_DAYS);
    Ok(Roster {
        network_id: plan.network,
        version: 1,
        prev_hash: [0; 32],
        issued,
        expires: issued.saturating_add(days.saturating_mul(DAY)),
        protocol_min: PROTOCOL_VERSION,
        protocol_max: PROTOCOL_VERSION,
        profile: Profile { id: profile_id(), parameters_hash: parameters_hash() },
        keys_a_record: kinmesh_protocol::base::limits::KEYS_A_RECORD as u64,
        prefix_bits: kinmesh_protocol::private_match::manifest::PREFIX_BITS,
        classes: CaseClass::standard().to_vec(),
        limits: Limits::standard(),
        pace: plan.pace.map_or(Pace::standard(), Pace::from),
        custodians,
        coordinator: read_coordinator(&folder.join(coordinator), plan)?,
        auditors: Vec::new(),
        members: Vec::new(),
        force_roll: Vec::new(),
        notices: Vec::new(),
    })
}

fn read_custodians(path: &Path, plan: &Plan) -> Result<NetworkCustodians, ProposeError> {
    let custodians = NetworkCustodians::parse(&text(path, CUSTODIANS_BYTES)?)
        .map_err(|source| ProposeError::Custodians { path: path.to_owned(), source })?;
    if custodians.network == plan.network { Ok(custodians) } else { Err(ProposeError::Network { path: path.to_owned() }) }
}

fn read_coordinator(path: &Path, plan: &Plan) -> Result<Coordinator, ProposeError> {
    let Enrolment { network, part, operational_key, addresses } = read_enrolment(path)?;
    if network != plan.network {
        return Err(ProposeError::Network { path: path.to_owned() });
    }
    match part {
        Part::Coordinator => Ok(Coordinator { key: operational_key, addresses }),
        Part::Member { .. } => Err(ProposeError::Part { path: path.to_owned() }),
    }
}

/// What the plan says of the network as a whole.
fn apply_plan(roster: &mut Roster, plan: &Plan, folder: &Path) -> Result<(), ProposeError> {
    if plan.network != roster.network_id {
        return Err(ProposeError::Network { path: folder.to_owned() });
    }
    if plan.profile.is_some_and(|profile| profile != profile_id()) {
        return Err(ProposeError::Profile { known: profile_id() });
    }
    if let Some(path) = &plan.custodians {
        roster.custodians = read_custodians(&folder.join(path), plan)?.custodians;
    }
    if let Some(path) = &plan.coordinator {
        roster.coordinator = read_coordinator(&folder.join(path), plan)?;
    }
    if let Some(pace) = plan.pace {
        roster.pace = pace.into();
    }
    if let Some(paths) = &plan.auditors {
        let mut auditors = Vec::new();
        for path in paths {
            let path = folder.join(path);
            let file = AuditorFile::parse(&text(&path, AUDITOR_BYTES)?)
                .map_err(|source| ProposeError::Auditor { path: path.clone(), source })?;
            if file.network != plan.network {
                return Err(ProposeError::Network { path });
            }
            auditors.push(file.entry());
        }
        auditors.sort_by(|one, other| one.id.cmp(&other.id));
        roster.auditors = auditors;
    }
    if let Some(notices) = &plan.notices {
        roster.notices.clone_from(notices);
    }
    Ok(())
}

/// Puts a member on the roster, or takes over the name and addresses of a known one.
fn enrol(
    roster: &mut Roster,
    (enrolment, _): &(Enrolment, Vec<u8>),
    plan: Option<&Plan>,
    now: Timestamp,
) -> Result<(), ProposeError> {
    let Part::Member { member: id, name, country, root_key, .. } = &enrolment.part else { return Ok(()) };
    let usual = if roster.network_id.is_drill() { MemberStatus::Active } else { MemberStatus::Probation };
    let status = plan.and_then(|plan| plan.new_members).map_or(usual, MemberStatus::from);
    let names = vec![("en".to_owned(), name.clone())];
    match roster.members.iter_mut().find(|member| member.id == *id) {
        Some(member) if member.root_key != *root_key => return Err(ProposeError::RootKey(*id)),
        Some(member) => {
            member.names = names;
            member.country.clone_from(country);
            member.addresses.clone_from(&enrolment.addresses);
        }
        None => roster.members.push(Member {
            id: *id,
            names,
            country: country.clone(),
            status,
            root_key: *root_key,
            people_cap: PEOPLE_CAP,
            case_class: ClassId::M,
            addresses: enrolment.addresses.clone(),
            incident_contact: String::new(),
            joined: now.seconds(),
            status_since: now.seconds(),
            single_reviewer: false,
            ask_class: ClassId::S,
        }),
    }
    roster.members.sort_unstable_by_key(|member| member.id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use kinmesh_protocol::base::{Draw, NetworkId};
    use kinmesh_protocol::engine::setup;
    use kinmesh_protocol::roster::Custodians;

    use super::*;
    use crate::coordinator::custodians_file::CustodianFile;
    use crate::coordinator::proposal::tests::{NOW, custodian};
    use crate::coordinator::publish::{self, PublishArgs};
    use crate::exchange::write_new;

    fn network() -> NetworkId {
        NetworkId::new("drill-k").unwrap()
    }

    fn enrolment(id: &str, seed: u8) -> Enrolment {
        let (root, operational) = (SigningKey::from_bytes(&[seed; 32]), SigningKey::from_bytes(&[seed + 180; 32]));
        let member = MemberId::new(id).unwrap();
        let setup = setup::MemberSetup { member, network: network() };
        let (_, own) = setup::member(&setup, &root, &operational, NOW, &mut Draw::new([seed; 32]));
        let (name, country) = ("جمعية الهلال".to_owned(), "CI".to_owned());
        let root_key = root.verifying_key().to_bytes();
        Enrolment {
            network: network(),
            part: Part::Member { member, name, country, root_key, announcement: own.announcement },
            operational_key: operational.verifying_key().to_bytes(),
            addresses: vec!["/ip4/127.0.0.1/tcp/41001".to_owned()],
        }
    }

    fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        write_new(&path, text.as_bytes()).unwrap();
        path
    }

    /// A folder with custodians, the coordination node's enrolment and a plan.
    fn desk() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let keys = (1..=3).map(|number| custodian(number).verifying_key().to_bytes()).collect();
        let custodians = Custodians { keys, threshold: 2, root_threshold: 3, emergency_threshold: 2 };
        let custodians = NetworkCustodians { network: network(), custodians };
        write(folder.path(), "custodians.toml", &custodians.to_text());
        let coordinator = Enrolment { part: Part::Coordinator, ..enrolment("CIR", 50) };
        write(folder.path(), "enrol-coordinator.toml", &coordinator.to_text());
        let plan = "network = \"drill-k\"\ncustodians = \"custodians.toml\"\ncoordinator = \"enrol-coordinator.toml\"\n\
                    pace = { drill_hour_ms = 33 }\n[members.CIR]\npeople_cap = 4096\n";
        let plan = write(folder.path(), "roster.toml", plan);
        (folder, plan)
    }

    fn args(folder: &Path, from: Option<PathBuf>, enrol: Vec<PathBuf>, held: Option<PathBuf>) -> ProposeArgs {
        let name = format!("{}.proposal", std::fs::read_dir(folder).unwrap().count());
        let (suspend, active, left, replace) = Default::default();
        ProposeArgs { from, enrol, held, suspend, active, left, replace, out: folder.join(name), now: NOW }
    }

    /// Proposes, signs with two custodians and publishes; gives the invitation.
    fn publish(folder: &Path, args: &ProposeArgs) -> PathBuf {
        let file = run(args).unwrap().file;
        let mut proposal = Proposal::from_items(&read_bundle(&file).unwrap()).unwrap();
        proposal.sign(&custodian(1)).unwrap();
        proposal.sign(&custodian(3)).unwrap();
        write_bundle(&file, proposal.to_items().iter().map(Vec::as_slice), Replace::Allowed).unwrap();
        let bundle = folder.join("invitation.kmb");
        publish::run(&PublishArgs {
            files: vec![file],
            enrol: Vec::new(),
            bundle: Some(bundle.clone()),
            version: None,
            now: NOW,
        })
        .unwrap();
        bundle
    }

    #[test]
    fn two_versions_go_from_plan_to_invitation() {
        let (folder, plan) = desk();
        let cir = write(folder.path(), "enrol-CIR.toml", &enrolment("CIR", 1).to_text());
        let bundle = publish(folder.path(), &args(folder.path(), Some(plan), vec![cir], None));
        assert_eq!(read_bundle(&bundle).unwrap().len(), 2, "the roster and one announcement");

        let dor = write(folder.path(), "enrol-DOR.toml", &enrolment("DOR", 2).to_text());
        let second = ProposeArgs {
            suspend: vec![MemberId::new("CIR").unwrap()],
            ..args(folder.path(), None, vec![dor], Some(bundle.clone()))
        };
        let report = run(&second).unwrap();
        assert_eq!((report.version, report.needed), (2, 2));
        let texts: Vec<&str> = report.changes.iter().map(|change| change.text.as_str()).collect();
        assert!(texts.iter().any(|text| text.starts_with("CIR active → suspended")), "{texts:?}");
        assert!(texts.iter().any(|text| text.starts_with("DOR joins: جمعية الهلال")), "{texts:?}");
        assert_eq!(report.read_out[0].fingerprint, enrolment("DOR", 2).fingerprint().to_string());
    }

    #[test]
    fn a_root_key_is_not_exchanged_on_the_way() {
        let (folder, plan) = desk();
        let cir = write(folder.path(), "enrol-CIR.toml", &enrolment("CIR", 1).to_text());
        let bundle = publish(folder.path(), &args(folder.path(), Some(plan), vec![cir], None));
        let other = write(folder.path(), "enrol-other.toml", &enrolment("CIR", 7).to_text());
        let refused = run(&args(folder.path(), None, vec![other], Some(bundle))).unwrap_err();
        assert!(matches!(refused, ProposeError::RootKey(_)));
        assert_eq!(refused.kind(), Kind::Verification);
    }

    #[test]
    fn an_announcement_of_another_key_is_refused() {
        let (folder, plan) = desk();
        let Part::Member { announcement: stolen, .. } = enrolment("CIR", 7).part else { panic!("no member") };
        let mut forged = enrolment("CIR", 1);
        if let Part::Member { announcement, .. } = &mut forged.part {
            *announcement = stolen;
        }
        let forged = write(folder.path(), "enrol-CIR.toml", &forged.to_text());
        let wanted = args(folder.path(), Some(plan), vec![forged], None);
        let refused = run(&wanted).unwrap_err();
        assert!(matches!(refused, ProposeError::Proposal(ProposalError::Announcement { .. })));
        assert!(!wanted.out.exists());
    }

    #[test]
    fn what_is_missing_is_named() {
        let (folder, plan) = desk();
        assert!(matches!(run(&args(folder.path(), None, Vec::new(), None)), Err(ProposeError::NoBase)));
        let unknown = run(&args(folder.path(), Some(plan), Vec::new(), None));
        assert!(matches!(unknown, Err(ProposeError::UnknownMember(_))), "the plan settles CIR, who did not enrol");
        let bare = write(folder.path(), "bare.toml", "network = \"drill-k\"\n");
        let missing = run(&args(folder.path(), Some(bare), Vec::new(), None));
        assert!(matches!(missing, Err(ProposeError::Missing { field: "custodians" })));
    }

    #[test]
    fn a_lost_custodian_is_replaced_by_those_who_are_left() {
        let (folder, plan) = desk();
        let cir = write(folder.path(), "enrol-CIR.toml", &enrolment("CIR", 1).to_text());
        let bundle = publish(folder.path(), &args(folder.path(), Some(plan), vec![cir], None));
        let key = custodian(4).verifying_key().to_bytes();
        let file = CustodianFile { network: network(), key };
        let file = write(folder.path(), "custodian-2.toml", &file.to_text());
        let wanted = |place| ProposeArgs {
            replace: vec![(place, file.clone())],
            ..args(folder.path(), None, Vec::new(), Some(bundle.clone()))
        };
        assert!(matches!(run(&wanted(4)), Err(ProposeError::NoCustodian { place: 4, count: 3 })));
        let report = run(&wanted(2)).unwrap();
        assert!(
            report.other_fingerprint && report.changes.iter().any(|change| change.text.starts_with("custodian 2 is replaced"))
        );
        let mut proposal = Proposal::from_items(&read_bundle(&report.file).unwrap()).unwrap();
        for number in [1, 3] {
            proposal.sign(&custodian(number)).unwrap();
        }
        // Three of three before and after: of the old set the lost one is missing, so the plan was too strict to lose one.
        assert_eq!((proposal.signature_count().found, report.needed), (2, 3));
        proposal.sign(&custodian(4)).unwrap();
        assert!(proposal.verify(NOW).is_err());
    }

    #[test]
    fn who_is_named_active_is_so_from_now_on() {
        let (folder, plan) = desk();
        let cir = write(folder.path(), "enrol-CIR.toml", &enrolment("CIR", 1).to_text());
        let bundle = publish(folder.path(), &args(folder.path(), Some(plan), vec![cir], None));
        let later = NOW + kinmesh_protocol::base::Millis::days(2);
        let active = vec![MemberId::new("CIR").unwrap()];
        let wanted = ProposeArgs { active, now: later, ..args(folder.path(), None, Vec::new(), Some(bundle)) };
        let report = run(&wanted).unwrap();
        assert!(report.changes.iter().any(|change| change.text.starts_with("CIR stays active, said anew")));
    }
}
