//! From the process's arguments to one noun and an exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tokio::runtime::Builder;

use super::args::{Arguments, InitArgs, NodeRole, Noun};
use super::ceremony::CeremonyVerb;
use super::context::Context;
use super::daemon::DaemonVerb;
use super::elsewhere::Elsewhere;
use super::errors::{CommandError, Kind, UsageProblem};
use super::exit::Exit;
use super::keys::KeysVerb;
use super::output::Output;
use super::place::Place;
use super::roster::RosterVerb;
use super::user::UserVerb;
use super::{
    audit, bundle, candidate, case, completion, contact, daemon, disclosure, erase, keys, matching, member, person, protected,
    roster, search, status,
};

/// Runs the command line of this process.
pub fn main(elsewhere: &dyn Elsewhere) -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let exit = match Arguments::try_parse_from(&words) {
        Ok(arguments) => {
            let out = Output::standard(arguments.global.json, arguments.global.quiet);
            run(arguments, out, elsewhere)
        }
        Err(error) => usage(&error, &words),
    };
    exit.into()
}

/// Runs one command with its output.
pub(super) fn run(arguments: Arguments, out: Output, elsewhere: &dyn Elsewhere) -> Exit {
    let Arguments { global, noun } = arguments;
    let place = match Place::find(global.dir, global.user) {
        Ok(place) => place,
        Err(error) => {
            out.error(&error);
            return error.exit();
        }
    };
    let context = Context { place, out };
    match dispatch(&context, noun, elsewhere) {
        Ok(()) => Exit::Done,
        Err(error) => {
            context.out.error(&error);
            error.exit()
        }
    }
}

fn dispatch(context: &Context, noun: Noun, elsewhere: &dyn Elsewhere) -> Result<(), CommandError> {
    match noun {
        Noun::Demo(args) => elsewhere.demo(context, &args),
        Noun::Drill(verb) => elsewhere.drill(context, &verb),
        Noun::Init(args) => {
            check_member(&args)?;
            elsewhere.init(context, &args)
        }
        Noun::Join(args) => elsewhere.join(context, &args),
        Noun::Daemon(DaemonVerb::Run(args)) => elsewhere.daemon_run(context, &args),
        Noun::Roster(RosterVerb::Propose(args)) => elsewhere.roster_propose(context, &args),
        Noun::Roster(RosterVerb::Sign(args)) => elsewhere.roster_sign(context, &args),
        Noun::Roster(RosterVerb::Publish(args)) => elsewhere.roster_publish(context, &args),
        Noun::Roster(RosterVerb::Verify(args)) => elsewhere.roster_verify(context, &args),
        Noun::Roster(RosterVerb::Diff(args)) => elsewhere.roster_diff(context, &args),
        Noun::Roster(RosterVerb::Suspend(args)) => elsewhere.roster_suspend(context, &args),
        Noun::Roster(RosterVerb::Revoke(args)) => elsewhere.roster_revoke(context, &args),
        Noun::Roster(RosterVerb::Take(args)) => elsewhere.roster_take(context, &args),
        Noun::Ceremony(CeremonyVerb::Plan(args)) => elsewhere.ceremony_plan(context, &args),
        Noun::Ceremony(CeremonyVerb::Run(args)) => elsewhere.ceremony_run(context, &args),
        Noun::Keys(KeysVerb::Sign(args)) => elsewhere.keys_sign(context, &args),
        Noun::User(UserVerb::Add(args)) => elsewhere.user_add(context, &args),
        Noun::Ceremony(CeremonyVerb::Verify(args)) => elsewhere.ceremony_verify(context, &args),
        Noun::Ceremony(CeremonyVerb::Rehearse(args)) => elsewhere.ceremony_rehearse(context, &args),
        Noun::Ceremony(CeremonyVerb::Replace(args)) => elsewhere.ceremony_replace(context, &args),
        Noun::Match(verb) => matching::run(context, verb),
        Noun::Completion { shell } => completion::print(context, shell),
        noun => {
            let runtime = Builder::new_current_thread().enable_all().build().map_err(|_| Kind::Output)?;
            runtime.block_on(ask(context, noun))
        }
    }
}

/// The nouns that the daemon answers.
async fn ask(context: &Context, noun: Noun) -> Result<(), CommandError> {
    match noun {
        Noun::Status => status::run(context).await,
        Noun::Daemon(verb) => daemon::run(context, verb).await,
        Noun::Person(verb) => person::run(context, verb).await,
        Noun::Erase(verb) => erase::run(context, verb).await,
        Noun::Case(verb) => case::run(context, verb).await,
        Noun::Search(verb) => search::run(context, verb).await,
        Noun::Protected(verb) => protected::run(context, verb).await,
        Noun::Candidate(verb) => candidate::run(context, verb).await,
        Noun::Contact(verb) => contact::run(context, verb).await,
        Noun::Disclosure(verb) => disclosure::run(context, verb).await,
        Noun::Audit(verb) => audit::run(context, verb).await,
        Noun::Bundle(verb) => bundle::run(context, verb).await,
        Noun::Keys(verb) => keys::run(context, verb).await,
        Noun::Member(verb) => member::run(context, verb).await,
        Noun::Roster(RosterVerb::Timestamp(args)) => roster::timestamp(context, &args).await,
        Noun::Roster(_) => roster::show(context).await,
        // Handed over before a runtime is made.
        Noun::Demo(_)
        | Noun::Drill(_)
        | Noun::Init(_)
        | Noun::Join(_)
        | Noun::Ceremony(_)
        | Noun::User(_)
        | Noun::Match(_)
        | Noun::Completion { .. } => Ok(()),
    }
}

fn check_member(args: &InitArgs) -> Result<(), CommandError> {
    if args.role == NodeRole::Member && args.member.is_none() { Err(UsageProblem::NoMember.into()) } else { Ok(()) }
}

/// Shows help as a result, and a mistake as text or, for a script, as an object.
fn usage(error: &clap::Error, words: &[OsString]) -> Exit {
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if is_help || !words.iter().any(|word| word == "--json") {
        // A closed stream is no reason to fail otherwise than by the exit code.
        let _unheard = error.print();
    } else {
        Output::standard(true, false).error(&UsageProblem::Arguments.into());
    }
    if is_help { Exit::Done } else { Exit::Usage }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use kinmesh_protocol::base::{ClaimId, MemberId};
    use kinmesh_protocol::engine::answer::{Answer, CandidateLine, Failure, RowResult};
    use kinmesh_protocol::engine::command::Command;
    use kinmesh_protocol::person::{FormError, FormProblem};
    use tokio::sync::{mpsc, oneshot};

    use super::*;
    use crate::cli::args::{DaemonRunArgs, DemoArgs, DrillVerb, JoinArgs};
    use crate::cli::ceremony::{
        CeremonyPlanArgs, CeremonyRehearseArgs, CeremonyReplaceArgs, CeremonyRunArgs, CeremonyVerifyArgs,
    };
    use crate::cli::roster::{
        RosterDiffArgs, RosterProposeArgs, RosterPublishArgs, RosterRevokeArgs, RosterSignArgs, RosterSuspendArgs,
        RosterTakeArgs, RosterVerifyArgs,
    };
    use crate::control::{DeskRequest, bind, serve};

    /// A wiring in which every other folder says that there is no node.
    struct Absent;

    impl Elsewhere for Absent {
        fn init(&self, _: &Context, _: &InitArgs) -> Result<(), CommandError> {
            absent()
        }
        fn join(&self, _: &Context, _: &JoinArgs) -> Result<(), CommandError> {
            absent()
        }
        fn user_add(&self, _: &Context, _: &super::super::user::UserAddArgs) -> Result<(), CommandError> {
            absent()
        }
        fn daemon_run(&self, _: &Context, _: &DaemonRunArgs) -> Result<(), CommandError> {
            absent()
        }
        fn roster_propose(&self, _: &Context, _: &RosterProposeArgs) -> Result<(), CommandError> {
            absent()
        }
        fn roster_sign(&self, _: &Context, _: &RosterSignArgs) -> Result<(), CommandError> {
            absent()
        }
        fn roster_publish(&self, _: &Context, _: &RosterPublishArgs) -> Result<(), CommandError> {
            absent()
        }
        fn roster_verify(&self, _: &Context, _: &RosterVerifyArgs) -> Result<(), CommandError> {
            absent()
        }
        fn roster_diff(&self, _: &Context, _: &RosterDiffArgs) -> Result<(), CommandError> {
            absent()
        }
        fn roster_suspend(&self, _: &Context, _: &RosterSuspendArgs) -> Result<(), CommandError> {
            absent()
        }
        fn roster_revoke(&self, _: &Context, _: &RosterRevokeArgs) -> Result<(), CommandError> {
            absent()
        }
        fn roster_take(&self, _: &Context, _: &RosterTakeArgs) -> Result<(), CommandError> {
            absent()
        }
        fn ceremony_plan(&self, _: &Context, _: &CeremonyPlanArgs) -> Result<(), CommandError> {
            absent()
        }
        fn ceremony_verify(&self, _: &Context, _: &CeremonyVerifyArgs) -> Result<(), CommandError> {
            absent()
        }
        fn ceremony_rehearse(&self, _: &Context, _: &CeremonyRehearseArgs) -> Result<(), CommandError> {
            absent()
        }
        fn ceremony_replace(&self, _: &Context, _: &CeremonyReplaceArgs) -> Result<(), CommandError> {
            absent()
        }
        fn ceremony_run(&self, _: &Context, _: &CeremonyRunArgs) -> Result<(), CommandError> {
            absent()
        }
        fn keys_sign(&self, _: &Context, _: &super::super::keys::KeysSignArgs) -> Result<(), CommandError> {
            absent()
        }
        fn demo(&self, _: &Context, _: &DemoArgs) -> Result<(), CommandError> {
            absent()
        }
        fn drill(&self, _: &Context, _: &DrillVerb) -> Result<(), CommandError> {
            absent()
        }
    }

    fn absent() -> Result<(), CommandError> {
        Err(crate::cli::NodeProblem::NotMade.into())
    }

    /// Answers a few commands as a node would.
    fn answer(command: Command) -> Result<Answer, Failure> {
        match command {
            Command::PersonImport { rows } => {
                let rows = rows.into_iter().map(|row| {
                    let error = row.form.legal_basis.is_empty();
                    let error = error.then(|| FormError { field: "legal_basis".to_owned(), problem: FormProblem::Missing });
                    RowResult { row: row.row, added: None, error }
                });
                Ok(Answer::Imported { rows: rows.collect() })
            }
            Command::CandidateList { .. } => Ok(Answer::Candidates {
                candidates: vec![CandidateLine {
                    candidate: ClaimId([7; 16]),
                    seeker: MemberId::new("SOUTH").unwrap(),
                    person: None,
                    named_as: None,
                    state: "to_review".to_owned(),
                    band: None,
                    outcome: None,
                }],
            }),
            _ => Err(Failure::NotJoined),
        }
    }

    /// A desk in a thread of its own, since each command makes its own runtime; it ends with the sender.
    fn desk(dir: &Path) -> oneshot::Sender<()> {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let dir = dir.to_owned();
        std::thread::spawn(move || {
            Builder::new_current_thread().enable_all().build().unwrap().block_on(async move {
                let (sender, mut requests) = mpsc::channel(4);
                let listener = bind(&dir).unwrap();
                ready.send(()).unwrap();
                tokio::spawn(async move {
                    while let Some(request) = requests.recv().await {
                        match request {
                            DeskRequest::Command { command, reply, .. } => reply.send(answer(command)).unwrap(),
                            DeskRequest::Unlock { reply, .. } => reply.send(Ok(())).unwrap(),
                            DeskRequest::Lock { reply } | DeskRequest::Stop { reply } => reply.send(()).unwrap(),
                        }
                    }
                });
                serve(listener, sender, async move { stopped.await.unwrap_or(()) }).await.unwrap();
            });
        });
        is_ready.recv().unwrap();
        stop
    }

    /// Runs a command line in a folder: exit code, standard output, standard error.
    fn kinmesh(dir: &Path, words: &[&str]) -> (Exit, String, String) {
        let line = ["kinmesh", "--dir", dir.to_str().unwrap()].into_iter().chain(words.iter().copied());
        let arguments = Arguments::try_parse_from(line).unwrap();
        let (output, out, err) = Output::captured(arguments.global.json);
        let exit = run(arguments, output, &Absent);
        (exit, out.text(), err.text())
    }

    #[test]
    fn a_desk_works_from_unlock_to_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        let (exit, _, err) = kinmesh(path, &["candidate", "list"]);
        assert_eq!(exit, Exit::NotRunning, "{err}");
        let _stop = desk(path);
        assert_eq!(kinmesh(path, &["candidate", "list"]).0, Exit::Locked);
        let credential = path.join("credential");
        std::fs::write(&credential, [7; 32]).unwrap();
        let unlock = ["--user", "amina", "daemon", "unlock", "--credential", credential.to_str().unwrap()];
        let (exit, out, _) = kinmesh(path, &unlock);
        assert_eq!((exit, out.as_str()), (Exit::Done, "✓ the records are open for amina\n"));

        let (exit, out, err) = kinmesh(path, &["candidate", "list"]);
        assert_eq!(exit, Exit::Done);
        assert!(out.contains("to_review") && err.contains("candidate review K-"), "{out}{err}");
        let (_, out, _) = kinmesh(path, &["--json", "candidate", "list"]);
        assert!(out.contains("\"schema\":\"kinmesh/candidate-list/1\""), "{out}");

        assert_eq!(kinmesh(path, &["daemon", "lock"]).0, Exit::Done);
        assert_eq!(kinmesh(path, &["candidate", "list"]).0, Exit::Locked);
    }

    #[test]
    fn an_import_keeps_good_rows_and_says_which_were_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        let _stop = desk(path);
        let credential = path.join("credential");
        std::fs::write(&credential, [7; 32]).unwrap();
        kinmesh(path, &["--user", "amina", "daemon", "unlock", "--credential", credential.to_str().unwrap()]);
        let rows: String = (0..40).map(|n| format!("اسم{n},{}\n", if n == 20 { "" } else { "consent" })).collect();
        let file = path.join("people.csv");
        std::fs::write(&file, format!("given,basis\n{rows}").replace("basis", "legal_basis")).unwrap();
        let file = file.to_str().unwrap();

        let (exit, out, err) = kinmesh(path, &["person", "import", file]);
        assert_eq!((exit, out.as_str()), (Exit::Partly, "39 of 40 rows kept, 1 left out\n"));
        assert!(err.contains("✗ row 22, column legal_basis: is needed") && err.contains("KM-6001"), "{err}");
        let (exit, out, _) = kinmesh(path, &["person", "import", file, "--legal-basis", "vital_interest", "--dry-run"]);
        assert_eq!((exit, out.as_str()), (Exit::Done, "40 of 40 rows would be kept, 0 left out\n"));
        let (_, out, _) = kinmesh(path, &["--json", "person", "import", file]);
        assert!(out.contains("\"rejections\":[{\"column\":\"legal_basis\""), "{out}");
    }

    #[test]
    fn what_cannot_be_asked_is_a_usage_error_and_says_how() {
        let dir = tempfile::tempdir().unwrap();
        for (words, code) in [
            (&["person", "add"][..], "KM-1001"),
            (&["candidate", "review", "K-7h3k9q"], "KM-1002"),
            (&["contact", "consent", "K-7h3k9q", "--decision", "nothing"], "KM-1003"),
            (&["contact", "consent", "K-7h3k9q", "--decision", "message", "--how", "written"], "KM-1004"),
            (&["search", "run", "C-7h3k9q"], "KM-1005"),
            (&["init", "--network", "drill-x"], "KM-1010"),
            (&["person", "add", "--form", "absent.toml"], "KM-1301"),
        ] {
            let (exit, out, err) = kinmesh(dir.path(), words);
            assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{words:?}: {err}");
            assert!(err.contains(code), "{words:?}: {err}");
        }
        let (_, _, err) = kinmesh(dir.path(), &["--json", "person", "add"]);
        let error: serde_json::Value = serde_json::from_str(&err).unwrap();
        assert_eq!(error["code"], "KM-1001");
    }

    #[test]
    fn matching_is_measured_and_explained_without_a_daemon() {
        let dir = tempfile::tempdir().unwrap();
        let (pairs, form) = (dir.path().join("pairs.tsv"), dir.path().join("person.toml"));
        std::fs::write(&pairs, "Mohamed\tمحمد\n").unwrap();
        std::fs::write(&form, "given = \"Salma\"\nfamily = \"Idris Osman\"\nbirth = 1999-05-07\n").unwrap();
        let (pairs, form) = (pairs.to_str().unwrap(), form.to_str().unwrap());
        let (exit, out, _) = kinmesh(dir.path(), &["match", "eval", "--pairs", pairs]);
        assert!(exit == Exit::Done && out.contains("by the first code   1.0000"), "{out}");
        let (_, out, _) = kinmesh(dir.path(), &["--json", "match", "eval", "--pairs", pairs]);
        assert!(out.contains("\"schema\":\"kinmesh/match-eval/1\""), "{out}");
        let (exit, out, _) = kinmesh(dir.path(), &["match", "explain", form, form]);
        assert!(exit == Exit::Done && out.contains("likely the same person") && !out.contains("Salma"), "{out}");
        let (exit, _, err) = kinmesh(dir.path(), &["match", "explain", form, "absent.toml"]);
        assert!(exit == Exit::Usage && err.contains("KM-1401"), "{err}");
    }

    #[test]
    fn templates_completions_and_other_folders_need_no_daemon() {
        let dir = tempfile::tempdir().unwrap();
        assert!(kinmesh(dir.path(), &["case", "open", "--template"]).1.contains("[[subjects]]"));
        assert!(kinmesh(dir.path(), &["completion", "bash"]).1.contains("kinmesh"));
        let (exit, _, err) = kinmesh(dir.path(), &["daemon", "run"]);
        assert_eq!(exit, Exit::Usage);
        assert!(err.contains("KM-5001"), "{err}");
    }
}
