//! `audit key`, `challenge`, `report`, `open`, `judge`: what one society asked another is opened to an auditor.
//!
//! The auditor's verbs work on files alone; the owner and the challenged society ask their daemons. Openings are personal data:
//! they are written where the society says and judged there.

use std::path::PathBuf;

use clap::Args;
use kinmesh_protocol::base::limits::ITEM_BYTES;
use kinmesh_protocol::base::{AuditorName, CaseRef, Epoch, MemberId, NetworkId, Sensitive, cbor};
use kinmesh_protocol::casework::opening::{Opening, count, find};
use kinmesh_protocol::engine::answer::Answer;
use kinmesh_protocol::engine::command::Command;
use kinmesh_protocol::envelope::{Message, Unverified};
use kinmesh_protocol::private_match::audit::{AUDIT_CHALLENGE, AUDIT_REPORT, AuditCounts, AuditRef};
use kinmesh_protocol::roster::TIMESTAMP;
use serde_json::json;

use super::context::Context;
use super::errors::{CommandError, Kind, NodeProblem, UsageProblem};
use super::secrets::{existing_secret, fresh_secret};
use crate::control::UnlockInput;
use crate::coordinator::auditing::{self, AuditingError, ChallengeArgs, JudgeArgs, JudgeReport, OPENINGS_HEAD};
use crate::exchange::{Kind as FileKind, Replace, read_bundle, write_bundle, write_new};
use crate::keys::UnlockSecret;

/// Papers of one command: a part has some 54 KB.
const PAPERS: usize = 8;

/// Arguments of `audit key`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh audit key --network kin-2027 --auditor @audit-1 --out keys")]
pub(super) struct AuditKeyArgs {
    /// The network's id.
    #[arg(long, value_name = "NET")]
    network: NetworkId,
    /// The auditor's name on the roster: @ and up to 15 of a-z, 0-9 and -.
    #[arg(long = "auditor", value_name = "@NAME")]
    name: AuditorName,
    /// Folder for the key and its public half.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A file of 32 random bytes or more, in place of a passphrase.
    #[arg(long, value_name = "FILE")]
    credential: Option<PathBuf>,
    /// Leaves the key file open to whoever has it; in a drill only.
    #[arg(long, conflicts_with = "credential")]
    unprotected: bool,
}

/// Arguments of `audit challenge`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kinmesh audit challenge --querier SOUTH --owner NORTH --epoch 7 --roster invitation.kmb --key audit-1.key --out challenge.kmb"
)]
pub(super) struct AuditChallengeArgs {
    /// Whose questions are opened.
    #[arg(long, value_name = "ID")]
    querier: MemberId,
    /// Whom it asked.
    #[arg(long, value_name = "ID")]
    owner: MemberId,
    /// The owner's epoch: the present one or the last.
    #[arg(long, value_name = "N")]
    epoch: u32,
    /// A bundle that begins with the roster; with a timestamp in it a later one draws.
    #[arg(long, value_name = "FILE")]
    roster: PathBuf,
    /// The auditor's key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// File that opens the key, in place of a passphrase.
    #[arg(long, value_name = "FILE")]
    credential: Option<PathBuf>,
    /// File to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Arguments of `audit report`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh audit report challenge.kmb --out list.kmb")]
pub(super) struct AuditReportArgs {
    /// The auditor's challenge.
    #[arg(value_name = "CHALLENGE")]
    challenge: PathBuf,
    /// File to write, for the auditor: the list, and the roster and keys that it is verified with.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Arguments of `audit open`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kinmesh audit open challenge.kmb list.kmb timestamp.kmb --out openings.kmo --report report.kmb"
)]
pub(super) struct AuditOpenArgs {
    /// The challenge, the owner's list, and the first timestamp after the challenge.
    #[arg(value_name = "FILE", num_args = 1.., required = true)]
    files: Vec<PathBuf>,
    /// File for the openings. Personal data: judged on these premises, then destroyed.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// File for the signed counts, which the auditor takes along.
    #[arg(long, value_name = "FILE")]
    report: PathBuf,
}

/// Arguments of `audit judge`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kinmesh audit judge challenge.kmb list.kmb timestamp.kmb report.kmb --openings openings.kmo --fingerprint \"...\""
)]
pub(super) struct AuditJudgeArgs {
    /// The challenge, the owner's list, the timestamp, and the society's report.
    #[arg(value_name = "FILE", num_args = 1.., required = true)]
    files: Vec<PathBuf>,
    /// What the society opened.
    #[arg(long, value_name = "FILE")]
    openings: PathBuf,
    /// The custodians' fingerprint; without it the roster's own is shown, to be compared.
    #[arg(long, value_name = "TEXT")]
    fingerprint: Option<String>,
}

/// `audit key`.
pub(super) fn key(context: &Context, args: &AuditKeyArgs) -> Result<(), CommandError> {
    let secret = match args.unprotected {
        true => None,
        false => Some(secret_of(fresh_secret(context, args.credential.as_deref(), "the auditor's key")?)),
    };
    let made = auditing::make_key(args.network, args.name, &args.out, secret.as_ref()).map_err(problem)?;
    context.out.result("kinmesh/audit-key/1", &made, |_| {
        format!("✓ {}: {}\nFor the roster's plan: {}\n", made.auditor, made.key.display(), made.public.display())
    })
}

/// `audit challenge`.
pub(super) fn challenge(context: &Context, args: &AuditChallengeArgs) -> Result<(), CommandError> {
    let arguments = ChallengeArgs {
        roster: args.roster.clone(),
        key: args.key.clone(),
        querier: args.querier,
        owner: args.owner,
        epoch: Epoch(args.epoch),
        out: args.out.clone(),
        now: now(),
    };
    let mut asked = Ok(());
    let outcome =
        auditing::challenge(&arguments, |_| match existing_secret(context, args.credential.as_deref(), "the auditor's key") {
            Ok(secret) => Some(secret_of(secret)),
            Err(error) => {
                asked = Err(error);
                None
            }
        });
    asked?;
    let made = outcome.map_err(problem)?;
    context.out.result("kinmesh/audit-challenge/1", &made, |_| {
        format!("✓ audit {}, good until {}\nRoster of the custodians {}\n", made.audit.short(), made.until, made.fingerprint)
    })?;
    context.out.hint(&format!("→ at {}: kinmesh audit report {} --out list.kmb", args.owner, args.out.display()));
    Ok(())
}

/// `audit report`.
pub(super) async fn report(context: &Context, args: &AuditReportArgs) -> Result<(), CommandError> {
    let items = papers(std::slice::from_ref(&args.challenge))?;
    let challenge = items.into_iter().next().ok_or(UsageProblem::Arguments)?;
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let refs = loop {
        let part = u32::try_from(parts.len() + 1).unwrap_or(u32::MAX);
        match context.ask(Command::AuditReport { challenge: challenge.clone(), part }).await? {
            Answer::AuditListing { .. } => {}
            Answer::AuditPart { parts: all, message } => {
                parts.push(message);
                if part >= all {
                    break all;
                }
            }
            _ => return Err(Kind::OtherAnswer.into()),
        }
    };
    let Answer::Public { items } = context.ask(Command::PublicGive).await? else { return Err(Kind::OtherAnswer.into()) };
    let all: Vec<&[u8]> = items.iter().chain(&parts).map(Vec::as_slice).collect();
    write_bundle(&args.out, all, Replace::Never).map_err(|error| CommandError::from(NodeProblem::RosterFile).because(error))?;
    let value = json!({ "parts": refs, "file": args.out });
    context
        .out
        .result("kinmesh/audit-report/1", &value, |_| "✓ listed: references and hashes, nothing of people\n".to_owned())?;
    context.out.hint("→ give the file to the auditor");
    Ok(())
}

/// `audit open`.
pub(super) async fn open(context: &Context, args: &AuditOpenArgs) -> Result<(), CommandError> {
    let mut taken = None;
    for some in papers(&args.files)?.chunks(PAPERS) {
        let Answer::AuditTaken { audit, owner, sample, .. } = context.ask(Command::AuditTake { papers: some.to_vec() }).await?
        else {
            return Err(Kind::OtherAnswer.into());
        };
        taken = Some((audit, owner, sample));
    }
    let (audit, owner, _) = taken.ok_or(UsageProblem::Arguments)?;
    let mut text = Sensitive::new(format!("{OPENINGS_HEAD}{audit}\n"));
    let (mut shown, mut listed, mut from) = (Vec::new(), Vec::new(), Some(0));
    while let Some(start) = from {
        let Answer::AuditOpened { openings, next, sample } = context.ask(Command::AuditOpen { audit, from: start }).await? else {
            return Err(Kind::OtherAnswer.into());
        };
        for opening in openings.expose() {
            text.expose_mut().push_str(opening);
            text.expose_mut().push('\n');
            shown.push(opening_of(opening)?);
        }
        (from, listed) = (next, sample);
    }
    let counts = counts_of(&owner, &listed, &shown)?;
    let Answer::AuditPart { message, .. } = context.ask(Command::AuditSign { audit, counts }).await? else {
        return Err(Kind::OtherAnswer.into());
    };
    let failed = |error: crate::exchange::WholeFileError| CommandError::from(NodeProblem::RosterFile).because(error);
    write_new(&args.out, text.expose().as_bytes()).map_err(failed)?;
    write_bundle(&args.report, [message.as_slice()], Replace::Never)
        .map_err(|error| CommandError::from(NodeProblem::RosterFile).because(error))?;
    let value = json!({ "audit": audit, "owner": owner, "counts": counts });
    context.out.result("kinmesh/audit-open/1", &value, |_| {
        format!("✓ {} references opened, {} of one person or of nobody\n", counts.sampled, counts.matched)
    })?;
    context.out.warn("! the openings hold personal data: judge them here, then destroy the file");
    Ok(())
}

/// `audit judge`.
pub(super) fn judge(context: &Context, args: &AuditJudgeArgs) -> Result<(), CommandError> {
    let report: JudgeReport = auditing::judge(&JudgeArgs {
        files: args.files.clone(),
        openings: args.openings.clone(),
        fingerprint: args.fingerprint.clone(),
        now: now(),
    })
    .map_err(problem)?;
    context.out.result("kinmesh/audit-judge/1", &report, |_| {
        let mut bytes = Vec::new();
        // A Vec takes every byte.
        let _infallible = report.write_text(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })?;
    if report.sound { Ok(()) } else { Err(NodeProblem::Verification.into()) }
}

/// The papers of an audit in some bundles, in the order in which a node takes them.
fn papers(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, CommandError> {
    let mut items = Vec::new();
    for file in files {
        items.extend(read_bundle(file).map_err(|error| CommandError::from(NodeProblem::RosterFile).because(error))?);
    }
    let place = |item: &Vec<u8>| {
        let kind = Unverified::<Message>::parse(item, ITEM_BYTES).map(|message| message.claimed_kind());
        [AUDIT_CHALLENGE, AUDIT_REPORT, TIMESTAMP].iter().position(|known| kind == Ok(*known))
    };
    items.retain(|item| place(item).is_some());
    items.sort_by_key(place);
    Ok(items)
}

fn opening_of(text: &str) -> Result<Opening, CommandError> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map(Sensitive::new).ok();
    bytes.and_then(|bytes| cbor::decode(bytes.expose()).ok()).ok_or_else(|| Kind::OtherAnswer.into())
}

fn counts_of(owner: &MemberId, listed: &[(String, String)], shown: &[Opening]) -> Result<AuditCounts, CommandError> {
    fn bytes<const N: usize>(text: &str) -> Result<[u8; N], CommandError> {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
        bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| Kind::OtherAnswer.into())
    }
    let mut counts = AuditCounts::default();
    for (case_ref, element_hash) in listed {
        let one = AuditRef { case_ref: CaseRef(bytes(case_ref)?), element_hash: bytes(element_hash)? };
        let opening = shown.iter().find(|opening| opening.case_ref == one.case_ref);
        count(&mut counts, find(owner, &one, opening));
    }
    Ok(counts)
}

fn secret_of(input: UnlockInput) -> UnlockSecret {
    match input {
        UnlockInput::Passphrase(text) => UnlockSecret::Passphrase(text),
        UnlockInput::Credential(bytes) => UnlockSecret::Credential(bytes),
    }
}

fn now() -> kinmesh_protocol::base::Timestamp {
    crate::daemon::clock::wall()
}

fn problem(error: AuditingError) -> CommandError {
    let problem = match error.kind() {
        FileKind::Usage => return CommandError::from(UsageProblem::Arguments).because(error),
        FileKind::Secret => NodeProblem::WrongSecret,
        FileKind::Verification => NodeProblem::Verification,
        _ => NodeProblem::RosterFile,
    };
    CommandError::from(problem).because(error)
}
