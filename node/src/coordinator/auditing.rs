//! The auditor's program: makes an auditor's key, signs challenges, judges what a querier shows (protocol.md 2.11).
//!
//! All on files, on a machine without a node. The roster is whoever's fingerprint the auditor compares; everything else is
//! verified with the keys in it. An openings file is personal data: it is read on the querier's premises and nothing of it goes
//! into the report.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use data_encoding::HEXLOWER_PERMISSIVE;
use kinmesh_protocol::base::limits::ITEM_BYTES;
use kinmesh_protocol::base::{AuditId, AuditorName, Epoch, MemberId, MsgId, NetworkId, Party, Sensitive, Timestamp, cbor};
use kinmesh_protocol::casework::audit_file::{AuditFile, PaperError};
use kinmesh_protocol::casework::opening::{Opening, count, find};
use kinmesh_protocol::envelope::{Addressee, Header, Item, Message, Unverified, sign};
use kinmesh_protocol::private_match::audit::{AUDIT_CHALLENGE, AuditChallenge, AuditCounts};
use kinmesh_protocol::roster::key_chain::{KEY_ANNOUNCEMENT, SELF_REVOCATION};
use kinmesh_protocol::roster::{Fingerprint, FingerprintError, HeldRoster, MemberKeys, PublicKeys, TIMESTAMP};
use serde::Serialize;
use thiserror::Error;

use crate::coordinator::auditor_file::AuditorFile;
use crate::coordinator::ceremony::{CeremonyError, fresh_key};
use crate::coordinator::proposal::{ProposalError, verify_before};
use crate::exchange::{BundleFileError, Kind, Replace, WholeFileError, read_bounded, read_bundle, utc, write_bundle, write_new};
use crate::keys::{CreateKeyError, KdfCost, KeyFile, KeyUse, OpenKeyError, Protection, SecretKind, UnlockSecret};

/// Bytes of an openings file: 1,280 openings of some 20 KB.
pub const OPENINGS_BYTES: u64 = 64 * 1024 * 1024;
/// First line of an openings file, with the audit behind it.
pub const OPENINGS_HEAD: &str = "kinmesh/audit-openings/1 ";
/// Seconds that a challenge is good, at most: its papers travel by hand.
const LIFE: u64 = 35 * 86_400;

/// Why an auditor's command did nothing.
#[derive(Debug, Error)]
pub enum AuditingError {
    /// A file.
    #[error(transparent)]
    File(#[from] WholeFileError),
    /// A bundle.
    #[error(transparent)]
    Bundle(#[from] BundleFileError),
    /// No randomness.
    #[error(transparent)]
    Ceremony(#[from] CeremonyError),
    /// The key file was not made.
    #[error("the key: {0}")]
    Create(#[from] CreateKeyError),
    /// The key file gives no key.
    #[error(transparent)]
    Open(#[from] OpenKeyError),
    /// A key for another use, of another network, or not listed by the roster.
    #[error("the key is not one of an auditor on this roster")]
    NotListed,
    /// No file holds a roster.
    #[error("none of the files holds a roster")]
    NoRoster,
    /// The roster.
    #[error(transparent)]
    Roster(#[from] ProposalError),
    /// The fingerprint is none.
    #[error(transparent)]
    Fingerprint(#[from] FingerprintError),
    /// The roster is of other custodians.
    #[error("the roster's fingerprint is {found}")]
    OtherCustodians {
        /// The roster's.
        found: Fingerprint,
    },
    /// A member is not on the roster.
    #[error("{0} is not on the roster")]
    Member(MemberId),
    /// A paper is refused.
    #[error(transparent)]
    Paper(#[from] PaperError),
    /// Something is missing.
    #[error("a paper is missing: the challenge, a part of the owner's list, or the timestamp")]
    Incomplete,
    /// The openings are not openings of this audit.
    #[error("line {line} of the openings is none of this audit")]
    Openings {
        /// Its number, from 1.
        line: usize,
    },
    /// The secret was not given.
    #[error("not signed")]
    Declined,
}

impl AuditingError {
    /// What an auditor can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::File(WholeFileError::Io { .. })
            | Self::Ceremony(_)
            | Self::Open(OpenKeyError::Io(_) | OpenKeyError::Memory(_)) => Kind::Machine,
            Self::Open(OpenKeyError::WrongSecret | OpenKeyError::Kind { .. }) => Kind::Secret,
            Self::Paper(_) | Self::Roster(_) | Self::OtherCustodians { .. } | Self::NotListed => Kind::Verification,
            _ => Kind::Usage,
        }
    }
}

/// What `audit key` made.
#[derive(Clone, Debug, Serialize)]
pub struct AuditorKeyReport {
    /// The network.
    pub network: NetworkId,
    /// The auditor's name.
    pub auditor: String,
    /// The key.
    pub key: PathBuf,
    /// The public key.
    pub public: PathBuf,
}

/// Makes an auditor's key: `NAME.key`, and `NAME.toml` for the roster.
///
/// # Errors
/// [`AuditingError`].
pub fn make_key(
    network: NetworkId,
    auditor: AuditorName,
    out: &std::path::Path,
    secret: Option<&UnlockSecret>,
) -> Result<AuditorKeyReport, AuditingError> {
    crate::keys::small_file::make_folder(out).map_err(WholeFileError::io(out))?;
    let key = fresh_key()?;
    let name = auditor.as_str().trim_start_matches('@');
    let (path, public) = (out.join(format!("{name}.key")), out.join(format!("{name}.toml")));
    let cost = if network.is_drill() { KdfCost::Drill } else { KdfCost::Standard };
    let protection = secret.map_or(Protection::Unprotected, Protection::Secret);
    KeyFile::create(&path, &network, KeyUse::Auditor, &key, protection, cost)?;
    let file = AuditorFile { network, auditor, key: key.verifying_key().to_bytes() };
    write_new(&public, file.to_text().as_bytes())?;
    Ok(AuditorKeyReport { network, auditor: auditor.to_string(), key: path, public })
}

/// What is to be challenged.
pub struct ChallengeArgs {
    /// A bundle that begins with the roster; with a timestamp in it the sample is drawn by a later one.
    pub roster: PathBuf,
    /// The auditor's key file.
    pub key: PathBuf,
    /// Whose questions are opened.
    pub querier: MemberId,
    /// Whom it asked.
    pub owner: MemberId,
    /// The owner's epoch.
    pub epoch: Epoch,
    /// The file to write.
    pub out: PathBuf,
    /// The time.
    pub now: Timestamp,
}

/// A challenge that was signed.
#[derive(Clone, Debug, Serialize)]
pub struct ChallengeReport {
    /// The audit.
    pub audit: AuditId,
    /// The network.
    pub network: NetworkId,
    /// The roster's fingerprint.
    pub fingerprint: String,
    /// Until when it is good.
    pub until: String,
    /// The file.
    pub file: PathBuf,
}

/// Signs a challenge.
///
/// # Errors
/// [`AuditingError`]; nothing is written then.
pub fn challenge(
    args: &ChallengeArgs,
    secret: impl FnOnce(SecretKind) -> Option<UnlockSecret>,
) -> Result<ChallengeReport, AuditingError> {
    let view = Public::read(&read_bundle(&args.roster)?, args.now)?;
    let roster = &view.held.roster;
    for member in [args.querier, args.owner] {
        roster.member(&member).ok_or(AuditingError::Member(member))?;
    }
    let file = KeyFile::open(&args.key)?;
    if file.usage() != KeyUse::Auditor || *file.network() != roster.network_id {
        return Err(AuditingError::NotListed);
    }
    let key = match file.secret_kind() {
        None => file.unlock(None)?,
        Some(kind) => file.unlock(Some(&secret(kind).ok_or(AuditingError::Declined)?))?,
    };
    let public = key.verifying_key().to_bytes();
    let listed = roster.auditors.iter().find(|auditor| auditor.key == public).ok_or(AuditingError::NotListed)?;
    let name = AuditorName::new(&listed.id).map_err(|_| AuditingError::NotListed)?;
    let random = || crate::keys::aead::random::<16>().map_err(|_| AuditingError::Ceremony(CeremonyError::NoRandomness));
    let audit = AuditId(random()?);
    let body = AuditChallenge {
        audit_id: audit,
        querier: args.querier,
        owner: args.owner,
        epoch: args.epoch,
        timestamp_hash: view.timestamp,
    };
    let created = args.now.seconds();
    // As long as a message of this network may live.
    let life = LIFE.min(roster.pace.message_life.0.div_ceil(1_000));
    let header = Header {
        kind: AUDIT_CHALLENGE,
        from: Party::Auditor(name),
        to: None,
        msg_id: MsgId(random()?),
        n: 0,
        created,
        expires: created.saturating_add(life),
        roster_version: roster.version,
        re: None,
    };
    let message = sign(&roster.network_id, &header, &cbor::encode(&body), &key);
    write_bundle(&args.out, [message.as_slice()], Replace::Never)?;
    Ok(ChallengeReport {
        audit,
        network: roster.network_id,
        fingerprint: Fingerprint::of(roster).to_string(),
        until: utc(header.expires),
        file: args.out.clone(),
    })
}

/// What is judged.
pub struct JudgeArgs {
    /// Bundles with the roster, the announcements and the papers, in any order.
    pub files: Vec<PathBuf>,
    /// What the querier shows, on its premises.
    pub openings: PathBuf,
    /// The roster's fingerprint as the auditor knows it.
    pub fingerprint: Option<String>,
    /// The time.
    pub now: Timestamp,
}

/// What an audit found. Counts only.
#[derive(Clone, Debug, Serialize)]
pub struct JudgeReport {
    /// The audit.
    pub audit: AuditId,
    /// The roster's fingerprint.
    pub fingerprint: String,
    /// Whose questions were opened.
    pub querier: MemberId,
    /// Whom it asked.
    pub owner: MemberId,
    /// The owner's epoch.
    pub epoch: u32,
    /// References in the owner's list.
    pub listed: usize,
    /// What the openings showed.
    pub counts: AuditCounts,
    /// What the querier signed, if its report is among the files.
    pub signed: Option<AuditCounts>,
    /// True if nothing was found that needs an explanation.
    pub sound: bool,
}

impl JudgeReport {
    /// The report for people.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let AuditCounts { sampled, matched, mismatched, erased, not_one_person } = self.counts;
        writeln!(
            out,
            "{} asked {} in epoch {}: {} references, {sampled} drawn",
            self.querier, self.owner, self.epoch, self.listed
        )?;
        writeln!(out, "  one person or a dummy   {matched}")?;
        writeln!(out, "  erased since            {erased}")?;
        writeln!(out, "  not one person          {not_one_person}")?;
        writeln!(out, "  does not match          {mismatched}")?;
        match self.signed {
            Some(signed) if signed == self.counts => writeln!(out, "{} signed the same counts", self.querier)?,
            Some(_) => writeln!(out, "{} signed other counts", self.querier)?,
            None => {}
        }
        writeln!(out, "custodians' fingerprint {}", self.fingerprint)
    }
}

/// Judges an audit.
///
/// # Errors
/// [`AuditingError`].
pub fn judge(args: &JudgeArgs) -> Result<JudgeReport, AuditingError> {
    let mut items = Vec::new();
    for file in &args.files {
        items.extend(read_bundle(file)?);
    }
    let view = Public::read(&items, args.now)?;
    let found = Fingerprint::of(&view.held.roster);
    if let Some(expected) = &args.fingerprint
        && expected.parse::<Fingerprint>()? != found
    {
        return Err(AuditingError::OtherCustodians { found });
    }
    let papers = view.papers(&items)?;
    let challenge = *papers.challenge().ok_or(AuditingError::Incomplete)?;
    let listed = papers.refs()?.ok_or(AuditingError::Incomplete)?.len();
    let sample = papers.sample()?.ok_or(AuditingError::Incomplete)?;
    let openings = read_openings(&args.openings, challenge.body.audit_id)?;
    let mut counts = AuditCounts::default();
    for one in &sample {
        let opening = openings.iter().find(|opening| opening.case_ref == one.case_ref);
        count(&mut counts, find(&challenge.body.owner, one, opening));
    }
    let signed = papers.counts().copied();
    Ok(JudgeReport {
        audit: challenge.body.audit_id,
        fingerprint: found.to_string(),
        querier: challenge.body.querier,
        owner: challenge.body.owner,
        epoch: challenge.body.epoch.0,
        listed,
        counts,
        signed,
        sound: counts.mismatched == 0 && counts.not_one_person == 0 && signed.is_none_or(|signed| signed == counts),
    })
}

/// Reads an openings file.
fn read_openings(path: &std::path::Path, audit: AuditId) -> Result<Vec<Opening>, AuditingError> {
    let bytes = Sensitive::new(read_bounded(path, OPENINGS_BYTES)?);
    let text = std::str::from_utf8(bytes.expose()).map_err(|_| AuditingError::Openings { line: 1 })?;
    let mut lines = (1..).zip(text.lines());
    let is_of_audit = |line: &str| line.strip_prefix(OPENINGS_HEAD).and_then(|id| id.parse().ok()) == Some(audit);
    if !lines.next().is_some_and(|(_, line)| is_of_audit(line)) {
        return Err(AuditingError::Openings { line: 1 });
    }
    lines
        .map(|(line, text)| {
            let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map(Sensitive::new).ok();
            bytes.and_then(|bytes| cbor::decode(bytes.expose()).ok()).ok_or(AuditingError::Openings { line })
        })
        .collect()
}

/// What is public in some files: the roster and the members' keys.
struct Public {
    held: HeldRoster,
    members: BTreeMap<MemberId, MemberKeys>,
    /// SHA-256 of the payload of a timestamp among the items, zeros for none.
    timestamp: [u8; 32],
    now: Timestamp,
}

impl Public {
    /// The latest roster among the items, and what the announcements say under it.
    fn read(items: &[Vec<u8>], now: Timestamp) -> Result<Self, AuditingError> {
        let rosters = items.iter().filter(|item| matches!(Item::parse(item), Ok(Item::Roster(_))));
        let mut held: Option<HeldRoster> = None;
        for item in rosters {
            let other = verify_before(item)?;
            if held.as_ref().is_none_or(|held| held.roster.version < other.roster.version) {
                held = Some(other);
            }
        }
        let mut view = Self { held: held.ok_or(AuditingError::NoRoster)?, members: BTreeMap::new(), timestamp: [0; 32], now };
        for item in items {
            view.take(item);
        }
        Ok(view)
    }

    /// Takes an announcement, a revocation or a timestamp; whatever else it is, and what does not verify, changes nothing.
    fn take(&mut self, item: &[u8]) {
        let Ok(message) = Unverified::<Message>::parse(item, ITEM_BYTES) else { return };
        let kind = message.claimed_kind();
        if ![KEY_ANNOUNCEMENT, SELF_REVOCATION, TIMESTAMP].contains(&kind) {
            return;
        }
        let pace = self.held.roster.pace;
        let network = self.held.roster.network_id;
        let verified = message.verify(&network, Addressee::Public, &self.ring(), self.now, pace.clock_skew, pace.message_life);
        let Ok(verified) = verified else { return };
        if kind == TIMESTAMP {
            self.timestamp = verified.hash;
            return;
        }
        if let Some(member) = verified.header.from.member() {
            let mut keys = self.members.get(&member).cloned().unwrap_or_default();
            if keys.accept(&self.held.roster, &verified).is_ok() {
                self.members.insert(member, keys);
            }
        }
    }

    fn ring(&self) -> PublicKeys<'_> {
        PublicKeys { roster: &self.held.roster, members: &self.members, suspensions: &[], now: self.now }
    }

    /// The papers of an audit among the items, in the order in which they are read.
    fn papers(&self, items: &[Vec<u8>]) -> Result<AuditFile, AuditingError> {
        let mut file = AuditFile::default();
        for kind in [&[AUDIT_CHALLENGE][..], &[kinmesh_protocol::private_match::audit::AUDIT_REPORT], &[TIMESTAMP]] {
            for item in items {
                let claimed = Unverified::<Message>::parse(item, ITEM_BYTES).map(|message| message.claimed_kind());
                if !claimed.is_ok_and(|claimed| kind.contains(&claimed)) {
                    continue;
                }
                match file.take(item, &self.ring()) {
                    // The owner's public messages hold a timestamp as well, that of a day before the challenge.
                    Err(PaperError::Draw) => {}
                    other => other?,
                }
            }
        }
        Ok(file)
    }
}
