//! `roster verify`: checks an invitation or a proposal step by step and says what each step found.
//!
//! Anybody may call it, on any machine. It keeps the order of protocol.md 2.12: form, fingerprint, signatures, times and rules,
//! then every announcement; it stops at the first step that fails. Without a fingerprint it shows the file's own, which a
//! person compares with the printed one. With a held roster it decides as a node would that holds it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kinmesh_protocol::base::{NetworkId, Timestamp};
use kinmesh_protocol::envelope::CosignedKind;
use kinmesh_protocol::roster::{
    Anchor, Fingerprint, FingerprintError, HeldRoster, Roster, RosterError, parse_signed, signed_kind, verify_roster,
    verify_suspension,
};
use serde::Serialize;
use thiserror::Error;

use crate::coordinator::proposal::{ProposalError, verify_announcement, verify_before};
use crate::coordinator::suspension::SuspensionDraft;
use crate::exchange::bundle_file::{BundleFileError, read_bundle};
use crate::exchange::{Kind, WholeFileError, utc};

/// What is verified.
pub struct VerifyArgs {
    /// An invitation, a proposal, or any bundle that starts with a roster.
    pub file: PathBuf,
    /// The fingerprint as typed.
    pub fingerprint: Option<String>,
    /// The roster that it must follow.
    pub held: Option<PathBuf>,
    /// The time.
    pub now: Timestamp,
}

/// What the steps found.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyReport {
    /// Kind and version of this object.
    pub schema: &'static str,
    /// The network.
    pub network: NetworkId,
    /// The version.
    pub version: u64,
    /// Fingerprint of the custodians.
    pub fingerprint: String,
    /// The steps, in order.
    pub steps: Vec<VerifyStep>,
}

/// One step that held.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyStep {
    /// Short name.
    pub step: &'static str,
    /// What it found.
    pub found: String,
}

/// Which step failed, and why.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The file is no bundle.
    #[error(transparent)]
    File(#[from] BundleFileError),
    /// The fingerprint is none.
    #[error(transparent)]
    Fingerprint(#[from] FingerprintError),
    /// The bundle does not start with a roster.
    #[error("the file does not start with a roster")]
    NoRoster,
    /// The roster.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// An announcement.
    #[error(transparent)]
    Announcement(#[from] ProposalError),
}

impl VerifyError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::File(BundleFileError::File(WholeFileError::Io { .. })) => Kind::Machine,
            Self::File(_) | Self::Fingerprint(_) => Kind::Usage,
            Self::NoRoster | Self::Roster(_) | Self::Announcement(_) => Kind::Verification,
        }
    }
}

impl VerifyReport {
    /// The report for people.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for VerifyStep { step, found } in &self.steps {
            writeln!(out, "✓ {step:<14} {found}")?;
        }
        Ok(())
    }
}

/// Verifies a file.
///
/// # Errors
/// [`VerifyError`] of the first step that fails.
pub fn run(args: &VerifyArgs) -> Result<VerifyReport, VerifyError> {
    let items = read_bundle(&args.file)?;
    if let Some(CosignedKind::Suspension) = items.first().and_then(|first| signed_kind(first)) {
        return suspension(args, &items);
    }
    let (first, rest) = items.split_first().ok_or(VerifyError::NoRoster)?;
    let expected = args.fingerprint.as_deref().map(str::parse::<Fingerprint>).transpose()?;
    let mut steps = Vec::new();
    let mut step = |step, found| steps.push(VerifyStep { step, found });
    let held = match &args.held {
        Some(path) => {
            let before = read_held(path)?;
            let held = verify_roster(first, &Anchor::Held(&before), Some(&before.roster.network_id), args.now)?;
            let relation = if held.hash == before.hash { "it is the same" } else { "it follows" };
            step("held", format!("version {} is held, {relation}", before.roster.version));
            held
        }
        None => {
            let own = Fingerprint::of(&claimed(first)?);
            verify_roster(first, &Anchor::Fingerprint(expected.unwrap_or(own)), None, args.now)?
        }
    };
    let own = Fingerprint::of(&held.roster);
    if let Some(expected) = expected.filter(|expected| *expected != own) {
        return Err(RosterError::Fingerprint { expected, found: own }.into());
    }
    let signatures = parse_signed(first).map_or(0, |(_, signatures)| signatures.len());
    step("file", format!("{} items, a roster of {} first", items.len(), held.roster.network_id));
    let custodians = &held.roster.custodians;
    let fingerprint = match expected {
        Some(_) => format!("{own}, as typed"),
        None => format!("{own}: compare it with the printed one"),
    };
    step("fingerprint", fingerprint);
    step("signatures", format!("{signatures} of {} custodians, {} needed", custodians.keys.len(), custodians.threshold));
    let days = held.roster.expires.saturating_sub(args.now.seconds()) / 86_400;
    step("roster", format!("version {}, good for {days} more days, {} members", held.roster.version, held.roster.members.len()));
    // A proposal holds the version before behind its roster; it is not what is verified.
    let announcements = rest.iter().skip_while(|item| parse_signed(item).is_ok());
    for item in announcements {
        let announcement = verify_announcement(&held.roster, item)?;
        let days = announcement.keys.op_until.saturating_sub(args.now.seconds()) / 86_400;
        step("announcement", format!("{}, keys good for {days} more days", announcement.member));
    }
    let Roster { network_id: network, version, .. } = held.roster;
    Ok(VerifyReport { schema: "kinmesh/roster-verify/1", network, version, fingerprint: own.to_string(), steps })
}

/// What a file says that was not verified yet.
fn claimed(bytes: &[u8]) -> Result<Roster, VerifyError> {
    let (payload, _) = parse_signed(bytes).map_err(|_| VerifyError::NoRoster)?;
    kinmesh_protocol::base::cbor::decode(&payload).map_err(|_| VerifyError::NoRoster)
}

/// The roster that is held: the first of its file, good when it was issued.
fn read_held(path: &Path) -> Result<HeldRoster, VerifyError> {
    let items = read_bundle(path)?;
    Ok(verify_before(items.first().ok_or(VerifyError::NoRoster)?)?)
}

/// Steps of a suspension: as a node judges it that holds a roster, else by the roster behind it, as a draft.
fn suspension(args: &VerifyArgs, items: &[Vec<u8>]) -> Result<VerifyReport, VerifyError> {
    let (held, found, count) = match (&args.held, items) {
        (Some(path), [first, ..]) => {
            let held = read_held(path)?;
            let found = verify_suspension(first, &held, args.now)?;
            (held, found, parse_signed(first).map_or(0, |(_, signatures)| signatures.len() as u64))
        }
        _ => {
            let draft = SuspensionDraft::from_items(items)?;
            (draft.held().clone(), draft.verify(args.now)?, draft.signature_count().found)
        }
    };
    let HeldRoster { roster, .. } = &held;
    let (network, own, custodians) = (roster.network_id, Fingerprint::of(roster), &roster.custodians);
    let mut steps = Vec::new();
    let mut step = |step, found| steps.push(VerifyStep { step, found });
    step("file", format!("a suspension of {network}"));
    if let Some(expected) = args.fingerprint.as_deref().map(str::parse::<Fingerprint>).transpose()?.filter(|typed| *typed != own)
    {
        return Err(RosterError::Fingerprint { expected, found: own }.into());
    }
    step("fingerprint", if args.fingerprint.is_some() { format!("{own}, as typed") } else { format!("{own}: compare it") });
    step("signatures", format!("{count} of {} custodians, {} needed", custodians.keys.len(), custodians.emergency_threshold));
    step("suspension", format!("{} until {}, on roster version {}", found.member, utc(found.until), found.roster_version));
    let version = found.roster_version;
    Ok(VerifyReport { schema: "kinmesh/roster-verify/1", network, version, fingerprint: own.to_string(), steps })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordinator::proposal::tests::{NOW, roster, signed_roster};
    use crate::exchange::bundle_file::{Replace, write_bundle};

    #[test]
    fn the_steps_are_named_and_the_first_failure_ends_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("invitation.kmb");
        let write = |custodians: &[u8]| {
            let items = signed_roster(custodians).to_items();
            write_bundle(&file, items.iter().map(Vec::as_slice), Replace::Allowed).unwrap();
        };
        let verify = |fingerprint: Option<String>| run(&VerifyArgs { file: file.clone(), fingerprint, held: None, now: NOW });
        write(&[1, 3]);
        let own = Fingerprint::of(&roster()).to_string();
        let steps: Vec<_> = verify(Some(own.to_lowercase())).unwrap().steps.into_iter().map(|step| step.step).collect();
        assert_eq!(steps, ["file", "fingerprint", "signatures", "roster"]);
        assert!(verify(None).unwrap().steps[1].found.contains("compare"));
        let other = Fingerprint([1; 20]).to_string();
        assert!(matches!(verify(Some(other)), Err(VerifyError::Roster(RosterError::Fingerprint { .. }))));
        assert_eq!(verify(Some("ABC".to_owned())).unwrap_err().kind(), Kind::Usage);
        write(&[1]);
        assert!(matches!(verify(None), Err(VerifyError::Roster(RosterError::Threshold { needed: 2, found: 1 }))));
    }
}
