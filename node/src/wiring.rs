//! The binary's wiring: gives the command line what stands in folders beside and above it.
//!
//! The only place that sees the daemon, the coordination node's files, the control server and the rehearsal together. It
//! turns each folder's typed error into the command line's, and decides nothing.

use std::error::Error;
use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

use crate::cli::Kind as CliKind;
use crate::cli::{
    self, CeremonyPlanArgs, CeremonyRehearseArgs, CeremonyReplaceArgs, CeremonyRunArgs, CeremonyVerifyArgs, CommandError,
    Context, DaemonRunArgs, DemoArgs, DrillBreachArgs, DrillVerb, Elsewhere, InitArgs, JoinArgs, KeysSignArgs, NodeProblem,
    NodeRole, RosterDiffArgs, RosterProposeArgs, RosterPublishArgs, RosterRevokeArgs, RosterSignArgs, RosterSuspendArgs,
    RosterTakeArgs, RosterVerifyArgs, UsageProblem as Usage, UserAddArgs,
};
use crate::control::{self, Client, ClientError, DeskRequest, UnlockInput};
use crate::coordinator::{
    ceremony, ceremony_plan, ceremony_verify, diff, first_ceremony, propose, publish, rehearse, replacement, sign, suspend,
    verify,
};
use crate::daemon::public::{PublicTaken, take_commands, take_without_daemon};
use crate::daemon::{clock, folder::NodeFolder, init, join, opened, renewal, run, users};
use crate::exchange::{Kind, read_bundle, revocation};
use crate::keys::UnlockSecret;
use crate::rehearsal::{self, DemoOptions, DrillOptions, RehearsalError};

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    cli::main(&Wiring)
}

struct Wiring;

impl Elsewhere for Wiring {
    fn init(&self, context: &Context, args: &InitArgs) -> Result<(), CommandError> {
        let role = match (args.role, args.member) {
            (NodeRole::Coordinator, _) => init::InitRole::Coordinator,
            (NodeRole::Member, None) => return Err(Usage::NoMember.into()),
            (NodeRole::Member, Some(member)) => init::InitRole::Member {
                member,
                name: args.society.clone(),
                country: args.country.clone(),
                user: context.place.user_or_account()?,
                user_secret: fresh(context, args.user_credential.as_deref(), "the first user's key to the records")?,
            },
        };
        let made = init::run(&init::InitArgs {
            dir: context.place.dir.clone(),
            network: args.network,
            role,
            listen: args.listen.clone(),
            addresses: args.address.clone(),
            service: fresh(context, args.credential.as_deref(), "the node's own keys")?,
            now: clock::wall(),
        })
        .map_err(|error| match error {
            init::InitError::AlreadyMade(_) => CommandError::from(NodeProblem::AlreadyMade).because(error),
            other => problem(other.kind(), other),
        })?;
        shown(context, "kinmesh/init/1", &made, |out| made.write_text(out))
    }

    fn join(&self, context: &Context, args: &JoinArgs) -> Result<(), CommandError> {
        let fingerprint = match &args.fingerprint {
            Some(text) => text.clone(),
            None => cli::prompt_fingerprint(context)?,
        };
        let dir = context.place.dir.clone();
        let arguments = join::JoinArgs {
            dir: dir.clone(),
            bundle: args.bundle.clone(),
            fingerprint: fingerprint.clone(),
            now: clock::wall(),
        };
        let invitation = join::read(&arguments).map_err(|error| of_files(error.kind(), error))?;
        hand_over(context, &dir, &invitation.items, Some(&fingerprint))?;
        shown(context, "kinmesh/join/1", &invitation.report, |out| invitation.report.write_text(out))
    }

    fn user_add(&self, context: &Context, args: &UserAddArgs) -> Result<(), CommandError> {
        let folder = NodeFolder::new(&context.place.dir);
        let by = context.place.user_or_account()?;
        let secret = existing(context, args.credential.as_deref(), "your key to the records")?;
        let own = fresh(context, args.user_credential.as_deref(), "the added user's key to the records")?;
        let added = users::add(&folder, (by, &secret), (args.added, &own)).map_err(|error| problem(error.kind(), error))?;
        shown(context, "kinmesh/user-add/1", &added, |out| added.write_text(out))?;
        context.out.hint(&format!("→ start the daemon again, then: kinmesh daemon unlock --user {}", added.user));
        Ok(())
    }

    fn daemon_run(&self, context: &Context, args: &DaemonRunArgs) -> Result<(), CommandError> {
        let dir = context.place.dir.clone();
        let mut asked = Ok(());
        let outcome = run::run(&dir, asking(context, args.credential.as_deref(), "the node's own keys", &mut asked), serve);
        asked?;
        outcome.map_err(|error| match error {
            run::RunError::Network(error) => CommandError::from(NodeProblem::Network).because(error),
            other => problem(other.kind(), other),
        })
    }

    fn roster_propose(&self, context: &Context, args: &RosterProposeArgs) -> Result<(), CommandError> {
        let report = propose::run(&propose::ProposeArgs {
            from: args.from.clone(),
            enrol: args.enrol.clone(),
            held: args.held.clone(),
            suspend: args.suspend.clone(),
            active: args.active.clone(),
            left: args.left.clone(),
            replace: args.replace_custodian.iter().map(|with| (with.place, with.file.clone())).collect(),
            out: args.out.clone(),
            now: clock::wall(),
        })
        .map_err(|error| of_files(error.kind(), error))?;
        shown(context, "kinmesh/roster-propose/1", &report, |out| report.write_text(out))
    }

    fn roster_sign(&self, context: &Context, args: &RosterSignArgs) -> Result<(), CommandError> {
        let arguments = sign::SignArgs { key: args.key.clone(), file: args.file.clone() };
        let mut asked = Ok(());
        let outcome = sign::run(
            &arguments,
            |report| agreed(context, args.yes, "Sign this?", |text| report.write_text(text)),
            asking(context, args.credential.as_deref(), "the custodian's key", &mut asked),
        );
        asked?;
        let report = outcome.map_err(|error| of_files(error.kind(), error))?;
        shown(context, "kinmesh/roster-sign/1", &report, |out| report.write_text(out))
    }

    fn roster_publish(&self, context: &Context, args: &RosterPublishArgs) -> Result<(), CommandError> {
        let published = publish::run(&publish::PublishArgs {
            files: args.files.clone(),
            enrol: args.enrol.clone(),
            bundle: args.bundle.clone(),
            version: args.version,
            now: clock::wall(),
        })
        .map_err(|error| of_files(error.kind(), error))?;
        let fingerprint = published.fingerprint.to_string();
        // A custodian's machine has no node: there the bundle is all that is wanted.
        let is_here = NodeFolder::new(&context.place.dir).keystore().exists();
        if is_here || args.bundle.is_none() {
            hand_over(context, &context.place.dir, &published.items, Some(&fingerprint))?;
        } else {
            context.out.hint("no node in this folder: take the bundle to the coordination node and run `kinmesh join` there");
        }
        let report = &published.report;
        shown(context, "kinmesh/roster-publish/1", report, |out| report.write_text(out))
    }

    fn roster_verify(&self, context: &Context, args: &RosterVerifyArgs) -> Result<(), CommandError> {
        let report = verify::run(&verify::VerifyArgs {
            file: args.file.clone(),
            fingerprint: args.fingerprint.clone(),
            held: args.held.clone(),
            now: clock::wall(),
        })
        .map_err(|error| of_files(error.kind(), error))?;
        shown(context, "kinmesh/roster-verify/1", &report, |out| report.write_text(out))
    }

    fn roster_diff(&self, context: &Context, args: &RosterDiffArgs) -> Result<(), CommandError> {
        let report = diff::run(&diff::DiffArgs { file: args.file.clone(), held: args.held.clone(), now: clock::wall() })
            .map_err(|error| of_files(error.kind(), error))?;
        shown(context, "kinmesh/roster-diff/1", &report, |out| report.write_text(out))
    }

    fn roster_suspend(&self, context: &Context, args: &RosterSuspendArgs) -> Result<(), CommandError> {
        let report = suspend::run(&suspend::SuspendArgs {
            member: args.member,
            reason: args.reason.into(),
            held: args.held.clone(),
            out: args.out.clone(),
            now: clock::wall(),
        })
        .map_err(|error| of_files(error.kind(), error))?;
        shown(context, "kinmesh/roster-suspend/1", &report, |out| report.write_text(out))
    }

    fn roster_revoke(&self, context: &Context, args: &RosterRevokeArgs) -> Result<(), CommandError> {
        let read = revocation::read(&args.file).map_err(|error| of_files(error.kind(), error))?;
        hand_over(context, &context.place.dir, std::slice::from_ref(&read.message), None)?;
        let report = &read.report;
        shown(context, "kinmesh/roster-revoke/1", report, |out| report.write_text(out))
    }

    fn roster_take(&self, context: &Context, args: &RosterTakeArgs) -> Result<(), CommandError> {
        let items = read_bundle(&args.file).map_err(|error| CommandError::from(NodeProblem::RosterFile).because(error))?;
        let taken = hand_over(context, &context.place.dir, &items, None)?;
        let PublicTaken { accepted, known, roster_version } = taken;
        let value = serde_json::json!({ "accepted": accepted, "known": known, "roster_version": roster_version });
        context.out.result("kinmesh/roster-take/1", &value, |_| {
            format!("✓ {accepted} messages taken, {known} known; roster version {roster_version} counts")
        })
    }

    fn ceremony_plan(&self, context: &Context, args: &CeremonyPlanArgs) -> Result<(), CommandError> {
        let Some(plan) = args.plan.as_deref().filter(|_| !args.template) else {
            let text = ceremony_plan::CEREMONY_TEMPLATE;
            return context.out.result("kinmesh/ceremony-template/1", &serde_json::json!({ "text": text }), |_| text.to_owned());
        };
        let report =
            ceremony_plan::ReadPlan::read(plan).and_then(|read| read.report()).map_err(|error| of_files(error.kind(), error))?;
        shown(context, "kinmesh/ceremony-plan/1", &report, |out| report.write_text(out))
    }

    fn ceremony_verify(&self, context: &Context, args: &CeremonyVerifyArgs) -> Result<(), CommandError> {
        let report = ceremony_verify::run(&ceremony_verify::CeremonyVerifyArgs {
            plan: args.plan.clone(),
            transcript: args.transcript.clone(),
            roster: args.roster.clone(),
        })
        .map_err(|error| of_files(error.kind(), error))?;
        shown(context, "kinmesh/ceremony-verify/1", &report, |out| report.write_text(out))
    }

    fn ceremony_rehearse(&self, context: &Context, args: &CeremonyRehearseArgs) -> Result<(), CommandError> {
        let report = rehearse::run(&rehearse::RehearseArgs { plan: args.plan.clone(), now: clock::wall() })
            .map_err(|error| of_files(error.kind(), error))?;
        shown(context, "kinmesh/ceremony-rehearse/1", &report, |out| report.write_text(out))
    }

    fn ceremony_replace(&self, context: &Context, args: &CeremonyReplaceArgs) -> Result<(), CommandError> {
        let what = format!("the key of custodian {}", args.custodian);
        let secret = match args.unprotected {
            true => None,
            false => Some(fresh(context, args.credential.as_deref(), &what)?),
        };
        let report = replacement::run(&replacement::ReplaceArgs {
            network: args.network,
            place: args.custodian,
            out: args.out.clone(),
            secret,
        })
        .map_err(|error| match error.kind() {
            Kind::Usage => CommandError::from(NodeProblem::Ceremony).because(error),
            kind => problem(kind, error),
        })?;
        shown(context, "kinmesh/ceremony-replace/1", &report, |out| report.write_text(out))
    }

    fn ceremony_run(&self, context: &Context, args: &CeremonyRunArgs) -> Result<(), CommandError> {
        if let Some(plan) = &args.plan {
            return planned_ceremony(context, args, plan);
        }
        let count = args.custodians.unwrap_or_default();
        let network = args.network.ok_or(Usage::Arguments)?;
        let report = ceremony::run(&ceremony::CeremonyArgs {
            network,
            out: args.out.clone(),
            threshold: u64::from(args.threshold.unwrap_or_default()),
            root_threshold: args.root_threshold.map(u64::from),
            emergency_threshold: args.emergency_threshold.map(u64::from),
            custodians: custodian_secrets(context, args, count, |number| format!("the key of custodian {number}"))?,
        })
        .map_err(|error| match error.kind() {
            Kind::Usage => CommandError::from(NodeProblem::Ceremony).because(error),
            kind => problem(kind, error),
        })?;
        shown(context, "kinmesh/ceremony-run/1", &report, |out| report.write_text(out))
    }

    fn keys_sign(&self, context: &Context, args: &KeysSignArgs) -> Result<(), CommandError> {
        let arguments = renewal::SignKeysArgs {
            request: args.file.clone(),
            root_key: args.root_key.clone(),
            out: args.out.clone(),
            revocation: args.revocation.clone(),
        };
        let mut asked = Ok(());
        let outcome = renewal::run(
            &arguments,
            |report| agreed(context, args.yes, "Sign this key?", |text| report.write_text(text)),
            asking(context, args.credential.as_deref(), "the society's root key", &mut asked),
        );
        asked?;
        let report = outcome.map_err(|error| of_files(error.kind(), error))?;
        shown(context, "kinmesh/keys-sign/1", &report, |out| report.write_text(out))?;
        context.out.hint("→ print the revocation and keep it apart; take the other file to the node: kinmesh keys take FILE");
        Ok(())
    }

    fn demo(&self, _: &Context, args: &DemoArgs) -> Result<(), CommandError> {
        let program = std::env::current_exe().map_err(|error| CommandError::from(NodeProblem::Demo).because(error))?;
        let options = DemoOptions { program, keep: args.keep.clone(), input: args.input.clone() };
        let outcome = runtime()?.block_on(rehearsal::run(options));
        outcome.map_err(|error| match error {
            RehearsalError::Interrupted => CliKind::Interrupted.into(),
            other => CommandError::from(NodeProblem::Demo).because(other),
        })
    }

    fn drill(&self, context: &Context, verb: &DrillVerb) -> Result<(), CommandError> {
        match verb {
            DrillVerb::Breach(args) => breach_drill(context, args),
            DrillVerb::BarePeer => {
                let outcome = runtime()?.block_on(rehearsal::bare_peer());
                outcome.map_err(|error| CommandError::from(NodeProblem::Drill).because(error))
            }
        }
    }
}

/// The breach drill; its result is shown also where it is not what it must be.
fn breach_drill(context: &Context, args: &DrillBreachArgs) -> Result<(), CommandError> {
    let failed = |error: RehearsalError| match error {
        RehearsalError::Interrupted => CliKind::Interrupted.into(),
        other => CommandError::from(NodeProblem::Drill).because(other),
    };
    let program = std::env::current_exe().map_err(|error| CommandError::from(NodeProblem::Drill).because(error))?;
    let options = DrillOptions { program, members: args.members, people: args.people, keep: args.keep.clone() };
    let report = runtime()?.block_on(rehearsal::drill(options)).map_err(failed)?;
    context.out.result("kinmesh/drill-breach/1", &report, |_| report.text())?;
    report.verdict().map_err(failed)
}

/// The ceremony that follows a plan.
fn planned_ceremony(context: &Context, args: &CeremonyRunArgs, plan: &Path) -> Result<(), CommandError> {
    let read = ceremony_plan::ReadPlan::read(plan).map_err(|error| of_files(error.kind(), error))?;
    let offices = &read.plan.custodians;
    let count = u32::try_from(offices.len()).unwrap_or(u32::MAX);
    let what = |number: u32| {
        let office = usize::try_from(number).ok().and_then(|number| offices.get(number.checked_sub(1)?));
        format!("the key of custodian {number} ({})", office.map_or("", String::as_str))
    };
    let report = first_ceremony::run(&first_ceremony::FirstCeremonyArgs {
        plan: plan.to_owned(),
        out: args.out.clone(),
        custodians: custodian_secrets(context, args, count, what)?,
        now: clock::wall(),
    })
    .map_err(|error| match error.kind() {
        Kind::Usage => CommandError::from(NodeProblem::Ceremony).because(error),
        kind => of_files(kind, error),
    })?;
    shown(context, "kinmesh/ceremony-run/1", &report, |out| report.write_text(out))
}

/// What seals each custodian's key, asked one after the other.
fn custodian_secrets(
    context: &Context,
    args: &CeremonyRunArgs,
    count: u32,
    what: impl Fn(u32) -> String,
) -> Result<ceremony::CustodianSecrets, CommandError> {
    if args.unprotected {
        return Ok(ceremony::CustodianSecrets::Unprotected(usize::try_from(count).unwrap_or(usize::MAX)));
    }
    let mut secrets = Vec::new();
    for number in 1..=count {
        let file = usize::try_from(number).ok().and_then(|number| args.credential.get(number.checked_sub(1)?));
        secrets.push(fresh(context, file.map(PathBuf::as_path), &what(number))?);
    }
    Ok(ceremony::CustodianSecrets::Each(secrets))
}

/// The control server of a daemon, from its folder, its desk and the signal to close.
fn serve(
    dir: &Path,
    desk: mpsc::Sender<DeskRequest>,
    closed: oneshot::Receiver<()>,
) -> Result<impl Future<Output = std::io::Result<()>> + Send + 'static + use<>, Box<dyn Error + Send + Sync>> {
    let listener = control::bind(dir)?;
    let stopped = async {
        // A dropped sender means that the daemon is at its end, which is the same.
        let _closed = closed.await;
    };
    Ok(control::serve(listener, desk, stopped))
}

/// Gives public messages to a node: to its daemon, or to its store where none runs.
fn hand_over(context: &Context, dir: &Path, items: &[Vec<u8>], fingerprint: Option<&str>) -> Result<PublicTaken, CommandError> {
    let commands = take_commands(items, fingerprint);
    let client = Client::new(dir);
    let runtime = runtime()?;
    let mut taken = PublicTaken::default();
    match runtime.block_on(client.status()) {
        Err(ClientError::NotRunning) => {
            let mut asked = Ok(());
            let node = opened::open_node(&NodeFolder::new(dir), asking(context, None, "the node's own keys", &mut asked));
            asked?;
            let node = node.map_err(|error| problem(error.kind(), error))?;
            take_without_daemon(&node, commands).map_err(|error| CommandError::from(NodeProblem::RosterFile).because(error))
        }
        _ => {
            for command in commands {
                let answer = runtime.block_on(client.command(command))?;
                taken.add(&answer).map_err(|error| CommandError::from(NodeProblem::RosterFile).because(error))?;
            }
            Ok(taken)
        }
    }
}

fn runtime() -> Result<Runtime, CommandError> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CommandError::from(NodeProblem::Demo).because(error))
}

fn fresh(context: &Context, credential: Option<&Path>, what: &str) -> Result<UnlockSecret, CommandError> {
    cli::fresh_secret(context, credential, what).map(secret_of)
}

fn existing(context: &Context, credential: Option<&Path>, what: &str) -> Result<UnlockSecret, CommandError> {
    cli::existing_secret(context, credential, what).map(secret_of)
}

/// Asks for an existing secret when called. Who asks through a folder that knows no command-line errors finds the reason in
/// `asked`.
fn asking<'a, T>(
    context: &'a Context,
    credential: Option<&'a Path>,
    what: &'a str,
    asked: &'a mut Result<(), CommandError>,
) -> impl FnOnce(T) -> Option<UnlockSecret> + 'a {
    move |_| existing(context, credential, what).map_err(|error| *asked = Err(error)).ok()
}

/// Shows what is to be signed and asks for a word; without a terminal only `--yes` agrees.
fn agreed(context: &Context, yes: bool, question: &str, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> bool {
    let mut text = Vec::new();
    let written = write(&mut text).is_ok();
    context.out.warn(&String::from_utf8_lossy(&text));
    written && (yes || context.out.is_interactive() && cli::confirm(question).unwrap_or(false))
}

fn secret_of(input: UnlockInput) -> UnlockSecret {
    match input {
        UnlockInput::Passphrase(text) => UnlockSecret::Passphrase(text),
        UnlockInput::Credential(bytes) => UnlockSecret::Credential(bytes),
    }
}

/// A folder's error as the command line shows it.
fn problem(kind: Kind, error: impl Error) -> CommandError {
    let problem = match kind {
        Kind::Usage => return CommandError::from(Usage::Arguments).because(error),
        Kind::Roster => NodeProblem::RosterFile,
        Kind::Machine => NodeProblem::Store,
        Kind::Secret => NodeProblem::WrongSecret,
        Kind::Verification => NodeProblem::Verification,
        Kind::InUse => NodeProblem::InUse,
    };
    CommandError::from(problem).because(error)
}

/// The error of a command that works on files alone: what the machine refuses there is a file, never a store.
fn of_files(kind: Kind, error: impl Error) -> CommandError {
    match kind {
        Kind::Machine => CommandError::from(NodeProblem::RosterFile).because(error),
        other => problem(other, error),
    }
}

/// Writes a report in plain words, or as JSON.
fn shown<T: Serialize>(
    context: &Context,
    schema: &'static str,
    report: &T,
    text: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), CommandError> {
    context.out.result(schema, report, |_| {
        let mut bytes = Vec::new();
        // A Vec takes every byte.
        let _infallible = text(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
